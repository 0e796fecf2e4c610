/* The arithmetic of the random numbers, written once: included by philox.c and by device kernels.
 *
 * Normals are built from additions, multiplications, divisions and square roots of doubles alone, each of which IEEE 754 defines to the last bit, and not
 * from a library's log() and cos(): so they are the same bits on every processor, C library and GPU, as long as the compiler does not contract a * b + c
 * (-ffp-contract=off, -fmad=false). */
#ifndef PGAN_PHILOX_CORE_H
#define PGAN_PHILOX_CORE_H

#include <math.h>

#include "philox.h"

#ifdef __CUDACC__
#define PHILOX static inline __host__ __device__
#else
#define PHILOX static inline
#endif

struct philox_block {
	uint32_t v[4];
};

/* The bare function: counter and key as in the paper; known answers in tests/. */
PHILOX struct philox_block philox_rounds(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, uint32_t k0, uint32_t k1)
{
	struct philox_block out;
	for (int round = 0; round < 10; round++) {
		const uint64_t p = (uint64_t)0xD2511F53u * c0, q = (uint64_t)0xCD9E8D57u * c2;
		const uint32_t d0 = (uint32_t)(q >> 32) ^ c1 ^ k0, d2 = (uint32_t)(p >> 32) ^ c3 ^ k1;
		c1 = (uint32_t)q;
		c3 = (uint32_t)p;
		c0 = d0;
		c2 = d2;
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	out.v[0] = c0;
	out.v[1] = c1;
	out.v[2] = c2;
	out.v[3] = c3;
	return out;
}

/* Block `block` of a stream: counter = (block low, block high, stream, substream), key = (seed low, seed high). */
PHILOX struct philox_block philox_stream_block(uint64_t seed, uint32_t stream, uint32_t substream, uint64_t block)
{
	return philox_rounds((uint32_t)block, (uint32_t)(block >> 32), stream, substream, (uint32_t)seed, (uint32_t)(seed >> 32));
}

/* number * bound / 2^64, rounded down: uniform in [0,bound) for uniform 64-bit numbers. */
PHILOX uint32_t philox_scaled(uint64_t number, uint32_t bound)
{
	return (uint32_t)(((number >> 32) * bound + ((number & 0xffffffffu) * bound >> 32)) >> 32);
}

PHILOX float philox_uniform_of(uint32_t word)
{
	return (float)(word >> 8) * 0x1p-24f;
}

/* ln(n / 2^32) for 1 <= n <= 2^32: n = m 2^e with m in [sqrt(1/2), sqrt(2)), and ln m = 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.172. */
PHILOX double philox_log(uint64_t n)
{
	double m = (double)n, term = 1, sum = 0;
	int e = -32;
	for (int shift = 32; shift; shift /= 2)
		if (n >> shift) {
			n >>= shift;
			m *= 1 / (double)((uint64_t)1 << shift);
			e += shift;
		}
	if (m >= 1.4142135623730951) {
		m *= .5;
		e++;
	}
	const double s = (m - 1) / (m + 1), square = s * s;
	for (int k = 1; k <= 23; k += 2) {
		sum += term * (1. / k);
		term *= square;
	}
	return 2 * s * sum + e * 0.69314718055994530942;
}

/* Two normals from two words (Box and Muller 1958): radius from (0,1], angle from [0,1) of a turn. The angle is the nearest quarter of a
 * turn and a remainder x, |x| <= pi / 4, whose sine and cosine are their series. */
PHILOX void philox_normal_pair(uint32_t u, uint32_t v, float *first, float *second)
{
	const double radius = sqrt(-2 * philox_log((uint64_t)u + 1));
	const uint32_t quarter = (v + 0x20000000u) >> 30;
	const double x = (double)(int32_t)(v - (quarter << 30)) * (6.283185307179586476925 / 4294967296.0), square = x * x;
	double sine = 0, cosine = 0;
	for (int k = 16; k >= 2; k -= 2) { /* cos x = 1 - x^2 / 2 (1 - x^2 / 12 (1 - …)), sin x likewise */
		cosine = (1 - cosine) * (square * (1. / (k * (k - 1))));
		sine = (1 - sine) * (square * (1. / (k * (k + 1))));
	}
	cosine = 1 - cosine;
	sine = x * (1 - sine);
	const double c = quarter == 0 ? cosine : quarter == 1 ? -sine : quarter == 2 ? -cosine : sine;
	const double s = quarter == 0 ? sine : quarter == 1 ? cosine : quarter == 2 ? -sine : -cosine;
	*first = (float)(radius * c);
	*second = (float)(radius * s);
}

#endif
