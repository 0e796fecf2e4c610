/* Convolutions and dense layers of the cuda table. A dense layer is a 1x1 convolution of a picture of one pixel, and one with resizing has
 * stride 2 (resized_conv.cu), so that all take the same way through cuDNN.
 *
 * A plan is made at the first use of a shape and direction and kept: the fastest of the first few that suit (cudnn_plan.h), which is measured once in the life
 * of the plan cache (plan_cache.h) and then taken for ever, so the same seed gives the same bytes. Without a cache it is the heuristic's first.
 *
 * Convolutions run on the table's tensors as they are: float32, or pictures in bfloat16. cuDNN has one type for all three tensors, so for bf16 weights are
 * rounded on the way in, and their gradients, which cuDNN rounds to bfloat16 as well, are widened on the way out: parameters, gradients and moments are float32,
 * sums in a convolution float32. Dense layers stay in TF32 then: they take no time that is worth the loss. */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cuda.h"
#include "plan_cache.h"

static const int64_t WORKSPACE_LIMIT = (int64_t)1 << 30; /* bytes; tests/gpu/test_cudnn_plans.c shows what the layers ask for */
static const float WORTH_IT = .98f; /* of the best ranked plan's time: less is noise */

enum { CANDIDATES = 4, MEASURED_RUNS = 5 };

struct planned {
	struct plan_key key;
	struct cudnn_plan plan;
	int rc; /* of making it */
};

struct cuda_conv {
	cudnnHandle_t handle;
	struct plan_cache cache;
	cudaEvent_t begin, end;
	void *workspace;
	size_t workspace_size;
	struct planned *item;
	size_t count, capacity;
};

int cuda_conv_open(struct cuda *c)
{
	cudnnStatus_t status;
	cudaError_t event;
	if (!(c->conv = calloc(1, sizeof *c->conv)))
		return error_set(ERR_FAILED, "out of memory");
	c->conv->cache.file = -1;
	if ((status = cudnnCreate(&c->conv->handle)) || (status = cudnnSetStream(c->conv->handle, c->stream)))
		return error_set(ERR_FAILED, "cuDNN cannot start: %s", cudnnGetErrorString(status));
	if ((event = cudaEventCreateWithFlags(&c->conv->begin, cudaEventDefault)) || (event = cudaEventCreateWithFlags(&c->conv->end, cudaEventDefault)))
		return error_set(ERR_FAILED, "the GPU cannot be used: %s", cudaGetErrorString(event));
	return plan_cache_open(&c->conv->cache, c->gpu, cudnnGetVersion());
}

void cuda_conv_close(struct cuda *c)
{
	struct cuda_conv *l = c->conv;
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++)
		cudnn_plan_free(&l->item[i].plan);
	plan_cache_close(&l->cache);
	cudaFree(l->workspace);
	if (l->begin)
		cudaEventDestroy(l->begin);
	if (l->end)
		cudaEventDestroy(l->end);
	if (l->handle)
		cudnnDestroy(l->handle);
	free(l->item);
	free(l);
	c->conv = NULL;
}

const char *cuda_conv_cache(const struct cuda *c)
{
	return c->conv->cache.path;
}

/* -- running -- */

/* Device memory of a convolution: float32 or bfloat16 by the plan's precision. */
struct operands {
	void *x, *y, *w;
};

/* 0, or a failure that is not noted. */
static int run_plan(struct cuda *c, const struct cudnn_plan *plan, const struct operands *o)
{
	struct cuda_conv *l = c->conv;
	cuda_grow(c, &l->workspace, &l->workspace_size, (size_t)plan->workspace);
	return l->workspace_size < (size_t)plan->workspace ? 0 : cudnn_plan_run(plan, l->handle, o->x, o->y, o->w, plan->workspace ? l->workspace : NULL);
}

/* -- choosing a plan -- */

/* Milliseconds of one run; a negative code when it does not run. The first run, which loads what the engine needs, does not count. */
static float measure(struct cuda *c, const struct cudnn_plan *plan, const struct operands *o)
{
	struct cuda_conv *l = c->conv;
	float time = 0;
	int rc = run_plan(c, plan, o);
	cuda_note(c, cudaEventRecord(l->begin, c->stream), "measure a convolution");
	for (int i = 0; !rc && i < MEASURED_RUNS; i++)
		rc = run_plan(c, plan, o);
	cuda_note(c, cudaEventRecord(l->end, c->stream), "measure a convolution");
	cuda_wait(c, "measure a convolution");
	cuda_note(c, cudaEventElapsedTime(&time, l->begin, l->end), "measure a convolution");
	return rc ? (float)rc : time / MEASURED_RUNS;
}

/* The place of the fastest plan, or a negative code when none runs. */
static int fastest(struct cuda *c, const struct cudnn_plan *plans, int count, const struct operands *o)
{
	float best = -1;
	int place = ERR_FAILED;
	for (int i = 0; i < count && !c->failure; i++) {
		const float time = measure(c, &plans[i], o);
		if (time >= 0 && (place < 0 || time < WORTH_IT * best)) {
			best = time;
			place = i;
		}
	}
	return c->failure ? ERR_FAILED : place;
}

/* Measures the plans of a list while the cache is locked, unless another process has. */
static int measure_once(struct cuda *c, const struct plan_key *key, const struct cudnn_plan *plans, int count, const struct operands *o,
	struct plan_choice *choice)
{
	struct plan_cache *cache = &c->conv->cache;
	int rc = plan_cache_lock(cache);
	if (rc || (rc = plan_cache_find(cache, key, choice)) < 0 || rc)
		;
	else if ((rc = fastest(c, plans, count, o)) >= 0) {
		*choice = (struct plan_choice){ rc, plans[rc].engine };
		rc = plan_cache_keep(cache, key, choice);
	}
	plan_cache_unlock(cache);
	return rc < 0 ? rc : 0;
}

/* The plan that is kept for a key, or the fastest, or without a cache the heuristic's first. */
static int choose(struct cuda *c, struct planned *p, const struct operands *o)
{
	struct plan_cache *cache = &c->conv->cache;
	struct plan_choice choice = { 0, 0 };
	struct cudnn_plan plans[CANDIDATES];
	const int known = plan_cache_find(cache, &p->key, &choice), most = *cache->path ? CANDIDATES : 1;
	if (known < 0)
		return known;
	const int count = cudnn_plan_list(plans, most, (struct cudnn_target){ .handle = c->conv->handle }, &p->key.shape, p->key.direction, p->key.precision,
		WORKSPACE_LIMIT);
	if (count < 0)
		return count;
	int rc = known || !*cache->path ? 0 : measure_once(c, &p->key, plans, count, o, &choice);
	if (!rc && *cache->path && (choice.place >= count || plans[choice.place].engine != choice.engine))
		rc = error_set(ERR_FAILED, "cuDNN does not offer the plan that was chosen before; without '%s' plans are chosen anew, and a run that goes on may end "
			"in other bytes", cache->path);
	for (int i = 0; i < count; i++)
		if (!rc && i == choice.place)
			p->plan = plans[i];
		else
			cudnn_plan_free(&plans[i]);
	return rc;
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
static const struct cudnn_plan *find(struct cuda *c, const struct plan_key *key, const struct operands *o)
{
	struct cuda_conv *l = c->conv;
	for (size_t i = 0; i < l->count; i++) {
		struct planned *p = &l->item[i];
		if (p->key.direction == key->direction && p->key.precision == key->precision && conv_shape_equal(&p->key.shape, &key->shape)) {
			cuda_note_error(c, p->rc);
			return p->rc ? NULL : &p->plan;
		}
	}
	struct planned *p = add(c);
	if (!p)
		return NULL;
	*p = (struct planned){ .key = *key };
	p->rc = choose(c, p, o);
	cuda_note_error(c, p->rc);
	return p->rc ? NULL : &p->plan;
}

/* -- convolutions -- */

static void execute(struct cuda *c, const struct plan_key *key, const struct operands *o)
{
	const struct cudnn_plan *plan = find(c, key, o);
	if (plan)
		cuda_note_error(c, run_plan(c, plan, o));
}

static size_t aligned(size_t bytes)
{
	return (bytes + 255) / 256 * 256;
}

/* Pictures are bfloat16 as they are; the weights, or their gradient, have a rounded copy in scratch memory. */
static void convolve_rounded(struct cuda *c, const struct plan_key *key, struct tensor x, struct tensor y, float *w)
{
	const size_t count = (size_t)key->shape.out * 9 * (size_t)key->shape.in;
	void *rounded = cuda_scratch(c, count * sizeof(uint16_t));
	assert(layout_is_half(x) && layout_is_half(y));
	if (!rounded)
		return;
	if (key->direction != CONV_BACKWARD_WEIGHTS)
		cuda_to_bf16(c, rounded, w, count);
	execute(c, key, &(struct operands){ x.data, y.data, rounded });
	if (key->direction == CONV_BACKWARD_WEIGHTS)
		cuda_from_bf16(c, w, rounded, count);
}

/* weights: an output when the direction is to weights. */
static void convolve(struct backend *b, enum conv_direction direction, struct tensor x, struct tensor y, const float *weights)
{
	struct cuda *c = (struct cuda *)b;
	const struct plan_key key = { c->precision, direction, { x.n, (int)layout_channels(x.c), (int)layout_channels(y.c), x.h, x.w, 3 } };
	assert(x.c > 4 && y.c > 4 && x.n == y.n && x.h == y.h && x.w == y.w);
	if (c->precision == CUDA_BF16)
		convolve_rounded(c, &key, x, y, (float *)weights);
	else
		execute(c, &key, &(struct operands){ x.data, y.data, (float *)weights });
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

/* -- with resizing: a convolution with stride 2, large -> small, or one of its gradients -- */

struct resized {
	enum resizing way;
	struct tensor small, large;
	struct plan_key key;
	int out, in;    /* channels of the 3x3 convolution */
	void *weights;  /* of the one with stride 2, in scratch memory; NULL: there is none (noted) */
	float *spare;   /* of the size of `small`, when asked for */
};

static struct resized resized(struct cuda *c, enum resizing way, enum conv_direction direction, struct tensor small, struct tensor large, bool spare)
{
	const int s = (int)layout_channels(small.c), l = (int)layout_channels(large.c);
	const size_t weights = aligned(16 * (size_t)s * (size_t)l * (c->precision == CUDA_BF16 ? sizeof(uint16_t) : sizeof(float)));
	char *scratch = cuda_scratch(c, weights + (spare ? (size_t)small.n * small.sample_size * sizeof(float) : 0));
	assert(small.c > 4 && large.c > 4 && small.n == large.n && 2 * small.h == large.h && 2 * small.w == large.w);
	return (struct resized){ way, small, large, { c->precision, direction, { large.n, l, s, large.h, large.w, 4 } }, way == RESIZE_UP ? l : s,
		way == RESIZE_UP ? s : l, scratch, scratch ? (float *)(scratch + weights) : NULL };
}

/* Data of either side from the other, to `small` or `large` by the direction. */
static void resized_data(struct cuda *c, const struct resized *r, const float *w)
{
	if (!r->weights)
		return;
	cuda_resized_weights(c, r->way, r->weights, c->precision == CUDA_BF16, w, r->out, r->in);
	execute(c, &r->key, &(struct operands){ r->large.data, r->small.data, r->weights });
}

static void resized_weights(struct cuda *c, const struct resized *r, float *dw)
{
	if (!r->weights)
		return;
	execute(c, &r->key, &(struct operands){ r->large.data, r->small.data, r->weights });
	cuda_resized_gradient(c, r->way, dw, r->weights, c->precision == CUDA_BF16, r->out, r->in);
}

static void cuda_conv_up(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	struct cuda *c = (struct cuda *)b;
	const struct resized r = resized(c, RESIZE_UP, CONV_BACKWARD_DATA, x, y, false);
	resized_data(c, &r, w);
}

static void cuda_conv_up_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w, bool accumulate)
{
	struct cuda *c = (struct cuda *)b;
	struct resized r = resized(c, RESIZE_UP, CONV_FORWARD, dx, dy, accumulate);
	if (accumulate)
		r.small.data = r.spare;
	resized_data(c, &r, w);
	if (accumulate && r.spare)
		cuda_add(c, dx, r.small);
}

static void cuda_conv_up_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	struct cuda *c = (struct cuda *)b;
	const struct resized r = resized(c, RESIZE_UP, CONV_BACKWARD_WEIGHTS, x, dy, false);
	resized_weights(c, &r, dw);
}

static void cuda_conv_down(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	struct cuda *c = (struct cuda *)b;
	const struct resized r = resized(c, RESIZE_DOWN, CONV_FORWARD, y, x, false);
	resized_data(c, &r, w);
}

static void cuda_conv_down_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w)
{
	struct cuda *c = (struct cuda *)b;
	const struct resized r = resized(c, RESIZE_DOWN, CONV_BACKWARD_DATA, dy, dx, false);
	resized_data(c, &r, w);
}

static void cuda_conv_down_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	struct cuda *c = (struct cuda *)b;
	const struct resized r = resized(c, RESIZE_DOWN, CONV_BACKWARD_WEIGHTS, dy, x, false);
	resized_weights(c, &r, dw);
}

/* -- dense -- */

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
	execute(c, &key, &(struct operands){ from, to, (float *)weights });
	if (direction != CONV_BACKWARD_WEIGHTS && layout_is_half(result))
		cuda_to_bf16(c, result.data, direction == CONV_FORWARD ? to : from, (size_t)result.n * layout_values(result));
}

static bool small(struct tensor y)
{
	return layout_values(y) <= 4;
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
