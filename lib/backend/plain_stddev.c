/* Minibatch standard deviation (Karras et al. 2018, section 3), its adjoint, its tangent and its Hessian times a tangent, the derivative of
 * the adjoint.
 *
 * At position p = (c,h,w) of a group: mu_p the mean, d_ip = x_ip - mu_p, s_p = sqrt(sum_i d_ip^2 / q + eps), q = group or group - 1;
 * S is the mean of s_p over the P positions. Since the d_ip sum to 0 over i, dS/dx_ip = d_ip / (P q s_p). In a group of one every d_ip is
 * 0, so are all derivatives, whatever q; only S = 0 is a case of its own. */
#include <assert.h>
#include <math.h>

#include "plain.h"
#include "stddev_group.h"

/* Value at position p of member i of a group. */
static float *member(struct tensor x, struct stddev_group g, int i, size_t p)
{
	return x.data + (size_t)stddev_member(g, i) * x.sample_size + p;
}

static double mean_at(struct tensor x, struct stddev_group g, size_t p)
{
	double sum = 0;
	for (int i = 0; i < g.size; i++)
		sum += *member(x, g, i, p);
	return sum / g.size;
}

/* s_p */
static double deviation_at(struct tensor x, struct stddev_group g, size_t p)
{
	const double mean = mean_at(x, g, p);
	double sum = 0;
	for (int i = 0; i < g.size; i++) {
		const double d = *member(x, g, i, p) - mean;
		sum += d * d;
	}
	return sqrt(sum / g.q + STDDEV_EPS);
}

/* Derivative of s_p in direction tx. */
static double deviation_tangent_at(struct tensor x, struct tensor tx, struct stddev_group g, size_t p)
{
	const double mean = mean_at(x, g, p);
	double sum = 0;
	for (int i = 0; i < g.size; i++)
		sum += (*member(x, g, i, p) - mean) * *member(tx, g, i, p);
	return sum / (g.q * deviation_at(x, g, p));
}

/* Gradient with respect to S: the sum of the last channel over the group. */
static double deviation_gradient(struct tensor dy, struct stddev_group g)
{
	double sum = 0;
	for (int i = 0; i < g.size; i++)
		for (size_t p = 0; p < tensor_area(dy); p++)
			sum += plain_plane(dy, stddev_member(g, i), dy.c - 1)[p];
	return sum;
}

static void check_shapes(struct tensor y, struct tensor x)
{
	assert(y.n == x.n && y.c == x.c + 1 && y.h == x.h && y.w == x.w);
	(void)y;
	(void)x;
}

/* The group's samples of y: the channels of x, then `last` everywhere. */
static void append_channel(struct tensor y, struct tensor x, struct stddev_group g, double last)
{
	for (int i = 0; i < g.size; i++) {
		for (size_t p = 0; p < x.sample_size; p++)
			*member(y, g, i, p) = *member(x, g, i, p);
		for (size_t p = x.sample_size; p < y.sample_size; p++)
			*member(y, g, i, p) = (float)last;
	}
}

static void plain_stddev(struct backend *b, struct tensor y, struct tensor x, struct stddev_groups s)
{
	check_shapes(y, x);
#pragma omp parallel for num_threads(b->threads)
	for (int64_t k = 0; k < stddev_group_count(x, s); k++) {
		const struct stddev_group g = stddev_group_at(s, k);
		double sum = 0;
		for (size_t p = 0; g.size > 1 && p < x.sample_size; p++)
			sum += deviation_at(x, g, p);
		append_channel(y, x, g, sum / (double)x.sample_size);
	}
}

static void plain_stddev_tangent(struct backend *b, struct tensor ty, struct tensor tx, struct tensor x, struct stddev_groups s)
{
	check_shapes(ty, x);
#pragma omp parallel for num_threads(b->threads)
	for (int64_t k = 0; k < stddev_group_count(x, s); k++) {
		const struct stddev_group g = stddev_group_at(s, k);
		double sum = 0;
		for (size_t p = 0; p < x.sample_size; p++)
			sum += deviation_tangent_at(x, tx, g, p);
		append_channel(ty, tx, g, sum / (double)x.sample_size);
	}
}

/* dx_ip = dy_ip + dS * d_ip / (P q s_p) */
static void plain_stddev_backward(struct backend *b, struct tensor dx, struct tensor dy, struct tensor x, struct stddev_groups s)
{
	check_shapes(dy, x);
#pragma omp parallel for num_threads(b->threads)
	for (int64_t k = 0; k < stddev_group_count(x, s); k++) {
		const struct stddev_group g = stddev_group_at(s, k);
		const double factor = deviation_gradient(dy, g) / ((double)x.sample_size * g.q);
		for (size_t p = 0; p < x.sample_size; p++) {
			const double mean = mean_at(x, g, p), deviation = deviation_at(x, g, p);
			for (int i = 0; i < g.size; i++)
				*member(dx, g, i, p) = (float)(*member(dy, g, i, p) + factor * (*member(x, g, i, p) - mean) / deviation);
		}
	}
}

/* e_ip = dS / (P q) * (td_ip / s_p - d_ip * ts_p / s_p^2), td and ts the tangents of d and s. */
static void plain_stddev_hessian(struct backend *b, struct tensor e, struct tensor dy, struct tensor x, struct tensor tx,
	struct stddev_groups s)
{
	check_shapes(dy, x);
#pragma omp parallel for num_threads(b->threads)
	for (int64_t k = 0; k < stddev_group_count(x, s); k++) {
		const struct stddev_group g = stddev_group_at(s, k);
		const double factor = deviation_gradient(dy, g) / ((double)x.sample_size * g.q);
		for (size_t p = 0; p < x.sample_size; p++) {
			const double mean = mean_at(x, g, p), tmean = mean_at(tx, g, p);
			const double deviation = deviation_at(x, g, p), tdeviation = deviation_tangent_at(x, tx, g, p);
			for (int i = 0; i < g.size; i++) {
				const double d = *member(x, g, i, p) - mean, td = *member(tx, g, i, p) - tmean;
				*member(e, g, i, p) = (float)(factor * (td - d * tdeviation / deviation) / deviation);
			}
		}
	}
}

void plain_stddev_table(struct backend *b)
{
	b->stddev = plain_stddev;
	b->stddev_backward = plain_stddev_backward;
	b->stddev_tangent = plain_stddev_tangent;
	b->stddev_hessian = plain_stddev_hessian;
}
