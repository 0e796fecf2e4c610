/* Convolutions and dense layers of the cuda table. A dense layer is a 1x1 convolution of a picture of one pixel, and one with resizing has
 * stride 2 (resized_conv.cu), so that all take the same way through cuDNN.
 *
 * Convolutions run on the table's tensors as they are: float32, or pictures in bfloat16. cuDNN has one type for all three tensors, so for bf16 weights are
 * rounded on the way in, and their gradients, which cuDNN rounds to bfloat16 as well, are widened on the way out: parameters, gradients and moments are
 * float32, sums in a convolution float32. Dense layers stay in TF32 then: they take no time that is worth the loss. */
#include <assert.h>

#include "cuda_conv.h"

/* -- convolutions -- */

static void convolve(struct backend *b, enum conv_direction direction, struct tensor x, struct tensor y, const float *w)
{
	struct cuda *c = (struct cuda *)b;
	const int in = (int)layout_channels(x.c), out = (int)layout_channels(y.c);
	const struct plan_key key = { c->precision, direction, { x.n, in, out, x.h, x.w, 3 } };
	assert(!tensor_is_planar(x) && !tensor_is_planar(y) && x.n == y.n && x.h == y.h && x.w == y.w);
	void *const weights = c->precision == CUDA_BF16 ? conv_weights(c, WEIGHTS_ROUNDED, w, out, in) : (float *)w;
	if (weights)
		conv_execute(c, &key, &(struct operands){ x.data, y.data, weights });
}

static void cuda_conv(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	convolve(b, CONV_FORWARD, x, y, w);
}

static void cuda_conv_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w)
{
	convolve(b, CONV_BACKWARD_DATA, dx, dy, w);
}

static void cuda_conv_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	struct cuda *c = (struct cuda *)b;
	const int in = (int)layout_channels(x.c), out = (int)layout_channels(dy.c);
	const size_t count = 9 * (size_t)out * (size_t)in;
	const struct plan_key key = { c->precision, CONV_BACKWARD_WEIGHTS, { x.n, in, out, x.h, x.w, 3 } };
	assert(!tensor_is_planar(x) && !tensor_is_planar(dy) && x.n == dy.n && x.h == dy.h && x.w == dy.w);
	void *const result = c->precision == CUDA_BF16 ? cuda_scratch(c, count * sizeof(uint16_t)) : dw;
	if (!result)
		return;
	conv_execute(c, &key, &(struct operands){ x.data, dy.data, result });
	if (result != dw)
		cuda_from_bf16(c, dw, result, count);
}

/* -- with resizing: one with stride 2, large -> small, or one of its gradients -- */

static struct plan_key resized_key(const struct cuda *c, enum conv_direction direction, struct tensor small, struct tensor large)
{
	assert(!tensor_is_planar(small) && !tensor_is_planar(large) && small.n == large.n && 2 * small.h == large.h && 2 * small.w == large.w);
	return (struct plan_key){ c->precision, direction, { large.n, (int)layout_channels(large.c), (int)layout_channels(small.c), large.h, large.w, 4 } };
}

/* Channels of the 3x3 convolution, with padding. */
static int resized_out(enum resizing way, const struct plan_key *k) { return way == RESIZE_UP ? k->shape.in : k->shape.out; }
static int resized_in(enum resizing way, const struct plan_key *k) { return way == RESIZE_UP ? k->shape.out : k->shape.in; }

static void convolve_resized(struct backend *b, enum resizing way, enum conv_direction direction, struct tensor small, struct tensor large, const float *w)
{
	struct cuda *c = (struct cuda *)b;
	const struct plan_key key = resized_key(c, direction, small, large);
	void *const v = conv_weights(c, way == RESIZE_UP ? WEIGHTS_UP : WEIGHTS_DOWN, w, resized_out(way, &key), resized_in(way, &key));
	if (v)
		conv_execute(c, &key, &(struct operands){ large.data, small.data, v });
}

static void resized_gradient(struct backend *b, enum resizing way, float *dw, struct tensor small, struct tensor large)
{
	struct cuda *c = (struct cuda *)b;
	const struct plan_key key = resized_key(c, CONV_BACKWARD_WEIGHTS, small, large);
	void *const dv = cuda_scratch(c, 16 * (size_t)key.shape.in * (size_t)key.shape.out * conv_value_size(c));
	if (!dv)
		return;
	conv_execute(c, &key, &(struct operands){ large.data, small.data, dv });
	cuda_resized_gradient(c, way, dw, dv, c->precision == CUDA_BF16, resized_out(way, &key), resized_in(way, &key));
}

static void cuda_conv_up(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	convolve_resized(b, RESIZE_UP, CONV_BACKWARD_DATA, x, y, w);
}

static void cuda_conv_up_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w, bool accumulate)
{
	struct cuda *c = (struct cuda *)b;
	struct tensor to = dx;
	if (accumulate && !(to.data = cuda_scratch(c, (size_t)dx.n * dx.sample_size * sizeof(float))))
		return;
	convolve_resized(b, RESIZE_UP, CONV_FORWARD, to, dy, w);
	if (accumulate)
		cuda_add(c, dx, to);
}

static void cuda_conv_up_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	resized_gradient(b, RESIZE_UP, dw, x, dy);
}

static void cuda_conv_down(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	convolve_resized(b, RESIZE_DOWN, CONV_FORWARD, y, x, w);
}

static void cuda_conv_down_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w)
{
	convolve_resized(b, RESIZE_DOWN, CONV_BACKWARD_DATA, dy, dx, w);
}

static void cuda_conv_down_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	resized_gradient(b, RESIZE_DOWN, dw, dy, x);
}

/* -- dense -- */

static size_t aligned(size_t bytes)
{
	return (bytes + 255) / 256 * 256;
}

/* One side of a dense layer as floats: as it is, or a copy at *at, which moves on. */
static float *floats_of(struct cuda *c, struct tensor t, bool output, char **at)
{
	const size_t count = (size_t)t.n * layout_values(t);
	float *copy = (float *)*at;
	if (!layout_is_half(t))
		return t.data;
	*at += aligned(count * sizeof *copy);
	if (!output)
		cuda_from_bf16(c, copy, t.data, count);
	return copy;
}

/* In float32 and TF32 alone. */
static void connect(struct backend *b, enum conv_direction direction, struct tensor x, struct tensor y, const float *weights)
{
	struct cuda *c = (struct cuda *)b;
	const size_t in = layout_values(x), out = layout_values(y);
	const struct plan_key key = { c->precision == CUDA_BF16 ? CUDA_TF32 : c->precision, direction, { x.n, (int)in, (int)out, 1, 1, 1 } };
	const struct tensor result = direction == CONV_FORWARD ? y : x;
	const size_t copy_x = layout_is_half(x) ? aligned((size_t)x.n * in * sizeof(float)) : 0;
	const size_t copy_y = layout_is_half(y) ? aligned((size_t)y.n * out * sizeof(float)) : 0;
	const size_t copies = copy_x + copy_y;
	char *at = copies ? cuda_scratch(c, copies) : NULL;
	assert(x.n == y.n && in % 8 == 0 && out % 8 == 0 && in <= 1 << 30 && out <= 1 << 30);
	if (copies && !at)
		return;
	float *const from = floats_of(c, x, direction == CONV_BACKWARD_DATA, &at), *const to = floats_of(c, y, direction == CONV_FORWARD, &at);
	conv_execute(c, &key, &(struct operands){ from, to, (float *)weights });
	if (direction != CONV_BACKWARD_WEIGHTS && layout_is_half(result))
		cuda_to_bf16(c, result.data, direction == CONV_FORWARD ? to : from, (size_t)result.n * layout_values(result));
}

static bool small(struct tensor y)
{
	return layout_values(y) <= PLANAR_CHANNELS;
}

static void cuda_dense(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	if (small(y))
		cuda_small_dense((struct cuda *)b, y, x, w);
	else
		connect(b, CONV_FORWARD, x, y, w);
}

static void cuda_dense_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w)
{
	if (small(dy))
		cuda_small_dense_backward_data((struct cuda *)b, dx, dy, w);
	else
		connect(b, CONV_BACKWARD_DATA, dx, dy, w);
}

static void cuda_dense_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	if (small(dy))
		cuda_small_dense_backward_weights((struct cuda *)b, dw, x, dy);
	else
		connect(b, CONV_BACKWARD_WEIGHTS, x, dy, dw);
}

void cuda_conv_table(struct backend *b)
{
	b->conv = cuda_conv;
	b->conv_backward_data = cuda_conv_backward_data;
	b->conv_backward_weights = cuda_conv_backward_weights;
	b->conv_up = cuda_conv_up;
	b->conv_up_backward_data = cuda_conv_up_backward_data;
	b->conv_up_backward_weights = cuda_conv_up_backward_weights;
	b->conv_down = cuda_conv_down;
	b->conv_down_backward_data = cuda_conv_down_backward_data;
	b->conv_down_backward_weights = cuda_conv_down_backward_weights;
	b->dense = cuda_dense;
	b->dense_backward_data = cuda_dense_backward_data;
	b->dense_backward_weights = cuda_dense_backward_weights;
}
