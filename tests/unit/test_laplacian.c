/* Laplacian pyramids against golden/metrics.h5 and the definition. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "laplacian.h"
#include "metrics_fixture.h"
#include "philox.h"

static const double GOLDEN = 1e-3;   /* units of 0..255: what float32 programs differ by, with room */
static const double INVERSE = 1e-4;  /* a few roundings of numbers up to 255 */
static const double TABLES = 2e-4;   /* the same sums in another order */

TEST(levels_of_a_side)
{
	CHECK(laplacian_levels(16) == 1);
	CHECK(laplacian_levels(32) == 2);
	CHECK(laplacian_levels(128) == 4);
	CHECK(laplacian_levels(256) == 5);
	CHECK(laplacian_levels(8) == 0);
	CHECK(laplacian_levels(100) == 0);
	CHECK(laplacian_levels(48) == 0);
}

TEST(impossible_pyramids_are_refused)
{
	struct laplacian l;
	CHECK(laplacian_alloc(&l, 3, 100, 4) == ERR_USAGE);
	CHECK(laplacian_alloc(&l, 3, 4, 3) == ERR_USAGE);
	CHECK(laplacian_alloc(&l, 3, 128, 0) == ERR_USAGE);
}

static void levels_equal_golden(int64_t n)
{
	const int64_t values = 3 * 128 * 128;
	float *images = golden_floats("images", (size_t)(n * values));
	struct laplacian l;
	REQUIRE(images && !laplacian_alloc(&l, 3, 128, 4));
	for (int k = 0; k < 4; k++) {
		const size_t size = (size_t)(values >> 2 * k);
		char name[32];
		snprintf(name, sizeof name, "laplacian/%d", 128 >> k);
		float *want = golden_floats(name, (size_t)n * size);
		REQUIRE(want);
		for (int64_t i = 0; i < n; i++) {
			laplacian_build(&l, images + i * values, 0, LAPLACIAN_LEVELS);
			const double e = largest_difference(l.level[k], want + (size_t)i * size, size);
			CHECK_MSG(e <= GOLDEN, "level %d of image %d is off by %g", 128 >> k, (int)i, e);
		}
		free(want);
	}
	laplacian_free(&l);
	free(images);
}

TEST(two_images_of_golden) { levels_equal_golden(2); }

TEST(the_whole_golden_file)
{
	golden_whole();
	levels_equal_golden(8);
	golden_small();
}

/* The definition, with nothing clever: blur the whole plane, mirrored, and keep every other pixel. */
static void slow_down(float *out, const float *in, int side)
{
	static const double w[5] = { 1 / 16., 4 / 16., 6 / 16., 4 / 16., 1 / 16. };
	for (int y = 0; y < side; y += 2)
		for (int x = 0; x < side; x += 2) {
			double sum = 0;
			for (int i = -2; i <= 2; i++)
				for (int j = -2; j <= 2; j++) {
					const int r = abs(y + i), s = abs(x + j);
					sum += w[i + 2] * w[j + 2] * in[(r < side ? r : 2 * side - 2 - r) * side + (s < side ? s : 2 * side - 2 - s)];
				}
			out[y / 2 * (side / 2) + x / 2] = (float)sum;
		}
}

TEST(rest_equals_the_definition_on_every_table)
{
	enum { SIDE = 36, HALF = SIDE / 2 };
	static float in[SIDE * SIDE], want[HALF * HALF], got[HALF * HALF], row[SIDE + 4];
	const struct metric_kernels *table[METRIC_TABLES];
	const int tables = metric_tables(table);
	philox_normal(1, 0, 0, 0, SIDE * SIDE, in);
	for (int i = 0; i < SIDE * SIDE; i++)
		in[i] *= 60;
	slow_down(want, in, SIDE);
	for (int t = 0; t < tables; t++) {
		table[t]->down(got, in, SIDE, row);
		const double e = largest_difference(got, want, HALF * HALF);
		CHECK_MSG(e <= TABLES, "table %d is off by %g", t, e);
	}
}

TEST(collapse_is_the_inverse)
{
	static float in[3 * 64 * 64];
	struct laplacian l;
	philox_uniform(2, 0, 0, 0, 3 * 64 * 64, in);
	for (int i = 0; i < 3 * 64 * 64; i++)
		in[i] *= 255;
	for (int levels = 1; levels <= 6; levels++) {
		REQUIRE(!laplacian_alloc(&l, 3, 64, levels));
		laplacian_build(&l, in, 0, LAPLACIAN_LEVELS);
		laplacian_collapse(&l);
		const double e = largest_difference(l.level[0], in, 3 * 64 * 64);
		CHECK_MSG(e <= INVERSE, "%d levels: off by %g", levels, e);
		laplacian_free(&l);
	}
}
