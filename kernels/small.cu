/* Dense layers that make a few planar values of a sample (scores), sums of features, rounding to bfloat16 and back. */
#include "device.cuh"

/* -- dense: y (n,outs), x (n,width), w (outs,width) -- */

__global__ static void dense_kernel(float *y, struct values x, const float *w, struct lanes samples, int outs, int width)
{
	const struct row_lane r = row_of_thread<PACK>(samples);
	for (int o = 0; o < outs; o++) {
		float sum = 0;
		for (int j = r.first; j < width; j += r.step) {
			const pack<PACK> p = load<PACK>(x, (int64_t)r.row * width + j), k = load<PACK>(w + (int64_t)o * width + j);
			for (int v = 0; v < PACK; v++)
				sum += k.v[v] * p.v[v];
		}
		sum = lanes_sum(sum, samples);
		if (r.leads)
			y[(int64_t)r.row * outs + o] = sum;
	}
}

__global__ static void dense_backward_data_kernel(struct values dx, const float *dy, const float *w, uint32_t count, uint32_t outs, uint32_t width)
{
	const uint32_t i = thread_index();
	if (i >= count)
		return;
	float sum = 0;
	for (uint32_t o = 0; o < outs; o++)
		sum += w[o * width + i % width] * dy[i / width * outs + o];
	set_value(dx, i, sum);
}

/* A thread has one weight and goes over the samples. */
__global__ static void dense_backward_weights_kernel(float *dw, struct values x, const float *dy, int64_t n, uint32_t outs, uint32_t width)
{
	const uint32_t i = thread_index();
	if (i >= outs * width)
		return;
	double sum = 0;
	for (int64_t k = 0; k < n; k++)
		sum += (double)dy[k * outs + i / width] * value_of(x, k * width + i % width);
	dw[i] = (float)sum;
}

static void check_dense(struct tensor y, struct tensor x)
{
	assert(y.n == x.n && sample_of(y) <= PLANAR_CHANNELS && sample_of(x) % PACK == 0 && sample_of(x) <= 1 << 28 && count_of(x) <= INT32_MAX);
	(void)y;
	(void)x;
}

void cuda_small_dense(struct cuda *c, struct tensor y, struct tensor x, const float *w)
{
	const int width = (int)sample_of(x);
	const struct lanes samples = lanes_for(x.n, width / PACK);
	check_dense(y, x);
	launch(c, "score", blocks_for(samples), BLOCK, dense_kernel, y.data, values_of(x), w, samples, (int)sample_of(y), width);
}

void cuda_small_dense_backward_data(struct cuda *c, struct tensor dx, struct tensor dy, const float *w)
{
	const uint32_t count = (uint32_t)count_of(dx);
	check_dense(dy, dx);
	launch(c, "differentiate a score", blocks_for(count), BLOCK, dense_backward_data_kernel, values_of(dx), dy.data, w, count, (uint32_t)sample_of(dy),
		(uint32_t)sample_of(dx));
}

void cuda_small_dense_backward_weights(struct cuda *c, float *dw, struct tensor x, struct tensor dy)
{
	const uint32_t width = (uint32_t)sample_of(x), outs = (uint32_t)sample_of(dy);
	check_dense(dy, x);
	launch(c, "differentiate the weights of a score", blocks_for(outs * width), BLOCK, dense_backward_weights_kernel, dw, values_of(x), dy.data, x.n, outs,
		width);
}

/* -- time -- */

__global__ static void hold_kernel(long long ticks)
{
#ifdef __CUDACC__
	const long long begin = clock64();
	while (clock64() - begin < ticks)
		;
#else
	(void)ticks;
#endif
}

void cuda_hold(struct cuda *c)
{
	launch(c, "wait", dim3(1), dim3(1), hold_kernel, 500000LL);
}

/* -- sums -- */

__global__ static void add_kernel(struct values y, struct values x, uint32_t packs)
{
	const uint32_t i = thread_index();
	if (i >= packs)
		return;
	const pack<PACK> p = load_pack<PACK>(x, i);
	pack<PACK> sum = load_pack<PACK>(y, i);
	for (int v = 0; v < PACK; v++)
		sum.v[v] += p.v[v];
	store_pack<PACK>(y, i, sum);
}

void cuda_add(struct cuda *c, struct tensor y, struct tensor x)
{
	assert(!tensor_is_planar(y) && tensor_same(y, x));
	launch(c, "add", blocks_for(packs_of(y)), BLOCK, add_kernel, values_of(y), values_of(x), packs_of(y));
}

/* -- bfloat16 -- */

__global__ static void to_bf16_kernel(struct values to, const float *from, uint32_t packs)
{
	const uint32_t i = thread_index();
	if (i < packs)
		store_pack<PACK>(to, i, load<PACK>(from + (int64_t)i * PACK));
}

__global__ static void from_bf16_kernel(float *to, struct values from, uint32_t packs)
{
	const uint32_t i = thread_index();
	if (i < packs)
		store<PACK>(to + (int64_t)i * PACK, load_pack<PACK>(from, i));
}

static uint32_t packs_in(size_t count)
{
	assert(count % PACK == 0 && count / PACK <= INT32_MAX);
	return (uint32_t)(count / PACK);
}

void cuda_to_bf16(struct cuda *c, void *to, const float *from, size_t count)
{
	const struct values half = { to, true };
	launch(c, "round to bfloat16", blocks_for(packs_in(count)), BLOCK, to_bf16_kernel, half, from, packs_in(count));
}

void cuda_from_bf16(struct cuda *c, float *to, const void *from, size_t count)
{
	const struct values half = { (void *)from, true };
	launch(c, "widen bfloat16", blocks_for(packs_in(count)), BLOCK, from_bf16_kernel, to, half, packs_in(count));
}
