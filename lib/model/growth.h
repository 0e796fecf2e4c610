/* How a network grew: the same latents through several scales of a run, side by side in one picture. */
#ifndef PGAN_GROWTH_H
#define PGAN_GROWTH_H

#include "picture.h"

struct growth_plan {
	const char *device, *group; /* as in sampler_plan */
	int threads;
	uint64_t seed;
	int64_t first; /* latents first … first + columns of the seed */
	int columns;
	const char *const *label; /* `labels` texts NAME=VALUE that every network knows */
	size_t labels;
};

/* path: `networks` network files, borrowed; a row of the picture for each, every image enlarged (nearest) to the side of the largest network's.
 * What grid_check() refuses, which is asked before anything is sampled: ERR_USAGE. */
int growth_picture(struct picture *, char *const *path, int networks, const struct growth_plan *) MUST_CHECK;

#endif
