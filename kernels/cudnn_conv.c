/* Convolutions and dense layers of the cuda table. A dense layer is a 1x1 convolution of a picture of one pixel,
 * so that both take the same way through cuDNN.
 *
 * A plan is made at the first use of a shape and direction and kept. The choice is the heuristic's first engine that suits (cudnn_plan.h), never the
 * fastest of a timing at run time: the same device and library take the same way every time, so the same seed gives the same bytes.
 *
 * fp32 and tf32 run on the table's tensors as they are. For bf16 operands are rounded to bfloat16 in scratch memory and the result, which cuDNN rounds to
 * bfloat16 as well (its convolutions have one type for all tensors), is widened again: parameters, activations, gradients and moments stay float32, sums
 * in the convolution are float32. Dense layers stay in TF32 then: they take no time that is worth the loss. */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cuda.h"

static const int64_t WORKSPACE_LIMIT = (int64_t)1 << 30; /* bytes; tests/gpu/cudnn_plans.c shows what the layers ask for */

struct planned {
	struct conv_shape shape;
	enum conv_direction direction;
	enum cuda_precision precision;
	struct cudnn_plan plan;
	int rc; /* of making it */
};

struct cuda_conv {
	cudnnHandle_t handle;
	struct planned *item;
	size_t count, capacity;
};

int cuda_conv_open(struct cuda *c)
{
	cudnnStatus_t status;
	if (!(c->conv = calloc(1, sizeof *c->conv)))
		return error_set(ERR_FAILED, "out of memory");
	if ((status = cudnnCreate(&c->conv->handle)) || (status = cudnnSetStream(c->conv->handle, c->stream)))
		return error_set(ERR_FAILED, "cuDNN cannot start: %s", cudnnGetErrorString(status));
	return 0;
}

void cuda_conv_close(struct cuda *c)
{
	struct cuda_conv *l = c->conv;
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++)
		cudnn_plan_free(&l->item[i].plan);
	if (l->handle)
		cudnnDestroy(l->handle);
	free(l->item);
	free(l);
	c->conv = NULL;
}

/* -- plans -- */

static bool shape_equal(const struct conv_shape *a, const struct conv_shape *b)
{
	return a->n == b->n && a->in == b->in && a->out == b->out && a->h == b->h && a->w == b->w && a->kernel == b->kernel;
}

static struct planned *add(struct cuda *c)
{
	struct cuda_conv *l = c->conv;
	if (l->count == l->capacity) {
		const size_t capacity = l->capacity ? 2 * l->capacity : 64;
		struct planned *grown = realloc(l->item, capacity * sizeof *grown);
		if (!grown) {
			cuda_note_error(c, error_set(ERR_FAILED, "out of memory"));
			return NULL;
		}
		l->item = grown;
		l->capacity = capacity;
	}
	return &l->item[l->count++];
}

/* The plan for a convolution; NULL (noted) when there is none. Valid until the next call. */
static const struct cudnn_plan *find(struct cuda *c, const struct conv_shape *shape, enum conv_direction direction, enum cuda_precision precision)
{
	struct cuda_conv *l = c->conv;
	for (size_t i = 0; i < l->count; i++) {
		struct planned *p = &l->item[i];
		if (p->direction == direction && p->precision == precision && shape_equal(&p->shape, shape)) {
			cuda_note_error(c, p->rc);
			return p->rc ? NULL : &p->plan;
		}
	}
	struct planned *p = add(c);
	if (!p)
		return NULL;
	*p = (struct planned){ .shape = *shape, .direction = direction, .precision = precision };
	p->rc = cudnn_plan_make(&p->plan, (struct cudnn_target){ .handle = l->handle }, shape, direction, precision, WORKSPACE_LIMIT);
	cuda_note_error(c, p->rc);
	return p->rc ? NULL : &p->plan;
}

/* -- running -- */

/* One of a convolution's three tensors: floats in the table's memory, and bytes in scratch memory when it is rounded. */
struct operand {
	float *data;
	size_t count;
	bool output;
	void *rounded;
};

static size_t aligned(size_t bytes)
{
	return (bytes + 255) / 256 * 256;
}

static void run_rounded(struct cuda *c, const struct cudnn_plan *plan, struct operand *x, struct operand *y, struct operand *w)
{
	struct operand *const all[] = { x, y, w };
	const size_t each = sizeof(uint16_t);
	char *at = cuda_scratch(c, aligned(x->count * each) + aligned(y->count * each) + aligned(w->count * each) + (size_t)plan->workspace);
	if (!at)
		return;
	for (int i = 0; i < 3; i++) {
		all[i]->rounded = at;
		at += aligned(all[i]->count * each);
		if (!all[i]->output)
			cuda_to_bf16(c, all[i]->rounded, all[i]->data, all[i]->count);
	}
	cuda_note_error(c, cudnn_plan_run(plan, c->conv->handle, x->rounded, y->rounded, w->rounded, at));
	for (int i = 0; i < 3; i++)
		if (all[i]->output)
			cuda_from_bf16(c, all[i]->data, all[i]->rounded, all[i]->count);
}

static void run(struct cuda *c, const struct conv_shape *shape, enum conv_direction direction, enum cuda_precision precision, struct tensor x, struct tensor y,
	const float *weights)
{
	const struct cudnn_plan *plan = find(c, shape, direction, precision);
	if (!plan)
		return;
	float *const data = (float *)weights; /* an output when the direction is to weights */
	if (precision == CUDA_BF16) {
		struct operand tx = { x.data, (size_t)x.n * x.sample_size, direction == CONV_BACKWARD_DATA, NULL };
		struct operand ty = { y.data, (size_t)y.n * y.sample_size, direction == CONV_FORWARD, NULL };
		struct operand tw = { data, (size_t)shape->out * (size_t)(shape->kernel * shape->kernel) * (size_t)shape->in, direction == CONV_BACKWARD_WEIGHTS, NULL };
		run_rounded(c, plan, &tx, &ty, &tw);
		return;
	}
	void *workspace = plan->workspace ? cuda_scratch(c, (size_t)plan->workspace) : NULL;
	if (workspace || !plan->workspace)
		cuda_note_error(c, cudnn_plan_run(plan, c->conv->handle, x.data, y.data, data, workspace));
}

static void convolve(struct backend *b, enum conv_direction direction, struct tensor x, struct tensor y, const float *w)
{
	struct cuda *c = (struct cuda *)b;
	const struct conv_shape shape = { x.n, (int)layout_channels(x.c), (int)layout_channels(y.c), x.h, x.w, 3 };
	assert(x.c > 4 && y.c > 4 && x.n == y.n && x.h == y.h && x.w == y.w);
	run(c, &shape, direction, c->precision, x, y, w);
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
	convolve(b, CONV_BACKWARD_WEIGHTS, x, dy, dw);
}

/* -- dense -- */

static void connect(struct backend *b, enum conv_direction direction, struct tensor x, struct tensor y, const float *w)
{
	struct cuda *c = (struct cuda *)b;
	const struct conv_shape shape = { x.n, (int)x.sample_size, (int)y.sample_size, 1, 1, 1 };
	assert(x.n == y.n && x.sample_size % 8 == 0 && y.sample_size % 8 == 0 && x.sample_size <= 1 << 30 && y.sample_size <= 1 << 30);
	run(c, &shape, direction, c->precision == CUDA_BF16 ? CUDA_TF32 : c->precision, x, y, w);
}

static bool small(struct tensor y)
{
	return y.sample_size <= 4;
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
	b->dense = cuda_dense;
	b->dense_backward_data = cuda_dense_backward_data;
	b->dense_backward_weights = cuda_dense_backward_weights;
}
