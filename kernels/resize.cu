/* Halving and doubling pictures, and mixing the old and the new path while a scale fades in. A planar tensor is planes of one value a
 * pixel, features are one plane a sample of `width` values a pixel: one kernel for both. */
#include "device.cuh"

/* The small pictures: planes of h x w pixels of `width` values. */
struct planes {
	int64_t packs;
	int h, w, width;
};

/* Offset of value `at` (of the small pictures) in the upper left pixel of its block in the large ones. */
__device__ inline int64_t corner_of(struct planes s, int64_t at)
{
	const int64_t pixel = at / s.width, row = pixel / s.w, column = pixel % s.w, plane = row / s.h;
	return ((plane * 2 * s.h + row % s.h * 2) * 2 * s.w + column * 2) * s.width + at % s.width;
}

/* Offset of pixel k of a block from its corner. */
__device__ inline int64_t block_offset(struct planes s, int k)
{
	return ((int64_t)(k / 2) * 2 * s.w + k % 2) * s.width;
}

/* small = (accumulate: +=) factor * sum of the block. */
template <int V> __global__ static void gather_kernel(struct values small, struct values large, struct planes s, float factor, bool accumulate)
{
	const int64_t i = thread_index() * V;
	if (i >= s.packs * V)
		return;
	const int64_t corner = corner_of(s, i);
	pack<V> sum = {};
	for (int k = 0; k < 4; k++) {
		const pack<V> p = load<V>(large, corner + block_offset(s, k));
		for (int v = 0; v < V; v++)
			sum.v[v] += p.v[v];
	}
	const pack<V> before = accumulate ? load<V>(small, i) : pack<V>{};
	for (int v = 0; v < V; v++)
		sum.v[v] = factor * sum.v[v] + before.v[v];
	store<V>(small, i, sum);
}

/* Every pixel of the block = factor * small. */
template <int V> __global__ static void spread_kernel(struct values large, struct values small, struct planes s, float factor)
{
	const int64_t i = thread_index() * V;
	if (i >= s.packs * V)
		return;
	const int64_t corner = corner_of(s, i);
	pack<V> p = load<V>(small, i);
	for (int v = 0; v < V; v++)
		p.v[v] *= factor;
	for (int k = 0; k < 4; k++)
		store<V>(large, corner + block_offset(s, k), p);
}

static struct planes planes_of(struct tensor small, struct tensor large)
{
	const int width = small.c > 4 ? width_of(small) : 1, by = width % 4 ? 1 : 4;
	struct planes s = { count_of(small) / by, small.h, small.w, width };
	assert(small.n == large.n && small.c == large.c && 2 * small.h == large.h && 2 * small.w == large.w);
	(void)large;
	return s;
}

static void gather(struct backend *b, struct tensor small, struct tensor large, float factor, bool accumulate)
{
	const struct planes s = planes_of(small, large);
	launch(cuda_of(b), "halve", blocks_for(s.packs), BLOCK, s.width % 4 ? gather_kernel<1> : gather_kernel<4>, values_of(small), values_of(large), s,
		factor, accumulate);
}

static void spread(struct backend *b, struct tensor large, struct tensor small, float factor)
{
	const struct planes s = planes_of(small, large);
	launch(cuda_of(b), "double", blocks_for(s.packs), BLOCK, s.width % 4 ? spread_kernel<1> : spread_kernel<4>, values_of(large), values_of(small), s, factor);
}

static void cuda_pool(struct backend *b, struct tensor y, struct tensor x)
{
	gather(b, y, x, .25f, false);
}

static void cuda_pool_backward(struct backend *b, struct tensor dx, struct tensor dy)
{
	spread(b, dx, dy, .25f);
}

static void cuda_upsample(struct backend *b, struct tensor y, struct tensor x)
{
	spread(b, y, x, 1);
}

static void cuda_upsample_backward(struct backend *b, struct tensor dx, struct tensor dy, bool accumulate)
{
	gather(b, dx, dy, 1, accumulate);
}

/* -- fading: value by value, so the layout does not matter -- */

__global__ static void fade_kernel(struct values y, struct values old, struct values fresh, const struct step_scalars *scalars, int64_t count)
{
	const int64_t i = thread_index();
	const float alpha = scalars->alpha;
	if (i < count)
		set_value(y, i, alpha * value_of(old, i) + (1 - alpha) * value_of(fresh, i));
}

__global__ static void fade_backward_kernel(struct values dold, struct values dfresh, struct values dy, const struct step_scalars *scalars, int64_t count)
{
	const int64_t i = thread_index();
	const float alpha = scalars->alpha;
	if (i >= count)
		return;
	const float d = value_of(dy, i);
	set_value(dold, i, alpha * d);
	set_value(dfresh, i, (1 - alpha) * d);
}

static void cuda_fade(struct backend *b, struct tensor y, struct tensor old, struct tensor fresh)
{
	struct cuda *c = cuda_of(b);
	const int64_t count = count_of(y);
	assert(same_shape(y, old) && same_shape(y, fresh));
	launch(c, "fade", blocks_for(count), BLOCK, fade_kernel, values_of(y), values_of(old), values_of(fresh), c->scalars, count);
}

static void cuda_fade_backward(struct backend *b, struct tensor dold, struct tensor dfresh, struct tensor dy)
{
	struct cuda *c = cuda_of(b);
	const int64_t count = count_of(dy);
	assert(same_shape(dy, dold) && same_shape(dy, dfresh));
	launch(c, "differentiate fading", blocks_for(count), BLOCK, fade_backward_kernel, values_of(dold), values_of(dfresh), values_of(dy), c->scalars, count);
}

void cuda_resize_table(struct backend *b)
{
	b->pool = cuda_pool;
	b->pool_backward = cuda_pool_backward;
	b->upsample = cuda_upsample;
	b->upsample_backward = cuda_upsample_backward;
	b->fade = cuda_fade;
	b->fade_backward = cuda_fade_backward;
}
