/* Data sets: what is written is read back, from memory and from the file; foreign files are refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "dataset.h"
#include "dataset_verify.h"
#include "h5file.h"
#include "philox.h"
#include "size.h"

enum { N = 300, SIDE = 16 };

static char path[256];

static void make_path(const char *name)
{
	snprintf(path, sizeof path, "%s/%s.%ld.h5", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", name, (long)getpid());
}

static void picture(uint8_t *out, int side, int64_t i)
{
	for (int k = 0; k < 3 * side * side; k++)
		out[k] = (uint8_t)philox_below(1, STREAM_FACES, (uint32_t)i, (uint64_t)k, 256);
}

static void write_set(int side, int64_t n, enum level_filter filter)
{
	struct levels *l;
	struct dataset_writer *w;
	uint8_t *in = size_alloc(3, (size_t)(side * side)), *out = size_alloc(levels_size(side), 1);
	REQUIRE(in && out && !levels_new(&l, side, filter) && !dataset_create(&w, path, side));
	for (int64_t i = 0; i < n; i++) {
		picture(in, side, i);
		levels_make(l, out, in);
		REQUIRE(!dataset_append(w, out));
	}
	CHECK(!dataset_describe(w, "filter", level_filter_names[filter]));
	CHECK(access(path, F_OK)); /* not before the commit */
	REQUIRE(!dataset_commit(&w));
	CHECK(!w);
	levels_free(&l);
	free(in);
	free(out);
}

static void check_rows(struct dataset *d, int side)
{
	const int64_t row[] = { 7, 0, N - 1, 7 };
	const size_t size = (size_t)(3 * side * side);
	uint8_t *got = size_alloc(4, size), *want = size_alloc(1, size);
	REQUIRE(got && want && !dataset_rows(d, row, 4, got));
	for (int i = 0; i < 4; i++) {
		picture(want, side, row[i]);
		CHECK_MSG(!memcmp(got + (size_t)i * size, want, size), "picture %lld differs", (long long)row[i]);
	}
	free(got);
	free(want);
}

TEST(rows_come_back)
{
	struct dataset *d;
	const int64_t beyond = N;
	uint8_t one[3 * SIDE * SIDE];
	make_path("rows");
	write_set(SIDE, N, LEVELS_BILINEAR);
	REQUIRE(!dataset_open(&d, path));
	CHECK(dataset_count(d) == N && dataset_side(d) == SIDE && dataset_has(d, 4) && dataset_has(d, 8) && !dataset_has(d, 32) && !dataset_has(d, 12));
	CHECK(dataset_rows(d, &beyond, 1, one) == ERR_FAILED); /* nothing selected */
	REQUIRE(!dataset_select(d, SIDE, 0));
	check_rows(d, SIDE);
	CHECK(dataset_rows(d, &beyond, 1, one) == ERR_INPUT);
	CHECK(dataset_select(d, 32, 0) == ERR_INPUT);
	REQUIRE(!dataset_select(d, SIDE, (size_t)N * sizeof one));
	REQUIRE(!truncate(path, 0)); /* from here on only memory has them */
	check_rows(d, SIDE);
	CHECK(dataset_rows(d, &beyond, 1, one) == ERR_INPUT);
	dataset_close(&d);
	unlink(path);
}

/* The levels of a set are those of its pictures, and more than one piece is written. */
TEST(writes_in_pieces)
{
	enum { BIG = 256, COUNT = 70 };
	struct dataset *d;
	struct levels *l;
	static uint8_t in[3 * BIG * BIG], got[3 * 8 * 8];
	uint8_t *out = size_alloc(levels_size(BIG), 1);
	make_path("pieces");
	write_set(BIG, COUNT, LEVELS_BOX);
	REQUIRE(out && !dataset_open(&d, path) && !levels_new(&l, BIG, LEVELS_BOX) && !dataset_select(d, 8, 0));
	for (int64_t i = 0; i < COUNT; i += 23) {
		picture(in, BIG, i);
		levels_make(l, out, in);
		REQUIRE(!dataset_rows(d, &i, 1, got));
		CHECK(!memcmp(got, out + levels_size(4), sizeof got));
	}
	dataset_close(&d);
	levels_free(&l);
	free(out);
	unlink(path);
}

TEST(discarded_and_empty_sets_leave_nothing)
{
	struct dataset_writer *w;
	make_path("none");
	REQUIRE(!dataset_create(&w, path, SIDE));
	CHECK(dataset_commit(&w) == ERR_INPUT && !w && access(path, F_OK));
	REQUIRE(!dataset_create(&w, path, SIDE));
	dataset_discard(&w);
	CHECK(!w && access(path, F_OK));
}

/* Writes data sets of given shapes, n4 and n8 pictures, and opens the file. */
static int open_shapes(const char *name4, int64_t n4, int64_t c4, const char *name8, int64_t n8)
{
	struct h5file *f;
	struct dataset *d;
	static const uint8_t zero[2 * 3 * 8 * 8];
	const int64_t dim4[] = { n4, c4, 4, 4 }, dim8[] = { n8, 3, 8, 8 };
	make_path("shapes");
	REQUIRE(!h5_create(&f, path, path) && !h5_write(f, name4, H5_U8, 4, dim4, zero));
	REQUIRE(!name8 || !h5_write(f, name8, H5_U8, 4, dim8, zero));
	REQUIRE(!h5_close(&f));
	const int rc = dataset_open(&d, path);
	dataset_close(&d);
	unlink(path);
	return rc;
}

TEST(foreign_files_are_refused)
{
	struct dataset *d;
	CHECK(!open_shapes("data4x4", 2, 3, "data8x8", 2));
	CHECK(!open_shapes("data4x4", 2, 3, NULL, 0));
	CHECK(open_shapes("data4x4", 2, 3, "data8x8", 1) == ERR_INPUT);
	CHECK(open_shapes("data4x4", 2, 1, NULL, 0) == ERR_INPUT);
	CHECK(open_shapes("images", 2, 3, NULL, 0) == ERR_INPUT);
	CHECK(open_shapes("data4x4", 0, 3, NULL, 0) == ERR_INPUT);
	CHECK(dataset_open(&d, "/nonexistent.h5") == ERR_INPUT && !d);
}

TEST(sides_are_powers_of_two)
{
	struct levels *l;
	static const int wrong[] = { 0, 2, 12, 100, 2048 };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		CHECK(levels_new(&l, wrong[i], LEVELS_BILINEAR) == ERR_USAGE && !l);
}

/* Four pictures of 8x8 with labels, and attributes as long as those of pack-h5: what HDF5 keeps of the file lies in two pieces then. */
static void write_labelled(void)
{
	struct levels *l;
	struct dataset_writer *w;
	uint8_t in[3 * 8 * 8], out[3 * (4 * 4 + 8 * 8)];
	REQUIRE(!levels_new(&l, 8, LEVELS_BILINEAR) && !dataset_create(&w, path, 8) && !dataset_label_columns(w, "A,B", 2));
	for (int64_t i = 0; i < 4; i++) {
		picture(in, 8, i);
		levels_make(l, out, in);
		dataset_label(w, (float[]){ (float)i, 7 });
		REQUIRE(!dataset_append(w, out));
	}
	REQUIRE(!dataset_describe(w, "tool", "pack-h5") && !dataset_describe(w, "tool_version", "1.0") &&
	        !dataset_describe(w, "options", "--filter bilinear --labels") &&
	        !dataset_describe(w, "input_names_sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
	REQUIRE(!dataset_commit(&w));
	levels_free(&l);
}

static void flip_bit(FILE *f, long at, int bit)
{
	REQUIRE(!fseek(f, at, SEEK_SET));
	const int byte = getc(f);
	REQUIRE(byte != EOF && !fseek(f, at, SEEK_SET) && putc(byte ^ 1 << bit, f) != EOF && !fflush(f));
}

/* Wherever a bit is flipped, the set is refused or all of it is found: what is damaged does not count as absent. Not every byte is one of the data. */
TEST(damage_is_not_absence)
{
	struct verify_result r;
	int refused = 0;
	make_path("damage");
	write_labelled();
	FILE *f = fopen(path, "r+b");
	REQUIRE(f && !fseek(f, 0, SEEK_END));
	const long size = ftell(f);
	for (long at = 0; at < size; at += 3) {
		flip_bit(f, at, (int)(at % 8));
		const int rc = dataset_verify(&r, path, 1, NULL, NULL);
		CHECK_MSG(rc ? rc == ERR_INPUT : r.n == 4 && r.side == 8 && r.levels == 1 && r.labels == 2 && r.filter, "byte %ld: %d, %d levels, %d labels", at, rc,
		          r.levels, r.labels);
		refused += rc != 0;
		flip_bit(f, at, (int)(at % 8));
	}
	CHECK(refused > size / 6 && !dataset_verify(&r, path, 1, NULL, NULL));
	fclose(f);
	unlink(path);
}
