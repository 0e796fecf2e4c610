/* Allocation of many tensors: the first failure sticks, so that a plan reads as a list. */
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

static inline void tensors_free(struct backend *be, struct tensor *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (x[i].data)
			be->release(be, x[i].data);
		x[i].data = NULL;
	}
}

#endif
