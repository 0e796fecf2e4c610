/* Bias, gain, leaky ReLU and pixel norm in one pass, with and without the 2x2 average pool behind, and back; bias gradients in the same pass.
 * Pixel norm and tanh alone. */
#include "device.cuh"

static __device__ const float NORM_EPS = 1e-8f;

/* -- without norm: every value by itself -- */

template <int V> __global__ static void activate_kernel(struct values y, const float *bias, int64_t packs, int width, struct activation act)
{
	const int64_t i = thread_index();
	if (i >= packs)
		return;
	pack<V> p = load<V>(y, i * V);
	const pack<V> shift = load<V>(bias + i * V % width);
	for (int v = 0; v < V; v++)
		p.v[v] = lrelu(act.weight_gain * p.v[v] + act.bias_gain * shift.v[v], act.leak);
	store<V>(y, i * V, p);
}

/* -- with norm: lanes share a pixel, and go over it twice: for the sum of squares and to write -- */

__device__ inline pack<4> activated(struct values z, int64_t at, const float *bias, const struct activation &act)
{
	pack<4> p = load<4>(z, at);
	const pack<4> shift = load<4>(bias);
	for (int v = 0; v < 4; v++)
		p.v[v] = lrelu(act.weight_gain * p.v[v] + act.bias_gain * shift.v[v], act.leak);
	return p;
}

/* biases: pixels that the bias has values for. */
__global__ static void activate_norm_kernel(struct values y, float *norm, const float *bias, int64_t pixels, int biases, int channels, int width, int lanes,
	struct activation act)
{
	const struct row_lane r = row_of_thread(pixels, lanes);
	const int64_t row = r.row * width;
	const float *shift = bias + r.row % biases * width;
	float square = 0;
	for (int j = 4 * r.lane; j < width; j += 4 * lanes) {
		const pack<4> p = activated(y, row + j, shift + j, act);
		for (int v = 0; v < 4; v++)
			square += p.v[v] * p.v[v];
	}
	const float scale = 1 / sqrtf(lanes_sum(square, lanes) / channels + NORM_EPS);
	if (!r.live)
		return;
	for (int j = 4 * r.lane; j < width; j += 4 * lanes) {
		pack<4> p = activated(y, row + j, shift + j, act);
		for (int v = 0; v < 4; v++)
			p.v[v] *= scale;
		store<4>(y, row + j, p);
	}
	if (r.lane == 0)
		norm[r.row] = scale;
}

static void cuda_activate(struct backend *b, struct tensor y, const float *bias, struct activation act, struct tensor norm)
{
	struct cuda *c = cuda_of(b);
	const int width = width_of(y), biased = act.bias_map ? (int)sample_of(y) : width;
	const int64_t values = count_of(y), pixels = y.n * area_of(y);
	assert(is_rows(y));
	if (norm.data) {
		const int lanes = lanes_for(width);
		assert(y.c > 4 && norm.n == y.n && norm.c == 1 && norm.h == y.h && norm.w == y.w);
		launch(c, "activate and normalize", blocks_for(pixels * lanes), BLOCK, activate_norm_kernel, values_of(y), norm.data, bias, pixels, biased / width,
			y.c, width, lanes, act);
	} else if (width % 4 == 0) {
		launch(c, "activate", blocks_for(values / 4), BLOCK, activate_kernel<4>, values_of(y), bias, values / 4, biased, act);
	} else {
		launch(c, "activate", blocks_for(values), BLOCK, activate_kernel<1>, values_of(y), bias, values, biased, act);
	}
}

/* -- back -- */

/* mean[pixel] = mean over channels of dy * y. */
__global__ static void norm_dot_kernel(float *mean, struct values dy, struct values y, int64_t pixels, int channels, int width, int lanes)
{
	const struct row_lane r = row_of_thread(pixels, lanes);
	float sum = 0;
	for (int j = 4 * r.lane; j < width; j += 4 * lanes) {
		const pack<4> d = load<4>(dy, r.row * width + j), p = load<4>(y, r.row * width + j);
		for (int v = 0; v < 4; v++)
			sum += d.v[v] * p.v[v];
	}
	sum = lanes_sum(sum, lanes);
	if (r.live && r.lane == 0)
		mean[r.row] = sum / channels;
}

/* A row is a pixel, or with a bias map a sample; `pixel` values of it have one norm. With y = a r, r = (mean_c a^2 + eps)^(-1/2):
 * da = r (dy - y mean_c(dy y)). */
template <int V> __global__ static void activate_backward_kernel(struct values dz, struct values y, const float *norm, const float *mean, double *partial,
	int64_t rows, int64_t chunk, int width, int pixel, struct activation act)
{
	column_sums<V, 1>(partial, rows, chunk, width, [=](int64_t row, int column, double (*sum)[V]) {
		const int64_t at = row * width + column;
		pack<V> d = load<V>(dz, at);
		const pack<V> p = load<V>(y, at);
		const float scale = norm ? norm[at / pixel] : 1, dot = norm ? mean[at / pixel] : 0;
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
	const int pixel = width_of(y), width = act.bias_map ? (int)sample_of(y) : pixel, by = width % 4 ? 1 : 4;
	const int64_t pixels = y.n * area_of(y);
	const struct columns s = columns_for(pixels * pixel / width, width, by);
	const size_t sums = dbias ? columns_bytes(&s, 1) : 0, means = norm.data ? (size_t)pixels * sizeof(float) : 0;
	char *scratch = sums + means ? (char *)cuda_scratch(c, sums + means) : NULL;
	assert(same_shape(dz, y) && is_rows(y));
	if (sums + means && !scratch)
		return;
	double *partial = dbias ? (double *)scratch : NULL;
	float *mean = norm.data ? (float *)(scratch + sums) : NULL;
	if (norm.data) {
		const int lanes = lanes_for(pixel);
		assert(y.c > 4 && norm.n == y.n && norm.c == 1 && norm.h == y.h && norm.w == y.w);
		launch(c, "multiply by the norm", blocks_for(pixels * lanes), BLOCK, norm_dot_kernel, mean, values_of(dz), values_of(y), pixels, y.c,
			pixel, lanes);
	}
	launch(c, "differentiate an activation", s.grid, s.block, by == 4 ? activate_backward_kernel<4> : activate_backward_kernel<1>, values_of(dz),
		values_of(y), norm.data, mean, partial, s.rows, s.chunk, width, pixel, act);
	if (dbias)
		finish_columns(c, dbias, partial, width, s.chunks, act.bias_gain, accumulate);
}

/* -- with pooling: a thread has the four pixels of a block, and of these four channels -- */

/* The upper left pixel of the large picture's block at pixel `small` of the small pictures of h x w. */
__device__ inline int64_t block_pixel(int64_t small, int h, int w)
{
	const int64_t row = small / w, column = small % w, sample = row / h;
	return (sample * 2 * h + row % h * 2) * 2 * w + column * 2;
}

__global__ static void activate_pool_kernel(struct values pooled, struct values y, const float *bias, int64_t packs, int h, int w, int width,
	struct activation act)
{
	const int64_t i = thread_index();
	if (i >= packs)
		return;
	const int64_t small = i * 4 / width;
	const int column = (int)(i * 4 % width);
	const int64_t corner = block_pixel(small, h, w);
	pack<4> mean = {};
	for (int k = 0; k < 4; k++) {
		const int64_t at = (corner + k / 2 * 2 * w + k % 2) * width + column;
		const pack<4> p = activated(y, at, bias + column, act);
		store<4>(y, at, p);
		for (int v = 0; v < 4; v++)
			mean.v[v] += p.v[v];
	}
	for (int v = 0; v < 4; v++)
		mean.v[v] *= .25f;
	store<4>(pooled, i * 4, mean);
}

static void check_pooled(struct tensor pooled, struct tensor y)
{
	assert(y.c > 4 && pooled.n == y.n && pooled.c == y.c && 2 * pooled.h == y.h && 2 * pooled.w == y.w);
	(void)pooled;
	(void)y;
}

static void cuda_activate_pool(struct backend *b, struct tensor pooled, struct tensor y, const float *bias, struct activation act)
{
	const int64_t packs = count_of(pooled) / 4;
	check_pooled(pooled, y);
	assert(!act.bias_map);
	launch(cuda_of(b), "activate and pool", blocks_for(packs), BLOCK, activate_pool_kernel, values_of(pooled), values_of(y), bias, packs, pooled.h,
		pooled.w, width_of(y), act);
}

__global__ static void activate_pool_backward_kernel(struct values dz, struct values dpooled, struct values y, double *partial, int64_t rows, int64_t chunk,
	int h, int w, int width, struct activation act)
{
	column_sums<4, 1>(partial, rows, chunk, width, [=](int64_t row, int column, double (*sum)[4]) {
		const pack<4> d = load<4>(dpooled, row * width + column);
		const int64_t corner = block_pixel(row, h, w);
		for (int k = 0; k < 4; k++) {
			const int64_t at = (corner + k / 2 * 2 * w + k % 2) * width + column;
			pack<4> p = load<4>(y, at);
			for (int v = 0; v < 4; v++) {
				const float masked = .25f * d.v[v] * lrelu_slope(p.v[v], act.leak);
				sum[0][v] += masked;
				p.v[v] = act.weight_gain * masked;
			}
			store<4>(dz, at, p);
		}
	});
}

static void cuda_activate_pool_backward(struct backend *b, struct tensor dz, struct tensor dpooled, struct tensor y, struct activation act, float *dbias,
	bool accumulate)
{
	struct cuda *c = cuda_of(b);
	const int width = width_of(y);
	const struct columns s = columns_for(dpooled.n * area_of(dpooled), width, 4);
	double *partial = dbias ? (double *)cuda_scratch(c, columns_bytes(&s, 1)) : NULL;
	check_pooled(dpooled, y);
	assert(same_shape(dz, y) && !act.bias_map);
	if (dbias && !partial)
		return;
	launch(c, "differentiate an activation and its pool", s.grid, s.block, activate_pool_backward_kernel, values_of(dz), values_of(dpooled),
		values_of(y), partial, s.rows, s.chunk, dpooled.h, dpooled.w, width, act);
	if (dbias)
		finish_columns(c, dbias, partial, width, s.chunks, act.bias_gain, accumulate);
}

/* -- pixel norm alone -- */

template <int V> __global__ static void pixel_norm_kernel(struct values y, struct values x, int64_t pixels, int channels, int width, int lanes)
{
	const struct row_lane r = row_of_thread(pixels, lanes);
	float square = 0;
	for (int j = V * r.lane; j < width; j += V * lanes) {
		const pack<V> p = load<V>(x, r.row * width + j);
		for (int v = 0; v < V; v++)
			square += p.v[v] * p.v[v];
	}
	const float scale = 1 / sqrtf(lanes_sum(square, lanes) / channels + NORM_EPS);
	for (int j = V * r.lane; r.live && j < width; j += V * lanes) {
		pack<V> p = load<V>(x, r.row * width + j);
		for (int v = 0; v < V; v++)
			p.v[v] *= scale;
		store<V>(y, r.row * width + j, p);
	}
}

static void cuda_pixel_norm(struct backend *b, struct tensor y, struct tensor x)
{
	const int width = width_of(x), lanes = lanes_for(width);
	const int64_t pixels = x.n * area_of(x);
	assert(same_shape(y, x) && is_rows(x));
	launch(cuda_of(b), "normalize", blocks_for(pixels * lanes), BLOCK, width % 4 ? pixel_norm_kernel<1> : pixel_norm_kernel<4>, values_of(y), values_of(x),
		pixels, x.c, width, lanes);
}

/* -- tanh: value by value; padding stays 0 -- */

__global__ static void squash_kernel(float *y, int64_t count)
{
	const int64_t i = thread_index();
	if (i < count)
		y[i] = tanhf(y[i]);
}

__global__ static void squash_backward_kernel(float *dx, const float *y, int64_t count)
{
	const int64_t i = thread_index();
	if (i < count)
		dx[i] *= 1 - y[i] * y[i];
}

static void cuda_squash(struct backend *b, struct tensor y)
{
	const int64_t count = count_of(y);
	assert(y.c <= 4);
	launch(cuda_of(b), "take tanh", blocks_for(count), BLOCK, squash_kernel, y.data, count);
}

static void cuda_squash_backward(struct backend *b, struct tensor dx, struct tensor y)
{
	const int64_t count = count_of(y);
	assert(same_shape(dx, y) && y.c <= 4);
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
