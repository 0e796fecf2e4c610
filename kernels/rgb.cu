/* 1x1 maps between features and planar images of 3 channels, forward, tangent and back. Weights: w[channel of the image][channel of the features]. */
#include "device.cuh"

/* -- from the image: a thread makes a pack of channels of a pixel -- */

struct image {
	const float *data; /* (n,3,area) planar */
	struct divisor area;
};

/* Where channel 0 of a pixel stands: the others follow `area` values apart. */
__device__ inline uint32_t image_at(struct divisor area, uint32_t pixel)
{
	return pixel + 2 * quotient(pixel, area) * area.d;
}

/* Features: a pixel is `across` packs. */
struct features {
	uint32_t packs;
	struct divisor across;
};

/* sum over i of w[i][…] * image[i], for pack number `at` of the features. */
__device__ inline pack<PACK> mixed(struct image m, const float *w, struct features f, uint32_t at)
{
	const uint32_t pixel = quotient(at, f.across), column = (at - pixel * f.across.d) * PACK, from = image_at(m.area, pixel);
	pack<PACK> sum = {};
	for (uint32_t i = 0; i < 3; i++) {
		const pack<PACK> k = load<PACK>(w + i * f.across.d * PACK + column);
		const float value = m.data[from + i * m.area.d];
		for (int v = 0; v < PACK; v++)
			sum.v[v] += k.v[v] * value;
	}
	return sum;
}

__global__ static void from_rgb_kernel(struct values y, struct image m, const float *w, const float *bias, struct features f, struct activation act)
{
	const uint32_t i = thread_index();
	if (i >= f.packs)
		return;
	const pack<PACK> z = mixed(m, w, f, i), shift = load<PACK>(bias + rest(i, f.across) * PACK);
	store_pack<PACK>(y, i, activated(z, shift, act));
}

__global__ static void from_rgb_tangent_kernel(struct values t, struct image m, const float *w, struct values y, struct features f, struct activation act)
{
	const uint32_t i = thread_index();
	if (i >= f.packs)
		return;
	pack<PACK> p = mixed(m, w, f, i);
	const pack<PACK> sign = load_pack<PACK>(y, i);
	for (int v = 0; v < PACK; v++)
		p.v[v] *= act.weight_gain * lrelu_slope(sign.v[v], act.leak);
	store_pack<PACK>(t, i, p);
}

/* dx = gain * sum over i of w[i] * dimage[i] */
__global__ static void to_rgb_backward_kernel(struct values dx, struct image dimage, const float *w, struct features f, float gain)
{
	const uint32_t i = thread_index();
	if (i >= f.packs)
		return;
	pack<PACK> p = mixed(dimage, w, f, i);
	for (int v = 0; v < PACK; v++)
		p.v[v] *= gain;
	store_pack<PACK>(dx, i, p);
}

static struct image image_of(struct tensor t, struct tensor features)
{
	const struct image m = { t.data, divisor_of(area_of(t)) };
	assert(count_of(t) <= INT32_MAX && t.c == 3 && !tensor_is_planar(features) && t.n == features.n && t.h == features.h && t.w == features.w);
	(void)features;
	return m;
}

static struct features features_of(struct tensor t)
{
	const struct features f = { packs_of(t), divisor_of(width_of(t) / PACK) };
	return f;
}

static void cuda_from_rgb(struct backend *b, struct tensor y, struct tensor image, const float *w, const float *bias, struct activation act)
{
	assert(!act.bias_map);
	launch(cuda_of(b), "map from RGB", blocks_for(packs_of(y)), BLOCK, from_rgb_kernel, values_of(y), image_of(image, y), w, bias, features_of(y), act);
}

static void cuda_from_rgb_tangent(struct backend *b, struct tensor t, struct tensor timage, const float *w, struct tensor y, struct activation act)
{
	assert(tensor_same(t, y));
	launch(cuda_of(b), "map a tangent from RGB", blocks_for(packs_of(t)), BLOCK, from_rgb_tangent_kernel, values_of(t), image_of(timage, t), w,
		values_of(y), features_of(t), act);
}

/* -- to the image: lanes share a pixel -- */

/* image[i] = (accumulate: +=) gain * sum over channels of w[i] * x, + shift * bias[i] where bias is not NULL. */
__global__ static void to_rgb_kernel(float *image, struct divisor area, struct values x, const float *w, const float *bias, struct lanes pixels, int width,
	float gain, float shift, bool accumulate)
{
	const struct row_lane r = row_of_thread<PACK>(pixels);
	float *to = image + image_at(area, r.row);
	float sum[3] = {};
	for (int j = r.first; j < width; j += r.step) {
		const pack<PACK> p = load<PACK>(x, (int64_t)r.row * width + j);
		for (int i = 0; i < 3; i++) {
			const pack<PACK> k = load<PACK>(w + i * width + j);
			for (int v = 0; v < PACK; v++)
				sum[i] += k.v[v] * p.v[v];
		}
	}
	for (int i = 0; i < 3; i++, to += area.d) {
		const float total = gain * lanes_sum(sum[i], pixels) + (bias ? shift * bias[i] : 0);
		if (r.leads)
			*to = total + (accumulate ? *to : 0);
	}
}

static void to_image(struct backend *b, struct tensor image, struct tensor x, const float *w, const float *bias, float gain, float shift, bool accumulate)
{
	const struct lanes pixels = lanes_for(x.n * area_of(x), width_of(x) / PACK);
	launch(cuda_of(b), "map to RGB", blocks_for(pixels), BLOCK, to_rgb_kernel, image.data, image_of(image, x).area, values_of(x), w, bias, pixels, width_of(x),
		gain, shift, accumulate);
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

__global__ static void weights_kernel(double *partial, struct image m, struct values x, uint32_t rows, uint32_t chunk, int width)
{
	column_sums<PACK, 3>(partial, rows, chunk, width, [=](uint32_t row, int column, double (*sum)[PACK]) {
		const pack<PACK> p = load<PACK>(x, (int64_t)row * width + column);
		const uint32_t from = image_at(m.area, row);
		for (uint32_t i = 0; i < 3; i++) {
			const double value = m.data[from + i * m.area.d];
			for (int v = 0; v < PACK; v++)
				sum[i][v] += value * p.v[v];
		}
	});
}

/* dw[i] = gain * sum over samples and pixels of image[i] * x */
static void weights(struct backend *b, float *dw, struct tensor image, struct tensor x, float gain)
{
	struct cuda *c = cuda_of(b);
	const int width = width_of(x);
	const struct columns s = columns_for(x.n * area_of(x), width, PACK);
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
__global__ static void image_sums_kernel(double *partial, struct image m, uint32_t pixels, uint32_t chunk)
{
	const uint32_t first = blockIdx.x * chunk, end = first + chunk < pixels ? first + chunk : pixels;
	double sum = 0;
	for (uint32_t p = first + threadIdx.x; p < end; p += BLOCK)
		sum += m.data[image_at(m.area, p) + blockIdx.y * m.area.d];
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		partial[blockIdx.x * 3 + blockIdx.y] = sum;
}

static void cuda_to_rgb_backward(struct backend *b, struct tensor dx, float *dw, float *dbias, struct tensor dimage, struct tensor x, const float *w,
	struct activation act)
{
	enum { CHUNK = 4096 };
	struct cuda *c = cuda_of(b);
	const uint32_t pixels = (uint32_t)(x.n * area_of(x)), chunks = (pixels + CHUNK - 1) / CHUNK;
	assert(tensor_same(dx, x));
	launch(c, "differentiate a map to RGB", blocks_for(packs_of(x)), BLOCK, to_rgb_backward_kernel, values_of(dx), image_of(dimage, x), w, features_of(x),
		act.weight_gain);
	weights(b, dw, dimage, x, act.weight_gain);
	double *partial = (double *)cuda_scratch(c, (size_t)chunks * 3 * sizeof *partial);
	if (!partial)
		return;
	launch(c, "add up images", dim3(chunks, 3), BLOCK, image_sums_kernel, partial, image_of(dimage, x), pixels, (uint32_t)CHUNK);
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
