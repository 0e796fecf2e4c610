#include "philox.h"

#include <math.h>

struct philox_block philox_4x32_10(const uint32_t counter[4], const uint32_t key[2])
{
	uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
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
	return (struct philox_block){ { c0, c1, c2, c3 } };
}

struct philox_block philox_block(uint64_t seed, uint32_t stream, uint32_t substream, uint64_t block)
{
	const uint32_t counter[4] = { (uint32_t)block, (uint32_t)(block >> 32), stream, substream };
	const uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
	return philox_4x32_10(counter, key);
}

void philox_uniform(uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first, size_t n, float *out)
{
	struct philox_block b = { { 0 } };
	for (size_t i = 0; i < n; i++) {
		const uint64_t at = first + i;
		if (i == 0 || at % 4 == 0)
			b = philox_block(seed, stream, substream, at / 4);
		out[i] = (float)(b.v[at % 4] >> 8) * 0x1p-24f;
	}
}

/* Two normals from two words: radius from (0,1], angle from [0,1). */
static void normal_pair(uint32_t u, uint32_t v, float out[2])
{
	const double radius = sqrt(-2 * log(((double)u + 1) * 0x1p-32)), angle = 6.283185307179586476925 * (double)v * 0x1p-32;
	out[0] = (float)(radius * cos(angle));
	out[1] = (float)(radius * sin(angle));
}

void philox_normal(uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first, size_t n, float *out)
{
	float four[4] = { 0 };
	for (size_t i = 0; i < n; i++) {
		const uint64_t at = first + i;
		if (i == 0 || at % 4 == 0) {
			const struct philox_block b = philox_block(seed, stream, substream, at / 4);
			normal_pair(b.v[0], b.v[1], four);
			normal_pair(b.v[2], b.v[3], four + 2);
		}
		out[i] = four[at % 4];
	}
}

uint32_t philox_below(uint64_t seed, uint32_t stream, uint32_t substream, uint64_t index, uint32_t bound)
{
	const struct philox_block b = philox_block(seed, stream, substream, index / 2);
	const unsigned at = 2 * (unsigned)(index % 2);
	const uint64_t word = (uint64_t)b.v[at + 1] << 32 | b.v[at];
	return (uint32_t)(((unsigned __int128)word * bound) >> 64);
}

void philox_permutation(uint64_t seed, uint32_t stream, uint32_t substream, size_t n, uint32_t *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint32_t)i;
	for (size_t i = n; i > 1; i--) {
		const uint32_t j = philox_below(seed, stream, substream, i - 1, (uint32_t)i), t = out[i - 1];
		out[i - 1] = out[j];
		out[j] = t;
	}
}
