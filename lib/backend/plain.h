/* The `plain` table: every operation as the obvious loop over NCHW, sums in double: the oracle of the other tables. */
#ifndef PGAN_PLAIN_H
#define PGAN_PLAIN_H

#include "host_ops.h"

/* Each fills in the operations of its file. */
void plain_linear_table(struct backend *); /* convolution, dense, RGB */
void plain_point_table(struct backend *);  /* activation, pixel norm, resizing */
void plain_stddev_table(struct backend *); /* minibatch standard deviation */

/* Plane c of sample i. */
static inline float *plain_plane(struct tensor t, int64_t i, int c)
{
	return t.data + (size_t)i * t.sample_size + (size_t)c * tensor_area(t);
}

#endif
