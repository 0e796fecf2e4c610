/* Convolutions with resizing: the definition, by the table's own operations, with the large picture that no other operation sees in scratch memory. */
#include <stdlib.h>

#include "host_ops.h"
#include "size.h"

/* Scratch memory for a tensor like t, of twice the size; data is NULL after a failure. */
static struct tensor enlarged(struct backend *b, struct tensor t)
{
	struct host *host = (struct host *)b;
	struct tensor large = b->shape(b, t.n, t.c, 2 * t.h, 2 * t.w);
	size_t size;
	if (!size_mul((size_t)large.n, large.sample_size, &size))
		size = SIZE_MAX;
	if (size > host->large_size) {
		free(host->large);
		host->large = size_zalloc(size, sizeof *host->large);
		host->large_size = host->large ? size : 0;
		if (!host->large)
			host_fail(host, ERR_FAILED);
	}
	large.data = host->large;
	return large;
}

/* -- up: upsample(), then the convolution -- */

static void host_conv_up(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	const struct tensor up = enlarged(b, x);
	if (!up.data)
		return;
	b->upsample(b, up, x);
	b->conv(b, y, up, w);
}

static void host_conv_up_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w, bool accumulate)
{
	const struct tensor dup = enlarged(b, dx);
	if (!dup.data)
		return;
	b->conv_backward_data(b, dup, dy, w);
	b->upsample_backward(b, dx, dup, accumulate);
}

static void host_conv_up_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	const struct tensor up = enlarged(b, x);
	if (!up.data)
		return;
	b->upsample(b, up, x);
	b->conv_backward_weights(b, dw, up, dy);
}

/* -- down: the convolution, then pool() -- */

static void host_conv_down(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	const struct tensor full = enlarged(b, y);
	if (!full.data)
		return;
	b->conv(b, full, x, w);
	b->pool(b, y, full);
}

static void host_conv_down_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w)
{
	const struct tensor full = enlarged(b, dy);
	if (!full.data)
		return;
	b->pool_backward(b, full, dy);
	b->conv_backward_data(b, dx, full, w);
}

static void host_conv_down_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	const struct tensor full = enlarged(b, dy);
	if (!full.data)
		return;
	b->pool_backward(b, full, dy);
	b->conv_backward_weights(b, dw, x, full);
}

void host_conv_table(struct backend *b)
{
	b->conv_up = host_conv_up;
	b->conv_up_backward_data = host_conv_up_backward_data;
	b->conv_up_backward_weights = host_conv_up_backward_weights;
	b->conv_down = host_conv_down;
	b->conv_down_backward_data = host_conv_down_backward_data;
	b->conv_down_backward_weights = host_conv_down_backward_weights;
}
