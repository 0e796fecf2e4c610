/* Minibatch standard deviation of the plain table: values against the definition, written out for complex numbers, so that a derivative in
 * direction t is Im f(x + i h t) / h for a tiny h, without cancellation (Squire and Trapp 1998); the second derivative is a difference of that. */
#include <complex.h>
#include <math.h>
#include <string.h>

#include "backend_fixture.h"
#include "check.h"

static const double ROUNDING = 3e-7; /* float rounding of the results; the references are good to 1e-9 */

enum { C = 3, SIDE = 2, AREA = SIDE * SIDE, IN = C * AREA, OUT = (C + 1) * AREA, MAX_N = 24 };

static const double TINY = 1e-30;

static double want[MAX_N * OUT];

struct stddev_case {
	struct stddev_groups groups;
	int64_t n;
	const float *x, *tx; /* (n,c,h,w) */
	const float *dy;     /* (n,c+1,h,w) */
	double step;         /* for differences in x */
};

/* Group of sample i, counted over all batches. */
static int64_t group_of(const struct stddev_groups *s, int64_t i)
{
	const int64_t batch = i / s->batch, within = i % s->batch, groups = s->batch / s->group;
	return batch * groups + (s->strided ? within % groups : within / s->group);
}

/* The appended value of sample i. */
static double complex deviation(const struct stddev_case *k, const double complex *x, int64_t i)
{
	double complex sum = 0;
	if (k->groups.group == 1)
		return 0;
	for (int p = 0; p < IN; p++) {
		double complex mean = 0, squares = 0;
		for (int64_t j = 0; j < k->n; j++)
			if (group_of(&k->groups, j) == group_of(&k->groups, i))
				mean += x[j * IN + p] / k->groups.group;
		for (int64_t j = 0; j < k->n; j++)
			if (group_of(&k->groups, j) == group_of(&k->groups, i))
				squares += (x[j * IN + p] - mean) * (x[j * IN + p] - mean);
		sum += csqrt(squares / (k->groups.biased ? k->groups.group : k->groups.group - 1) + 1e-8);
	}
	return sum / IN;
}

static void stddev_values(const struct stddev_case *k, double complex *y, const double complex *x)
{
	for (int64_t i = 0; i < k->n; i++) {
		const double complex last = deviation(k, x, i);
		for (int p = 0; p < OUT; p++)
			y[i * OUT + p] = p < IN ? x[i * IN + p] : last;
	}
}

/* <dy, stddev(x)> */
static double complex stddev_loss(const struct stddev_case *k, const double complex *x)
{
	double complex y[MAX_N * OUT], sum = 0;
	stddev_values(k, y, x);
	for (int64_t j = 0; j < k->n * OUT; j++)
		sum += k->dy[j] * y[j];
	return sum;
}

/* The loss's derivative along tx. */
static double loss_tangent(const double *x, const void *context)
{
	const struct stddev_case *k = context;
	double complex z[MAX_N * IN] = { 0 };
	for (int64_t j = 0; j < k->n * IN; j++)
		z[j] = x[j] + I * TINY * k->tx[j];
	return cimag(stddev_loss(k, z)) / TINY;
}

static void check_values(const struct stddev_case *k, struct fixture *f, struct tensor y, struct tensor tx, struct tensor x)
{
	double complex z[MAX_N * IN], value[MAX_N * OUT];
	const size_t outs = (size_t)k->n * OUT;
	for (int64_t j = 0; j < k->n * IN; j++)
		z[j] = k->x[j] + I * TINY * k->tx[j];
	stddev_values(k, value, z);

	for (size_t j = 0; j < outs; j++)
		want[j] = creal(value[j]);
	f->b->stddev(f->b, y, x, k->groups);
	expect_close("stddev", y.data, want, outs, ROUNDING);

	for (size_t j = 0; j < outs; j++)
		want[j] = cimag(value[j]) / TINY;
	f->b->stddev_tangent(f->b, y, tx, x, k->groups);
	expect_close("stddev_tangent", y.data, want, outs, ROUNDING);
}

static void check_gradients(const struct stddev_case *k, struct fixture *f, struct tensor dx, struct tensor dy, struct tensor tx, struct tensor x)
{
	double real[MAX_N * IN];
	double complex z[MAX_N * IN];
	const size_t ins = (size_t)k->n * IN;
	for (size_t j = 0; j < ins; j++)
		z[j] = real[j] = k->x[j];

	for (size_t j = 0; j < ins; j++) {
		z[j] += I * TINY;
		want[j] = cimag(stddev_loss(k, z)) / TINY;
		z[j] = real[j];
	}
	f->b->stddev_backward(f->b, dx, dy, x, k->groups);
	expect_close("stddev_backward", dx.data, want, ins, ROUNDING);

	for (size_t j = 0; j < ins; j++)
		want[j] = derivative(loss_tangent, k, real, j, k->step);
	f->b->stddev_hessian(f->b, dx, dy, x, tx, k->groups);
	if (k->groups.group > 1)
		expect_close("stddev_hessian", dx.data, want, ins, ROUNDING);
	for (size_t j = 0; k->groups.group == 1 && j < ins; j++)
		CHECK(dx.data[j] == 0);
}

/* spread: size of the values of x. The second derivative for groups of two is nearly 0 unless x is near sqrt(eps). */
static void stddev_case(struct stddev_groups groups, int64_t batches, float spread)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 2));
	const int64_t n = groups.batch * batches;
	REQUIRE(n <= MAX_N);
	struct tensor x = fixture_tensor(&f, n, C, SIDE, SIDE), tx = fixture_tensor(&f, n, C, SIDE, SIDE), dx = fixture_tensor(&f, n, C, SIDE, SIDE);
	struct tensor y = fixture_tensor(&f, n, C + 1, SIDE, SIDE), dy = fixture_tensor(&f, n, C + 1, SIDE, SIDE);
	const struct stddev_case k = { groups, n, x.data, tx.data, dy.data, 1e-5 * spread };
	for (size_t j = 0; j < tensor_count(x); j++)
		x.data[j] *= spread;
	check_values(&k, &f, y, tx, x);
	check_gradients(&k, &f, dx, dy, tx, x);
	fixture_close(&f);
}

TEST(stddev_consecutive_unbiased)
{
	stddev_case((struct stddev_groups){ 4, 4, false, false }, 1, 1);
	stddev_case((struct stddev_groups){ 8, 4, false, false }, 3, 1);
	stddev_case((struct stddev_groups){ 6, 2, false, false }, 2, 1e-4f);
}

TEST(stddev_strided_biased)
{
	stddev_case((struct stddev_groups){ 4, 4, true, true }, 1, 1);
	stddev_case((struct stddev_groups){ 8, 4, true, true }, 3, 1);
	stddev_case((struct stddev_groups){ 6, 2, true, true }, 2, 1e-4f);
}

TEST(stddev_mixed_kinds)
{
	stddev_case((struct stddev_groups){ 8, 4, true, false }, 1, 1);
	stddev_case((struct stddev_groups){ 8, 4, false, true }, 2, 1);
}

TEST(stddev_whole_batch)
{
	stddev_case((struct stddev_groups){ 3, 3, false, false }, 3, 1);
	stddev_case((struct stddev_groups){ 6, 6, true, true }, 1, 1);
}

TEST(stddev_group_of_one)
{
	stddev_case((struct stddev_groups){ 1, 1, false, false }, 3, 1);
	stddev_case((struct stddev_groups){ 4, 1, true, true }, 1, 1);
}

/* Equal samples: the deviation is sqrt(eps), the gradient 0, everything finite. */
TEST(stddev_of_equal_samples)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 1));
	const struct stddev_groups groups = { 4, 4, false, false };
	struct tensor x = fixture_zeros(&f, 4, C, SIDE, SIDE), y = fixture_zeros(&f, 4, C + 1, SIDE, SIDE);
	struct tensor dy = fixture_tensor(&f, 4, C + 1, SIDE, SIDE), dx = fixture_tensor(&f, 4, C, SIDE, SIDE);
	f.b->stddev(f.b, y, x, groups);
	expect_number("stddev", y.data[IN] * 1e4, 1, 1e-6);
	f.b->stddev_backward(f.b, dx, dy, x, groups);
	for (int64_t i = 0; i < 4; i++)
		CHECK(!memcmp(dx.data + i * IN, dy.data + i * OUT, IN * sizeof(float)));
	fixture_close(&f);
}
