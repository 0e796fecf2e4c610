/* The `cpu` table: convolutions and dense layers by products of matrices of our own, vector loops for the rest; oneDNN for direct convolutions.
 *
 * Layout: up to PLANAR_CHANNELS channels planar; above, channels in blocks of one vector register ("nChw16c" with AVX-512, "nChw8c" with AVX2), the last block
 * padded with zeros. Convolution weights are blocked [out/B][in/B][3][3][in B][out B], the layout that oneDNN's kernels read and write, so parameters,
 * gradients, moments and averages stay in it and nothing is reordered in a step. */
#ifndef PGAN_CPU_H
#define PGAN_CPU_H

#include "host_ops.h"

struct cpu_linear; /* cpu_linear.c: oneDNN's engine and primitives */

/* A linear map and its gradients, as in the table. */
struct cpu_linear_maps {
	void (*forward)(struct backend *, struct tensor y, struct tensor x, const float *w);
	void (*backward_data)(struct backend *, struct tensor dx, struct tensor dy, const float *w);
	void (*backward_weights)(struct backend *, float *dw, struct tensor x, struct tensor dy);
};

struct cpu {
	struct host host; /* first: the table */
	int block;        /* channels per block: 16 or 8 */
	struct cpu_linear *linear;
	struct cpu_linear_maps winograd, dense; /* cpu_winograd.h: pictures are whole tiles of 4x4; cpu_dense.h: samples are whole vectors */
	char details[64];
	void *scratch; /* of an operation, one for all */
	size_t scratch_size;
};

static inline int cpu_blocks(int channels, int block)
{
	return channels <= PLANAR_CHANNELS ? channels : (channels + block - 1) / block;
}

/* The point-wise operations, Winograd convolutions and dense layers for one vector length; cpu_table.h compiled twice. */
void cpu_table_avx512(struct cpu *);
void cpu_table_avx2(struct cpu *);

/* Convolutions and dense layers. */
int cpu_linear_open(struct cpu *, bool direct) MUST_CHECK;
void cpu_linear_close(struct cpu *);
void cpu_linear_table(struct backend *);

/* The table's own scratch memory: n * size bytes aligned to 64, of any content, that stay until the next call. NULL sets the table's failure. */
void *cpu_scratch(struct cpu *, size_t n, size_t size);

/* The same, zeroed: for sums. */
void *cpu_zeros(struct cpu *, size_t n, size_t size);

#endif
