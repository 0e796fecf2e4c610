/* MS-SSIM of the three protocols against golden/metrics.h5, pair by pair. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "metrics_fixture.h"
#include "msssim.h"
#include "philox.h"
#include "size.h"
#include "ssim.h"

static const double GOLDEN = 1e-5;        /* per pair: those programs work in double or float32 */
static const double GOLDEN_PADDLE = 1e-4; /* recorded in float32, with a fourth power */

/* Pictures of golden, which are (n,side,side,3), as (n,3,side,side) bytes; owned. */
static uint8_t *pictures(const char *name, int n, int side)
{
	const size_t area = (size_t)side * (size_t)side, values = (size_t)n * area * 3;
	float *in = golden_floats(name, values);
	uint8_t *out = size_alloc(values, 1);
	REQUIRE(in && out);
	for (size_t i = 0; i < values; i++)
		out[i / (3 * area) * 3 * area + i % 3 * area + i % (3 * area) / 3] = (uint8_t)in[i];
	free(in);
	return out;
}

/* The value of one pair. */
static double value(enum msssim_protocol protocol, int c, int side, bool floats, const void *a, const void *b)
{
	double means[SSIM_SCALES * SLICED_CHANNELS * 2];
	const struct ssim_pairs pair = { .a = a, .b = b, .bytes_a = !floats, .bytes_b = true, .n = 1 };
	struct ssim_plan plan;
	struct ssim *s;
	msssim_plan(&plan, protocol, c, side);
	REQUIRE(!ssim_open(&s, &plan));
	ssim_pair(s, means, &pair, 0);
	ssim_close(&s);
	return msssim_combine(protocol, &plan, means);
}

/* Pair i is a[i * step], b[i * step]. */
static void compare(enum msssim_protocol protocol, double tolerance, const char *name, const uint8_t *a, const uint8_t *b, int step, int n, int side)
{
	const size_t values = (size_t)side * (size_t)side * 3;
	double *want = golden_doubles(name, (size_t)n);
	float *fa = size_alloc(values, sizeof *fa);
	REQUIRE(want && fa);
	for (int i = 0; i < n; i++) {
		const uint8_t *const pa = a + (size_t)(i * step) * values, *const pb = b + (size_t)(i * step) * values;
		const double got = value(protocol, 3, side, false, pa, pb);
		CHECK_MSG(fabs(got - want[i]) <= tolerance, "%s, pair %d: %.9g instead of %.9g", name, i, got, want[i]);
		for (size_t v = 0; v < values; v++)
			fa[v] = (float)pa[v] / 127.5f - 1;
		const double of_floats = value(protocol, 3, side, true, fa, pb);
		CHECK_MSG(fabs(of_floats - want[i]) <= tolerance, "%s, pair %d of floats and bytes: %.9g instead of %.9g", name, i, of_floats, want[i]);
	}
	free(want);
	free(fa);
}

static void side_equals_golden(int side, int n, int faces)
{
	const size_t values = (size_t)side * (size_t)side * 3;
	char name[96];
	uint8_t *a, *b, *f;
#define NAME(x) (snprintf(name, sizeof name, "msssim/%d/" x, side), name)
	a = pictures(NAME("images"), n, side);
	b = pictures(NAME("noisy"), n, side);
	f = pictures(NAME("faces"), faces, side);
	compare(MSSSIM_KARRAS, GOLDEN, NAME("image_vs_noisy"), a, b, 1, n, side);
	compare(MSSSIM_KARRAS, GOLDEN, NAME("consecutive_pairs"), a, a + values, 2, n / 2, side);
	compare(MSSSIM_KARRAS, GOLDEN, NAME("faces_consecutive_pairs"), f, f + values, 2, faces / 2, side);
	if (side > 16) {
		compare(MSSSIM_PADDLE, GOLDEN_PADDLE, NAME("pgan_paddle_image_vs_noisy"), a, b, 1, n, side);
		compare(MSSSIM_PADDLE, GOLDEN_PADDLE, NAME("pgan_paddle_consecutive_pairs"), a, a + values, 2, n / 2, side);
	}
#undef NAME
	free(a);
	free(b);
	free(f);
}

TEST(side_128) { side_equals_golden(128, 2, 4); }
TEST(side_64) { side_equals_golden(64, 4, 8); }
TEST(side_32) { side_equals_golden(32, 4, 8); }
TEST(side_16) { side_equals_golden(16, 4, 8); }

TEST(every_pair_of_the_whole_golden_file)
{
	golden_whole();
	for (int side = 128; side >= 16; side /= 2)
		side_equals_golden(side, 8, 16);
	golden_small();
}

static void vainf_equals_golden(int pairs)
{
	uint8_t *a = pictures("msssim/pytorch_msssim_192/images", 2 * pairs, 192);
	compare(MSSSIM_VAINF, GOLDEN, "msssim/pytorch_msssim_192/consecutive_pairs", a, a + 3 * 192 * 192, 2, pairs, 192);
	free(a);
}

TEST(vainf_at_192) { vainf_equals_golden(2); }

TEST(vainf_of_the_whole_golden_file)
{
	golden_whole();
	vainf_equals_golden(3);
	golden_small();
}

/* One scale by the definition, on every table of inner loops: sums over the places of a window. */
TEST(every_table_sums)
{
	enum { SIDE = 21, PITCH = 2 * SSIM_PADDING, SIZE = 11, PLANE = SIDE * PITCH };
	static double planes[SSIM_PLANES * PLANE], scratch[SSIM_PLANES * (PITCH + SSIM_PADDING)];
	static float random[2 * SIDE * SIDE];
	const double c1 = 6.5, c2 = 58.5;
	const struct metric_kernels *table[METRIC_TABLES];
	const int tables = metric_tables(table);
	double window[SIZE], total = 0;
	philox_uniform(1, 0, 0, 0, 2 * SIDE * SIDE, random);
	for (int i = 0; i < SIDE * SIDE; i++) {
		const double a = 255 * random[i], b = 255 * random[SIDE * SIDE + i];
		double *const at = planes + i / SIDE * PITCH + i % SIDE;
		at[0] = a;
		at[PLANE] = b;
		at[2 * PLANE] = a * a + b * b;
		at[3 * PLANE] = a * b;
	}
	for (int i = 0; i < SIZE; i++)
		total += window[i] = 1 + i * (SIZE - 1 - i);
	for (int i = 0; i < SIZE; i++)
		window[i] /= total;
	for (int clip = 0; clip <= 1; clip++) {
		double want[2] = { 0 };
		for (int y = 0; y + SIZE <= SIDE; y++)
			for (int x = 0; x + SIZE <= SIDE; x++) {
				double m[SSIM_PLANES] = { 0 };
				for (int k = 0; k < SSIM_PLANES * SIZE * SIZE; k++)
					m[k / (SIZE * SIZE)] += window[k / SIZE % SIZE] * window[k % SIZE] * planes[k / (SIZE * SIZE) * PLANE + (y + k / SIZE % SIZE) * PITCH + x + k % SIZE];
				const double part = (2 * (m[3] - m[0] * m[1]) + c2) / (m[2] - m[0] * m[0] - m[1] * m[1] + c2), kept = clip ? fmax(0, part) : part;
				want[0] += (2 * m[0] * m[1] + c1) / (m[0] * m[0] + m[1] * m[1] + c1) * kept;
				want[1] += kept;
			}
		const struct ssim_window under = { window, SIZE, c1, c2, clip };
		for (int t = 0; t < tables; t++) {
			double got[2];
			table[t]->ssim(got, planes, SIDE, PITCH, &under, scratch);
			CHECK_MSG(fabs(got[0] - want[0]) < 1e-9 && fabs(got[1] - want[1]) < 1e-9, "table %d, clip %d: %.12g and %.12g instead of %.12g and %.12g", t, clip, got[0],
			          got[1], want[0], want[1]);
		}
	}
}

TEST(equal_images_give_one)
{
	static uint8_t x[3 * 161 * 161];
	for (int protocol = MSSSIM_KARRAS; protocol <= MSSSIM_VAINF; protocol++)
		for (int c = 1; c <= 3; c += 2) {
			for (size_t i = 0; i < sizeof x; i++)
				x[i] = (uint8_t)(i * 2654435761u >> 24);
			const double got = value((enum msssim_protocol)protocol, c, 161, false, x, x);
			/* at odd sides vainf averages in zeros, in both images alike */
			CHECK_MSG(fabs(got - 1) < 1e-12, "protocol %d, %d channels: %.15g", protocol, c, got);
		}
}

TEST(sides_without_a_value_are_refused)
{
	CHECK(msssim_check(MSSSIM_KARRAS, 15, "x") == ERR_INPUT);
	CHECK(msssim_check(MSSSIM_KARRAS, 16, "x") == 0);
	CHECK(msssim_check(MSSSIM_PADDLE, 31, "x") == ERR_INPUT);
	CHECK(msssim_check(MSSSIM_PADDLE, 32, "x") == 0);
	CHECK(msssim_check(MSSSIM_VAINF, 160, "x") == ERR_INPUT);
	CHECK(msssim_check(MSSSIM_VAINF, 161, "x") == 0);
}
