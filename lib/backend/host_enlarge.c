/* Convolutions of enlarged pictures: the definition, by the table's own operations, with the enlarged picture in scratch memory. */
#include <stdlib.h>

#include "host_ops.h"
#include "size.h"

/* Scratch memory for x enlarged; data is NULL after a failure. */
static struct tensor enlarged(struct backend *b, struct tensor x)
{
	struct host *host = (struct host *)b;
	struct tensor t = b->shape(b, x.n, x.c, 2 * x.h, 2 * x.w);
	const size_t size = (size_t)t.n * t.sample_size;
	if (size > host->enlarged_size) {
		free(host->enlarged);
		host->enlarged = size_zalloc(size, sizeof *host->enlarged);
		host->enlarged_size = host->enlarged ? size : 0;
		if (!host->enlarged)
			host->failure = ERR_FAILED;
	}
	t.data = host->enlarged;
	return t;
}

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

void host_enlarge_table(struct backend *b)
{
	b->conv_up = host_conv_up;
	b->conv_up_backward_data = host_conv_up_backward_data;
	b->conv_up_backward_weights = host_conv_up_backward_weights;
}
