/* The inner loops of the metrics, as the processor can do them best. Private to lib/metrics. */
#ifndef PGAN_METRIC_KERNELS_H
#define PGAN_METRIC_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SLICED_BLOCK = 32, /* descriptors that are projected together */
	SSIM_PLANES = 4,
	SSIM_PADDING = 16 /* doubles beside a row that may be read */
};

/* What a similarity is computed under. */
struct ssim_window {
	const double *weight; /* (size): applied along both axes, where the window fits whole; borrowed */
	int size;
	double c1, c2; /* the two constants of Wang et al. */
	bool clip;     /* negative contrast-structure terms count 0 */
};

struct metric_kernels {
	int tile; /* directions come in multiples of it */

	/* Halves a plane: in (side,side) -> out (side/2,side/2). row: side + 4 floats of scratch. side: even, at least 4. */
	void (*down)(float *out, const float *in, int side, float *row);

	/* out (side,side) += sign * (in doubled), in (side/2,side/2). row: side / 2 + 2 floats of scratch. */
	void (*up)(float *out, const float *in, int side, float sign, float *row);

	/* out[d * pitch + j] = offset[d] + sum over k of u[d][k] * x[k][j] for SLICED_BLOCK descriptors j. x: (length,SLICED_BLOCK);
	 * u: (directions/tile, length, tile); offset: (directions). */
	void (*project)(float *out, size_t pitch, const float *x, const float *u, const float *offset, int length, int directions);

	/* Lowers *low and raises *high to the range of n values. */
	void (*range)(const float *x, size_t n, float *low, float *high);

	/* out[i] = (x[i] - low) * scale, towards 0. */
	void (*fixed)(int32_t *out, const float *x, size_t n, float low, float scale);

	/* Structural similarity of two planes a, b (Wang et al. 2003).
	 * planes: a, b, a^2 + b^2, a b, each (side,pitch), pitch a multiple of SSIM_PADDING, zeros right of side. scratch: SSIM_PLANES rows of
	 * pitch + SSIM_PADDING, zeros beyond pitch. sums[0]: the sum of the similarities over all places of the window; sums[1]: of their
	 * contrast-structure part alone. */
	void (*ssim)(double sums[2], const double *planes, int side, size_t pitch, const struct ssim_window *, double *scratch);
};

/* The best table for this processor. */
const struct metric_kernels *metric_kernels(void);

extern const struct metric_kernels metric_loops, metric_loops_avx2, metric_loops_avx512;

#endif
