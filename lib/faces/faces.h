/* Drawn faces, framed as CelebA frames its own: the embedded default data. */
#ifndef PGAN_FACES_H
#define PGAN_FACES_H

#include "picture.h"

enum { FACE_WIDTH = 178, FACE_HEIGHT = 218 };

/* Draws face k of a seed, a function of (seed, k) alone: eyes near (69,111) and (109,111), mouth near (89,152), so that the 128 x 128 pixels
 * around (89,121) show the face. Allocates *p: RGB, FACE_WIDTH x FACE_HEIGHT. Threads may draw at the same time. */
int face_draw(struct picture *p, uint64_t seed, uint32_t k) MUST_CHECK;

#endif
