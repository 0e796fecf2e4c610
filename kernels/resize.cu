/* Halving and doubling pictures, and mixing the old and the new path while a scale fades in. */
#include "device.cuh"

/* small = (accumulate: +=) factor * sum of the block. */
template <int V> __global__ static void gather_kernel(struct values small, struct values large, uint32_t packs, struct halved s, float factor, bool accumulate)
{
	const uint32_t i = thread_index();
	if (i >= packs)
		return;
	const struct block b = block_of(s, i);
	const pack<V> before = accumulate ? load_pack<V>(small, i) : pack<V>{};
	pack<V> p[4], sum = {};
	for (int k = 0; k < 4; k++)
		p[k] = load_pack<V>(large, block_pack(s, b, k));
	for (int k = 0; k < 4; k++)
		for (int v = 0; v < V; v++)
			sum.v[v] += p[k].v[v];
	for (int v = 0; v < V; v++)
		sum.v[v] = factor * sum.v[v] + before.v[v];
	store_pack<V>(small, i, sum);
}

/* Every pixel of the block = factor * small. */
template <int V> __global__ static void spread_kernel(struct values large, struct values small, uint32_t packs, struct halved s, float factor)
{
	const uint32_t i = thread_index();
	if (i >= packs)
		return;
	const struct block b = block_of(s, i);
	pack<V> p = load_pack<V>(small, i);
	for (int v = 0; v < V; v++)
		p.v[v] *= factor;
	for (int k = 0; k < 4; k++)
		store_pack<V>(large, block_pack(s, b, k), p);
}

static void check_halved(struct tensor small, struct tensor large)
{
	assert(small.n == large.n && small.c == large.c && 2 * small.h == large.h && 2 * small.w == large.w && packs_of(large) > 0);
	(void)small;
	(void)large;
}

static void gather(struct backend *b, struct tensor small, struct tensor large, float factor, bool accumulate)
{
	const uint32_t packs = packs_of(small);
	check_halved(small, large);
	launch(cuda_of(b), "halve", blocks_for(packs), BLOCK, tensor_is_planar(small) ? gather_kernel<1> : gather_kernel<PACK>, values_of(small), values_of(large), packs,
		halved_of(small), factor, accumulate);
}

static void spread(struct backend *b, struct tensor large, struct tensor small, float factor)
{
	const uint32_t packs = packs_of(small);
	check_halved(small, large);
	launch(cuda_of(b), "double", blocks_for(packs), BLOCK, tensor_is_planar(small) ? spread_kernel<1> : spread_kernel<PACK>, values_of(large), values_of(small), packs,
		halved_of(small), factor);
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

/* -- fading: pack by pack, so the layout does not matter -- */

template <int V> __global__ static void fade_kernel(struct values y, struct values old, struct values fresh, const struct step_scalars *scalars, uint32_t packs)
{
	const uint32_t i = thread_index();
	const float alpha = scalars->alpha;
	if (i >= packs)
		return;
	const pack<V> o = load_pack<V>(old, i);
	pack<V> p = load_pack<V>(fresh, i);
	for (int v = 0; v < V; v++)
		p.v[v] = alpha * o.v[v] + (1 - alpha) * p.v[v];
	store_pack<V>(y, i, p);
}

template <int V> __global__ static void fade_backward_kernel(struct values dold, struct values dfresh, struct values dy, const struct step_scalars *scalars,
	uint32_t packs)
{
	const uint32_t i = thread_index();
	const float alpha = scalars->alpha;
	if (i >= packs)
		return;
	const pack<V> d = load_pack<V>(dy, i);
	pack<V> o, f;
	for (int v = 0; v < V; v++) {
		o.v[v] = alpha * d.v[v];
		f.v[v] = (1 - alpha) * d.v[v];
	}
	store_pack<V>(dold, i, o);
	store_pack<V>(dfresh, i, f);
}

static void cuda_fade(struct backend *b, struct tensor y, struct tensor old, struct tensor fresh)
{
	struct cuda *c = cuda_of(b);
	const uint32_t packs = packs_of(y);
	assert(tensor_same(y, old) && tensor_same(y, fresh));
	launch(c, "fade", blocks_for(packs), BLOCK, tensor_is_planar(y) ? fade_kernel<1> : fade_kernel<PACK>, values_of(y), values_of(old), values_of(fresh), c->scalars,
		packs);
}

static void cuda_fade_backward(struct backend *b, struct tensor dold, struct tensor dfresh, struct tensor dy)
{
	struct cuda *c = cuda_of(b);
	const uint32_t packs = packs_of(dy);
	assert(tensor_same(dy, dold) && tensor_same(dy, dfresh));
	launch(c, "differentiate fading", blocks_for(packs), BLOCK, tensor_is_planar(dy) ? fade_backward_kernel<1> : fade_backward_kernel<PACK>, values_of(dold),
		values_of(dfresh), values_of(dy), c->scalars, packs);
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
