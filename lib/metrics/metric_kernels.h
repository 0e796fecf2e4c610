/* The inner loops of the metrics, as the processor can do them best. Private to lib/metrics. */
#ifndef PGAN_METRIC_KERNELS_H
#define PGAN_METRIC_KERNELS_H

#include <stddef.h>

enum {
	SLICED_BLOCK = 32, /* descriptors that are projected together */
	SLICED_MAX_TILE = 8
};

struct metric_kernels {
	int tile; /* directions come in multiples of it, at most SLICED_MAX_TILE */

	/* Halves a plane: in (side,side) -> out (side/2,side/2). row: side + 4 floats of scratch. side: even, at least 4. */
	void (*down)(float *out, const float *in, int side, float *row);

	/* out (side,side) += sign * (in doubled), in (side/2,side/2). row: side / 2 + 2 floats of scratch. */
	void (*up)(float *out, const float *in, int side, float sign, float *row);

	/* out[d * pitch + j] = offset[d] + sum over k of u[d][k] * x[k][j] for SLICED_BLOCK descriptors j. x: (length,SLICED_BLOCK);
	 * u: (directions/tile, length, tile); offset: (directions). */
	void (*project)(float *out, size_t pitch, const float *x, const float *u, const float *offset, int length, int directions);
};

/* The best table for this processor. */
const struct metric_kernels *metric_kernels(void);

extern const struct metric_kernels metric_loops, metric_loops_avx2, metric_loops_avx512;

#endif
