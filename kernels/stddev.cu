/* Minibatch standard deviation, its adjoint, its tangent and the derivative of its adjoint: plain_stddev.c has the formulas. One block a group: at
 * 4x4 a group has no more than some ten thousand values a sample. Arithmetic in double, as a deviation near 0 loses what float has. */
#include "device.cuh"
#include "stddev_group.h"

enum { STDDEV_BLOCK = 512 };

/* A group's samples of a tensor, and its real values (padding left out). */
struct members {
	struct values x;
	int64_t sample;          /* values from one sample to the next */
	struct stddev_group g;
	int channels, width;     /* without and with padding */
	int64_t values;          /* pixels * channels */
};

/* Offset in a sample of real value e. */
__device__ inline int64_t value_at(const struct members &m, int64_t e)
{
	return e / m.channels * m.width + e % m.channels;
}

__device__ inline double member_value(const struct members &m, struct values x, int i, int64_t at)
{
	return value_of(x, stddev_member(m.g, i) * m.sample + at);
}

__device__ inline double mean_at(const struct members &m, struct values x, int64_t at)
{
	double sum = 0;
	for (int i = 0; i < m.g.size; i++)
		sum += member_value(m, x, i, at);
	return sum / m.g.size;
}

/* s_p */
__device__ inline double deviation_at(const struct members &m, int64_t at)
{
	const double mean = mean_at(m, m.x, at);
	double sum = 0;
	for (int i = 0; i < m.g.size; i++) {
		const double d = member_value(m, m.x, i, at) - mean;
		sum += d * d;
	}
	return sqrt(sum / m.g.q + STDDEV_EPS);
}

/* Derivative of s_p in direction tx. */
__device__ inline double deviation_tangent_at(const struct members &m, struct values tx, int64_t at)
{
	const double mean = mean_at(m, m.x, at);
	double sum = 0;
	for (int i = 0; i < m.g.size; i++)
		sum += (member_value(m, m.x, i, at) - mean) * member_value(m, tx, i, at);
	return sum / (m.g.q * deviation_at(m, at));
}

/* y, with one channel more: `wide` values a pixel, padding included. */
struct appended {
	struct values y;
	int64_t sample;
	int wide;
};

/* The group's samples of y: the channels of `from` (x or its tangent), then the mean of s_p or of its derivative everywhere. */
__global__ static void stddev_kernel(struct appended a, struct values from, struct members m, struct stddev_groups groups, bool tangent)
{
	m.g = stddev_group_at(groups, blockIdx.x);
	double sum = 0;
	for (int64_t e = threadIdx.x; m.g.size > 1 && e < m.values; e += STDDEV_BLOCK)
		sum += tangent ? deviation_tangent_at(m, from, value_at(m, e)) : deviation_at(m, value_at(m, e));
	const float last = (float)(block_sum(sum) / (double)m.values);
	for (int i = 0; i < m.g.size; i++) {
		const int64_t sample = stddev_member(m.g, i);
		for (int64_t at = threadIdx.x; at < a.sample; at += STDDEV_BLOCK) {
			const int channel = (int)(at % a.wide);
			set_value(a.y, sample * a.sample + at, channel < m.channels ? value_of(from, sample * m.sample + at / a.wide * m.width + channel)
				: channel == m.channels ? last : 0);
		}
	}
}

/* dS / (P q): dS is the sum of dy's last channel over the group. */
__device__ inline double gradient_factor(const struct appended &dy, const struct members &m)
{
	const int64_t pixels = m.values / m.channels;
	double sum = 0;
	for (int64_t e = threadIdx.x; e < pixels * m.g.size; e += STDDEV_BLOCK)
		sum += value_of(dy.y, stddev_member(m.g, (int)(e / pixels)) * dy.sample + e % pixels * dy.wide + m.channels);
	return block_sum(sum) / ((double)m.values * m.g.q);
}

/* dx_ip = dy_ip + dS * d_ip / (P q s_p) */
__global__ static void stddev_backward_kernel(struct values dx, struct appended dy, struct members m, struct stddev_groups groups)
{
	m.g = stddev_group_at(groups, blockIdx.x);
	const double factor = gradient_factor(dy, m);
	for (int64_t e = threadIdx.x; e < m.values; e += STDDEV_BLOCK) {
		const int64_t at = value_at(m, e);
		const double mean = mean_at(m, m.x, at), deviation = deviation_at(m, at);
		for (int i = 0; i < m.g.size; i++) {
			const int64_t sample = stddev_member(m.g, i);
			const double direct = value_of(dy.y, sample * dy.sample + e / m.channels * dy.wide + e % m.channels);
			set_value(dx, sample * m.sample + at, (float)(direct + factor * (member_value(m, m.x, i, at) - mean) / deviation));
		}
	}
}

/* e_ip = dS / (P q) * (td_ip / s_p - d_ip * ts_p / s_p^2), td and ts the tangents of d and s. */
__global__ static void stddev_second_kernel(struct values second, struct appended dy, struct members m, struct values tx, struct stddev_groups groups)
{
	m.g = stddev_group_at(groups, blockIdx.x);
	const double factor = gradient_factor(dy, m);
	for (int64_t e = threadIdx.x; e < m.values; e += STDDEV_BLOCK) {
		const int64_t at = value_at(m, e);
		const double mean = mean_at(m, m.x, at), tmean = mean_at(m, tx, at);
		const double deviation = deviation_at(m, at), tdeviation = deviation_tangent_at(m, tx, at);
		for (int i = 0; i < m.g.size; i++) {
			const double d = member_value(m, m.x, i, at) - mean, td = member_value(m, tx, i, at) - tmean;
			set_value(second, stddev_member(m.g, i) * m.sample + at, (float)(factor * (td - d * tdeviation / deviation) / deviation));
		}
	}
}

/* -- launchers -- */

static struct members members_of(struct tensor x)
{
	struct members m = {};
	assert(x.c > 4);
	m.x = values_of(x);
	m.sample = sample_of(x);
	m.channels = x.c;
	m.width = width_of(x);
	m.values = area_of(x) * x.c;
	return m;
}

static struct appended appended_to(struct tensor x, struct tensor y)
{
	struct appended a = { values_of(y), sample_of(y), width_of(y) };
	assert(y.n == x.n && y.c == x.c + 1 && y.h == x.h && y.w == x.w);
	(void)x;
	return a;
}

static dim3 groups_of(struct tensor x, struct stddev_groups s)
{
	return dim3((unsigned)stddev_group_count(x, s));
}

static void cuda_stddev(struct backend *b, struct tensor y, struct tensor x, struct stddev_groups s)
{
	launch(cuda_of(b), "take deviations", groups_of(x, s), STDDEV_BLOCK, stddev_kernel, appended_to(x, y), values_of(x), members_of(x), s, false);
}

static void cuda_stddev_tangent(struct backend *b, struct tensor ty, struct tensor tx, struct tensor x, struct stddev_groups s)
{
	assert(same_shape(tx, x));
	launch(cuda_of(b), "take tangents of deviations", groups_of(x, s), STDDEV_BLOCK, stddev_kernel, appended_to(x, ty), values_of(tx), members_of(x), s, true);
}

static void cuda_stddev_backward(struct backend *b, struct tensor dx, struct tensor dy, struct tensor x, struct stddev_groups s)
{
	assert(same_shape(dx, x));
	launch(cuda_of(b), "differentiate deviations", groups_of(x, s), STDDEV_BLOCK, stddev_backward_kernel, values_of(dx), appended_to(x, dy), members_of(x), s);
}

static void cuda_stddev_second(struct backend *b, struct tensor e, struct tensor dy, struct tensor x, struct tensor tx, struct stddev_groups s)
{
	assert(same_shape(e, x) && same_shape(tx, x));
	launch(cuda_of(b), "differentiate deviations twice", groups_of(x, s), STDDEV_BLOCK, stddev_second_kernel, values_of(e), appended_to(x, dy),
		members_of(x), values_of(tx), s);
}

void cuda_stddev_table(struct backend *b)
{
	b->stddev = cuda_stddev;
	b->stddev_tangent = cuda_stddev_tangent;
	b->stddev_backward = cuda_stddev_backward;
	b->stddev_second = cuda_stddev_second;
}
