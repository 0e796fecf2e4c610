/* What the models do with tensors. Allocation of many: the first failure sticks, so that a plan reads as a list. */
#ifndef PGAN_TENSORS_H
#define PGAN_TENSORS_H

#include "backend.h"

struct tensors {
	struct backend *be;
	int rc; /* 0 or the first failure */
};

static inline struct tensor tensors_make(struct tensors *t, int64_t n, int c, int side)
{
	struct tensor x = { 0 };
	if (!t->rc)
		t->rc = backend_tensor(t->be, &x, n, c, side, side);
	return x;
}

/* Values without padding, as upload() and download() take them. */
static inline size_t tensor_values(struct tensor t)
{
	return (size_t)(t.n * t.c * t.h * t.w);
}

/* A tensor with the shape of another, in memory that several of them use in turn. */
static inline struct tensor tensor_in_place(float *data, struct tensor shape)
{
	shape.data = data;
	return shape;
}

/* One allocation large enough for n samples of any of the `count` tensors, which use it in turn (tensor_in_place()); as a tensor without a shape of its own. */
static inline struct tensor tensors_make_largest(struct tensors *t, int64_t n, const struct tensor *shape, size_t count)
{
	struct tensor x = { 0 };
	for (size_t i = 0; i < count; i++)
		x.sample_size = shape[i].sample_size > x.sample_size ? shape[i].sample_size : x.sample_size;
	if (!t->rc && x.sample_size && !(x.data = t->be->alloc(t->be, (size_t)n * x.sample_size)))
		t->rc = ERR_FAILED;
	return x;
}

static inline void tensors_free(struct backend *be, struct tensor *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (x[i].data)
			be->release(be, x[i].data);
		x[i].data = NULL;
	}
}

#endif
