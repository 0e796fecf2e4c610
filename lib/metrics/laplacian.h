/* Laplacian pyramids (Burt and Adelson 1983) as the published SWD takes them: 5x5 binomial filter, edges mirrored without repeating the edge pixel.
 * Level k holds what is lost from side R / 2^k to the next; the last one is the low-pass rest. */
#ifndef PGAN_LAPLACIAN_H
#define PGAN_LAPLACIAN_H

#include "error.h"
#include "metric_device.h"

struct laplacian {
	int c, side, levels; /* channels, pixels of level 0, and levels, the rest included */
	float *level[LAPLACIAN_LEVELS]; /* level[k]: (c, side >> k, side >> k), owned */
	float *row;                     /* scratch, owned */
};

/* Levels down to a rest of 16 pixels: 1 for 16, 4 for 128; 0 when the side is not 16 * 2^k. */
int laplacian_levels(int side);

/* Room for one image's pyramid. ERR_USAGE when `levels` halvings of side do not go (the rest needs a side of at least 2, every level above it an even one). */
int laplacian_alloc(struct laplacian *, int c, int side, int levels) MUST_CHECK;
void laplacian_free(struct laplacian *); /* a zeroed struct is fine */

/* image: (c,side,side), any unit, may be level[0] itself -> levels first … last in the same unit. What the others hold
 * afterwards is of no use. */
void laplacian_build(struct laplacian *, const float *image, int first, int last);

/* The inverse: adds the levels up again, in place; the image is level[0] afterwards. */
void laplacian_collapse(struct laplacian *);

#endif
