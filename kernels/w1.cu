/* The 1-D Wasserstein distance of two samples along many directions, without sorting them: lib/metrics/w1.h has the idea, and the same integers come out
 * whatever the number of buckets.
 *
 * Values become integers of 30 bits: the high 16 are the bucket, the low 14 the place in it. Counts and sums per bucket give the integral of |F_A - F_B|, but
 * for the buckets in which F_A - F_B may change its sign. The values of these are gathered, bucket by bucket: a thread sorts the few of a bucket; where they
 * are many, a block counts them place by place. All sums are of integers, so the order in which atomic operations come does not matter. */
#include <cfloat>

#include "device.cuh"
#include "metrics.h"

enum {
	FIXED_BITS = 30, BUCKET_BITS = 16, PLACE_BITS = FIXED_BITS - BUCKET_BITS, BUCKETS = 1 << BUCKET_BITS, PLACES = 1 << PLACE_BITS,
	COUNT_SHIFT = 40,       /* a bucket: count << COUNT_SHIFT | sum of places */
	FEW = 64,               /* values that a thread sorts */
	SCAN_BLOCK = 1024,      /* threads that go over the buckets of a direction */
	SCANNED = BUCKETS / SCAN_BLOCK,
	PART = PLACES / 2,      /* places counted at once: 32 KiB of shared memory */
	SPREAD_MOST = 32        /* blocks that share a direction's values, at most */
};

static __device__ const unsigned UNMARKED = 0xffffffffu;

/* A bucket to be looked into: where its keys are, and F_A - F_B at its lower edge. A key is the place in the bucket, times 2, plus 1 for values of B. */
struct entry {
	int64_t difference;
	unsigned first, count;
};

/* What a group of directions works with; each pointer is to the first direction's part. */
struct w1 {
	const float *a, *b;
	size_t n;                       /* values of a side, and from row to row */
	unsigned *range;                /* (2): lowest value, and the complement of the highest, as ordered() has them */
	unsigned *entries;              /* (1) */
	int64_t *sum;                   /* (1): the result, in places */
	float *scale;                   /* (1) */
	unsigned long long *bucket;     /* (2, BUCKETS) */
	unsigned *next;                 /* (BUCKETS): where the next key goes, or UNMARKED */
	struct entry *entry;            /* (BUCKETS) */
	uint16_t *keys;                 /* (2 n) */
};

/* -- integers -- */

/* Floats in the order of unsigned integers, and back. */
__device__ inline unsigned ordered(float x)
{
	const unsigned bits = __float_as_uint(x);
	return bits ^ (bits >> 31 ? 0xffffffffu : 0x80000000u);
}

__device__ inline float unordered(unsigned bits)
{
	return __uint_as_float(bits ^ (bits >> 31 ? 0x80000000u : 0xffffffffu));
}

struct grid {
	float low, scale; /* scale 0: all values are equal */
};

__device__ inline struct grid grid_of(const unsigned range[2])
{
	const float low = unordered(range[0]), high = unordered(~range[1]);
	struct grid g = { low, 0 };
	if (high > low)
		g.scale = (float)fmin((double)FLT_MAX, 0x1p30 * (1 - 0x1p-20) / ((double)high - low));
	return g;
}

__device__ inline int fixed_value(float x, struct grid g)
{
	return (int)((x - g.low) * g.scale);
}

/* The smallest over the block's threads, known to thread 0. */
__device__ inline unsigned block_least(unsigned x)
{
	__shared__ unsigned shared[BLOCK];
	__syncthreads();
	shared[threadIdx.x] = x;
	__syncthreads();
	for (unsigned d = BLOCK / 2; d > 0; d /= 2) {
		if (threadIdx.x < d && shared[threadIdx.x + d] < shared[threadIdx.x])
			shared[threadIdx.x] = shared[threadIdx.x + d];
		__syncthreads();
	}
	return shared[0];
}

/* The sum over the threads before this one; *total: over all of the N. */
template <int N> __device__ inline int64_t block_before(int64_t x, int64_t *total)
{
	__shared__ int64_t shared[N];
	__syncthreads();
	shared[threadIdx.x] = x;
	__syncthreads();
	for (unsigned d = 1; d < N; d *= 2) {
		const int64_t add = threadIdx.x >= d ? shared[threadIdx.x - d] : 0;
		__syncthreads();
		shared[threadIdx.x] += add;
		__syncthreads();
	}
	*total = shared[N - 1];
	return shared[threadIdx.x] - x;
}

__device__ inline void add_to(int64_t *sum, int64_t x)
{
	atomicAdd((unsigned long long *)sum, (unsigned long long)x);
}

__device__ inline int64_t magnitude(int64_t x)
{
	return x < 0 ? -x : x;
}

/* -- ranges and counts: blockIdx.y is the direction -- */

__global__ static void range_kernel(struct w1 w)
{
	const float *const a = w.a + blockIdx.y * w.n, *const b = w.b + blockIdx.y * w.n;
	unsigned low = 0xffffffffu, high = 0xffffffffu; /* high: of the complements */
	for (size_t i = (size_t)thread_index(); i < w.n; i += (size_t)gridDim.x * BLOCK) {
		const unsigned x = ordered(a[i]), y = ordered(b[i]);
		low = x < low ? x : low;
		low = y < low ? y : low;
		high = ~x < high ? ~x : high;
		high = ~y < high ? ~y : high;
	}
	low = block_least(low);
	high = block_least(high);
	if (threadIdx.x == 0) {
		atomicMin(w.range + 2 * blockIdx.y, low);
		atomicMin(w.range + 2 * blockIdx.y + 1, high);
	}
}

/* blockIdx.z: the side. */
__global__ static void count_kernel(struct w1 w)
{
	const struct grid g = grid_of(w.range + 2 * blockIdx.y);
	const float *const x = (blockIdx.z ? w.b : w.a) + blockIdx.y * w.n;
	unsigned long long *const bucket = w.bucket + ((size_t)blockIdx.y * 2 + blockIdx.z) * BUCKETS;
	for (size_t i = (size_t)thread_index(); i < w.n; i += (size_t)gridDim.x * BLOCK) {
		const int q = fixed_value(x[i], g);
		atomicAdd(bucket + (q >> PLACE_BITS), 1ull << COUNT_SHIFT | (unsigned long long)(q & (PLACES - 1)));
	}
}

/* -- a block goes over the buckets of a direction, a thread over SCANNED neighbours -- */

/* F_A - F_B at both edges of a bucket, its counts, and the integral over it while the sign stays. */
struct crossing {
	int64_t right, n_a, n_b, integral;
	bool may_cross;
};

__device__ inline struct crossing cross(unsigned long long a, unsigned long long b, int64_t left)
{
	const unsigned long long places = (1ull << COUNT_SHIFT) - 1;
	struct crossing c;
	c.n_a = (int64_t)(a >> COUNT_SHIFT);
	c.n_b = (int64_t)(b >> COUNT_SHIFT);
	c.right = left + c.n_a - c.n_b;
	c.integral = magnitude(c.right * PLACES - (int64_t)(a & places) + (int64_t)(b & places));
	const bool positive = left >= c.n_b || c.right >= c.n_a, negative = -left >= c.n_a || -c.right >= c.n_b;
	c.may_cross = !positive && !negative;
	return c;
}

__global__ static void scan_kernel(struct w1 w)
{
	const size_t d = blockIdx.x, first = (size_t)threadIdx.x * SCANNED;
	const unsigned long long *const a = w.bucket + d * 2 * BUCKETS + first, *const b = a + BUCKETS;
	int64_t total, mine = 0, entries = 0, keys = 0, sum = 0;
	for (int i = 0; i < SCANNED; i++)
		mine += (int64_t)(a[i] >> COUNT_SHIFT) - (int64_t)(b[i] >> COUNT_SHIFT);
	const int64_t start = block_before<SCAN_BLOCK>(mine, &total);
	int64_t difference = start;
	for (int i = 0; i < SCANNED; i++) {
		const struct crossing c = cross(a[i], b[i], difference);
		sum += c.may_cross ? 0 : c.integral;
		entries += c.may_cross;
		keys += c.may_cross ? c.n_a + c.n_b : 0;
		difference = c.right;
	}
	int64_t entry = block_before<SCAN_BLOCK>(entries, &total), key;
	if (threadIdx.x == 0)
		w.entries[d] = (unsigned)total;
	key = block_before<SCAN_BLOCK>(keys, &total);
	block_before<SCAN_BLOCK>(sum, &total);
	if (threadIdx.x == 0) {
		w.sum[d] = total;
		w.scale[d] = grid_of(w.range + 2 * d).scale;
	}
	difference = start;
	for (int i = 0; i < SCANNED; i++) {
		const struct crossing c = cross(a[i], b[i], difference);
		w.next[d * BUCKETS + first + (size_t)i] = c.may_cross ? (unsigned)key : UNMARKED;
		if (c.may_cross) {
			const struct entry e = { difference, (unsigned)key, (unsigned)(c.n_a + c.n_b) };
			w.entry[d * BUCKETS + (size_t)entry++] = e;
			key += c.n_a + c.n_b;
		}
		difference = c.right;
	}
}

/* -- inside the marked buckets -- */

__global__ static void gather_kernel(struct w1 w)
{
	const struct grid g = grid_of(w.range + 2 * blockIdx.y);
	const float *const x = (blockIdx.z ? w.b : w.a) + blockIdx.y * w.n;
	unsigned *const next = w.next + (size_t)blockIdx.y * BUCKETS;
	uint16_t *const keys = w.keys + blockIdx.y * 2 * w.n;
	for (size_t i = (size_t)thread_index(); i < w.n; i += (size_t)gridDim.x * BLOCK) {
		const int q = fixed_value(x[i], g);
		unsigned *const at = next + (q >> PLACE_BITS);
		if (*(volatile unsigned *)at != UNMARKED) /* what others add to meanwhile, but never up to UNMARKED: it stays below 2 n */
			keys[atomicAdd(at, 1u)] = (uint16_t)((q & (PLACES - 1)) << 1 | (int)blockIdx.z);
	}
}

/* Integral of |difference| over a bucket, of which each key of A raises and each of B lowers it. Sorts the keys. */
__device__ inline int64_t integrate_few(uint16_t *keys, int count, int64_t difference)
{
	int64_t sum = 0;
	int at = 0;
	for (int i = 1; i < count; i++) {
		const uint16_t key = keys[i];
		int j = i;
		for (; j > 0 && keys[j - 1] > key; j--)
			keys[j] = keys[j - 1];
		keys[j] = key;
	}
	for (int i = 0; i < count; i++) {
		const int place = keys[i] >> 1;
		sum += magnitude(difference) * (place - at);
		at = place;
		difference += keys[i] & 1 ? -1 : 1;
	}
	return sum + magnitude(difference) * (PLACES - at);
}

/* A thread has a bucket. */
__global__ static void few_kernel(struct w1 w)
{
	const size_t d = blockIdx.y;
	const unsigned entries = w.entries[d];
	int64_t sum = 0;
	for (unsigned i = (unsigned)thread_index(); i < entries; i += gridDim.x * BLOCK) {
		const struct entry e = w.entry[d * BUCKETS + i];
		if (e.count <= FEW)
			sum += integrate_few(w.keys + d * 2 * w.n + e.first, (int)e.count, e.difference);
	}
	if (sum)
		add_to(w.sum + d, sum);
}

/* A block has a bucket: how much F_A - F_B rises at each place, PART of them at a time. */
__global__ static void many_kernel(struct w1 w)
{
	enum { EACH = PART / BLOCK };
	__shared__ int rise[PART];
	const size_t d = blockIdx.y;
	const unsigned entries = w.entries[d];
	int64_t sum = 0;
	for (unsigned i = blockIdx.x; i < entries; i += gridDim.x) {
		const struct entry e = w.entry[d * BUCKETS + i];
		const uint16_t *const keys = w.keys + d * 2 * w.n + e.first;
		int64_t left = e.difference, total;
		for (int part = 0; e.count > FEW && part < PLACES; part += PART) {
			__syncthreads();
			for (int k = (int)threadIdx.x; k < PART; k += BLOCK)
				rise[k] = 0;
			__syncthreads();
			for (unsigned k = threadIdx.x; k < e.count; k += BLOCK) {
				const int place = (keys[k] >> 1) - part;
				if (place >= 0 && place < PART)
					atomicAdd(rise + place, keys[k] & 1 ? -1 : 1);
			}
			__syncthreads();
			const int *const mine = rise + threadIdx.x * EACH;
			int64_t risen = 0;
			for (int k = 0; k < EACH; k++)
				risen += mine[k];
			int64_t difference = left + block_before<BLOCK>(risen, &total);
			for (int k = 0; k < EACH; k++) {
				difference += mine[k];
				sum += magnitude(difference);
			}
			left += total;
		}
	}
	if (sum)
		add_to(w.sum + d, sum);
}

/* -- launching -- */

static size_t rounded(size_t bytes)
{
	return (bytes + 255) / 256 * 256;
}

/* Places the parts of a group in memory, all but what the caller has; returns the bytes. */
static size_t place(struct w1 *w, char *memory, size_t n, int group)
{
	const size_t g = (size_t)group;
	char *at = memory;
	w->range = (unsigned *)at;
	at += rounded(g * 2 * sizeof *w->range);
	w->entries = (unsigned *)at;
	at += rounded(g * sizeof *w->entries);
	w->bucket = (unsigned long long *)at;
	at += g * 2 * BUCKETS * sizeof *w->bucket;
	w->next = (unsigned *)at;
	at += g * BUCKETS * sizeof *w->next;
	w->entry = (struct entry *)at;
	at += g * BUCKETS * sizeof *w->entry;
	w->keys = (uint16_t *)at;
	at += rounded(g * 2 * n * sizeof *w->keys);
	return (size_t)(at - memory);
}

size_t metrics_w1_bytes(size_t n, int group)
{
	struct w1 w;
	return place(&w, NULL, n, group);
}

void metrics_w1(struct cuda *c, void *memory, int group, int64_t *sum, float *scale, const float *a, const float *b, size_t n, int directions)
{
	const size_t wanted = (n + 8 * BLOCK - 1) / (8 * BLOCK);
	const unsigned spread = (unsigned)(wanted < SPREAD_MOST ? wanted : (size_t)SPREAD_MOST);
	struct w1 w;
	w.n = n;
	place(&w, (char *)memory, n, group);
	for (int d = 0; d < directions; d += group) {
		const unsigned g = (unsigned)(directions - d < group ? directions - d : group);
		w.a = a + (size_t)d * n;
		w.b = b + (size_t)d * n;
		w.sum = sum + d;
		w.scale = scale + d;
		cuda_note(c, cudaMemsetAsync(w.range, 0xff, g * 2 * sizeof *w.range, c->stream), "clear ranges");
		cuda_note(c, cudaMemsetAsync(w.bucket, 0, (size_t)g * 2 * BUCKETS * sizeof *w.bucket, c->stream), "clear buckets");
		launch(c, "find ranges", dim3(spread, g), BLOCK, range_kernel, w);
		launch(c, "count values", dim3(spread, g, 2), BLOCK, count_kernel, w);
		launch(c, "go over buckets", dim3(g), SCAN_BLOCK, scan_kernel, w);
		launch(c, "gather values", dim3(spread, g, 2), BLOCK, gather_kernel, w);
		launch(c, "integrate", dim3(spread, g), BLOCK, few_kernel, w);
		launch(c, "integrate", dim3(spread, g), BLOCK, many_kernel, w);
	}
}
