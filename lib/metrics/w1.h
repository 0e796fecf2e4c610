/* The 1-D Wasserstein distance of two equally large samples, exact, without sorting them.
 *
 * With F_A, F_B the distribution functions, W1 is the integral of |F_A - F_B|. Over a fine bucket in which F_A - F_B keeps its sign that is |integral of the
 * difference|, which follows from the bucket's counts and sums alone; only the values of the other buckets are sorted. */
#ifndef PGAN_W1_H
#define PGAN_W1_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define W1_MAX (((size_t)1 << 24) - 1) /* values in a sample */

struct w1; /* scratch memory of one thread */

int w1_open(struct w1 **, size_t n) MUST_CHECK; /* for samples of n values; more than W1_MAX: ERR_USAGE */
void w1_close(struct w1 **);                    /* NULL is fine */

/* a, b: n values each, below 1e38 in magnitude, in any order, which does not matter. Exact but for the values' resolution: 2^-24 of their range. */
double w1_distance(struct w1 *, const float *a, const float *b);

/* What is kept of a sample for later comparisons: counts and sums over W1_SUMMARY even buckets of its range. With q = (x - low) * scale, rounded down to an
 * integer below 2^30, a value x lies in bucket q / 2^18, at place q % 2^18. */
enum { W1_SUMMARY = 4096 };

struct w1_summary {
	float low, scale;
	uint64_t *bucket; /* (W1_SUMMARY): count * 2^40 + sum of places; borrowed */
};

/* Fills in everything but the pointer. a: n values as of w1_distance(), at most W1_SUMMARY_MAX: a bucket's sum has 40 bits, a place in it 18. */
#define W1_SUMMARY_MAX ((size_t)1 << 22)
void w1_summarize(struct w1_summary *, const float *a, size_t n);

/* The distance of a summarized sample and b, of equal size. Exact but for the buckets in which F_A - F_B changes its sign, where the values of a are taken as
 * evenly spread around their mean. */
double w1_distance_to(struct w1 *, const struct w1_summary *, const float *b);

#endif
