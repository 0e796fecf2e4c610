/* Descriptors (7x7 patches of all channels) and their projections: the parts of the sliced Wasserstein distance. */
#ifndef PGAN_SLICED_H
#define PGAN_SLICED_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "metric_device.h"
#include "metric_kernels.h"

/* Where descriptors lie: pixel (y,x) of channel c of descriptor j is at[j][c * plane + y * row + x]. */
struct patch_layout {
	int c;
	size_t row, plane;
};

/* Upper left corner of patch `index` of a set, both coordinates uniform in [0,bound). substream tells sets and levels apart. */
void patch_corner(uint64_t seed, uint32_t substream, uint64_t index, uint32_t bound, uint32_t *y, uint32_t *x);

/* Adds n descriptors. */
void patch_sums_add(struct patch_sums *, const float *const *at, size_t n, struct patch_layout);

/* Mean and standard deviation (of the population, as published) per channel. */
struct patch_stats {
	double mean[SLICED_CHANNELS], deviation[SLICED_CHANNELS];
};

/* sums over n descriptors -> *out. ERR_INPUT, naming the set, when a channel is constant: it cannot be standardized. */
int patch_stats_from(struct patch_stats *out, const struct patch_sums *, size_t n, int c, const char *name) MUST_CHECK;

/* n random unit vectors of `length` values: number first … first + n of the seed and level. out: (n,length). */
void sliced_directions(float *out, uint64_t seed, uint32_t level, size_t first, size_t n, size_t length);

/* Folds a set's standardization into n directions (n, c * 49), in place, so that descriptors are projected as they are; offset: (n).
 * u . (x - mean) / deviation = sum over k of (u_k / deviation) x_k - sum over k of u_k mean / deviation. */
void sliced_standardize(float *directions, float *offset, int n, int c, const struct patch_stats *);

/* Projections on directions. */
struct projector {
	int n, length;        /* n: directions, rounded up to whole tiles */
	float *u, *offset;    /* as metric_kernels.h wants them; owned */
	float *packed;        /* (length, SLICED_BLOCK) per thread, owned */
	int threads;
};

int projector_open(struct projector *, int max_directions, int c) MUST_CHECK;
void projector_close(struct projector *); /* a zeroed struct is fine */

/* Rows that `out` of projector_run needs for n directions: some may be written beyond n. */
int projector_rows(int n);

/* directions: (n, c * 49), n at most max_directions; offset: (n). */
void projector_aim(struct projector *, const float *directions, const float *offset, int n, int c);

/* Projects SLICED_BLOCK descriptors: out[d * pitch + j]. May be called by several threads, each with its own number. */
void projector_run(const struct projector *, int thread, float *out, size_t pitch, const float *const at[SLICED_BLOCK], struct patch_layout);

#endif
