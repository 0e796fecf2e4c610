#include <assert.h>

#include "plain.h"

enum { ROW_MAX = 1024 }; /* widest picture */

/* -- 3x3 convolution -- */

static void clear_row(double *acc, int width)
{
	for (int i = 0; i < width; i++)
		acc[i] = 0;
}

/* acc[i] += k * row[i + shift], zero outside the row. */
static void add_row(double *restrict acc, const float *restrict row, double k, int width, int shift)
{
	const int begin = shift < 0 ? -shift : 0, end = shift > 0 ? width - shift : width;
	for (int i = begin; i < end; i++)
		acc[i] += k * row[i + shift];
}

static void plain_conv(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	assert(y.n == x.n && y.h == x.h && y.w == x.w && x.w <= ROW_MAX);
#pragma omp parallel for collapse(2) num_threads(b->threads)
	for (int64_t n = 0; n < y.n; n++)
		for (int o = 0; o < y.c; o++)
			for (int r = 0; r < y.h; r++) {
				double acc[ROW_MAX];
				clear_row(acc, x.w);
				for (int i = 0; i < x.c; i++)
					for (int ky = 0; ky < 3; ky++) {
						const float *k = w + (((size_t)o * (size_t)x.c + (size_t)i) * 3 + (size_t)ky) * 3;
						const int from = r + ky - 1;
						if (from < 0 || from >= x.h)
							continue;
						for (int kx = 0; kx < 3; kx++)
							add_row(acc, plain_plane(x, n, i) + (size_t)from * (size_t)x.w, k[kx], x.w, kx - 1);
					}
				for (int c = 0; c < y.w; c++)
					plain_plane(y, n, o)[(size_t)r * (size_t)y.w + (size_t)c] = (float)acc[c];
			}
}

static void plain_conv_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w)
{
	assert(dy.n == dx.n && dy.h == dx.h && dy.w == dx.w && dx.w <= ROW_MAX);
#pragma omp parallel for collapse(2) num_threads(b->threads)
	for (int64_t n = 0; n < dx.n; n++)
		for (int i = 0; i < dx.c; i++)
			for (int r = 0; r < dx.h; r++) {
				double acc[ROW_MAX];
				clear_row(acc, dx.w);
				for (int o = 0; o < dy.c; o++)
					for (int ky = 0; ky < 3; ky++) {
						const float *k = w + (((size_t)o * (size_t)dx.c + (size_t)i) * 3 + (size_t)ky) * 3;
						const int from = r - (ky - 1);
						if (from < 0 || from >= dy.h)
							continue;
						for (int kx = 0; kx < 3; kx++)
							add_row(acc, plain_plane(dy, n, o) + (size_t)from * (size_t)dy.w, k[kx], dy.w, 1 - kx);
					}
				for (int c = 0; c < dx.w; c++)
					plain_plane(dx, n, i)[(size_t)r * (size_t)dx.w + (size_t)c] = (float)acc[c];
			}
}

/* Sum over a plane of dy(r,c) * x(r + down, c + right), x being zero outside. */
static double shifted_dot(const float *dy, const float *x, int h, int w, int down, int right)
{
	const int left = right < 0 ? -right : 0, end = right > 0 ? w - right : w;
	double sum = 0;
	for (int r = 0; r < h; r++) {
		const float *a = dy + (size_t)r * (size_t)w;
		if (r + down < 0 || r + down >= h)
			continue;
		const float *s = x + (size_t)(r + down) * (size_t)w;
#pragma omp simd reduction(+ : sum)
		for (int c = left; c < end; c++)
			sum += (double)a[c] * s[c + right];
	}
	return sum;
}

static void plain_conv_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	assert(dy.n == x.n && dy.h == x.h && dy.w == x.w);
#pragma omp parallel for collapse(2) num_threads(b->threads)
	for (int o = 0; o < dy.c; o++)
		for (int i = 0; i < x.c; i++)
			for (int k = 0; k < 9; k++) {
				double sum = 0;
				for (int64_t n = 0; n < x.n; n++)
					sum += shifted_dot(plain_plane(dy, n, o), plain_plane(x, n, i), x.h, x.w, k / 3 - 1, k % 3 - 1);
				dw[((size_t)o * (size_t)x.c + (size_t)i) * 9 + (size_t)k] = (float)sum;
			}
}

/* -- dense: weights (values of y, values of x) -- */

static void plain_dense(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	const size_t in = x.sample_size;
	assert(y.n == x.n);
#pragma omp parallel for collapse(2) num_threads(b->threads)
	for (int64_t n = 0; n < y.n; n++)
		for (size_t o = 0; o < y.sample_size; o++) {
			const float *from = plain_plane(x, n, 0), *row = w + o * in;
			double sum = 0;
#pragma omp simd reduction(+ : sum)
			for (size_t i = 0; i < in; i++)
				sum += (double)row[i] * from[i];
			plain_plane(y, n, 0)[o] = (float)sum;
		}
}

static void plain_dense_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w)
{
	const size_t in = dx.sample_size, out = dy.sample_size;
	assert(dy.n == dx.n);
#pragma omp parallel for collapse(2) num_threads(b->threads)
	for (int64_t n = 0; n < dx.n; n++)
		for (size_t i = 0; i < in; i++) {
			double sum = 0;
			for (size_t o = 0; o < out; o++)
				sum += (double)w[o * in + i] * plain_plane(dy, n, 0)[o];
			plain_plane(dx, n, 0)[i] = (float)sum;
		}
}

static void plain_dense_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	const size_t in = x.sample_size;
	assert(dy.n == x.n);
#pragma omp parallel for num_threads(b->threads)
	for (size_t o = 0; o < dy.sample_size; o++)
		for (size_t i = 0; i < in; i++) {
			double sum = 0;
			for (int64_t n = 0; n < x.n; n++)
				sum += (double)plain_plane(dy, n, 0)[o] * plain_plane(x, n, 0)[i];
			dw[o * in + i] = (float)sum;
		}
}

/* -- 1x1 maps between images and features: weights (channels of y, channels of x) -- */

static void mix_channels(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	assert(y.n == x.n && y.h == x.h && y.w == x.w);
#pragma omp parallel for collapse(2) num_threads(b->threads)
	for (int64_t n = 0; n < y.n; n++)
		for (int o = 0; o < y.c; o++)
			for (size_t p = 0; p < tensor_area(y); p++) {
				double sum = 0;
				for (int i = 0; i < x.c; i++)
					sum += (double)w[o * x.c + i] * plain_plane(x, n, i)[p];
				plain_plane(y, n, o)[p] = (float)sum;
			}
}

/* dx = gain * w^T dy, added to when accumulate. */
static void mix_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w, double gain, bool accumulate)
{
	assert(dy.n == dx.n && dy.h == dx.h && dy.w == dx.w);
#pragma omp parallel for collapse(2) num_threads(b->threads)
	for (int64_t n = 0; n < dx.n; n++)
		for (int i = 0; i < dx.c; i++)
			for (size_t p = 0; p < tensor_area(dx); p++) {
				float *to = plain_plane(dx, n, i) + p;
				double sum = 0;
				for (int o = 0; o < dy.c; o++)
					sum += (double)w[o * dx.c + i] * plain_plane(dy, n, o)[p];
				*to = (float)(gain * sum + (accumulate ? *to : 0));
			}
}

static void mix_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy, double gain)
{
	assert(dy.n == x.n && dy.h == x.h && dy.w == x.w);
#pragma omp parallel for collapse(2) num_threads(b->threads)
	for (int o = 0; o < dy.c; o++)
		for (int i = 0; i < x.c; i++) {
			double sum = 0;
			for (int64_t n = 0; n < x.n; n++)
				for (size_t p = 0; p < tensor_area(x); p++)
					sum += (double)plain_plane(dy, n, o)[p] * plain_plane(x, n, i)[p];
			dw[o * x.c + i] = (float)(gain * sum);
		}
}

static void plain_from_rgb(struct backend *b, struct tensor y, struct tensor image, const float *w, const float *bias,
	struct activation act)
{
	assert(image.c == 3);
	mix_channels(b, y, image, w);
	b->activate(b, y, bias, act, (struct tensor){ 0 });
}

static void plain_from_rgb_tangent(struct backend *b, struct tensor t, struct tensor timage, const float *w, struct tensor y,
	struct activation act)
{
	assert(timage.c == 3);
	mix_channels(b, t, timage, w);
	b->activate_backward(b, t, y, (struct tensor){ 0 }, act, NULL, false);
}

static void plain_from_rgb_backward_data(struct backend *b, struct tensor dimage, struct tensor dz, const float *w, bool accumulate)
{
	assert(dimage.c == 3);
	mix_backward_data(b, dimage, dz, w, 1, accumulate);
}

static void plain_from_rgb_backward_weights(struct backend *b, float *dw, struct tensor image, struct tensor dz)
{
	assert(image.c == 3);
	mix_backward_weights(b, dw, image, dz, 1);
}

static void plain_to_rgb(struct backend *b, struct tensor image, struct tensor x, const float *w, const float *bias, struct activation act)
{
	act.leak = 1;
	act.bias_map = false;
	assert(image.c == 3);
	mix_channels(b, image, x, w);
	b->activate(b, image, bias, act, (struct tensor){ 0 });
}

static void plain_to_rgb_backward(struct backend *b, struct tensor dx, float *dw, float *dbias, struct tensor dimage, struct tensor x,
	const float *w, struct activation act)
{
	assert(dimage.c == 3);
	mix_backward_data(b, dx, dimage, w, act.weight_gain, false);
	mix_backward_weights(b, dw, x, dimage, act.weight_gain);
	for (int c = 0; c < 3; c++) {
		double sum = 0;
		for (int64_t n = 0; n < dimage.n; n++)
			for (size_t p = 0; p < tensor_area(dimage); p++)
				sum += plain_plane(dimage, n, c)[p];
		dbias[c] = (float)(act.bias_gain * sum);
	}
}

void plain_linear_table(struct backend *b)
{
	b->conv = plain_conv;
	b->conv_backward_data = plain_conv_backward_data;
	b->conv_backward_weights = plain_conv_backward_weights;
	b->dense = plain_dense;
	b->dense_backward_data = plain_dense_backward_data;
	b->dense_backward_weights = plain_dense_backward_weights;
	b->from_rgb = plain_from_rgb;
	b->from_rgb_tangent = plain_from_rgb_tangent;
	b->from_rgb_backward_data = plain_from_rgb_backward_data;
	b->from_rgb_backward_weights = plain_from_rgb_backward_weights;
	b->to_rgb = plain_to_rgb;
	b->to_rgb_backward = plain_to_rgb_backward;
}
