/* Images of a network in training, made by the step's own generator, so that no further memory is needed. */
#ifndef PGAN_DRAW_H
#define PGAN_DRAW_H

#include "trainer.h"

/* The first n images of pgan-sample with the run's seed, after a step, with the parameters w of G or its average. bytes: (n,3,R,R). Overwrites the latents
 * and images of the step, which the next one fills in anew. */
int draw_images(struct trainer *, const float *w, int64_t n, uint8_t *bytes) MUST_CHECK;

#endif
