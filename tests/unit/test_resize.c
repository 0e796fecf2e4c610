/* The two filters against golden/resize.h5: Pillow's own bytes, and the reference's box averages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "h5file.h"
#include "resize.h"
#include "size.h"

enum { N = 2, C = 3, SIDE = 128 };

static uint8_t images[N * C * SIDE * SIDE];

static void golden(const char *data, uint8_t *out, size_t n)
{
	char path[512];
	struct h5file *f;
	snprintf(path, sizeof path, "%s/golden/resize.h5", getenv("PGAN_TESTS") ? getenv("PGAN_TESTS") : "tests");
	REQUIRE(!h5_open(&f, path));
	REQUIRE(!h5_read(f, data, H5_U8, out, n));
	REQUIRE(!h5_close(&f));
}

static int differing(const uint8_t *a, const uint8_t *b, size_t n)
{
	int count = 0;
	for (size_t i = 0; i < n; i++)
		count += a[i] != b[i];
	return count;
}

TEST(bilinear_is_pillows)
{
	static uint8_t want[N * C * SIDE * SIDE], got[C * SIDE * SIDE], planes[C * SIDE * SIDE];
	golden("images", images, sizeof images);
	for (int r = 64; r >= 4; r /= 2) {
		struct resizer *resizer;
		char name[64];
		snprintf(name, sizeof name, "resize_bilinear/%d", r);
		golden(name, want, (size_t)(N * C * r * r));
		REQUIRE(!resizer_new(&resizer, SIDE, SIDE, r, r));
		for (int i = 0; i < N; i++) {
			for (int k = 0; k < C * r * r; k++) /* Pillow's are interleaved */
				planes[(k % C) * r * r + k / C] = want[i * C * r * r + k];
			resizer_run(resizer, got, images + i * C * SIDE * SIDE, C);
			const int wrong = differing(got, planes, (size_t)(C * r * r));
			CHECK_MSG(!wrong, "image %d at %d: %d bytes differ", i, r, wrong);
		}
		resizer_free(&resizer);
	}
}

TEST(bilinear_keeps_a_size)
{
	static uint8_t got[C * SIDE * SIDE];
	struct resizer *resizer;
	golden("images", images, sizeof images);
	REQUIRE(!resizer_new(&resizer, SIDE, SIDE, SIDE, SIDE));
	resizer_run(resizer, got, images, C);
	CHECK(!memcmp(got, images, sizeof got));
	resizer_free(&resizer);
}

/* Enlarging, one side only, sizes that are no powers of two: bounds of the weights (for the sanitizers), and a constant picture stays one. */
TEST(bilinear_at_odd_sizes)
{
	static const int size[][4] = { { 7, 5, 13, 3 }, { 1, 1, 4, 4 }, { 100, 1, 3, 1 }, { 5, 9, 5, 4 }, { 6, 4, 17, 4 } };
	for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
		const int *s = size[i];
		const size_t in_n = (size_t)(s[0] * s[1]), out_n = (size_t)(s[2] * s[3]);
		struct resizer *resizer;
		uint8_t *in = size_alloc(in_n, 1), *out = size_alloc(out_n, 1);
		REQUIRE(in && out && !resizer_new(&resizer, s[0], s[1], s[2], s[3]));
		memset(in, 201, in_n);
		resizer_run(resizer, out, in, 1);
		for (size_t k = 0; k < out_n; k++)
			CHECK(out[k] == 201);
		resizer_free(&resizer);
		free(in);
		free(out);
	}
}

TEST(box_is_the_references)
{
	static uint8_t want[N * C * SIDE * SIDE], got[N * C * SIDE * SIDE];
	static float value[2][N * C * SIDE * SIDE];
	int from = 0;
	golden("images", images, sizeof images);
	for (size_t i = 0; i < sizeof images; i++)
		value[0][i] = images[i];
	for (int r = 64; r >= 4; r /= 2, from = !from) {
		char name[64];
		const size_t n = (size_t)(N * C * r * r);
		snprintf(name, sizeof name, "resize_box/%d", r);
		golden(name, want, n);
		box_halve(value[!from], value[from], N * C, 2 * r);
		box_round(got, value[!from], n);
		const int wrong = differing(got, want, n);
		CHECK_MSG(!wrong, "at %d: %d bytes differ", r, wrong);
	}
}

TEST(box_rounds_half_to_even)
{
	const float in[4] = { 0.5f, 1.5f, 2.5f, 254.5f };
	uint8_t out[4];
	box_round(out, in, 4);
	CHECK(out[0] == 0 && out[1] == 2 && out[2] == 2 && out[3] == 254);
}
