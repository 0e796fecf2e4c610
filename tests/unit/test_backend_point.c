/* Activation, pixel norm, resizing and fading of the plain table: values against the formulas of backend.h in double, gradients against
 * differences of those. */
#include <math.h>
#include <string.h>

#include "backend_fixture.h"
#include "check.h"

/* One float rounding of the output, or of a handful of inputs to it; differences in double add nothing. */
static const double ROUNDING = 3e-7, GRADIENT = 1e-6, IDENTITY = 1e-6;

enum { N = 3, C = 5, SIDE = 4, AREA = SIDE * SIDE, COUNT = N * C * AREA };

static double want[4 * COUNT];

static void to_double(double *out, const float *x, size_t count)
{
	for (size_t i = 0; i < count; i++)
		out[i] = x[i];
}

/* -- activation -- */

/* L = <r, activate(z, bias)>; x = z and then bias. */
struct activation_case {
	struct activation act;
	bool norm, pool;
	const float *r;
	double y[COUNT], inverse[N * AREA]; /* results of the last evaluation */
};

static size_t bias_count(const struct activation *a)
{
	return a->bias_map ? C * AREA : C;
}

static void activation_values(struct activation_case *k, const double *x)
{
	const double *bias = x + COUNT;
	for (int j = 0; j < COUNT; j++) {
		const int c = j / AREA % C, p = j % AREA;
		const double z = k->act.weight_gain * x[j] + (double)k->act.bias_gain * bias[k->act.bias_map ? c * AREA + p : c];
		k->y[j] = z > 0 ? z : k->act.leak * z;
	}
	for (int j = 0; k->norm && j < N * AREA; j++) {
		double *y = k->y + j / AREA * C * AREA + j % AREA, mean = 0;
		for (int c = 0; c < C; c++)
			mean += y[c * AREA] * y[c * AREA] / C;
		k->inverse[j] = 1 / sqrt(mean + 1e-8);
		for (int c = 0; c < C; c++)
			y[c * AREA] *= k->inverse[j];
	}
}

/* 2x2 averages of planes. */
static void pool_values(double *out, const double *y, int planes, int side)
{
	for (int j = 0; j < planes * side / 2 * side / 2; j++) {
		const int plane = j / (side / 2 * side / 2), r = j / (side / 2) % (side / 2), c = j % (side / 2);
		const double *top = y + (plane * side + 2 * r) * side + 2 * c;
		out[j] = (top[0] + top[1] + top[side] + top[side + 1]) / 4;
	}
}

static double activation_loss(const double *x, const void *context)
{
	struct activation_case *k = (struct activation_case *)(uintptr_t)context;
	double pooled[COUNT / 4], sum = 0;
	activation_values(k, x);
	pool_values(pooled, k->y, N * C, SIDE);
	for (int j = 0; j < (k->pool ? COUNT / 4 : COUNT); j++)
		sum += k->r[j] * (k->pool ? pooled[j] : k->y[j]);
	return sum;
}

static void activation_gradient(struct activation_case *k, const float *z, const float *bias)
{
	double x[COUNT + C * AREA];
	to_double(x, z, COUNT);
	to_double(x + COUNT, bias, bias_count(&k->act));
	for (size_t i = 0; i < COUNT + bias_count(&k->act); i++)
		want[i] = derivative(activation_loss, k, x, i, 1e-5);
	activation_values(k, x);
}

static void activation_case(struct activation act, bool with_norm)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 2));
	struct activation_case k = { .act = act, .norm = with_norm };
	struct tensor y = fixture_tensor(&f, N, C, SIDE, SIDE), dz = fixture_tensor(&f, N, C, SIDE, SIDE), norm = { 0 };
	float *bias = fixture_values(&f, bias_count(&act)), *dbias = fixture_values(&f, bias_count(&act));
	if (with_norm)
		norm = fixture_zeros(&f, N, 1, SIDE, SIDE);
	float r[COUNT];
	f.b->download(f.b, r, dz);
	k.r = r;
	activation_gradient(&k, y.data, bias);

	f.b->activate(f.b, y, bias, act, norm);
	expect_close("activate", y.data, k.y, COUNT, ROUNDING);
	if (with_norm)
		expect_close("activate, norm", norm.data, k.inverse, N * AREA, ROUNDING);

	f.b->activate_backward(f.b, dz, y, norm, act, dbias, false);
	expect_close("activate_backward", dz.data, want, COUNT, GRADIENT);
	expect_close("activate_backward, bias", dbias, want + COUNT, bias_count(&act), GRADIENT);

	f.b->upload(f.b, dz, r);
	f.b->activate_backward(f.b, dz, y, norm, act, dbias, true);
	for (size_t i = 0; i < bias_count(&act); i++)
		want[COUNT + i] *= 2;
	expect_close("activate_backward, accumulating", dbias, want + COUNT, bias_count(&act), GRADIENT);

	f.b->upload(f.b, dz, r);
	f.b->activate_backward(f.b, dz, y, norm, act, NULL, false);
	expect_close("activate_backward, no bias", dz.data, want, COUNT, GRADIENT);
	fixture_close(&f);
}

TEST(activate)
{
	for (int map = 0; map < 2; map++)
		for (int norm = 0; norm < 2; norm++) {
			activation_case((struct activation){ .7f, 1.3f, .2f, map }, norm);
			activation_case((struct activation){ 1.5f, .4f, 1, map }, norm);
		}
}

/* At 0 the slope is `leak`. */
TEST(activate_kink)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 1));
	const struct activation act = { .weight_gain = 2, .bias_gain = 1, .leak = .25f };
	struct tensor y = fixture_zeros(&f, 1, 1, 1, 1), dz = fixture_zeros(&f, 1, 1, 1, 1), none = { 0 };
	float *bias = fixture_floats(&f, 1);
	f.b->activate(f.b, y, bias, act, none);
	CHECK(y.data[0] == 0);
	dz.data[0] = 8;
	f.b->activate_backward(f.b, dz, y, none, act, NULL, false);
	CHECK(dz.data[0] == 4);
	fixture_close(&f);
}

TEST(activate_pool)
{
	for (int map = 0; map < 2; map++) {
		struct fixture f;
		REQUIRE(fixture_open(&f, "plain", 2));
		struct activation_case k = { .act = { .7f, 1.3f, .2f, map }, .pool = true };
		struct tensor y = fixture_tensor(&f, N, C, SIDE, SIDE), dz = fixture_tensor(&f, N, C, SIDE, SIDE);
		struct tensor pooled = fixture_tensor(&f, N, C, SIDE / 2, SIDE / 2), r = fixture_tensor(&f, N, C, SIDE / 2, SIDE / 2);
		float *bias = fixture_values(&f, bias_count(&k.act)), *dbias = fixture_values(&f, bias_count(&k.act));
		double small[COUNT / 4];
		k.r = r.data;
		activation_gradient(&k, y.data, bias);
		pool_values(small, k.y, N * C, SIDE);

		f.b->activate_pool(f.b, pooled, y, bias, k.act);
		expect_close("activate_pool, y", y.data, k.y, COUNT, ROUNDING);
		expect_close("activate_pool, pooled", pooled.data, small, COUNT / 4, ROUNDING);
		f.b->activate_pool_backward(f.b, dz, r, y, k.act, dbias, false);
		expect_close("activate_pool_backward", dz.data, want, COUNT, GRADIENT);
		expect_close("activate_pool_backward, bias", dbias, want + COUNT, bias_count(&k.act), GRADIENT);
		f.b->activate_pool_backward(f.b, dz, r, y, k.act, dbias, true);
		for (size_t i = 0; i < bias_count(&k.act); i++)
			want[COUNT + i] *= 2;
		expect_close("activate_pool_backward, accumulating", dbias, want + COUNT, bias_count(&k.act), GRADIENT);
		f.b->activate_pool_backward(f.b, y, r, y, k.act, NULL, false);
		expect_close("activate_pool_backward, in place", y.data, want, COUNT, GRADIENT);
		fixture_close(&f);
	}
}

TEST(pixel_norm)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 2));
	struct tensor x = fixture_tensor(&f, N, C, SIDE, SIDE), y = fixture_tensor(&f, N, C, SIDE, SIDE);
	struct activation_case k = { .act = { 1, 0, 1, false }, .norm = true };
	double values[COUNT + C] = { 0 };
	for (int c = 0; c < C; c++)
		x.data[c * AREA] = 0; /* a pixel that is 0 stays 0 */
	to_double(values, x.data, COUNT);
	activation_values(&k, values);
	f.b->pixel_norm(f.b, y, x);
	expect_close("pixel_norm", y.data, k.y, COUNT, ROUNDING);
	f.b->pixel_norm(f.b, x, x);
	CHECK(!memcmp(x.data, y.data, COUNT * sizeof(float)));
	fixture_close(&f);
}

/* -- resizing and fading -- */

TEST(resizing)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 2));
	struct tensor x = fixture_tensor(&f, N, C, SIDE, SIDE), large = fixture_tensor(&f, N, C, SIDE, SIDE);
	struct tensor s = fixture_tensor(&f, N, C, SIDE / 2, SIDE / 2), small = fixture_tensor(&f, N, C, SIDE / 2, SIDE / 2);
	double values[COUNT];
	to_double(values, x.data, COUNT);
	pool_values(want, values, N * C, SIDE);
	f.b->pool(f.b, small, x);
	expect_close("pool", small.data, want, COUNT / 4, ROUNDING);

	f.b->pool_backward(f.b, large, s);
	expect_number("pool_backward", dot(large.data, x.data, COUNT), dot(s.data, small.data, COUNT / 4), IDENTITY);

	f.b->upsample(f.b, large, s);
	for (int j = 0; j < COUNT; j++) {
		const int plane = j / AREA, r = j / SIDE % SIDE, c = j % SIDE;
		CHECK(large.data[j] == s.data[(plane * SIDE / 2 + r / 2) * SIDE / 2 + c / 2]);
	}
	f.b->upsample_backward(f.b, small, x, false);
	for (int j = 0; j < COUNT / 4; j++)
		want[j] *= 4;
	expect_close("upsample_backward", small.data, want, COUNT / 4, ROUNDING);
	for (int j = 0; j < COUNT / 4; j++)
		want[j] += s.data[j];
	f.b->upsample_backward(f.b, s, x, true);
	expect_close("upsample_backward, accumulating", s.data, want, COUNT / 4, ROUNDING);
	fixture_close(&f);
}

TEST(squash)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 2));
	struct tensor y = fixture_tensor(&f, N, C, SIDE, SIDE), d = fixture_tensor(&f, N, C, SIDE, SIDE);
	double slope[COUNT];
	for (int j = 0; j < COUNT; j++) {
		want[j] = tanh(y.data[j]);
		slope[j] = d.data[j] * (1 - want[j] * want[j]);
	}
	f.b->squash(f.b, y);
	expect_close("squash", y.data, want, COUNT, ROUNDING);
	f.b->squash_backward(f.b, d, y);
	expect_close("squash_backward", d.data, slope, COUNT, ROUNDING);
	fixture_close(&f);
}

TEST(fade)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 2));
	const float alpha = .3f;
	struct tensor old = fixture_tensor(&f, N, C, SIDE, SIDE), fresh = fixture_tensor(&f, N, C, SIDE, SIDE);
	struct tensor y = fixture_tensor(&f, N, C, SIDE, SIDE), dold = fixture_tensor(&f, N, C, SIDE, SIDE);
	f.b->set_scalars(f.b, &(struct step_scalars){ .alpha = alpha });
	for (int j = 0; j < COUNT; j++)
		want[j] = (double)alpha * old.data[j] + (1 - (double)alpha) * fresh.data[j];
	f.b->fade(f.b, y, old, fresh);
	expect_close("fade", y.data, want, COUNT, ROUNDING);
	f.b->fade(f.b, fresh, old, fresh);
	expect_close("fade, in place", fresh.data, want, COUNT, ROUNDING);

	double twice[2 * COUNT];
	for (int j = 0; j < COUNT; j++) {
		twice[j] = (double)alpha * y.data[j];
		twice[COUNT + j] = (1 - (double)alpha) * y.data[j];
	}
	f.b->fade_backward(f.b, dold, fresh, y);
	expect_close("fade_backward, old", dold.data, twice, COUNT, ROUNDING);
	expect_close("fade_backward, fresh", fresh.data, twice + COUNT, COUNT, ROUNDING);
	f.b->fade_backward(f.b, dold, y, y);
	expect_close("fade_backward, in place, old", dold.data, twice, COUNT, ROUNDING);
	expect_close("fade_backward, in place, fresh", y.data, twice + COUNT, COUNT, ROUNDING);
	fixture_close(&f);
}
