/* The 1-D Wasserstein distance against sorting. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "philox.h"
#include "size.h"
#include "w1.h"

static const double RELATIVE = 1e-6; /* values become integers, rounded as floats are; all else is exact */

static int ascending(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static double by_sorting(const float *a, const float *b, size_t n)
{
	float *x = size_alloc(n, sizeof *x), *y = size_alloc(n, sizeof *y);
	double sum = 0;
	REQUIRE(x && y);
	memcpy(x, a, n * sizeof *x);
	memcpy(y, b, n * sizeof *y);
	qsort(x, n, sizeof *x, ascending);
	qsort(y, n, sizeof *y, ascending);
	for (size_t i = 0; i < n; i++)
		sum += fabs((double)x[i] - (double)y[i]);
	free(x);
	free(y);
	return sum / (double)n;
}

static double by_buckets(const float *a, const float *b, size_t n)
{
	struct w1 *w;
	REQUIRE(!w1_open(&w, n));
	const double d = w1_distance(w, a, b);
	w1_close(&w);
	return d;
}

static void compare(const char *what, const float *a, const float *b, size_t n)
{
	const double want = by_sorting(a, b, n), got = by_buckets(a, b, n);
	CHECK_MSG(fabs(got - want) <= RELATIVE * want, "%s, %zu values: %.9g instead of %.9g, relative %.2g", what, n, got, want, got / want - 1);
}

/* Two samples from one distribution cross each other all the time: what is hardest for buckets. */
TEST(samples_of_one_distribution)
{
	static const size_t sizes[] = { 1, 2, 7, 100, 4096, 100000, 262144 };
	const size_t most = 262144;
	float *a = size_alloc(most, sizeof *a), *b = size_alloc(most, sizeof *b);
	REQUIRE(a && b);
	philox_normal(1, 0, 0, 0, most, a);
	philox_normal(1, 0, 1, 0, most, b);
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
		compare("normal", a, b, sizes[s]);
	free(a);
	free(b);
}

/* Heavy tails leave most buckets empty and a few with nearly everything. */
TEST(heavy_tails_and_different_distributions)
{
	enum { N = 50000 };
	static float a[N], b[N];
	philox_normal(2, 0, 0, 0, N, a);
	philox_normal(2, 0, 1, 0, N, b);
	for (int i = 0; i < N; i++)
		b[i] = 0.97f * b[i] + 0.01f;
	compare("shifted and narrower", a, b, N);
	for (int i = 0; i < N; i++) {
		a[i] = a[i] * a[i] * a[i];
		b[i] = b[i] * b[i] * b[i];
	}
	compare("cubed", a, b, N);
	for (int i = 0; i < N; i++)
		b[i] = a[i] + 200;
	compare("far apart", a, b, N);
}

TEST(ties_and_constants)
{
	enum { N = 3000 };
	static float a[N], b[N];
	CHECK(by_buckets(a, b, N) == 0);
	for (int i = 0; i < N; i++) {
		a[i] = (float)(i % 7);
		b[i] = (float)(i % 5);
	}
	compare("ties", a, b, N);
	CHECK(by_buckets(a, a, N) == 0);
	for (int i = 0; i < N; i++)
		b[i] = 1;
	compare("against a constant", a, b, N);
	memset(a, 0, sizeof a);
	compare("two constants", a, b, N);
}

TEST(order_does_not_matter)
{
	enum { N = 10000 };
	static float a[N], b[N], c[N];
	philox_normal(3, 0, 0, 0, N, a);
	philox_normal(3, 0, 1, 0, N, b);
	for (int i = 0; i < N; i++)
		c[i] = a[N - 1 - i];
	CHECK(by_buckets(a, b, N) == by_buckets(c, b, N));
	CHECK(by_buckets(a, b, N) == by_buckets(b, a, N));
}

TEST(too_many_values_are_refused)
{
	struct w1 *w;
	CHECK(w1_open(&w, W1_MAX + 1) == ERR_USAGE);
}

/* The sum of a bucket that holds nearly everything stays below its count. */
TEST(the_largest_summary)
{
	static uint64_t buckets[W1_SUMMARY];
	struct w1_summary s = { .bucket = buckets };
	const size_t n = W1_SUMMARY_MAX;
	float *a = size_alloc(n, sizeof *a);
	REQUIRE(a);
	for (size_t i = 0; i < n; i++)
		a[i] = 100.9999f; /* near the end of bucket 100, once there are */
	a[0] = 0;
	a[1] = W1_SUMMARY;
	w1_summarize(&s, a, n);
	CHECK(buckets[0] >> 40 == 1 && buckets[W1_SUMMARY - 1] >> 40 == 1);
	CHECK_MSG(buckets[100] >> 40 == n - 2, "%llu values in the bucket of %zu", (unsigned long long)(buckets[100] >> 40), n - 2);
	free(a);
}

/* Summaries give up the order within a bucket, which matters where the difference crosses zero. */
static const double SUMMARIZED = 1e-3;

TEST(summaries)
{
	enum { N = 131072 };
	static uint64_t buckets[W1_SUMMARY];
	static float a[N], b[N], c[N];
	struct w1_summary s = { .bucket = buckets };
	struct w1 *w;
	philox_normal(4, 0, 0, 0, N, a);
	philox_normal(4, 0, 1, 0, N, b);
	REQUIRE(!w1_open(&w, N));
	w1_summarize(&s, a, N);
	for (int i = 0; i < N; i++)
		c[i] = 1.4f * b[i] + 0.1f; /* reaches beyond a on both sides */
	const struct {
		const float *other;
		double tolerance;
	} cases[] = { { b, SUMMARIZED }, { c, SUMMARIZED / 10 } };
	for (int k = 0; k < 2; k++) {
		const double want = w1_distance(w, a, cases[k].other), got = w1_distance_to(w, &s, cases[k].other);
		CHECK_MSG(fabs(got / want - 1) <= cases[k].tolerance, "case %d: %.8g instead of %.8g", k, got, want);
	}
	for (int i = 0; i < N; i++)
		c[i] = b[i] + 100;
	const double want = w1_distance(w, a, c), got = w1_distance_to(w, &s, c);
	CHECK_MSG(fabs(got / want - 1) <= RELATIVE, "far apart: %.9g instead of %.9g", got, want);
	w1_close(&w);
}
