#include "philox.h"

#include "philox_core.h"

void philox_uniform(uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first, size_t n, float *out)
{
	struct philox_block b = { { 0 } };
	for (size_t i = 0; i < n; i++) {
		const uint64_t at = first + i;
		if (i == 0 || at % 4 == 0)
			b = philox_stream_block(seed, stream, substream, at / 4);
		out[i] = philox_uniform_of(b.v[at % 4]);
	}
}

void philox_normal(uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first, size_t n, float *out)
{
	float four[4] = { 0 };
	for (size_t i = 0; i < n; i++) {
		const uint64_t at = first + i;
		if (i == 0 || at % 4 == 0) {
			const struct philox_block b = philox_stream_block(seed, stream, substream, at / 4);
			philox_normal_pair(b.v[0], b.v[1], &four[0], &four[1]);
			philox_normal_pair(b.v[2], b.v[3], &four[2], &four[3]);
		}
		out[i] = four[at % 4];
	}
}

uint32_t philox_below(uint64_t seed, uint32_t stream, uint32_t substream, uint64_t index, uint32_t bound)
{
	const struct philox_block b = philox_stream_block(seed, stream, substream, index / 2);
	const unsigned at = 2 * (unsigned)(index % 2);
	const uint64_t word = (uint64_t)b.v[at + 1] << 32 | b.v[at];
	return philox_scaled(word, bound);
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
