/* The metrics' operations of a device that not every machine has against the processor's: PGAN_TEST_METRICS=cuda. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "metric_open.h"
#include "msssim.h"
#include "philox.h"
#include "size.h"
#include "sliced.h"
#include "w1.h"

static const double SUMS = 1e-6;        /* relative, of sums over float32 pyramids: the order of the filter's additions */
static const double PROJECTIONS = 1e-5; /* of projections of standardized patches: float32 sums of 147 terms of order 1, and an offset of order 10 */
static const double DISTANCES = 1e-5;   /* relative: of projections that differ so */
static const double SIMILARITY = 1e-12; /* sums in double in another order */

enum { DEVICES = 2, DIRECTIONS = 64, IMAGES = 5, SIDE = 32, LEVELS = 2 };

static void open_devices(struct metric_device *device[DEVICES])
{
	const char *const name = getenv("PGAN_TEST_METRICS");
	if (!name)
		SKIP("PGAN_TEST_METRICS is not set");
	REQUIRE(!metric_open_cpu(&device[0]));
	const int rc = metric_open(&device[1], name);
	CHECK_MSG(!rc, "%s", error_text());
	REQUIRE(!rc);
}

static void close_devices(struct metric_device *device[DEVICES])
{
	for (int i = 0; i < DEVICES; i++)
		metric_close(device[i]);
}

#define DONE(call) CHECK_MSG(!(call), "%s", error_text())

/* -- sliced Wasserstein distance -- */

struct comparison {
	struct sliced_plan plan;
	struct sliced_images images[SLICED_SETS];
	struct patch_sums sums[DEVICES][IMAGES * LEVELS];
	double distance[DEVICES][DIRECTIONS];
	const float *rows[DEVICES];
};

/* Smooth pictures with noise; one value in `rare` is far from the others. */
static void draw(float *x, size_t count, uint32_t stream, float noise, size_t rare)
{
	philox_normal(9, 0, stream, 0, count, x);
	for (size_t i = 0; i < count; i++) {
		const float wave = sinf((float)(i % SIDE) * .3f + (float)stream) * cosf((float)(i / SIDE % SIDE) * .2f);
		x[i] = noise * (100 + 40 * wave + 20 * x[i]) + (rare && i % rare == rare / 2 ? 1e4f : 0);
	}
}

static bool near(double a, double b, double relative)
{
	return fabs(a - b) <= relative * fmax(fabs(a), fabs(b));
}

static void compare_sums(const struct comparison *c)
{
	for (int64_t i = 0; i < c->images[0].n * LEVELS; i++)
		for (int k = 0; k < c->plan.c; k++) {
			const struct patch_sums *const want = &c->sums[0][i], *const got = &c->sums[1][i];
			const double scale = sqrt(want->squares[k] * (double)c->plan.patches * PATCH_AREA); /* a sum may cancel */
			CHECK_MSG(fabs(got->sum[k] - want->sum[k]) <= SUMS * scale && near(got->squares[k], want->squares[k], SUMS),
			          "image and level %d, channel %d: sums %.9g and %.9g instead of %.9g and %.9g", (int)i, k, got->sum[k], got->squares[k], want->sum[k],
			          want->squares[k]);
		}
}

/* Projects both sets on both devices, and compares the projections of the second, which are the last that are fetched. */
static void project(struct metric_device *device[DEVICES], struct comparison *c, int level)
{
	const size_t length = (size_t)c->plan.c * PATCH_AREA;
	static float u[DIRECTIONS * SLICED_CHANNELS * PATCH_AREA], offset[DIRECTIONS];
	for (int which = 0; which < SLICED_SETS; which++) {
		struct patch_sums all = { 0 };
		struct patch_stats stats;
		DONE(device[0]->sliced_sums(device[0], c->sums[0], &c->images[which]));
		DONE(device[1]->sliced_sums(device[1], c->sums[1], &c->images[which]));
		compare_sums(c);
		for (int64_t i = 0; i < c->images[which].n; i++)
			for (int k = 0; k < c->plan.c; k++) {
				all.sum[k] += c->sums[0][i * LEVELS + level].sum[k];
				all.squares[k] += c->sums[0][i * LEVELS + level].squares[k];
			}
		REQUIRE(!patch_stats_from(&stats, &all, c->plan.descriptors, c->plan.c, "test"));
		sliced_directions(u, 3, (uint32_t)level, 0, DIRECTIONS, length);
		sliced_standardize(u, offset, DIRECTIONS, c->plan.c, &stats);
		for (int d = 0; d < DEVICES; d++) {
			DONE(device[d]->sliced_aim(device[d], u, offset, DIRECTIONS));
			DONE(device[d]->sliced_project(device[d], &c->images[which], level));
		}
	}
}

/* The distances of each device are those of its own projections to the last bit, and the two devices' are near each other: relatively, or where they are tiny
 * as near as the projections are, which is as far as a distance moves with its values. */
static void compare_distances(struct metric_device *device[DEVICES], struct comparison *c, bool tiny)
{
	const size_t n = c->plan.descriptors, count = n * DIRECTIONS;
	float *const first = size_alloc(count, sizeof *first);
	struct w1 *w;
	REQUIRE(first && !w1_open(&w, n));
	for (int d = 0; d < DEVICES; d++) {
		DONE(device[d]->sliced_distances(device[d], c->distance[d], DIRECTIONS));
		DONE(device[d]->sliced_rows(device[d], 0, &c->rows[d]));
		memcpy(first, c->rows[d], count * sizeof *first);
		DONE(device[d]->sliced_rows(device[d], 1, &c->rows[d]));
		for (int i = 0; i < DIRECTIONS; i++) {
			const double want = w1_distance(w, first + (size_t)i * n, c->rows[d] + (size_t)i * n);
			CHECK_MSG(c->distance[d][i] == want, "%s, direction %d: %.17g instead of %.17g", device[d]->name, i, c->distance[d][i], want);
		}
	}
	for (int i = 0; i < DIRECTIONS; i++)
		CHECK_MSG(fabs(c->distance[0][i] - c->distance[1][i]) <= (tiny ? 2 * PROJECTIONS : DISTANCES * c->distance[0][i]),
			"direction %d: %.9g instead of %.9g", i, c->distance[1][i], c->distance[0][i]);
	double worst = 0;
	for (size_t i = 0; i < count; i++)
		worst = check_worse(worst, fabs((double)c->rows[0][i] - (double)c->rows[1][i]) / fmax(1, fabs((double)c->rows[0][i])));
	CHECK_MSG(worst <= PROJECTIONS, "projections are off by %g", worst);
	w1_close(&w);
	free(first);
}

/* patches: of an image; the last one has a part of them. equal: a set against itself. */
static void compare_sets(int channels, bool bytes, int patches, size_t descriptors, float noise, size_t rare, bool equal)
{
	const size_t values = (size_t)channels * SIDE * SIDE, count = IMAGES * values;
	struct metric_device *device[DEVICES];
	struct comparison c = { .plan = { .c = channels, .side = SIDE, .levels = LEVELS, .patches = patches, .descriptors = descriptors, .directions = DIRECTIONS,
		                          .last_corner = patches == 128, .seed = 7, .wanted = { true, true } } };
	open_devices(device); /* or skips the test */
	float *const x = size_alloc(SLICED_SETS * count, sizeof *x);
	REQUIRE(x);
	for (int which = 0; which < SLICED_SETS; which++) {
		float *const floats = x + (size_t)which * count;
		draw(floats, count, equal ? 1 : 1 + (uint32_t)which, noise, rare);
		if (bytes)
			for (size_t i = 0; i < count; i++)
				((uint8_t *)floats)[i] = (uint8_t)fminf(255, fmaxf(0, floats[i]));
		c.images[which] = (struct sliced_images){ .data = floats, .bytes = bytes, .n = (int64_t)((descriptors + (size_t)patches - 1) / (size_t)patches),
			.which = which, .stream_id = equal || rare ? 0 : (uint32_t)which };
	}
	for (int d = 0; d < DEVICES; d++)
		DONE(device[d]->sliced_open(device[d], &c.plan));
	for (int level = 0; level < LEVELS; level++) {
		project(device, &c, level);
		compare_distances(device, &c, rare);
		for (int i = 0; equal && i < DIRECTIONS; i++)
			CHECK(c.distance[1][i] == 0);
	}
	close_devices(device);
	free(x);
}

TEST(patches_of_every_image) { compare_sets(3, true, 128, IMAGES * 128, 1, 0, false); }
TEST(patches_of_every_sixteenth_image_of_floats) { compare_sets(1, false, 512, 2 * 512 + 192, 1, 0, false); }
/* Nearly all values of both sets in some few buckets, which are looked into in another way: patches at the same places, so that the rare values are alike. */
TEST(rare_values_far_from_the_others) { compare_sets(1, false, 128, IMAGES * 128, 1e-3f, 3000, false); }
TEST(a_set_and_itself) { compare_sets(3, true, 128, IMAGES * 128, 1, 0, true); }

/* -- structural similarity -- */

static void compare_pairs(enum msssim_protocol protocol, int channels, int side, bool bytes_a, bool bytes_b)
{
	enum { PAIRS = 3 };
	const size_t values = (size_t)channels * (size_t)side * (size_t)side;
	const size_t size_a = values * (bytes_a ? 1 : sizeof(float)), size_b = values * (bytes_b ? 1 : sizeof(float));
	double means[DEVICES][PAIRS * SSIM_SCALES * SLICED_CHANNELS * 2];
	struct metric_device *device[DEVICES];
	struct ssim_plan plan;
	open_devices(device); /* or skips the test */
	float *const x = size_alloc(2 * PAIRS * values, sizeof *x), *const y = x + PAIRS * values;
	const struct ssim_pairs pairs = { (char *)x, (char *)y, size_a, size_b, bytes_a, bytes_b, PAIRS };
	REQUIRE(x);
	philox_normal(4, 0, 0, 0, 2 * PAIRS * values, x);
	for (size_t i = 0; i < PAIRS * values; i++) {
		const float picture = .6f * sinf((float)(i % (size_t)side) * .4f), a = picture + .2f * x[i], b = picture + .2f * y[i];
		if (bytes_a)
			((uint8_t *)x)[i] = (uint8_t)(127 + 100 * fminf(1, fmaxf(-1, a)));
		else
			x[i] = a;
		if (bytes_b)
			((uint8_t *)y)[i] = (uint8_t)(127 + 100 * fminf(1, fmaxf(-1, b)));
		else
			y[i] = b;
	}
	msssim_plan(&plan, protocol, channels, side);
	for (int d = 0; d < DEVICES; d++) {
		DONE(device[d]->ssim_open(device[d], &plan));
		DONE(device[d]->ssim(device[d], means[d], &pairs));
	}
	for (int i = 0; i < PAIRS * SSIM_SCALES * channels * 2; i++)
		CHECK_MSG(fabs(means[0][i] - means[1][i]) <= SIMILARITY, "protocol %d, %d channels, side %d, mean %d: %.15g instead of %.15g", protocol, channels,
			side, i, means[1][i], means[0][i]);
	close_devices(device);
	free(x);
}

TEST(similarity_of_the_papers_protocol)
{
	compare_pairs(MSSSIM_KARRAS, 3, 16, true, true);
	compare_pairs(MSSSIM_KARRAS, 1, 45, true, false);
	compare_pairs(MSSSIM_KARRAS, 3, 64, false, true);
}

TEST(similarity_of_the_others)
{
	compare_pairs(MSSSIM_PADDLE, 3, 32, false, false);
	compare_pairs(MSSSIM_PADDLE, 1, 64, true, false);
	compare_pairs(MSSSIM_VAINF, 1, 167, true, true);
}
