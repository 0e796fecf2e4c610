/* Images from .npy files, HDF5 files and pictures. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "h5file.h"
#include "images.h"
#include "picture.h"

static char path[4096];

/* A name in the tests' folder; the last one asked for. */
static const char *file(const char *name)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(path, sizeof path, "%s/images-%d-%s", tmp ? tmp : "/tmp", (int)getpid(), name);
	return path;
}

static uint8_t pixel(int64_t i)
{
	return (uint8_t)(i * 7 + i / 256);
}

/* Adds a record of n images of 1x3x3 whose values follow on. */
static void add_record(FILE *f, enum npy_type type, int64_t n, int side, int64_t *at)
{
	const struct npy_header h = { type, 4, { n, 1, side, side } };
	REQUIRE(f && !npy_write_header(f, path, &h));
	for (int64_t i = 0; i < n * side * side; i++, ++*at) {
		const uint8_t u = pixel(*at);
		const float x = (float)u / 127.5f - 1;
		REQUIRE(!npy_write(f, path, type, type == NPY_U8 ? (const void *)&u : &x, 1));
	}
}

static void check_bytes(const uint8_t *data, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		REQUIRE(data[i] == pixel(i));
}

TEST(records_of_a_file_are_one_set)
{
	struct images in;
	uint8_t data[12 * 9];
	int64_t at = 0;
	FILE *f = fopen(file("many.npy"), "wb");
	add_record(f, NPY_U8, 3, 3, &at);
	add_record(f, NPY_U8, 0, 3, &at);
	add_record(f, NPY_U8, 5, 3, &at);
	REQUIRE(!fclose(f) && !images_open(&in, path, 0));
	CHECK(in.n == 8 && in.c == 1 && in.side == 3 && in.type == NPY_U8 && images_size(&in) == 9);
	CHECK(images_left(&in) == 3);
	CHECK(images_read(&in, data, 4) == 4);
	CHECK(images_left(&in) == 4);
	CHECK(images_read(&in, data + 4 * 9, 8) == 4);
	CHECK(images_read(&in, data, 1) == 0);
	CHECK(images_left(&in) == 0);
	check_bytes(data, 8 * 9);
	images_close(&in);
	unlink(path);
}

TEST(records_that_differ_are_refused)
{
	static const struct {
		enum npy_type type;
		int side;
		const char *says;
	} second[] = { { NPY_F32, 3, "a record of float32 after records of uint8" }, { NPY_U8, 4, "a record of 1x4x4 images after 1x3x3 ones" } };
	for (int k = 0; k < 2; k++) {
		struct images in;
		uint8_t data[9 * 9];
		int64_t at = 0;
		FILE *f = fopen(file("odd.npy"), "wb");
		add_record(f, NPY_U8, 2, 3, &at);
		add_record(f, second[k].type, 2, second[k].side, &at);
		REQUIRE(!fclose(f) && !images_open(&in, path, 0));
		CHECK(images_read(&in, data, 4) == ERR_INPUT);
		CHECK_MSG(strstr(error_text(), second[k].says), "%s", error_text());
		images_close(&in);
		unlink(path);
	}
}

TEST(a_truncated_file_is_said_when_it_is_read)
{
	struct images in;
	uint8_t data[9 * 9];
	int64_t at = 0;
	FILE *f = fopen(file("cut.npy"), "wb");
	add_record(f, NPY_U8, 5, 3, &at);
	REQUIRE(!fclose(f) && !truncate(path, 128 + 20) && !images_open(&in, path, 0));
	CHECK(images_read(&in, data, 9) == ERR_INPUT);
	CHECK_MSG(strstr(error_text(), "truncated"), "%s", error_text());
	images_close(&in);
	unlink(path);
}

TEST(values_that_are_not_finite_are_refused)
{
	struct images in;
	float data[9 * 9];
	int64_t at = 0;
	FILE *f = fopen(file("nan.npy"), "wb");
	add_record(f, NPY_F32, 5, 3, &at);
	const float bad = NAN;
	REQUIRE(f && !fseek(f, 128 + 4 * (9 * 3 + 8), SEEK_SET) && fwrite(&bad, sizeof bad, 1, f) == 1); /* the last value of image 3 */
	REQUIRE(!fclose(f) && !images_open(&in, path, 0));
	CHECK(images_read(&in, data, 2) == 2 && images_read(&in, data, 1) == 1);
	CHECK(images_read(&in, data, 2) == ERR_INPUT);
	CHECK_MSG(strstr(error_text(), "image 3 holds values that are not finite"), "%s", error_text());
	images_close(&in);
	unlink(path);
}

TEST(the_largest_data_set_or_the_one_asked_for)
{
	static uint8_t small[2 * 3 * 4 * 4], large[2 * 3 * 8 * 8], data[2 * 3 * 8 * 8];
	struct h5file *f;
	struct images in;
	for (size_t i = 0; i < sizeof large; i++)
		large[i] = pixel((int64_t)i);
	REQUIRE(!h5_create(&f, file("sets.h5"), file("sets.h5")));
	REQUIRE(!h5_write(f, "data4x4", H5_U8, 4, (int64_t[]){ 2, 3, 4, 4 }, small) && !h5_write(f, "data8x8", H5_U8, 4, (int64_t[]){ 2, 3, 8, 8 }, large));
	REQUIRE(!h5_write(f, "data16x8", H5_U8, 1, (int64_t[]){ 16 }, small) && !h5_close(&f));
	REQUIRE(!images_open(&in, path, 0));
	CHECK(in.side == 8 && in.n == 2 && in.c == 3);
	CHECK(images_read(&in, data, 1) == 1 && images_read(&in, data + 3 * 64, 9) == 1 && images_read(&in, data, 9) == 0);
	check_bytes(data, sizeof data);
	images_close(&in);
	REQUIRE(!images_open(&in, path, 4));
	CHECK(in.side == 4);
	images_close(&in);
	CHECK(images_open(&in, path, 16) == ERR_INPUT);
	CHECK_MSG(strstr(error_text(), "data16x16"), "%s", error_text());
	unlink(path);
}

TEST(pictures_are_read_in_the_order_of_their_names)
{
	char folder[4096], name[8192];
	struct images in;
	static uint8_t data[20 * 3 * 4];
	REQUIRE(snprintf(folder, sizeof folder, "%s", file("folder")) > 0 && !mkdir(folder, 0777));
	for (int i = 0; i < 20; i++) {
		struct picture p;
		REQUIRE(!picture_alloc(&p, 2, 2, 3));
		for (int k = 0; k < 12; k++) /* pixels are interleaved, images are planes */
			p.pixel[k % 4 * 3 + k / 4] = pixel(12 * i + k);
		snprintf(name, sizeof name, "%s/%02d.png", folder, i);
		REQUIRE(!picture_write(&p, name));
		picture_free(&p);
	}
	REQUIRE(!images_open(&in, folder, 0));
	CHECK(in.n == 20 && in.c == 3 && in.side == 2 && images_decodes(&in));
	CHECK(images_read(&in, data, 7) == 7 && images_read(&in, data + 7 * 12, 99) == 13 && images_read(&in, data, 1) == 0);
	check_bytes(data, 20 * 12);
	images_close(&in);
	CHECK(images_open(&in, folder, 4) == ERR_INPUT);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "%s/%02d.png", folder, i);
		unlink(name);
	}
	rmdir(folder);
}

TEST(bytes_and_floats)
{
	uint8_t bytes[256], back[256];
	float x[256];
	for (int i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	for (int i = 0; i < 256; i++)
		x[i] = (float)i / 127.5f - 1;
	images_to_bytes(back, x, 256);
	CHECK(!memcmp(bytes, back, 256));
	const float odd[] = { -5, 5, NAN, INFINITY, -INFINITY, 0.5f / 127.5f - 1, 0.49f / 127.5f - 1 };
	const uint8_t want[] = { 0, 255, 0, 255, 0, 1, 0 };
	images_to_bytes(back, odd, sizeof want);
	CHECK(!memcmp(back, want, sizeof want));
}
