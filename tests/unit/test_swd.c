/* The parts of the sliced Wasserstein distance against golden/metrics.h5 and plain loops, and the whole of it. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "h5file.h"
#include "laplacian.h"
#include "metric_open.h"
#include "metrics_fixture.h"
#include "philox.h"
#include "size.h"
#include "sliced.h"
#include "swd.h"
#include "w1.h"

static const double PATCHES = 1e-3;   /* the pyramid's own difference from golden, units of 0..255 */
static const double DISTANCE = 1e-5;  /* relative, per direction: rounding of float32 projections of 147 terms */
static const double PROJECTION = 5e-6; /* rounding of a float32 sum of 147 terms of order 1 */

enum { LENGTH = 3 * PATCH_AREA };

static void patches_equal_golden(int n_images, int n)
{
	enum { VALUES = 3 * 128 * 128 };
	float *images = golden_floats("images", (size_t)n_images * VALUES), *want = golden_floats("swd/patches", (size_t)n * LENGTH);
	float *where = golden_floats("swd/patch_positions", (size_t)n * 3);
	struct laplacian l;
	double worst = 0;
	REQUIRE(images && want && where && !laplacian_alloc(&l, 3, 128, 4));
	for (int i = 0; i < n; i++) {
		laplacian_build(&l, images + (size_t)where[3 * i] * VALUES, 0, LAPLACIAN_LEVELS);
		const float *at = l.level[1] + ((size_t)where[3 * i + 1] - 3) * 64 + (size_t)where[3 * i + 2] - 3;
		for (int k = 0; k < LENGTH; k++) {
			const double e = fabs((double)at[k / 49 * 4096 + k % 49 / 7 * 64 + k % 7] - (double)want[i * LENGTH + k]);
			worst = e > worst ? e : worst;
		}
	}
	CHECK_MSG(worst <= PATCHES, "off by %g", worst);
	laplacian_free(&l);
	free(images);
	free(want);
	free(where);
}

TEST(patches_lie_where_golden_has_them) { patches_equal_golden(2, 55); }

/* Descriptors as images of their own size. */
static const struct patch_layout alone = { 3, PATCH_SIDE, PATCH_AREA };

static void point(const float **at, const float *descriptors, size_t n)
{
	for (size_t i = 0; i < n; i++)
		at[i] = descriptors + i * LENGTH;
}

/* (n_directions in tiles, n) projections of n descriptors, a multiple of SLICED_BLOCK; owned. */
static float *project_all(const float *descriptors, size_t n, const float *directions, int n_directions)
{
	const float **at = size_alloc(n, sizeof *at);
	float *out = size_alloc((size_t)projector_rows(n_directions) * n, sizeof *out);
	struct patch_sums sums = { 0 };
	struct patch_stats stats;
	struct projector p;
	REQUIRE(at && out && !projector_open(&p, n_directions, 3));
	point(at, descriptors, n);
	patch_sums_add(&sums, at, n, alone);
	REQUIRE(!patch_stats_from(&stats, &sums, n, 3, "test"));
	float *const u = size_alloc((size_t)n_directions * (LENGTH + 1), sizeof *u), *const offset = u + n_directions * LENGTH;
	REQUIRE(u);
	memcpy(u, directions, (size_t)n_directions * LENGTH * sizeof *u);
	sliced_standardize(u, offset, n_directions, 3, &stats);
	projector_aim(&p, u, offset, n_directions, 3);
	free(u);
	for (size_t j = 0; j < n; j += SLICED_BLOCK)
		projector_run(&p, 0, out + j, n, at + j, alone);
	projector_close(&p);
	free(at);
	return out;
}

static void distances_equal_golden(size_t n)
{
	enum { DIRECTIONS = 16 };
	float *a = golden_floats("swd/A", n * LENGTH), *b = golden_floats("swd/B", n * LENGTH), *stored = golden_floats("swd/directions", LENGTH * DIRECTIONS);
	double *want = golden_doubles("swd/w1_per_direction", DIRECTIONS);
	static float directions[DIRECTIONS * LENGTH];
	struct w1 *w;
	REQUIRE(a && b && stored && want && !w1_open(&w, n));
	for (int d = 0; d < DIRECTIONS; d++)
		for (int k = 0; k < LENGTH; k++)
			directions[d * LENGTH + k] = stored[k * DIRECTIONS + d];
	float *pa = project_all(a, n, directions, DIRECTIONS), *pb = project_all(b, n, directions, DIRECTIONS);
	for (int d = 0; d < DIRECTIONS; d++) {
		const double got = w1_distance(w, pa + (size_t)d * n, pb + (size_t)d * n);
		CHECK_MSG(fabs(got / want[d] - 1) <= DISTANCE, "direction %d: %.8g instead of %.8g", d, got, want[d]);
	}
	w1_close(&w);
	free(a);
	free(b);
	free(stored);
	free(want);
	free(pa);
	free(pb);
}

TEST(distances_along_directions_equal_golden) { distances_equal_golden(256); }

TEST(the_whole_golden_file)
{
	golden_whole();
	patches_equal_golden(8, 256);
	distances_equal_golden(2048);
	golden_small();
}

TEST(standardization_equals_the_definition)
{
	enum { N = 256 };
	float *a = golden_floats("swd/A", N * LENGTH);
	const float *at[N];
	struct patch_sums sums = { 0 };
	struct patch_stats stats;
	REQUIRE(a);
	point(at, a, N);
	patch_sums_add(&sums, at, N, alone);
	REQUIRE(!patch_stats_from(&stats, &sums, N, 3, "test"));
	for (int c = 0; c < 3; c++) {
		double mean = 0, squares = 0;
		for (int i = 0; i < N * PATCH_AREA; i++)
			mean += (double)at[i / PATCH_AREA][c * PATCH_AREA + i % PATCH_AREA] / (N * PATCH_AREA);
		for (int i = 0; i < N * PATCH_AREA; i++)
			squares += pow((double)at[i / PATCH_AREA][c * PATCH_AREA + i % PATCH_AREA] - mean, 2) / (N * PATCH_AREA);
		CHECK_MSG(fabs(stats.mean[c] - mean) < 1e-9 * sqrt(squares), "mean %g instead of %g", stats.mean[c], mean);
		CHECK_MSG(fabs(stats.deviation[c] / sqrt(squares) - 1) < 1e-9, "deviation %g instead of %g", stats.deviation[c], sqrt(squares));
	}
	free(a);
}

TEST(constant_patches_are_refused)
{
	static float descriptors[SLICED_BLOCK * LENGTH];
	const float *at[SLICED_BLOCK];
	struct patch_sums sums = { 0 };
	struct patch_stats stats;
	for (size_t i = 0; i < SLICED_BLOCK * LENGTH; i++)
		descriptors[i] = 200.3f;
	point(at, descriptors, SLICED_BLOCK);
	patch_sums_add(&sums, at, SLICED_BLOCK, alone);
	CHECK(patch_stats_from(&stats, &sums, SLICED_BLOCK, 3, "grey.h5") == ERR_INPUT);
	CHECK_MSG(strstr(error_text(), "'grey.h5' is constant"), "%s", error_text());
}

TEST(every_table_projects)
{
	enum { DIRECTIONS = 24 };
	static float x[LENGTH * SLICED_BLOCK], u[DIRECTIONS * LENGTH], offset[DIRECTIONS], tiled[DIRECTIONS * LENGTH], out[DIRECTIONS * SLICED_BLOCK];
	const struct metric_kernels *table[METRIC_TABLES];
	const int tables = metric_tables(table);
	philox_normal(1, 0, 0, 0, LENGTH * SLICED_BLOCK, x);
	sliced_directions(u, 1, 0, 0, DIRECTIONS, LENGTH);
	philox_normal(1, 0, 1, 0, DIRECTIONS, offset);
	for (int t = 0; t < tables; t++) {
		const int tile = table[t]->tile;
		double worst = 0;
		for (int i = 0; i < DIRECTIONS * LENGTH; i++)
			tiled[i / (tile * LENGTH) * tile * LENGTH + i % LENGTH * tile + i / LENGTH % tile] = u[i];
		table[t]->project(out, SLICED_BLOCK, x, tiled, offset, LENGTH, DIRECTIONS);
		for (int i = 0; i < DIRECTIONS * SLICED_BLOCK; i++) {
			double want = offset[i / SLICED_BLOCK];
			for (int k = 0; k < LENGTH; k++)
				want += (double)u[i / SLICED_BLOCK * LENGTH + k] * (double)x[k * SLICED_BLOCK + i % SLICED_BLOCK];
			const double e = fabs(out[i] - want);
			worst = e > worst ? e : worst;
		}
		CHECK_MSG(worst <= PROJECTION, "table %d is off by %g", t, worst);
	}
}

TEST(directions_are_unit_vectors_and_do_not_depend_on_the_chunk)
{
	static float all[20 * LENGTH], some[5 * LENGTH];
	sliced_directions(all, 7, 2, 0, 20, LENGTH);
	sliced_directions(some, 7, 2, 10, 5, LENGTH);
	CHECK(!memcmp(some, all + 10 * LENGTH, sizeof some));
	double squares = 0;
	for (int k = 0; k < LENGTH; k++)
		squares += (double)all[k] * (double)all[k];
	CHECK_MSG(fabs(squares - 1) < 1e-6, "%g", squares);
}

TEST(corners_cover_their_range)
{
	int seen[2][5] = { { 0 } };
	for (uint64_t i = 0; i < 5000; i++) {
		uint32_t y, x;
		patch_corner(1, 0, i, 5, &y, &x);
		REQUIRE(y < 5 && x < 5);
		seen[0][y]++;
		seen[1][x]++;
	}
	for (int k = 0; k < 10; k++) /* 1000 expected each, deviation 28 */
		CHECK_MSG(abs(seen[k / 5][k % 5] - 1000) < 150, "%d", seen[k / 5][k % 5]);
}

/* -- the whole -- */

enum { IMAGES = 40, SIDE = 32 };

/* Writes random images of some smoothness; the name is owned by the caller. */
static char *write_set(uint64_t seed, float gain)
{
	const char *tmp = getenv("TMPDIR");
	const int64_t dim[4] = { IMAGES, 3, SIDE, SIDE };
	const size_t n = (size_t)IMAGES * 3 * SIDE * SIDE;
	char path[4096];
	uint8_t *bytes = size_alloc(n, 1);
	float *x = size_alloc(n, sizeof *x);
	struct h5file *f;
	REQUIRE(bytes && x);
	philox_normal(seed, 0, 0, 0, n, x);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)fmaxf(0, fminf(255, 128 + gain * (x[i] + 2 * x[i / 7 * 7])));
	snprintf(path, sizeof path, "%s/swd-%d-%d.h5", tmp ? tmp : "/tmp", (int)getpid(), (int)seed);
	REQUIRE(!h5_create(&f, path, path) && !h5_write(f, "data32x32", H5_U8, 4, dim, bytes) && !h5_close(&f));
	free(bytes);
	free(x);
	return strdup(path);
}

static struct swd_result run(enum swd_protocol protocol, int threads, size_t memory, uint64_t seed)
{
	char *names[2] = { write_set(1, 25), write_set(2, 40) };
	struct image_set set[2];
	struct swd_result r;
	const struct swd_settings settings = { .protocol = protocol, .seed = seed, .memory = memory };
	const int before = omp_get_max_threads();
	struct metric_device *device;
	omp_set_num_threads(threads);
	REQUIRE(!metric_open_cpu(&device));
	for (int i = 0; i < 2; i++)
		REQUIRE(!swd_open_set(&set[i], names[i], 0, IMAGES, protocol));
	const struct swd_part a = { &set[0], 0, IMAGES, 0 }, b = { &set[1], 0, IMAGES, 1 };
	const int rc = swd_compute(&r, device, &a, &b, &settings);
	CHECK_MSG(!rc, "%s", error_text());
	metric_close(device);
	for (int i = 0; i < 2; i++) {
		image_set_close(&set[i]);
		unlink(names[i]);
		free(names[i]);
	}
	omp_set_num_threads(before);
	return r;
}

TEST(threads_and_memory_do_not_change_a_bit)
{
	for (int protocol = SWD_KARRAS; protocol <= SWD_PADDLE; protocol++) {
		const struct swd_result one = run((enum swd_protocol)protocol, 1, 0, 5), three = run((enum swd_protocol)protocol, 3, 0, 5);
		const struct swd_result little = run((enum swd_protocol)protocol, 2, 1 << 20, 5), other = run((enum swd_protocol)protocol, 2, 0, 6);
		CHECK(!memcmp(&one, &three, sizeof one));
		CHECK(!memcmp(&one, &little, sizeof one));
		CHECK(one.average != other.average);
		CHECK(one.levels == (protocol == SWD_KARRAS ? 2 : 3));
	}
}

TEST(the_error_is_that_of_a_mean)
{
	double error;
	CHECK(swd_mean((double[SWD_REPEATS]){ 1, 2, 3, 6 }, &error) == 3 && fabs(error - sqrt(14. / 3 / 4)) < 1e-15);
}

TEST(sides_without_levels_are_refused)
{
	CHECK(swd_levels(SWD_KARRAS, 8, "x") == ERR_INPUT);
	CHECK(swd_levels(SWD_KARRAS, 100, "x") == ERR_INPUT);
	CHECK(swd_levels(SWD_KARRAS, 16, "x") == 1);
	CHECK(swd_levels(SWD_KARRAS, 256, "x") == 5);
	CHECK(swd_levels(SWD_PADDLE, 16, "x") == 2);
	CHECK(swd_levels(SWD_PADDLE, 64, "x") == 4);
	CHECK(swd_levels(SWD_PADDLE, 128, "x") == 4);
}
