/* Bias, gain, leaky ReLU and pixel norm in one pass, with and without the 2x2 average pool behind, and back; bias gradients in the same pass.
 * Pixel norm and tanh alone. */
#include "device.cuh"

/* -- without norm: every value by itself -- */

/* across: packs that the bias has values for. */
template <int V> __global__ static void activate_kernel(struct values y, const float *bias, uint32_t packs, struct divisor across, struct activation act)
{
	const uint32_t i = thread_index();
	if (i >= packs)
		return;
	const pack<V> z = load_pack<V>(y, i), shift = load<V>(bias + rest(i, across) * V);
	store_pack<V>(y, i, activated(z, shift, act));
}

/* -- with norm: lanes share a pixel, and go over it twice: for the sum of squares and to write -- */

/* biases: pixels that the bias has values for. */
__global__ static void activate_norm_kernel(struct values y, float *norm, const float *bias, struct lanes pixels, struct divisor biases, int channels, int width,
	struct activation act)
{
	const struct row_lane r = row_of_thread<PACK>(pixels);
	const int64_t row = (int64_t)r.row * width;
	const float *shift = bias + (int64_t)rest(r.row, biases) * width;
	float square = 0;
	for (int j = r.first; j < width; j += r.step) {
		const pack<PACK> p = activated(load<PACK>(y, row + j), load<PACK>(shift + j), act);
		for (int v = 0; v < PACK; v++)
			square += p.v[v] * p.v[v];
	}
	const float scale = 1 / sqrtf(lanes_sum(square, pixels) / channels + (float)PIXEL_NORM_EPS);
	for (int j = r.first; j < width; j += r.step) {
		pack<PACK> p = activated(load<PACK>(y, row + j), load<PACK>(shift + j), act);
		for (int v = 0; v < PACK; v++)
			p.v[v] *= scale;
		store<PACK>(y, row + j, p);
	}
	if (r.leads)
		norm[r.row] = scale;
}

static void cuda_activate(struct backend *b, struct tensor y, const float *bias, struct activation act, struct tensor norm)
{
	struct cuda *c = cuda_of(b);
	const int width = width_of(y), biased = act.bias_map ? (int)sample_of(y) : width;
	const uint32_t packs = packs_of(y);
	assert(is_rows(y));
	if (norm.data) {
		const struct lanes pixels = lanes_for(y.n * area_of(y), width / PACK);
		assert(!tensor_is_planar(y) && norm.n == y.n && norm.c == 1 && norm.h == y.h && norm.w == y.w);
		launch(c, "activate and normalize", blocks_for(pixels), BLOCK, activate_norm_kernel, values_of(y), norm.data, bias, pixels,
			divisor_of(biased / width), y.c, width, act);
	} else {
		launch(c, "activate", blocks_for(packs), BLOCK, tensor_is_planar(y) ? activate_kernel<1> : activate_kernel<PACK>, values_of(y), bias, packs,
			divisor_of(biased / pack_of(y)), act);
	}
}

/* -- back -- */

/* mean[pixel] = mean over channels of dy * y. */
__global__ static void norm_dot_kernel(float *mean, struct values dy, struct values y, struct lanes pixels, int channels, int width)
{
	const struct row_lane r = row_of_thread<PACK>(pixels);
	const int64_t row = (int64_t)r.row * width;
	float sum = 0;
	for (int j = r.first; j < width; j += r.step) {
		const pack<PACK> d = load<PACK>(dy, row + j), p = load<PACK>(y, row + j);
		for (int v = 0; v < PACK; v++)
			sum += d.v[v] * p.v[v];
	}
	sum = lanes_sum(sum, pixels);
	if (r.leads)
		mean[r.row] = sum / channels;
}

/* A row is a pixel, or with a bias map a sample; `pixel` values of it have one norm. With y = a r, r = (mean_c a^2 + eps)^(-1/2):
 * da = r (dy - y mean_c(dy y)). */
template <int V> __global__ static void activate_backward_kernel(struct values dz, struct values y, const float *norm, const float *mean, double *partial,
	uint32_t rows, uint32_t chunk, int width, int pixel, struct activation act)
{
	column_sums<V, 1>(partial, rows, chunk, width, [=](uint32_t row, int column, double (*sum)[V]) {
		const int64_t at = (int64_t)row * width + column, of = (int64_t)row * (width / pixel) + column / pixel;
		pack<V> d = load<V>(dz, at);
		const pack<V> p = load<V>(y, at);
		const float scale = norm ? norm[of] : 1, dot = norm ? mean[of] : 0;
		for (int v = 0; v < V; v++) {
			const float masked = scale * (d.v[v] - p.v[v] * dot) * lrelu_slope(p.v[v], act.leak);
			sum[0][v] += masked;
			d.v[v] = act.weight_gain * masked;
		}
		store<V>(dz, at, d);
	});
}

static void cuda_activate_backward(struct backend *b, struct tensor dz, struct tensor y, struct tensor norm, struct activation act, float *dbias,
	bool accumulate)
{
	struct cuda *c = cuda_of(b);
	const int pixel = width_of(y), width = act.bias_map ? (int)sample_of(y) : pixel;
	const int64_t pixels = y.n * area_of(y);
	const struct columns s = columns_for(pixels * pixel / width, width, pack_of(y));
	const size_t sums = dbias ? columns_bytes(&s, 1) : 0, means = norm.data ? (size_t)pixels * sizeof(float) : 0;
	char *scratch = sums + means ? (char *)cuda_scratch(c, sums + means) : NULL;
	assert(tensor_same(dz, y) && is_rows(y));
	if (sums + means && !scratch)
		return;
	double *partial = dbias ? (double *)scratch : NULL;
	float *mean = norm.data ? (float *)(scratch + sums) : NULL;
	if (norm.data) {
		const struct lanes l = lanes_for(pixels, pixel / PACK);
		assert(!tensor_is_planar(y) && norm.n == y.n && norm.c == 1 && norm.h == y.h && norm.w == y.w);
		launch(c, "multiply by the norm", blocks_for(l), BLOCK, norm_dot_kernel, mean, values_of(dz), values_of(y), l, y.c, pixel);
	}
	launch(c, "differentiate an activation", s.grid, s.block, tensor_is_planar(y) ? activate_backward_kernel<1> : activate_backward_kernel<PACK>, values_of(dz),
		values_of(y), norm.data, mean, partial, s.rows, s.chunk, width, pixel, act);
	if (dbias)
		finish_columns(c, dbias, partial, width, s.chunks, act.bias_gain, accumulate);
}

/* -- with pooling: a thread has the four pixels of a block, and of these a pack of channels -- */

__global__ static void activate_pool_kernel(struct values pooled, struct values y, const float *bias, uint32_t packs, struct halved s, struct activation act)
{
	const uint32_t i = thread_index();
	if (i >= packs)
		return;
	const struct block b = block_of(s, i);
	const pack<PACK> shift = load<PACK>(bias + b.pack * PACK);
	pack<PACK> p[4], mean = {};
	for (int k = 0; k < 4; k++)
		p[k] = load_pack<PACK>(y, block_pack(s, b, k));
	for (int k = 0; k < 4; k++) {
		p[k] = activated(p[k], shift, act);
		store_pack<PACK>(y, block_pack(s, b, k), p[k]);
		for (int v = 0; v < PACK; v++)
			mean.v[v] += p[k].v[v];
	}
	for (int v = 0; v < PACK; v++)
		mean.v[v] *= .25f;
	store_pack<PACK>(pooled, i, mean);
}

static void check_pooled(struct tensor pooled, struct tensor y)
{
	assert(!tensor_is_planar(y) && pooled.n == y.n && pooled.c == y.c && 2 * pooled.h == y.h && 2 * pooled.w == y.w && packs_of(y) > 0);
	(void)pooled;
	(void)y;
}

static void cuda_activate_pool(struct backend *b, struct tensor pooled, struct tensor y, const float *bias, struct activation act)
{
	const uint32_t packs = packs_of(pooled);
	check_pooled(pooled, y);
	assert(!act.bias_map);
	launch(cuda_of(b), "activate and pool", blocks_for(packs), BLOCK, activate_pool_kernel, values_of(pooled), values_of(y), bias, packs, halved_of(pooled),
		act);
}

__global__ static void activate_pool_backward_kernel(struct values dz, struct values dpooled, struct values y, double *partial, uint32_t rows, uint32_t chunk,
	struct halved s, struct activation act)
{
	const int width = (int)s.across.d * PACK;
	column_sums<PACK, 1>(partial, rows, chunk, width, [=](uint32_t row, int column, double (*sum)[PACK]) {
		const pack<PACK> d = load<PACK>(dpooled, (int64_t)row * width + column);
		const struct block b = block_at(s, row, (uint32_t)column / PACK);
		pack<PACK> p[4];
		for (int k = 0; k < 4; k++)
			p[k] = load_pack<PACK>(y, block_pack(s, b, k));
		for (int k = 0; k < 4; k++) {
			for (int v = 0; v < PACK; v++) {
				const float masked = .25f * d.v[v] * lrelu_slope(p[k].v[v], act.leak);
				sum[0][v] += masked;
				p[k].v[v] = act.weight_gain * masked;
			}
			store_pack<PACK>(dz, block_pack(s, b, k), p[k]);
		}
	});
}

static void cuda_activate_pool_backward(struct backend *b, struct tensor dz, struct tensor dpooled, struct tensor y, struct activation act, float *dbias,
	bool accumulate)
{
	struct cuda *c = cuda_of(b);
	const int width = width_of(y);
	const struct columns s = columns_for(dpooled.n * area_of(dpooled), width, PACK);
	double *partial = dbias ? (double *)cuda_scratch(c, columns_bytes(&s, 1)) : NULL;
	check_pooled(dpooled, y);
	assert(tensor_same(dz, y) && !act.bias_map);
	if (dbias && !partial)
		return;
	launch(c, "differentiate an activation and its pool", s.grid, s.block, activate_pool_backward_kernel, values_of(dz), values_of(dpooled),
		values_of(y), partial, s.rows, s.chunk, halved_of(dpooled), act);
	if (dbias)
		finish_columns(c, dbias, partial, width, s.chunks, act.bias_gain, accumulate);
}

/* -- pixel norm alone -- */

template <int V> __global__ static void pixel_norm_kernel(struct values y, struct values x, struct lanes pixels, int channels, int width)
{
	const struct row_lane r = row_of_thread<V>(pixels);
	const int64_t row = (int64_t)r.row * width;
	float square = 0;
	for (int j = r.first; j < width; j += r.step) {
		const pack<V> p = load<V>(x, row + j);
		for (int v = 0; v < V; v++)
			square += p.v[v] * p.v[v];
	}
	const float scale = 1 / sqrtf(lanes_sum(square, pixels) / channels + (float)PIXEL_NORM_EPS);
	for (int j = r.first; j < width; j += r.step) {
		pack<V> p = load<V>(x, row + j);
		for (int v = 0; v < V; v++)
			p.v[v] *= scale;
		store<V>(y, row + j, p);
	}
}

static void cuda_pixel_norm(struct backend *b, struct tensor y, struct tensor x)
{
	const int width = width_of(x);
	const struct lanes pixels = lanes_for(x.n * area_of(x), width / pack_of(x));
	assert(tensor_same(y, x) && is_rows(x));
	launch(cuda_of(b), "normalize", blocks_for(pixels), BLOCK, tensor_is_planar(x) ? pixel_norm_kernel<1> : pixel_norm_kernel<PACK>, values_of(y), values_of(x), pixels,
		x.c, width);
}

/* -- tanh: value by value; padding stays 0 -- */

__global__ static void squash_kernel(float *y, uint32_t count)
{
	const uint32_t i = thread_index();
	if (i < count)
		y[i] = tanhf(y[i]);
}

__global__ static void squash_backward_kernel(float *dx, const float *y, uint32_t count)
{
	const uint32_t i = thread_index();
	if (i < count)
		dx[i] *= 1 - y[i] * y[i];
}

static void cuda_squash(struct backend *b, struct tensor y)
{
	const uint32_t count = packs_of(y);
	assert(tensor_is_planar(y));
	launch(cuda_of(b), "take tanh", blocks_for(count), BLOCK, squash_kernel, y.data, count);
}

static void cuda_squash_backward(struct backend *b, struct tensor dx, struct tensor y)
{
	const uint32_t count = packs_of(y);
	assert(tensor_same(dx, y) && tensor_is_planar(y));
	launch(cuda_of(b), "differentiate tanh", blocks_for(count), BLOCK, squash_backward_kernel, dx.data, y.data, count);
}

void cuda_activation_table(struct backend *b)
{
	b->activate = cuda_activate;
	b->activate_backward = cuda_activate_backward;
	b->activate_pool = cuda_activate_pool;
	b->activate_pool_backward = cuda_activate_pool_backward;
	b->pixel_norm = cuda_pixel_norm;
	b->squash = cuda_squash;
	b->squash_backward = cuda_squash_backward;
}
