/* Minibatch standard deviation, its adjoint, its tangent and its Hessian times a tangent: plain_stddev.c has the formulas. A block has BLOCK values of a
 * sample, in all samples of a group: blockIdx.y is the group. Arithmetic in double, as a deviation near 0 loses what float has. */
#include "device.cuh"
#include "stddev_group.h"

/* A group's samples of a tensor, and its real values (padding left out). */
struct members {
	struct values x;
	int64_t sample;          /* values from one sample to the next */
	struct stddev_group g;
	struct divisor channels; /* without padding */
	uint32_t width;          /* with padding */
	uint32_t values;         /* pixels * channels */
};

/* Offset in a sample of real value e, where a pixel has `width` values. */
__device__ inline int64_t value_at(const struct members &m, uint32_t e, uint32_t width)
{
	const uint32_t pixel = quotient(e, m.channels);
	return (int64_t)pixel * width + (e - pixel * m.channels.d);
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

/* y, with one channel more. */
struct appended {
	struct values y;
	int64_t sample;
	struct divisor wide; /* values of a pixel, padding included */
};

/* partial[group][block]: the sum over the block of s_p, or of its derivative in direction `from`. */
__global__ static void deviations_kernel(double *partial, struct values from, struct members m, struct stddev_groups groups, bool tangent)
{
	const uint32_t e = thread_index();
	double mine = 0;
	m.g = stddev_group_at(groups, blockIdx.y);
	if (m.g.size > 1 && e < m.values)
		mine = tangent ? deviation_tangent_at(m, from, value_at(m, e, m.width)) : deviation_at(m, value_at(m, e, m.width));
	const double sum = block_sum(mine);
	if (threadIdx.x == 0)
		partial[blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

/* The group's samples of y: the channels of `from` (x or its tangent), then the mean of what deviations_kernel() has summed in `parts` parts. */
__global__ static void append_kernel(struct appended a, struct values from, struct members m, struct stddev_groups groups, const double *partial, uint32_t parts)
{
	const uint32_t at = thread_index(), pixel = quotient(at, a.wide), channel = at - pixel * a.wide.d;
	double mine = 0;
	m.g = stddev_group_at(groups, blockIdx.y);
	for (uint32_t i = threadIdx.x; i < parts; i += BLOCK)
		mine += partial[blockIdx.y * parts + i];
	const float last = (float)(block_sum(mine) / (double)m.values);
	for (int i = 0; i < m.g.size && at < a.sample; i++) {
		const int64_t sample = stddev_member(m.g, i);
		set_value(a.y, sample * a.sample + at, channel < m.channels.d ? value_of(from, sample * m.sample + (int64_t)pixel * m.width + channel)
			: channel == m.channels.d ? last : 0);
	}
}

/* dS / (P q): dS is the sum of dy's last channel over the group. */
__device__ inline double gradient_factor(const struct appended &dy, const struct members &m)
{
	const uint32_t pixels = m.values / m.channels.d;
	double sum = 0;
	for (uint32_t e = threadIdx.x; e < pixels * (uint32_t)m.g.size; e += BLOCK)
		sum += value_of(dy.y, stddev_member(m.g, (int)(e / pixels)) * dy.sample + (int64_t)(e % pixels) * dy.wide.d + m.channels.d);
	return block_sum(sum) / ((double)m.values * m.g.q);
}

/* dx_ip = dy_ip + dS * d_ip / (P q s_p) */
__global__ static void stddev_backward_kernel(struct values dx, struct appended dy, struct members m, struct stddev_groups groups)
{
	const uint32_t e = thread_index();
	m.g = stddev_group_at(groups, blockIdx.y);
	const double factor = gradient_factor(dy, m);
	if (e >= m.values)
		return;
	const int64_t at = value_at(m, e, m.width), from = value_at(m, e, dy.wide.d);
	const double mean = mean_at(m, m.x, at), deviation = deviation_at(m, at);
	for (int i = 0; i < m.g.size; i++) {
		const int64_t sample = stddev_member(m.g, i);
		const double direct = value_of(dy.y, sample * dy.sample + from);
		set_value(dx, sample * m.sample + at, (float)(direct + factor * (member_value(m, m.x, i, at) - mean) / deviation));
	}
}

/* e_ip = dS / (P q) * (td_ip / s_p - d_ip * ts_p / s_p^2), td and ts the tangents of d and s. */
__global__ static void stddev_hessian_kernel(struct values product, struct appended dy, struct members m, struct values tx, struct stddev_groups groups)
{
	const uint32_t e = thread_index();
	m.g = stddev_group_at(groups, blockIdx.y);
	const double factor = gradient_factor(dy, m);
	if (e >= m.values)
		return;
	const int64_t at = value_at(m, e, m.width);
	const double mean = mean_at(m, m.x, at), tmean = mean_at(m, tx, at);
	const double deviation = deviation_at(m, at), tdeviation = deviation_tangent_at(m, tx, at);
	for (int i = 0; i < m.g.size; i++) {
		const double d = member_value(m, m.x, i, at) - mean, td = member_value(m, tx, i, at) - tmean;
		set_value(product, stddev_member(m.g, i) * m.sample + at, (float)(factor * (td - d * tdeviation / deviation) / deviation));
	}
}

/* -- launchers -- */

static struct members members_of(struct tensor x)
{
	struct members m = {};
	assert(!tensor_is_planar(x) && sample_of(x) <= INT32_MAX);
	m.x = values_of(x);
	m.sample = sample_of(x);
	m.channels = divisor_of(x.c);
	m.width = (uint32_t)width_of(x);
	m.values = (uint32_t)(area_of(x) * x.c);
	return m;
}

static struct appended appended_to(struct tensor x, struct tensor y)
{
	const struct appended a = { values_of(y), sample_of(y), divisor_of(width_of(y)) };
	assert(y.n == x.n && y.c == x.c + 1 && y.h == x.h && y.w == x.w && sample_of(y) <= INT32_MAX);
	(void)x;
	return a;
}

/* Blocks for `values` of a sample in every group. */
static dim3 grid_for(struct tensor x, struct stddev_groups s, int64_t values)
{
	const int64_t groups = stddev_group_count(x, s);
	assert(groups <= 65535);
	return dim3(blocks_for(values), (unsigned)groups);
}

/* from: x or its tangent. */
static void append(struct backend *b, struct tensor y, struct tensor from, struct tensor x, struct stddev_groups s, bool tangent)
{
	struct cuda *c = cuda_of(b);
	const struct members m = members_of(x);
	const dim3 grid = grid_for(x, s, m.values);
	double *partial = (double *)cuda_scratch(c, sizeof *partial * grid.x * grid.y);
	if (!partial)
		return;
	launch(c, "take deviations", grid, BLOCK, deviations_kernel, partial, values_of(from), m, s, tangent);
	launch(c, "append deviations", grid_for(x, s, sample_of(y)), BLOCK, append_kernel, appended_to(x, y), values_of(from), m, s, (const double *)partial,
		grid.x);
}

static void cuda_stddev(struct backend *b, struct tensor y, struct tensor x, struct stddev_groups s)
{
	append(b, y, x, x, s, false);
}

static void cuda_stddev_tangent(struct backend *b, struct tensor ty, struct tensor tx, struct tensor x, struct stddev_groups s)
{
	assert(tensor_same(tx, x));
	append(b, ty, tx, x, s, true);
}

static void cuda_stddev_backward(struct backend *b, struct tensor dx, struct tensor dy, struct tensor x, struct stddev_groups s)
{
	const struct members m = members_of(x);
	assert(tensor_same(dx, x));
	launch(cuda_of(b), "differentiate deviations", grid_for(x, s, m.values), BLOCK, stddev_backward_kernel, values_of(dx), appended_to(x, dy), m, s);
}

static void cuda_stddev_hessian(struct backend *b, struct tensor e, struct tensor dy, struct tensor x, struct tensor tx, struct stddev_groups s)
{
	const struct members m = members_of(x);
	assert(tensor_same(e, x) && tensor_same(tx, x));
	launch(cuda_of(b), "differentiate deviations twice", grid_for(x, s, m.values), BLOCK, stddev_hessian_kernel, values_of(e), appended_to(x, dy), m,
		values_of(tx), s);
}

void cuda_stddev_table(struct backend *b)
{
	b->stddev = cuda_stddev;
	b->stddev_tangent = cuda_stddev_tangent;
	b->stddev_backward = cuda_stddev_backward;
	b->stddev_hessian = cuda_stddev_hessian;
}
