/* What the tables in host memory have in common: plain memory, the step's scalars and sums, and the operations whose tensors are the same
 * in every host layout: planar images and scores, one value per channel (h = w = 1), and maps of each float by itself. */
#ifndef PGAN_HOST_OPS_H
#define PGAN_HOST_OPS_H

#include "backend.h"

/* A table in host memory begins with this. */
struct host {
	struct backend table;
	double sums[STEP_SUMS];
	float *large; /* scratch memory of host_conv.c */
	size_t large_size;
	int failure; /* the first since the last check(), with its text; 0: none */
	char failure_text[1024];
};

/* Pixels of a channel. */
static inline size_t tensor_area(struct tensor t)
{
	return (size_t)t.h * (size_t)t.w;
}

static inline float *tensor_sample(struct tensor t, int64_t i)
{
	return t.data + (size_t)i * t.sample_size;
}

/* Keeps a failure, of which error_set() has just said what it is, unless there was one before; 0 is none. */
void host_fail(struct host *, int rc);

/* Fills in notes, alloc, release, copy, check, join, all_reduce, set_scalars, read_sums, convolutions with resizing, fade, fade_backward, the losses, the
 * inputs and the updates. */
void host_table(struct backend *);
/* Part of it: convolutions with resizing, by the table's own operations. */
void host_conv_table(struct backend *);
/* Releases what these operations have allocated; the table itself is the caller's. */
void host_close(struct host *);

#endif
