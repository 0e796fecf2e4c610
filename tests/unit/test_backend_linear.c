/* Linear maps of the plain table: the definition, written out once more in double, and the adjoint identity <dy, A x> = <A^T dy, x>. */
#include <string.h>

#include "backend_fixture.h"
#include "check.h"

/* Outputs are rounded to float once: 2^-24; sums of them over thousands of products stay below this. */
static const double ROUNDING = 2e-7, IDENTITY = 1e-6;

enum { MAX_VALUES = 32768 };

static double want[MAX_VALUES];

/* y(n,o,r,c) by the definition. */
static double conv_at(struct tensor x, const float *w, int64_t n, int o, int r, int c)
{
	double sum = 0;
	for (int i = 0; i < x.c; i++)
		for (int ky = 0; ky < 3; ky++)
			for (int kx = 0; kx < 3; kx++) {
				const int sr = r + ky - 1, sc = c + kx - 1;
				if (sr >= 0 && sr < x.h && sc >= 0 && sc < x.w)
					sum += (double)w[((o * x.c + i) * 3 + ky) * 3 + kx] * x.data[((n * x.c + i) * x.h + sr) * x.w + sc];
			}
	return sum;
}

static void conv_shape(int64_t n, int in, int out, int h, int w)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 2));
	const struct param_shape shape = { PARAM_CONV, out, 1, in, 1 };
	struct tensor x = fixture_tensor(&f, n, in, h, w), dy = fixture_tensor(&f, n, out, h, w);
	struct tensor y = fixture_tensor(&f, n, out, h, w), dx = fixture_tensor(&f, n, in, h, w); /* must be overwritten */
	float *k = fixture_param(&f, shape), *dk = fixture_values(&f, param_count(shape));
	size_t j = 0;

	f.b->conv(f.b, y, x, k);
	for (int64_t i = 0; i < n; i++)
		for (int o = 0; o < out; o++)
			for (int r = 0; r < h; r++)
				for (int c = 0; c < w; c++)
					want[j++] = conv_at(x, k, i, o, r, c);
	expect_close("conv", y.data, want, j, ROUNDING);

	f.b->conv_backward_data(f.b, dx, dy, k);
	f.b->conv_backward_weights(f.b, dk, x, dy);
	const double forward = dot(y.data, dy.data, tensor_count(y));
	expect_number("conv_backward_data", dot(dx.data, x.data, tensor_count(x)), forward, IDENTITY);
	expect_number("conv_backward_weights", dot(dk, k, param_count(shape)), forward, IDENTITY);
	fixture_close(&f);
}

TEST(conv)
{
	conv_shape(1, 1, 1, 4, 4);
	conv_shape(2, 5, 3, 4, 4);
	conv_shape(3, 2, 7, 8, 8);
	conv_shape(2, 3, 4, 5, 9);
	conv_shape(1, 2, 2, 1, 1);
	conv_shape(1, 1, 2, 16, 33);
}

/* A kernel with a single 1 moves the picture: fixes the orientation without any formula. */
TEST(conv_moves_the_picture)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 1));
	struct tensor x = fixture_tensor(&f, 1, 1, 4, 4), y = fixture_zeros(&f, 1, 1, 4, 4);
	float *k = fixture_floats(&f, 9);
	k[0 * 3 + 2] = 1; /* row above, column to the right */
	f.b->conv(f.b, y, x, k);
	for (int r = 0; r < 4; r++)
		for (int c = 0; c < 4; c++)
			CHECK(y.data[r * 4 + c] == (r > 0 && c < 3 ? x.data[(r - 1) * 4 + c + 1] : 0));
	fixture_close(&f);
}

/* Pixel (r,c) of channel i of x enlarged, 0 outside. */
static double enlarged_at(struct tensor x, int64_t n, int i, int r, int c)
{
	return r < 0 || r >= 2 * x.h || c < 0 || c >= 2 * x.w ? 0 : x.data[((n * x.c + i) * x.h + r / 2) * x.w + c / 2];
}

static void conv_up_shape(int64_t n, int in, int out, int h, int w)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 2));
	const struct param_shape shape = { PARAM_CONV, out, 1, in, 1 };
	struct tensor x = fixture_tensor(&f, n, in, h, w), dy = fixture_tensor(&f, n, out, 2 * h, 2 * w);
	struct tensor y = fixture_tensor(&f, n, out, 2 * h, 2 * w), dx = fixture_tensor(&f, n, in, h, w), twice = fixture_zeros(&f, n, in, h, w);
	float *k = fixture_param(&f, shape), *dk = fixture_values(&f, param_count(shape));
	size_t j = 0;

	f.b->conv_up(f.b, y, x, k);
	for (int64_t m = 0; m < n; m++)
		for (int o = 0; o < out; o++)
			for (int r = 0; r < 2 * h; r++)
				for (int c = 0; c < 2 * w; c++, j++) {
					want[j] = 0;
					for (int i = 0; i < in; i++)
						for (int t = 0; t < 9; t++)
							want[j] += (double)k[(o * in + i) * 9 + t] * enlarged_at(x, m, i, r + t / 3 - 1, c + t % 3 - 1);
				}
	expect_close("conv_up", y.data, want, j, ROUNDING);

	f.b->conv_up_backward_data(f.b, dx, dy, k, false);
	f.b->conv_up_backward_weights(f.b, dk, x, dy);
	const double forward = dot(y.data, dy.data, tensor_count(y));
	expect_number("conv_up_backward_data", dot(dx.data, x.data, tensor_count(x)), forward, IDENTITY);
	expect_number("conv_up_backward_weights", dot(dk, k, param_count(shape)), forward, IDENTITY);

	f.b->copy(f.b, twice.data, dx.data, tensor_count(dx));
	f.b->conv_up_backward_data(f.b, twice, dy, k, true);
	for (size_t i = 0; i < tensor_count(dx); i++)
		want[i] = 2. * dx.data[i];
	expect_close("conv_up_backward_data, accumulating", twice.data, want, tensor_count(dx), ROUNDING);
	fixture_close(&f);
}

TEST(conv_up)
{
	conv_up_shape(1, 1, 1, 1, 1);
	conv_up_shape(2, 3, 5, 4, 4);
	conv_up_shape(1, 4, 2, 3, 5);
}

static void conv_down_shape(int64_t n, int in, int out, int h, int w)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 2));
	const struct param_shape shape = { PARAM_CONV, out, 1, in, 1 };
	struct tensor x = fixture_tensor(&f, n, in, 2 * h, 2 * w), dx = fixture_tensor(&f, n, in, 2 * h, 2 * w);
	struct tensor y = fixture_tensor(&f, n, out, h, w), dy = fixture_tensor(&f, n, out, h, w);
	float *k = fixture_param(&f, shape), *dk = fixture_values(&f, param_count(shape));
	size_t j = 0;

	f.b->conv_down(f.b, y, x, k);
	for (int64_t m = 0; m < n; m++)
		for (int o = 0; o < out; o++)
			for (int r = 0; r < h; r++)
				for (int c = 0; c < w; c++, j++) {
					want[j] = 0;
					for (int q = 0; q < 4; q++)
						want[j] += conv_at(x, k, m, o, 2 * r + q / 2, 2 * c + q % 2) / 4;
				}
	expect_close("conv_down", y.data, want, j, ROUNDING);

	f.b->conv_down_backward_data(f.b, dx, dy, k);
	f.b->conv_down_backward_weights(f.b, dk, x, dy);
	const double forward = dot(y.data, dy.data, tensor_count(y));
	expect_number("conv_down_backward_data", dot(dx.data, x.data, tensor_count(x)), forward, IDENTITY);
	expect_number("conv_down_backward_weights", dot(dk, k, param_count(shape)), forward, IDENTITY);
	fixture_close(&f);
}

TEST(conv_down)
{
	conv_down_shape(1, 1, 1, 1, 1);
	conv_down_shape(2, 3, 5, 4, 4);
	conv_down_shape(1, 4, 2, 3, 5);
}

static void dense_shape(int64_t n, int in, int in_side, int out, int out_side)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 2));
	const struct param_shape shape = { PARAM_DENSE, out, out_side * out_side, in, in_side * in_side };
	const size_t ins = (size_t)(in * in_side * in_side), outs = (size_t)(out * out_side * out_side);
	struct tensor x = fixture_tensor(&f, n, in, in_side, in_side), dy = fixture_tensor(&f, n, out, out_side, out_side);
	struct tensor y = fixture_tensor(&f, n, out, out_side, out_side), dx = fixture_tensor(&f, n, in, in_side, in_side);
	float *w = fixture_param(&f, shape), *dw = fixture_values(&f, param_count(shape));

	f.b->dense(f.b, y, x, w);
	for (size_t i = 0; i < (size_t)n; i++)
		for (size_t o = 0; o < outs; o++)
			want[i * outs + o] = dot(w + o * ins, x.data + i * ins, ins);
	expect_close("dense", y.data, want, (size_t)n * outs, ROUNDING);

	f.b->dense_backward_data(f.b, dx, dy, w);
	f.b->dense_backward_weights(f.b, dw, x, dy);
	const double forward = dot(y.data, dy.data, tensor_count(y));
	expect_number("dense_backward_data", dot(dx.data, x.data, tensor_count(x)), forward, IDENTITY);
	expect_number("dense_backward_weights", dot(dw, w, param_count(shape)), forward, IDENTITY);
	fixture_close(&f);
}

TEST(dense)
{
	dense_shape(3, 7, 1, 5, 4);
	dense_shape(2, 3, 4, 6, 1);
	dense_shape(4, 9, 1, 1, 1);
	dense_shape(1, 1, 1, 1, 1);
}

/* w (out,in) times the channels of pixel p of sample n. */
static double mix_at(struct tensor x, const float *w, int64_t n, int o, int p)
{
	double sum = 0;
	for (int i = 0; i < x.c; i++)
		sum += (double)w[o * x.c + i] * x.data[(n * x.c + i) * x.h * x.w + p];
	return sum;
}

static const struct activation leaky = { .weight_gain = .7f, .bias_gain = 1.3f, .leak = .2f };

TEST(from_rgb)
{
	enum { N = 2, OUT = 5, H = 4, W = 6, AREA = H * W };
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 2));
	const struct param_shape shape = { PARAM_FROM_RGB, OUT, 1, 3, 1 };
	struct tensor x = fixture_tensor(&f, N, 3, H, W), y = fixture_tensor(&f, N, OUT, H, W), tx = fixture_tensor(&f, N, 3, H, W);
	struct tensor t = fixture_tensor(&f, N, OUT, H, W);
	float *w = fixture_param(&f, shape), *bias = fixture_values(&f, OUT);
	size_t j = 0;

	f.b->from_rgb(f.b, y, x, w, bias, leaky);
	for (int64_t n = 0; n < N; n++)
		for (int o = 0; o < OUT; o++)
			for (int p = 0; p < AREA; p++) {
				const double z = leaky.weight_gain * mix_at(x, w, n, o, p) + (double)leaky.bias_gain * bias[o];
				want[j++] = z > 0 ? z : z * leaky.leak;
			}
	expect_close("from_rgb", y.data, want, j, ROUNDING);

	f.b->from_rgb_tangent(f.b, t, tx, w, y, leaky);
	j = 0;
	for (int64_t n = 0; n < N; n++)
		for (int o = 0; o < OUT; o++)
			for (int p = 0; p < AREA; p++, j++)
				want[j] = (y.data[j] > 0 ? 1 : leaky.leak) * leaky.weight_gain * mix_at(tx, w, n, o, p);
	expect_close("from_rgb_tangent", t.data, want, j, ROUNDING);
	fixture_close(&f);
}

/* The two backward maps of from_rgb are the adjoints of image -> w * image, which from_rgb is without bias, gain and leak. */
TEST(from_rgb_backward)
{
	static const struct activation linear = { 1, 0, 1, false };
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 2));
	const struct param_shape shape = { PARAM_FROM_RGB, 5, 1, 3, 1 };
	struct tensor x = fixture_tensor(&f, 3, 3, 4, 6), y = fixture_zeros(&f, 3, 5, 4, 6), dz = fixture_tensor(&f, 3, 5, 4, 6);
	struct tensor dx = fixture_tensor(&f, 3, 3, 4, 6), twice = fixture_zeros(&f, 3, 3, 4, 6);
	float *w = fixture_param(&f, shape), *dw = fixture_values(&f, 15), *bias = fixture_values(&f, 5);

	f.b->from_rgb(f.b, y, x, w, bias, linear);
	f.b->from_rgb_backward_data(f.b, dx, dz, w, false);
	f.b->from_rgb_backward_weights(f.b, dw, x, dz);
	const double forward = dot(y.data, dz.data, tensor_count(y));
	expect_number("from_rgb_backward_data", dot(dx.data, x.data, tensor_count(x)), forward, IDENTITY);
	expect_number("from_rgb_backward_weights", dot(dw, w, 15), forward, IDENTITY);

	f.b->copy(f.b, twice.data, dx.data, tensor_count(dx));
	f.b->from_rgb_backward_data(f.b, twice, dz, w, true);
	for (size_t i = 0; i < tensor_count(dx); i++)
		want[i] = 2. * dx.data[i];
	expect_close("from_rgb_backward_data, accumulating", twice.data, want, tensor_count(dx), ROUNDING);
	fixture_close(&f);
}

TEST(to_rgb)
{
	enum { N = 3, IN = 7, H = 4, W = 2, AREA = H * W };
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 2));
	const struct param_shape shape = { PARAM_TO_RGB, 3, 1, IN, 1 };
	struct activation act = { .weight_gain = .7f, .bias_gain = 1.3f, .leak = 1 };
	struct tensor x = fixture_tensor(&f, N, IN, H, W), y = fixture_tensor(&f, N, 3, H, W), dy = fixture_tensor(&f, N, 3, H, W);
	struct tensor dx = fixture_tensor(&f, N, IN, H, W);
	float *w = fixture_param(&f, shape), *dw = fixture_values(&f, 3 * IN), *bias = fixture_values(&f, 3), *dbias = fixture_values(&f, 3);
	size_t j = 0;

	f.b->to_rgb(f.b, y, x, w, bias, act);
	for (int64_t n = 0; n < N; n++)
		for (int o = 0; o < 3; o++)
			for (int p = 0; p < AREA; p++)
				want[j++] = act.weight_gain * mix_at(x, w, n, o, p) + (double)act.bias_gain * bias[o];
	expect_close("to_rgb", y.data, want, j, ROUNDING);

	f.b->to_rgb_backward(f.b, dx, dw, dbias, dy, x, w, act);
	for (int o = 0; o < 3; o++) {
		double sum = 0;
		for (int64_t n = 0; n < N; n++)
			for (int p = 0; p < AREA; p++)
				sum += dy.data[(n * 3 + o) * AREA + p];
		want[o] = act.bias_gain * sum;
	}
	expect_close("to_rgb_backward, bias", dbias, want, 3, IDENTITY);

	float zero[3] = { 0 };
	f.b->copy(f.b, bias, zero, 3);
	f.b->to_rgb(f.b, y, x, w, bias, act);
	const double forward = dot(y.data, dy.data, tensor_count(y));
	expect_number("to_rgb_backward, data", dot(dx.data, x.data, tensor_count(x)), forward, IDENTITY);
	expect_number("to_rgb_backward, weights", dot(dw, w, 3 * IN), forward, IDENTITY);
	fixture_close(&f);
}

/* The same bytes whatever the number of threads. */
TEST(threads_do_not_matter)
{
	enum { N = 3, C = 5, SIDE = 8, COUNT = N * C * SIDE * SIDE };
	static float result[2][3][COUNT];
	for (int k = 0; k < 2; k++) {
		struct fixture f;
		REQUIRE(fixture_open(&f, "plain", k ? 3 : 1));
		struct tensor x = fixture_tensor(&f, N, C, SIDE, SIDE), y = fixture_zeros(&f, N, C, SIDE, SIDE);
		const struct param_shape shape = { PARAM_CONV, C, 1, C, 1 };
		float *w = fixture_param(&f, shape), *dw = fixture_floats(&f, param_count(shape));
		f.b->conv(f.b, y, x, w);
		f.b->download(f.b, result[k][0], y);
		f.b->conv_backward_data(f.b, y, x, w);
		f.b->download(f.b, result[k][1], y);
		f.b->conv_backward_weights(f.b, dw, x, y);
		f.b->param_unpack(f.b, shape, result[k][2], dw);
		fixture_close(&f);
	}
	CHECK(!memcmp(result[0], result[1], sizeof result[0]));
}
