/* Vectors of BLOCK floats, one channel block each, and sums over a batch of them. Part of cpu_table.h's template. */
#include <assert.h>
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "cpu.h"
#include "pointwise.h"

typedef float vec __attribute__((vector_size(4 * BLOCK), may_alias));
typedef int32_t ivec __attribute__((vector_size(4 * BLOCK), may_alias));

enum { MAX_CHUNKS = 32, CHUNK_PIXELS = 256 };

static inline vec vec_all(float x)
{
#if BLOCK == 16
	return (vec)_mm512_set1_ps(x);
#else
	return (vec)_mm256_set1_ps(x);
#endif
}

/* a * b + c, rounded once. */
static inline vec vec_fma(vec a, vec b, vec c)
{
#if BLOCK == 16
	return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#else
	return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#endif
}

/* Where m is all ones a, where it is 0 b. */
static inline vec vec_select(ivec m, vec a, vec b)
{
	return (vec)((m & (ivec)a) | (~m & (ivec)b));
}

static inline vec vec_lrelu(vec z, vec leak)
{
	return vec_select(z > vec_all(0), z, z * leak);
}

/* lrelu' times factor, read off the output. */
static inline vec vec_slope(vec y, vec factor, vec leak_factor)
{
	return vec_select(y > vec_all(0), factor, leak_factor);
}

static inline float vec_sum(vec x)
{
	float part[BLOCK];
	memcpy(part, &x, sizeof x);
	for (int half = BLOCK / 2; half > 0; half /= 2)
		for (int i = 0; i < half; i++)
			part[i] += part[i + half];
	return part[0];
}

/* m is BLOCK x BLOCK: bit by bit, the index of a vector and that of a lane change places (Eklundh 1972). */
static inline void transpose(vec m[BLOCK])
{
#define LOW(bit, lane) ((lane) & (bit) ? BLOCK + (lane) - (bit) : (lane))
#define HIGH(bit, lane) ((lane) & (bit) ? BLOCK + (lane) : (lane) + (bit))
#define EIGHT(half, bit, lane)                                                                                                                  \
	half(bit, lane), half(bit, lane + 1), half(bit, lane + 2), half(bit, lane + 3), half(bit, lane + 4), half(bit, lane + 5), half(bit, lane + 6), \
		half(bit, lane + 7)
#if BLOCK == 16
#define LANES(half, bit) EIGHT(half, bit, 0), EIGHT(half, bit, 8)
#else
#define LANES(half, bit) EIGHT(half, bit, 0)
#endif
#define EXCHANGE(bit)                                                                       \
	for (int i = 0; i < BLOCK; i++)                                                     \
		if (!(i & (bit))) {                                                         \
			const vec low = m[i], high = m[i + (bit)];                          \
			m[i] = __builtin_shufflevector(low, high, LANES(LOW, bit));         \
			m[i + (bit)] = __builtin_shufflevector(low, high, LANES(HIGH, bit)); \
		}
	EXCHANGE(1)
	EXCHANGE(2)
	EXCHANGE(4)
#if BLOCK == 16
	EXCHANGE(8)
#endif
#undef LOW
#undef HIGH
#undef EIGHT
#undef LANES
#undef EXCHANGE
}

static inline int blocks_of(struct tensor t)
{
	return cpu_blocks(t.c, BLOCK);
}

/* Block c of sample i. */
static inline vec *block_of(struct tensor t, int64_t i, int c)
{
	return (vec *)(tensor_sample(t, i) + (size_t)c * tensor_area(t) * BLOCK);
}

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Chunks of samples for sums over the batch. */
static inline int chunks_of(struct tensor t)
{
	const int64_t by_pixels = (t.n * (int64_t)tensor_area(t) + CHUNK_PIXELS - 1) / CHUNK_PIXELS;
	int64_t n = by_pixels < t.n ? by_pixels : t.n;
	n = n < MAX_CHUNKS ? n : MAX_CHUNKS;
	return n > 0 ? (int)n : 1;
}

static inline int64_t chunk_start(struct tensor t, int chunk, int chunks)
{
	return t.n * chunk / chunks;
}

/* Sums over the batch are in double: where real and generated samples nearly cancel each other, what is left would otherwise be the rounding of an order, and
 * another number of ranks another order. */
static double *sums_of_chunks(struct backend *b, size_t count, int chunks)
{
	return cpu_zeros((struct cpu *)b, (size_t)chunks * count, sizeof(double));
}

/* sum: BLOCK doubles. */
static inline void add_total(double *sum, vec total)
{
	for (int l = 0; l < BLOCK; l++)
		sum[l] += (double)total[l];
}

/* out[0 … count) = (accumulate: out +) factor * sum of the chunks' partial sums. */
static void sum_chunks(float *out, const double *partial, size_t count, int chunks, float factor, bool accumulate)
{
	for (size_t i = 0; i < count; i++) {
		double sum = partial[i];
		for (int k = 1; k < chunks; k++)
			sum += partial[(size_t)k * count + i];
		out[i] = (accumulate ? out[i] : 0) + (float)(factor * sum);
	}
}
