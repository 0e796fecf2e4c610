/* Pictures of how a run is getting on: grids of what G and its average make of the same latents every time. */
#ifndef PGAN_PREVIEW_H
#define PGAN_PREVIEW_H

#include "trainer.h"

/* Writes folder/G-NNNNNN.png and folder/avgG-NNNNNN.png, numbered by the trainer's iteration, after a step. The latents, and labels, are the first `images` of
 * pgan-sample with the same seed. */
int preview_write(struct trainer *, const char *folder, int64_t images) MUST_CHECK;

/* Removes the pictures of an earlier run. A folder that is not there is fine. */
int preview_clear(const char *folder) MUST_CHECK;

#endif
