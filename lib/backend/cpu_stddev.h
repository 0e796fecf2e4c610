/* Minibatch standard deviation; part of cpu_table.h's template. Formulas: plain_stddev.c, here a vector of channels at a time. */
#include "stddev_group.h"

static inline vec vec_sqrt(vec x)
{
	float part[BLOCK];
	memcpy(part, &x, sizeof x);
	for (int i = 0; i < BLOCK; i++)
		part[i] = sqrtf(part[i]);
	memcpy(&x, part, sizeof x);
	return x;
}

/* 1 in the lanes of block c that are channels, 0 in the padding. */
static inline vec vec_lanes(struct tensor x, int c)
{
	float part[BLOCK];
	vec v;
	for (int i = 0; i < BLOCK; i++)
		part[i] = c * BLOCK + i < x.c;
	memcpy(&v, part, sizeof v);
	return v;
}

static inline vec member_at(struct tensor x, struct stddev_group g, int i, int c, size_t p)
{
	return block_of(x, stddev_member(g, i), c)[p];
}

static inline vec group_mean(struct tensor x, struct stddev_group g, int c, size_t p)
{
	vec sum = { 0 };
	for (int i = 0; i < g.size; i++)
		sum += member_at(x, g, i, c, p);
	return sum / (float)g.size;
}

static inline vec group_deviation(struct tensor x, struct stddev_group g, int c, size_t p, vec mean)
{
	vec sum = { 0 };
	for (int i = 0; i < g.size; i++) {
		const vec d = member_at(x, g, i, c, p) - mean;
		sum += d * d;
	}
	return vec_sqrt(sum / (float)g.q + (float)STDDEV_EPS);
}

static inline vec group_deviation_tangent(struct tensor x, struct tensor tx, struct stddev_group g, int c, size_t p, vec mean, vec deviation)
{
	vec sum = { 0 };
	for (int i = 0; i < g.size; i++)
		sum += (member_at(x, g, i, c, p) - mean) * member_at(tx, g, i, c, p);
	return sum / ((float)g.q * deviation);
}

/* Where the appended channel of y stands: floats from the start of a sample, BLOCK floats from pixel to pixel. */
static inline size_t last_channel(struct tensor y)
{
	return (size_t)((y.c - 1) / BLOCK) * tensor_area(y) * BLOCK + (size_t)((y.c - 1) % BLOCK);
}

/* Gradient with respect to the group's deviation. */
static double group_gradient(struct tensor dy, struct stddev_group g)
{
	double sum = 0;
	for (int i = 0; i < g.size; i++) {
		const float *last = tensor_sample(dy, stddev_member(g, i)) + last_channel(dy);
		for (size_t p = 0; p < tensor_area(dy); p++)
			sum += last[p * BLOCK];
	}
	return sum;
}

static inline size_t positions_of(struct tensor x)
{
	return (size_t)x.c * tensor_area(x);
}

/* y: the channels of x, then each group's value: the mean over positions of its deviation (tangent: of the deviation's derivative along tx, and the channels
 * are tx's). */
static void append_deviation(struct backend *b, struct tensor y, struct tensor x, const struct tensor *tx, struct stddev_groups s)
{
	const int blocks = blocks_of(x);
	const size_t area = tensor_area(x);
	const int64_t groups = stddev_group_count(x, s);
	float *partial = cpu_zeros((struct cpu *)b, (size_t)groups * (size_t)blocks, sizeof *partial);
	assert(!tensor_is_planar(x) && y.c == x.c + 1);
	if (!partial)
		return;
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int64_t k = 0; k < groups; k++)
		for (int c = 0; c < blocks; c++) {
			const struct stddev_group g = stddev_group_at(s, k);
			vec sum = { 0 };
			for (size_t p = 0; p < area && g.size > 1; p++) {
				const vec mean = group_mean(x, g, c, p), deviation = group_deviation(x, g, c, p, mean);
				sum += tx ? group_deviation_tangent(x, *tx, g, c, p, mean, deviation) : deviation;
			}
			partial[k * blocks + c] = vec_sum(sum * vec_lanes(x, c));
		}
	for (int64_t k = 0; k < groups; k++) {
		const struct stddev_group g = stddev_group_at(s, k);
		double value = 0;
		for (int c = 0; c < blocks; c++)
			value += partial[k * blocks + c];
		value /= (double)positions_of(x);
		for (int i = 0; i < g.size; i++) {
			const int64_t sample = stddev_member(g, i);
			float *to = tensor_sample(y, sample);
			if (y.sample_size > x.sample_size) /* a block of its own: the rest of it is padding */
				memset(to + x.sample_size, 0, (y.sample_size - x.sample_size) * sizeof *to);
			memcpy(to, tensor_sample(tx ? *tx : x, sample), x.sample_size * sizeof *to);
			for (size_t p = 0; p < area; p++)
				to[last_channel(y) + p * BLOCK] = (float)value;
		}
	}
}

static void cpu_stddev(struct backend *b, struct tensor y, struct tensor x, struct stddev_groups s)
{
	append_deviation(b, y, x, NULL, s);
}

static void cpu_stddev_tangent(struct backend *b, struct tensor ty, struct tensor tx, struct tensor x, struct stddev_groups s)
{
	append_deviation(b, ty, x, &tx, s);
}

static void cpu_stddev_backward(struct backend *b, struct tensor dx, struct tensor dy, struct tensor x, struct stddev_groups s)
{
	const int blocks = blocks_of(x);
	const size_t area = tensor_area(x);
	const int64_t groups = stddev_group_count(x, s);
	assert(!tensor_is_planar(x) && dy.c == x.c + 1);
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int64_t k = 0; k < groups; k++)
		for (int c = 0; c < blocks; c++) {
			const struct stddev_group g = stddev_group_at(s, k);
			const float factor = (float)(group_gradient(dy, g) / ((double)positions_of(x) * g.q));
			const vec lanes = vec_lanes(x, c); /* the last block of dy may hold the appended channel */
			for (size_t p = 0; p < area; p++) {
				const vec mean = group_mean(x, g, c, p), scale = factor / group_deviation(x, g, c, p, mean);
				for (int i = 0; i < g.size; i++)
					block_of(dx, stddev_member(g, i), c)[p] = lanes * member_at(dy, g, i, c, p) + scale * (member_at(x, g, i, c, p) - mean);
			}
		}
}

static void cpu_stddev_hessian(struct backend *b, struct tensor e, struct tensor dy, struct tensor x, struct tensor tx, struct stddev_groups s)
{
	const int blocks = blocks_of(x);
	const size_t area = tensor_area(x);
	const int64_t groups = stddev_group_count(x, s);
	assert(!tensor_is_planar(x) && dy.c == x.c + 1);
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int64_t k = 0; k < groups; k++)
		for (int c = 0; c < blocks; c++) {
			const struct stddev_group g = stddev_group_at(s, k);
			const float factor = (float)(group_gradient(dy, g) / ((double)positions_of(x) * g.q));
			for (size_t p = 0; p < area; p++) {
				const vec mean = group_mean(x, g, c, p), tmean = group_mean(tx, g, c, p), deviation = group_deviation(x, g, c, p, mean);
				const vec slope = group_deviation_tangent(x, tx, g, c, p, mean, deviation) / deviation;
				for (int i = 0; i < g.size; i++)
					block_of(e, stddev_member(g, i), c)[p] =
						factor * ((member_at(tx, g, i, c, p) - tmean) - (member_at(x, g, i, c, p) - mean) * slope) / deviation;
			}
		}
}
