#include "w1.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "metric_kernels.h"
#include "size.h"

/* A value becomes an integer below 2^FIXED_BITS; its high bits are the bucket, its low bits the place in it. All sums are integers, hence exact. */
enum { FIXED_BITS = 30, MIN_BUCKET_BITS = 8, MAX_BUCKET_BITS = 16, COUNT_SHIFT = 40, CHUNK = 256 };

struct w1 {
	size_t n;
	int shift; /* bits of the place in a bucket */
	size_t buckets;
	uint64_t *a, *b;          /* per bucket: count << COUNT_SHIFT | sum of places */
	uint64_t *marked;          /* a bit per bucket: whether to look inside */
	uint32_t *next_a, *next_b; /* where a marked bucket's next value goes */
	int32_t *values_a, *values_b;
};

int w1_open(struct w1 **out, size_t n)
{
	struct w1 *w = size_zalloc(1, sizeof *w);
	int bits = MIN_BUCKET_BITS;
	*out = w;
	if (!w)
		return ERR_FAILED;
	if (n > W1_MAX) {
		w1_close(out);
		return error_set(ERR_USAGE, "samples of %zu values are more than the %zu that fit", n, W1_MAX);
	}
	while (bits < MAX_BUCKET_BITS && n >> (bits + 3))
		bits++;
	w->n = n;
	w->shift = FIXED_BITS - bits;
	w->buckets = (size_t)1 << bits;
	const size_t room = w->buckets > W1_SUMMARY ? w->buckets : W1_SUMMARY;
	w->a = size_alloc(room, sizeof *w->a);
	w->b = size_alloc(room, sizeof *w->b);
	w->marked = size_alloc(room / 64, sizeof *w->marked);
	w->next_a = size_alloc(room, sizeof *w->next_a);
	w->next_b = size_alloc(room, sizeof *w->next_b);
	w->values_a = size_alloc(n, sizeof *w->values_a);
	w->values_b = size_alloc(n, sizeof *w->values_b);
	if (w->a && w->b && w->marked && w->next_a && w->next_b && w->values_a && w->values_b)
		return 0;
	w1_close(out);
	return ERR_FAILED;
}

void w1_close(struct w1 **out)
{
	struct w1 *w = *out;
	if (w) {
		free(w->a);
		free(w->b);
		free(w->marked);
		free(w->next_a);
		free(w->next_b);
		free(w->values_a);
		free(w->values_b);
		free(w);
	}
	*out = NULL;
}

/* -- from values to integers -- */

struct grid {
	float low, scale;
};

static struct grid make_grid(float low, float high)
{
	return (struct grid){ low, (float)fmin(FLT_MAX, 0x1p30 * (1 - 0x1p-20) / ((double)high - low)) };
}

static void count(uint64_t *buckets, const float *x, size_t n, struct grid g, int shift)
{
	const uint64_t one = (uint64_t)1 << COUNT_SHIFT;
	const uint32_t place = ((uint32_t)1 << shift) - 1;
	void (*const fixed)(int32_t *, const float *, size_t, float, float) = metric_kernels()->fixed;
	int32_t q[CHUNK];
	for (size_t i = 0; i < n; i += CHUNK) {
		const size_t m = n - i < CHUNK ? n - i : CHUNK;
		fixed(q, x + i, m, g.low, g.scale);
		for (size_t j = 0; j < m; j++)
			buckets[q[j] >> shift] += one | ((uint32_t)q[j] & place);
	}
}

/* -- looking inside -- */

/* Sorts values of one bucket: shell sort, Ciura's gaps; they are few. */
static void sort(int32_t *x, size_t n)
{
	static const size_t gaps[] = { 46750, 20778, 9234, 4104, 1824, 811, 358, 156, 66, 27, 10, 4, 1 };
	size_t g = 0;
	while (g + 1 < sizeof gaps / sizeof *gaps && gaps[g] * 2 > n)
		g++;
	for (; g < sizeof gaps / sizeof *gaps; g++)
		for (size_t i = gaps[g]; i < n; i++) {
			const int32_t v = x[i];
			size_t j = i;
			for (; j >= gaps[g] && x[j - gaps[g]] > v; j -= gaps[g])
				x[j] = x[j - gaps[g]];
			x[j] = v;
		}
}

/* Integral of |difference| from `low` over `width`, where the sorted values of a raise the difference by one each and those of b lower it. */
static int64_t integrate(int64_t difference, int32_t low, int32_t width, const int32_t *a, size_t n_a, const int32_t *b, size_t n_b)
{
	int64_t sum = 0;
	int32_t at = low;
	while (n_a || n_b) {
		const bool from_a = n_a && (!n_b || *a <= *b);
		const int32_t value = from_a ? *a : *b;
		sum += llabs(difference) * (value - at);
		at = value;
		if (from_a) {
			difference++;
			a++;
			n_a--;
		} else {
			difference--;
			b++;
			n_b--;
		}
	}
	return sum + llabs(difference) * (low + (int64_t)width - at);
}

static bool is_marked(const uint64_t *marked, size_t bucket)
{
	return marked[bucket / 64] >> bucket % 64 & 1;
}

/* Values of the marked buckets, bucket after bucket, each sorted. */
static void collect(int32_t *out, uint32_t *next, const uint64_t *marked, const float *x, size_t n, struct grid g, int shift)
{
	void (*const fixed)(int32_t *, const float *, size_t, float, float) = metric_kernels()->fixed;
	int32_t q[CHUNK];
	for (size_t i = 0; i < n; i += CHUNK) {
		const size_t m = n - i < CHUNK ? n - i : CHUNK;
		fixed(q, x + i, m, g.low, g.scale);
		size_t k = 0;
		for (size_t j = 0; j < m; j++) { /* without a branch: which values are marked cannot be foreseen */
			q[k] = q[j];
			k += is_marked(marked, (size_t)(q[j] >> shift));
		}
		for (size_t j = 0; j < k; j++)
			out[next[q[j] >> shift]++] = q[j];
	}
}

/* The sum over the marked buckets, whose values have been collected. */
static int64_t look_inside(struct w1 *w, const uint64_t *bucket_a, size_t buckets, int shift, int64_t difference)
{
	int64_t sum = 0;
	for (size_t i = 0; i < buckets; i++) {
		const size_t n_a = bucket_a[i] >> COUNT_SHIFT, n_b = w->b[i] >> COUNT_SHIFT;
		if (is_marked(w->marked, i)) {
			int32_t *const in_a = w->values_a + w->next_a[i] - n_a, *const in_b = w->values_b + w->next_b[i] - n_b;
			sort(in_a, n_a);
			sort(in_b, n_b);
			sum += integrate(difference, (int32_t)(i << shift), (int32_t)1 << shift, in_a, n_a, in_b, n_b);
		}
		difference += (int64_t)n_a - (int64_t)n_b;
	}
	return sum;
}

/* Whether F_A - F_B may change its sign in a bucket: after `left` it falls by at most n_b and rises by at most n_a, and so it did before `right`. */
static bool may_cross(int64_t left, int64_t right, int64_t n_a, int64_t n_b)
{
	const bool positive = left >= n_b || right >= n_a, negative = -left >= n_a || -right >= n_b;
	return !positive && !negative;
}

/* The sum over the buckets that need no look inside; marks the others and gives their values places. difference: F_A - F_B at the lower edge. */
static int64_t sum_buckets(struct w1 *w, const uint64_t *bucket_a, size_t buckets, int shift, int64_t difference, uint32_t *marked_a, uint32_t *marked_b)
{
	const uint64_t place = ((uint64_t)1 << COUNT_SHIFT) - 1;
	const int64_t width = (int64_t)1 << shift;
	int64_t sum = 0;
	*marked_a = *marked_b = 0;
	memset(w->marked, 0, buckets / 64 * sizeof *w->marked);
	for (size_t i = 0; i < buckets; i++) {
		const uint64_t a = bucket_a[i], b = w->b[i];
		const int64_t n_a = (int64_t)(a >> COUNT_SHIFT), n_b = (int64_t)(b >> COUNT_SHIFT), right = difference + n_a - n_b;
		if (may_cross(difference, right, n_a, n_b)) {
			w->marked[i / 64] |= (uint64_t)1 << i % 64;
			w->next_a[i] = *marked_a;
			w->next_b[i] = *marked_b;
			*marked_a += (uint32_t)n_a;
			*marked_b += (uint32_t)n_b;
		} else {
			sum += llabs(right * width - (int64_t)(a & place) + (int64_t)(b & place));
		}
		difference = right;
	}
	return sum;
}

double w1_distance(struct w1 *w, const float *a, const float *b)
{
	float low = INFINITY, high = -INFINITY;
	uint32_t marked_a, marked_b;

	metric_kernels()->range(a, w->n, &low, &high);
	metric_kernels()->range(b, w->n, &low, &high);
	if (!(high > low))
		return 0;
	const struct grid g = make_grid(low, high);
	memset(w->a, 0, w->buckets * sizeof *w->a);
	memset(w->b, 0, w->buckets * sizeof *w->b);
	count(w->a, a, w->n, g, w->shift);
	count(w->b, b, w->n, g, w->shift);
	int64_t sum = sum_buckets(w, w->a, w->buckets, w->shift, 0, &marked_a, &marked_b);
	if (marked_a || marked_b) {
		collect(w->values_a, w->next_a, w->marked, a, w->n, g, w->shift);
		collect(w->values_b, w->next_b, w->marked, b, w->n, g, w->shift);
		sum += look_inside(w, w->a, w->buckets, w->shift, 0);
	}
	return (double)sum / ((double)w->n * (double)g.scale);
}

/* -- summaries -- */

enum { SUMMARY_SHIFT = FIXED_BITS - 12 };
_Static_assert(W1_SUMMARY == 1 << 12, "buckets of a summary");
_Static_assert(W1_SUMMARY_MAX << SUMMARY_SHIFT <= (uint64_t)1 << COUNT_SHIFT, "the places of all values add up below the counts");

void w1_summarize(struct w1_summary *s, const float *a, size_t n)
{
	float low = INFINITY, high = -INFINITY;
	metric_kernels()->range(a, n, &low, &high);
	const struct grid g = make_grid(low, high > low ? high : low + 1);
	s->low = g.low;
	s->scale = g.scale;
	memset(s->bucket, 0, W1_SUMMARY * sizeof *s->bucket);
	count(s->bucket, a, n, g, SUMMARY_SHIFT);
}

/* Counts b into the buckets of a summary. Returns the integral outside of its range, in units of the grid; *below: values below it. */
static double count_beside(struct w1 *w, const float *b, const struct w1_summary *s, int64_t *below)
{
	const double end = (double)(1 << FIXED_BITS);
	double outside = 0;
	*below = 0;
	memset(w->b, 0, W1_SUMMARY * sizeof *w->b);
	for (size_t i = 0; i < w->n; i++) {
		const double at = ((double)b[i] - s->low) * s->scale;
		if (at >= 0 && at < end) {
			const uint32_t q = (uint32_t)at;
			w->b[q >> SUMMARY_SHIFT] += (uint64_t)1 << COUNT_SHIFT | (q & (((uint32_t)1 << SUMMARY_SHIFT) - 1));
		} else {
			outside += at < 0 ? -at : at - end;
			*below += at < 0;
		}
	}
	return outside;
}

/* Values of the marked buckets: those of b themselves, those of the summarized sample evenly spread around their mean. */
static void collect_beside(struct w1 *w, const float *b, const struct w1_summary *s)
{
	const double end = (double)(1 << FIXED_BITS), width = (double)(1 << SUMMARY_SHIFT);
	for (size_t i = 0; i < w->n; i++) {
		const double at = ((double)b[i] - s->low) * s->scale;
		if (at >= 0 && at < end && is_marked(w->marked, (size_t)at >> SUMMARY_SHIFT))
			w->values_b[w->next_b[(size_t)at >> SUMMARY_SHIFT]++] = (int32_t)at;
	}
	for (size_t i = 0; i < W1_SUMMARY; i++) {
		const uint32_t n = is_marked(w->marked, i) ? (uint32_t)(s->bucket[i] >> COUNT_SHIFT) : 0;
		const double mean = n ? (double)(s->bucket[i] & (((uint64_t)1 << COUNT_SHIFT) - 1)) / n : 0, half = fmin(mean, width - mean);
		for (uint32_t k = 0; k < n; k++)
			w->values_a[w->next_a[i]++] = (int32_t)(i << SUMMARY_SHIFT) + (int32_t)(mean - half + 2 * half * (k + 0.5) / n);
	}
}

double w1_distance_to(struct w1 *w, const struct w1_summary *s, const float *b)
{
	int64_t below;
	uint32_t marked_a, marked_b;
	const double outside = count_beside(w, b, s, &below);
	int64_t sum = sum_buckets(w, s->bucket, W1_SUMMARY, SUMMARY_SHIFT, -below, &marked_a, &marked_b);
	if (marked_a || marked_b) {
		collect_beside(w, b, s);
		sum += look_inside(w, s->bucket, W1_SUMMARY, SUMMARY_SHIFT, -below);
	}
	return ((double)sum + outside) / ((double)w->n * (double)s->scale);
}
