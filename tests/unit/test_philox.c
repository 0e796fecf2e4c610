/* Random numbers: the known answers of the Random123 distribution, and what the streams promise. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "philox.h"
#include "philox_core.h"

TEST(known_answers)
{
	static const struct {
		uint32_t counter[4], key[2], want[4];
	} known[] = {
		{ { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
		{ { ~0u, ~0u, ~0u, ~0u }, { ~0u, ~0u }, { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
		{ { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, { 0xa4093822, 0x299f31d0 }, { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		const uint32_t *const c = known[i].counter, *const k = known[i].key;
		const struct philox_block b = philox_rounds(c[0], c[1], c[2], c[3], k[0], k[1]);
		CHECK(!memcmp(b.v, known[i].want, sizeof b.v));
	}
}

TEST(parts_equal_the_whole)
{
	enum { N = 103 };
	float whole[N], part[N];
	philox_normal(7, STREAM_LATENT, 3, 0, N, whole);
	for (size_t i = 0; i < N; i += 9)
		philox_normal(7, STREAM_LATENT, 3, i, N - i < 9 ? N - i : 9, part + i);
	CHECK(!memcmp(whole, part, sizeof whole));
	philox_uniform(7, STREAM_MIX, 0, 0, N, whole);
	for (size_t i = 0; i < N; i++)
		philox_uniform(7, STREAM_MIX, 0, i, 1, part + i);
	CHECK(!memcmp(whole, part, sizeof whole));
}

TEST(seeds_streams_and_substreams_differ)
{
	float a[4], b[4];
	const struct {
		uint64_t seed;
		uint32_t stream, substream;
	} other[] = { { 2, 1, 0 }, { 1ull << 32 | 1, 1, 0 }, { 1, 2, 0 }, { 1, 1, 1 } };
	philox_uniform(1, 1, 0, 0, 4, a);
	for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
		philox_uniform(other[i].seed, other[i].stream, other[i].substream, 0, 4, b);
		CHECK(memcmp(a, b, sizeof a));
	}
}

/* Moments of N values: each is within five standard deviations of its expectation. */
TEST(normal_moments)
{
	enum { N = 1 << 18 };
	float *x = malloc(N * sizeof *x);
	double sum[4] = { 0 };
	REQUIRE(x);
	philox_normal(11, STREAM_WEIGHTS, 0, 0, N, x);
	for (size_t i = 0; i < N; i++)
		for (int k = 0; k < 4; k++)
			sum[k] += pow(x[i], k + 1) / N;
	CHECK(fabs(sum[0]) < 5 / sqrt(N));
	CHECK(fabs(sum[1] - 1) < 5 * sqrt(2. / N));
	CHECK(fabs(sum[2]) < 5 * sqrt(15. / N));
	CHECK(fabs(sum[3] - 3) < 5 * sqrt(96. / N));
	free(x);
}

TEST(uniform_range)
{
	enum { N = 4096 };
	float x[N];
	double mean = 0;
	philox_uniform(5, STREAM_MIX, 0, 0, N, x);
	for (size_t i = 0; i < N; i++) {
		CHECK(x[i] >= 0 && x[i] < 1);
		mean += x[i] / N;
	}
	CHECK(fabs(mean - .5) < 5 / sqrt(12. * N));
}

TEST(below_covers_its_range)
{
	int count[7] = { 0 };
	for (uint64_t i = 0; i < 7000; i++) {
		const uint32_t k = philox_below(3, STREAM_PAIRS, 0, i, 7);
		REQUIRE(k < 7);
		count[k]++;
	}
	for (int k = 0; k < 7; k++)
		CHECK(abs(count[k] - 1000) < 150);
}

TEST(permutation)
{
	enum { N = 1000 };
	uint32_t order[N], again[N], other[N];
	bool seen[N] = { false };
	philox_permutation(1, STREAM_ORDER, 0, N, order);
	philox_permutation(1, STREAM_ORDER, 0, N, again);
	philox_permutation(1, STREAM_ORDER, 1, N, other);
	for (int i = 0; i < N; i++) {
		REQUIRE(order[i] < N && !seen[order[i]]);
		seen[order[i]] = true;
	}
	CHECK(!memcmp(order, again, sizeof order));
	CHECK(memcmp(order, other, sizeof order));
}

/* The arithmetic of philox_core.h against the C library: for the extremes of both words, the quarters of a turn, and many others. */
TEST(normals_are_those_of_box_and_muller)
{
	static const uint32_t edge[] = { 0, 1, 2, 0x1fffffff, 0x20000000, 0x20000001, 0x3fffffff, 0x40000000, 0x5fffffff, 0x60000000, 0x7fffffff,
		                         0x80000000, 0x9fffffff, 0xa0000000, 0xbfffffff, 0xc0000000, 0xdfffffff, 0xe0000000, 0xfffffffe, 0xffffffff };
	enum { EDGES = sizeof edge / sizeof *edge };
	double worst = 0;
	for (uint32_t i = 0; i < EDGES * EDGES + 20000; i++) {
		const struct philox_block random = philox_stream_block(5, 1, 0, i);
		const uint32_t u = i < EDGES * EDGES ? edge[i / EDGES] : random.v[0], v = i < EDGES * EDGES ? edge[i % EDGES] : random.v[1];
		const double radius = sqrt(-2 * log(((double)u + 1) * 0x1p-32)), angle = 6.283185307179586476925 * (double)v * 0x1p-32;
		float x, y;
		philox_normal_pair(u, v, &x, &y);
		worst = check_worse(worst, fabs(x - radius * cos(angle)) / (radius + 1e-30));
		worst = check_worse(worst, fabs(y - radius * sin(angle)) / (radius + 1e-30));
	}
	CHECK_MSG(worst <= 0x1p-24, "relative to the radius they differ by %.3g, which is more than rounding to float", worst);
}

/* The same bits everywhere: whatever the compiler, its options and the processor. */
TEST(normals_are_the_same_bits_everywhere)
{
	enum { N = 1 << 16 };
	float *x = malloc(N * sizeof *x);
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
	REQUIRE(x);
	philox_normal(2, STREAM_LATENT, 0, 0, N, x);
	for (size_t i = 0; i < N * sizeof *x; i++)
		hash = (hash ^ ((const unsigned char *)x)[i]) * 0x100000001b3u;
	free(x);
	CHECK_MSG(hash == 0x5b2589fabac5f94cu, "the hash of the first numbers is %#llx", (unsigned long long)hash);
}
