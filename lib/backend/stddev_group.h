/* How a batch falls into groups for the minibatch standard deviation, the same in every table; included by device kernels too. */
#ifndef PGAN_STDDEV_GROUP_H
#define PGAN_STDDEV_GROUP_H

#include <assert.h>

#include "pointwise.h"

#define STDDEV_EPS 1e-8

/* Samples first, first + stride, …, `size` of them; the variance is a sum divided by q. */
struct stddev_group {
	int64_t first, stride;
	int size, q;
};

POINTWISE int64_t stddev_group_count(struct tensor x, struct stddev_groups s)
{
	assert(s.group >= 1 && s.batch % s.group == 0 && x.n % s.batch == 0);
	return x.n / s.group;
}

POINTWISE struct stddev_group stddev_group_at(struct stddev_groups s, int64_t index)
{
	const int64_t per_batch = s.batch / s.group, batch = index / per_batch, i = index % per_batch;
	struct stddev_group g;
	g.first = batch * s.batch + (s.strided ? i : i * s.group);
	g.stride = s.strided ? per_batch : 1;
	g.size = s.group;
	g.q = s.biased || s.group == 1 ? s.group : s.group - 1;
	return g;
}

POINTWISE int64_t stddev_member(struct stddev_group g, int i)
{
	return g.first + i * g.stride;
}

#endif
