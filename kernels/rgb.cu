/* 1x1 maps between features and planar images of 3 channels, forward, tangent and back. Weights: w[channel of the image][channel of the features]. */
#include "device.cuh"

/* -- from the image: a thread makes four channels of a pixel -- */

struct image {
	const float *data; /* (n,3,area) planar */
	int64_t area;
};

__device__ inline int64_t image_at(struct image m, int64_t pixel, int i)
{
	return (pixel / m.area * 3 + i) * m.area + pixel % m.area;
}

/* sum over i of w[i][column …] * image[i] */
__device__ inline pack<4> mixed(struct image m, const float *w, int64_t pixel, int column, int width)
{
	pack<4> sum = {};
	for (int i = 0; i < 3; i++) {
		const pack<4> k = load<4>(w + i * width + column);
		const float value = m.data[image_at(m, pixel, i)];
		for (int v = 0; v < 4; v++)
			sum.v[v] += k.v[v] * value;
	}
	return sum;
}

__global__ static void from_rgb_kernel(struct values y, struct image m, const float *w, const float *bias, int64_t packs, int width, struct activation act)
{
	const int64_t i = thread_index();
	if (i >= packs)
		return;
	const int column = (int)(i * 4 % width);
	pack<4> p = mixed(m, w, i * 4 / width, column, width);
	const pack<4> shift = load<4>(bias + column);
	for (int v = 0; v < 4; v++)
		p.v[v] = lrelu(act.weight_gain * p.v[v] + act.bias_gain * shift.v[v], act.leak);
	store<4>(y, i * 4, p);
}

__global__ static void from_rgb_tangent_kernel(struct values t, struct image m, const float *w, struct values y, int64_t packs, int width,
	struct activation act)
{
	const int64_t i = thread_index();
	if (i >= packs)
		return;
	pack<4> p = mixed(m, w, i * 4 / width, (int)(i * 4 % width), width);
	const pack<4> sign = load<4>(y, i * 4);
	for (int v = 0; v < 4; v++)
		p.v[v] *= act.weight_gain * lrelu_slope(sign.v[v], act.leak);
	store<4>(t, i * 4, p);
}

/* dx = gain * sum over i of w[i] * dimage[i] */
__global__ static void to_rgb_backward_kernel(struct values dx, struct image dimage, const float *w, int64_t packs, int width, float gain)
{
	const int64_t i = thread_index();
	if (i >= packs)
		return;
	pack<4> p = mixed(dimage, w, i * 4 / width, (int)(i * 4 % width), width);
	for (int v = 0; v < 4; v++)
		p.v[v] *= gain;
	store<4>(dx, i * 4, p);
}

static struct image image_of(struct tensor t, struct tensor features)
{
	struct image m = { t.data, area_of(t) };
	assert(t.c == 3 && features.c > 4 && t.n == features.n && t.h == features.h && t.w == features.w);
	(void)features;
	return m;
}

static int64_t packs_of(struct tensor t)
{
	return count_of(t) / 4;
}

static void cuda_from_rgb(struct backend *b, struct tensor y, struct tensor image, const float *w, const float *bias, struct activation act)
{
	assert(!act.bias_map);
	launch(cuda_of(b), "map from RGB", blocks_for(packs_of(y)), BLOCK, from_rgb_kernel, values_of(y), image_of(image, y), w, bias, packs_of(y), width_of(y),
		act);
}

static void cuda_from_rgb_tangent(struct backend *b, struct tensor t, struct tensor timage, const float *w, struct tensor y, struct activation act)
{
	assert(same_shape(t, y));
	launch(cuda_of(b), "map a tangent from RGB", blocks_for(packs_of(t)), BLOCK, from_rgb_tangent_kernel, values_of(t), image_of(timage, t), w,
		values_of(y), packs_of(t), width_of(t), act);
}

/* -- to the image: lanes share a pixel -- */

/* image[i] = (accumulate: +=) gain * sum over channels of w[i] * x, + shift * bias[i] where bias is not NULL. */
__global__ static void to_rgb_kernel(float *image, int64_t area, struct values x, const float *w, const float *bias, int64_t pixels, int width, int lanes,
	float gain, float shift, bool accumulate)
{
	const struct row_lane r = row_of_thread(pixels, lanes);
	const struct image m = { image, area };
	float sum[3] = {};
	for (int j = 4 * r.lane; j < width; j += 4 * lanes) {
		const pack<4> p = load<4>(x, r.row * width + j);
		for (int i = 0; i < 3; i++) {
			const pack<4> k = load<4>(w + i * width + j);
			for (int v = 0; v < 4; v++)
				sum[i] += k.v[v] * p.v[v];
		}
	}
	for (int i = 0; i < 3; i++) {
		const float total = gain * lanes_sum(sum[i], lanes) + (bias ? shift * bias[i] : 0);
		float *to = image + image_at(m, r.row, i);
		if (r.live && r.lane == 0)
			*to = total + (accumulate ? *to : 0);
	}
}

static void to_image(struct backend *b, struct tensor image, struct tensor x, const float *w, const float *bias, float gain, float shift, bool accumulate)
{
	const int64_t pixels = x.n * area_of(x);
	const int lanes = lanes_for(width_of(x));
	(void)image_of(image, x);
	launch(cuda_of(b), "map to RGB", blocks_for(pixels * lanes), BLOCK, to_rgb_kernel, image.data, area_of(image), values_of(x), w, bias, pixels,
		width_of(x), lanes, gain, shift, accumulate);
}

static void cuda_to_rgb(struct backend *b, struct tensor image, struct tensor x, const float *w, const float *bias, struct activation act)
{
	to_image(b, image, x, w, bias, act.weight_gain, act.bias_gain, false);
}

static void cuda_from_rgb_backward_data(struct backend *b, struct tensor dimage, struct tensor dz, const float *w, bool accumulate)
{
	to_image(b, dimage, dz, w, NULL, 1, 0, accumulate);
}

/* -- weights -- */

__global__ static void weights_kernel(double *partial, struct image m, struct values x, int64_t rows, int64_t chunk, int width)
{
	column_sums<4, 3>(partial, rows, chunk, width, [=](int64_t row, int column, double (*sum)[4]) {
		const pack<4> p = load<4>(x, row * width + column);
		for (int i = 0; i < 3; i++) {
			const double value = m.data[image_at(m, row, i)];
			for (int v = 0; v < 4; v++)
				sum[i][v] += value * p.v[v];
		}
	});
}

/* dw[i] = gain * sum over samples and pixels of image[i] * x */
static void weights(struct backend *b, float *dw, struct tensor image, struct tensor x, float gain)
{
	struct cuda *c = cuda_of(b);
	const int width = width_of(x);
	const struct columns s = columns_for(x.n * area_of(x), width, 4);
	double *partial = (double *)cuda_scratch(c, columns_bytes(&s, 3));
	if (!partial)
		return;
	launch(c, "differentiate RGB weights", s.grid, s.block, weights_kernel, partial, image_of(image, x), values_of(x), s.rows, s.chunk, width);
	finish_columns(c, dw, partial, 3 * width, s.chunks, gain, false);
}

static void cuda_from_rgb_backward_weights(struct backend *b, float *dw, struct tensor image, struct tensor dz)
{
	weights(b, dw, image, dz, 1);
}

/* partial[block][channel] = sum of the block's pixels. */
__global__ static void image_sums_kernel(double *partial, struct image m, int64_t pixels, int64_t chunk)
{
	const int64_t first = blockIdx.x * chunk, end = first + chunk < pixels ? first + chunk : pixels;
	double sum = 0;
	for (int64_t p = first + threadIdx.x; p < end; p += BLOCK)
		sum += m.data[image_at(m, p, (int)blockIdx.y)];
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		partial[blockIdx.x * 3 + blockIdx.y] = sum;
}

static void cuda_to_rgb_backward(struct backend *b, struct tensor dx, float *dw, float *dbias, struct tensor dimage, struct tensor x, const float *w,
	struct activation act)
{
	struct cuda *c = cuda_of(b);
	const int64_t pixels = x.n * area_of(x), chunk = 4096, chunks = (pixels + chunk - 1) / chunk;
	assert(same_shape(dx, x));
	launch(c, "differentiate a map to RGB", blocks_for(packs_of(x)), BLOCK, to_rgb_backward_kernel, values_of(dx), image_of(dimage, x), w, packs_of(x),
		width_of(x), act.weight_gain);
	weights(b, dw, dimage, x, act.weight_gain);
	double *partial = (double *)cuda_scratch(c, (size_t)chunks * 3 * sizeof *partial);
	if (!partial)
		return;
	launch(c, "add up images", dim3((unsigned)chunks, 3), BLOCK, image_sums_kernel, partial, image_of(dimage, x), pixels, chunk);
	finish_columns(c, dbias, partial, 3, (int)chunks, act.bias_gain, false);
}

void cuda_rgb_table(struct backend *b)
{
	b->from_rgb = cuda_from_rgb;
	b->from_rgb_tangent = cuda_from_rgb_tangent;
	b->from_rgb_backward_data = cuda_from_rgb_backward_data;
	b->from_rgb_backward_weights = cuda_from_rgb_backward_weights;
	b->to_rgb = cuda_to_rgb;
	b->to_rgb_backward = cuda_to_rgb_backward;
}
