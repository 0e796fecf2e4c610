/* cudnn_plan.h by plain loops over NHWC, sums in float32 as on a GPU, operands rounded to the plan's precision.
 *
 * There are three engines, all as good. Number 1 is the fastest, or the one that PGAN_EMULATED_FASTEST says; the last bit of their results tells them apart. */
#include "cudnn_plan.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cuda_bf16.h"

enum { ENGINES = 3, WORKSPACE = 1000 }; /* bytes that are wanted and written to no purpose */

struct emulated_plan {
	struct conv_shape s;
	enum conv_direction direction;
	enum cuda_precision precision;
	int engine;
};

size_t cudnnGetVersion(void) { return 0; }
const char *cudnnGetErrorString(cudnnStatus_t status) { return (void)status, "success"; }
cudnnStatus_t cudnnCreate(cudnnHandle_t *handle) { return *handle = NULL, CUDNN_STATUS_SUCCESS; }
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) { return (void)handle, (void)stream, CUDNN_STATUS_SUCCESS; }
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return (void)handle, CUDNN_STATUS_SUCCESS; }

int cudnn_plan_list(struct cudnn_plan *plans, int most, struct cudnn_target target, const struct conv_shape *s, enum conv_direction direction,
	enum cuda_precision precision, int64_t workspace_limit)
{
	(void)target;
	(void)workspace_limit;
	if (s->in % 8 || s->out % 8)
		return error_set(ERR_FAILED, "the emulation has no plan for %d to %d channels", s->in, s->out);
	for (int i = 0; i < most && i < ENGINES; i++) {
		plans[i] = (struct cudnn_plan){ .plan = malloc(sizeof *plans[i].plan), .workspace = WORKSPACE, .engine = i };
		if (!plans[i].plan)
			abort();
		*plans[i].plan = (struct emulated_plan){ *s, direction, precision, i };
	}
	return most < ENGINES ? most : ENGINES;
}

void cudnn_plan_free(struct cudnn_plan *p)
{
	free(p->plan);
	p->plan = NULL;
}

/* A float of 10 bits of mantissa: tensor cores leave out the others of a float32. */
static float tf32(float x)
{
	uint32_t bits;
	memcpy(&bits, &x, sizeof bits);
	bits &= ~0x1fffu;
	memcpy(&x, &bits, sizeof x);
	return x;
}

static float get(const struct emulated_plan *p, const void *from, size_t i)
{
	if (p->precision == CUDA_BF16)
		return __bfloat162float(((const __nv_bfloat16 *)from)[i]);
	const float value = ((const float *)from)[i];
	return p->precision == CUDA_TF32 ? tf32(value) : value;
}

static void put(const struct emulated_plan *p, void *to, size_t i, float value)
{
	if (p->precision == CUDA_BF16)
		((__nv_bfloat16 *)to)[i] = __float2bfloat16_rn(value);
	else
		((float *)to)[i] = (float)(value * (1 + p->engine * 0x1p-23));
}

/* Adds scale * from[0 … count) to sum. */
static void add(const struct emulated_plan *p, float *sum, float scale, const void *from, size_t at, int count)
{
	for (int i = 0; i < count; i++)
		sum[i] += scale * get(p, from, at + (size_t)i);
}

struct call {
	const struct emulated_plan *plan;
	void *x, *y, *w, *workspace;
};

/* One of the three tensors is the result: sums of products over the positions where all three meet. */
static void convolve(void *arg)
{
	const struct call *call = arg;
	const struct emulated_plan *p = call->plan;
	void *x = call->x, *y = call->y, *w = call->w;
	const struct conv_shape *s = &p->s;
	const int stride = conv_stride(s), pad = conv_padding(s), h = s->h / stride, wide = s->w / stride; /* of y */
	const size_t in = (size_t)s->in, out = (size_t)s->out, taps = (size_t)(s->kernel * s->kernel);
	const size_t size = p->direction == CONV_FORWARD ? (size_t)(s->n * h * wide) * out : p->direction == CONV_BACKWARD_DATA ? (size_t)(s->n * s->h * s->w) * in
	                                                                                                                          : out * taps * in;
	void *result = p->direction == CONV_FORWARD ? y : p->direction == CONV_BACKWARD_DATA ? x : w;
	float *sum = calloc(size, sizeof *sum);
	if (!sum)
		abort();
	memset(call->workspace, 0x55, WORKSPACE);
	const char *fastest = getenv("PGAN_EMULATED_FASTEST");
	emulated_wait(p->engine == (fastest ? atoi(fastest) : 1) ? 1 : 2 + p->engine);
	for (int64_t n = 0; n < s->n; n++)
		for (int r = 0; r < h; r++)
			for (int c = 0; c < wide; c++)
				for (int t = 0; t < s->kernel * s->kernel; t++) {
					const int fr = r * stride + t / s->kernel - pad, fc = c * stride + t % s->kernel - pad;
					if (fr < 0 || fr >= s->h || fc < 0 || fc >= s->w)
						continue;
					const size_t px = ((size_t)n * (size_t)s->h + (size_t)fr) * (size_t)s->w + (size_t)fc;
					const size_t py = ((size_t)n * (size_t)h + (size_t)r) * (size_t)wide + (size_t)c;
					for (size_t o = 0; o < out; o++) {
						const size_t pw = (o * taps + (size_t)t) * in;
						if (p->direction == CONV_FORWARD)
							for (size_t i = 0; i < in; i++)
								sum[py * out + o] += get(p, x, px * in + i) * get(p, w, pw + i);
						else if (p->direction == CONV_BACKWARD_DATA)
							add(p, sum + px * in, get(p, y, py * out + o), w, pw, s->in);
						else
							add(p, sum + pw, get(p, y, py * out + o), x, px * in, s->in);
					}
				}
	for (size_t i = 0; i < size; i++)
		put(p, result, i, sum[i]);
	free(sum);
}

int cudnn_plan_run(const struct cudnn_plan *plan, cudnnHandle_t handle, void *x, void *y, void *w, void *workspace)
{
	const struct call call = { plan->plan, x, y, w, workspace };
	(void)handle;
	emulated_queue(convolve, &call, sizeof call);
	return 0;
}
