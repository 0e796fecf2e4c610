#include <assert.h>

#include "plain.h"
#include "pointwise.h"

/* 1 / sqrt(mean over channels of x^2 + eps) at pixel p of sample n. */
static double inverse_rms(struct tensor x, int64_t n, size_t p)
{
	double sum = 0;
	for (int c = 0; c < x.c; c++) {
		const double value = plain_plane(x, n, c)[p];
		sum += value * value;
	}
	return 1 / sqrt(sum / x.c + PIXEL_NORM_EPS);
}

static void plain_pixel_norm(struct backend *b, struct tensor y, struct tensor x)
{
	assert(y.n == x.n && y.c == x.c && y.h == x.h && y.w == x.w);
#pragma omp parallel for num_threads(b->threads)
	for (int64_t n = 0; n < x.n; n++)
		for (size_t p = 0; p < tensor_area(x); p++) {
			const double scale = inverse_rms(x, n, p);
			for (int c = 0; c < x.c; c++)
				plain_plane(y, n, c)[p] = (float)(scale * plain_plane(x, n, c)[p]);
		}
}

/* -- bias, gain, leaky ReLU, pixel norm -- */

static void plain_activate(struct backend *b, struct tensor y, const float *bias, struct activation act, struct tensor norm)
{
	assert(!norm.data || (norm.n == y.n && norm.c == 1 && norm.h == y.h && norm.w == y.w));
#pragma omp parallel for num_threads(b->threads)
	for (int64_t n = 0; n < y.n; n++) {
		for (int c = 0; c < y.c; c++)
			for (size_t p = 0; p < tensor_area(y); p++) {
				float *v = plain_plane(y, n, c) + p;
				const float shift = act.bias_map ? bias[(size_t)c * tensor_area(y) + p] : bias[c];
				*v = lrelu(act.weight_gain * *v + act.bias_gain * shift, act.leak);
			}
		for (size_t p = 0; norm.data && p < tensor_area(y); p++) {
			const double scale = inverse_rms(y, n, p);
			plain_plane(norm, n, 0)[p] = (float)scale;
			for (int c = 0; c < y.c; c++)
				plain_plane(y, n, c)[p] = (float)(scale * plain_plane(y, n, c)[p]);
		}
	}
}

/* With y = a * r, r = (mean_c a^2 + eps)^(-1/2): da = r * (dy - y * mean_c(dy * y)). */
static void norm_backward(struct tensor dy, struct tensor y, struct tensor norm, int64_t n)
{
	for (size_t p = 0; p < tensor_area(y); p++) {
		double mean = 0;
		for (int c = 0; c < y.c; c++)
			mean += (double)plain_plane(dy, n, c)[p] * plain_plane(y, n, c)[p] / y.c;
		for (int c = 0; c < y.c; c++) {
			float *d = plain_plane(dy, n, c) + p;
			*d = (float)(plain_plane(norm, n, 0)[p] * (*d - plain_plane(y, n, c)[p] * mean));
		}
	}
}

/* dbias = (accumulate: +=) gain * sum of dz over samples, and over pixels unless there is a bias for each. */
static void bias_backward(struct backend *b, float *dbias, struct tensor dz, double gain, bool map, bool accumulate)
{
	const size_t area = tensor_area(dz), each = map ? area : 1, over = map ? 1 : area;
#pragma omp parallel for num_threads(b->threads)
	for (int c = 0; c < dz.c; c++)
		for (size_t k = 0; k < each; k++) {
			float *to = dbias + (size_t)c * each + k;
			double sum = 0;
			for (int64_t n = 0; n < dz.n; n++)
				for (size_t p = k; p < k + over; p++)
					sum += plain_plane(dz, n, c)[p];
			*to = (float)(gain * sum + (accumulate ? *to : 0));
		}
}

/* The bias gradient from dL/d(gain * z + bias), and the gain on that: the end of the way back to z. */
static void leave_activation(struct backend *b, struct tensor dz, struct activation act, float *dbias, bool accumulate)
{
	if (dbias)
		bias_backward(b, dbias, dz, act.bias_gain, act.bias_map, accumulate);
#pragma omp parallel for num_threads(b->threads)
	for (int64_t n = 0; n < dz.n; n++)
		for (size_t j = 0; j < dz.sample_size; j++)
			plain_plane(dz, n, 0)[j] *= act.weight_gain;
}

static void plain_activate_backward(struct backend *b, struct tensor dz, struct tensor y, struct tensor norm, struct activation act,
	float *dbias, bool accumulate)
{
	assert(dz.n == y.n && dz.c == y.c && dz.h == y.h && dz.w == y.w);
#pragma omp parallel for num_threads(b->threads)
	for (int64_t n = 0; n < y.n; n++) {
		if (norm.data)
			norm_backward(dz, y, norm, n);
		for (size_t j = 0; j < y.sample_size; j++)
			plain_plane(dz, n, 0)[j] *= lrelu_slope(plain_plane(y, n, 0)[j], act.leak);
	}
	leave_activation(b, dz, act, dbias, accumulate);
}

static void plain_activate_pool(struct backend *b, struct tensor pooled, struct tensor y, const float *bias, struct activation act)
{
	b->activate(b, y, bias, act, (struct tensor){ 0 });
	b->pool(b, pooled, y);
}

/* -- resizing: loops over the small picture, and over the four pixels of the large one that belong to each of its pixels -- */

static void check_half(struct tensor small, struct tensor large)
{
	assert(small.n == large.n && small.c == large.c && 2 * small.h == large.h && 2 * small.w == large.w);
	(void)small;
	(void)large;
}

/* Pixel k (0 … 3) of the large picture's 2x2 block at (r,c) of the small one. */
static size_t block_pixel(struct tensor large, int r, int c, int k)
{
	return (size_t)(2 * r + k / 2) * (size_t)large.w + (size_t)(2 * c + k % 2);
}

static void plain_activate_pool_backward(struct backend *b, struct tensor dz, struct tensor dpooled, struct tensor y, struct activation act,
	float *dbias, bool accumulate)
{
	check_half(dpooled, dz);
#pragma omp parallel for collapse(2) num_threads(b->threads)
	for (int64_t n = 0; n < dz.n; n++)
		for (int c = 0; c < dz.c; c++)
			for (int i = 0; i < dpooled.h; i++)
				for (int j = 0; j < dpooled.w; j++) {
					const float value = .25f * plain_plane(dpooled, n, c)[(size_t)i * (size_t)dpooled.w + (size_t)j];
					for (int k = 0; k < 4; k++) {
						const size_t at = block_pixel(dz, i, j, k);
						plain_plane(dz, n, c)[at] = value * lrelu_slope(plain_plane(y, n, c)[at], act.leak);
					}
				}
	leave_activation(b, dz, act, dbias, accumulate);
}

/* small = (accumulate: +=) factor * sum of the block. */
static void gather(struct backend *b, struct tensor small, struct tensor large, double factor, bool accumulate)
{
	check_half(small, large);
#pragma omp parallel for collapse(2) num_threads(b->threads)
	for (int64_t n = 0; n < small.n; n++)
		for (int c = 0; c < small.c; c++)
			for (int i = 0; i < small.h; i++)
				for (int j = 0; j < small.w; j++) {
					float *to = plain_plane(small, n, c) + (size_t)i * (size_t)small.w + j;
					double sum = 0;
					for (int k = 0; k < 4; k++)
						sum += plain_plane(large, n, c)[block_pixel(large, i, j, k)];
					*to = (float)(factor * sum + (accumulate ? *to : 0));
				}
}

/* Every pixel of the block = factor * small. */
static void spread(struct backend *b, struct tensor large, struct tensor small, float factor)
{
	check_half(small, large);
#pragma omp parallel for collapse(2) num_threads(b->threads)
	for (int64_t n = 0; n < small.n; n++)
		for (int c = 0; c < small.c; c++)
			for (int i = 0; i < small.h; i++)
				for (int j = 0; j < small.w; j++) {
					const float value = factor * plain_plane(small, n, c)[(size_t)i * (size_t)small.w + (size_t)j];
					for (int k = 0; k < 4; k++)
						plain_plane(large, n, c)[block_pixel(large, i, j, k)] = value;
				}
}

static void plain_pool(struct backend *b, struct tensor y, struct tensor x)
{
	gather(b, y, x, .25, false);
}

static void plain_pool_backward(struct backend *b, struct tensor dx, struct tensor dy)
{
	spread(b, dx, dy, .25f);
}

static void plain_upsample(struct backend *b, struct tensor y, struct tensor x)
{
	spread(b, y, x, 1);
}

static void plain_upsample_backward(struct backend *b, struct tensor dx, struct tensor dy, bool accumulate)
{
	gather(b, dx, dy, 1, accumulate);
}

void plain_point_table(struct backend *b)
{
	b->activate = plain_activate;
	b->activate_backward = plain_activate_backward;
	b->activate_pool = plain_activate_pool;
	b->activate_pool_backward = plain_activate_pool_backward;
	b->pixel_norm = plain_pixel_norm;
	b->pool = plain_pool;
	b->pool_backward = plain_pool_backward;
	b->upsample = plain_upsample;
	b->upsample_backward = plain_upsample_backward;
}
