/* Structural similarity of one pair of images at five scales, on the processor (Wang, Simoncelli and Bovik 2003). */
#ifndef PGAN_SSIM_H
#define PGAN_SSIM_H

#include "metric_device.h"

struct ssim; /* scratch memory of one thread */

int ssim_open(struct ssim **, const struct ssim_plan *) MUST_CHECK;
void ssim_close(struct ssim **); /* NULL is fine */

/* means (SSIM_SCALES, c, 2) of pair i. */
void ssim_pair(struct ssim *, double *means, const struct ssim_pairs *, int64_t i);

#endif
