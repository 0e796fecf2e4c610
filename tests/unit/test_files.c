/* Outputs that appear whole or not at all, .npy records, HDF5 files. */
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "h5file.h"
#include "machine.h"
#include "npy.h"
#include "outfile.h"

static char folder[256];

/* A fresh folder to work in. */
static void enter(void)
{
	const char *base = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/pgan-files-XXXXXX", base ? base : "/tmp");
	REQUIRE(mkdtemp(folder) && !chdir(folder));
}

static void leave(void)
{
	char command[300];
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	REQUIRE(!chdir("/") && !system(command));
}

static int entries(void)
{
	FILE *p = popen("ls -A | wc -l", "r");
	int n = -1;
	REQUIRE(p && fscanf(p, "%d", &n) == 1);
	pclose(p);
	return n;
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");
	REQUIRE(f && fputs(text, f) >= 0 && !fclose(f));
}

static bool holds(const char *path, const char *text)
{
	char got[64] = "";
	FILE *f = fopen(path, "rb");
	if (!f)
		return false;
	const size_t n = fread(got, 1, sizeof got - 1, f);
	fclose(f);
	return n == strlen(text) && !memcmp(got, text, n);
}

/* -- outputs -- */

TEST(output_appears_on_commit)
{
	struct outfile o;
	enter();
	put("a", "old");
	REQUIRE(!outfile_open(&o, "a"));
	FILE *f = outfile_stream(&o);
	REQUIRE(f && fputs("new", f) >= 0);
	CHECK(holds("a", "old"));
	REQUIRE(!outfile_commit(&o));
	CHECK(holds("a", "new") && entries() == 1);
	outfile_discard(&o); /* does nothing any more */
	CHECK(holds("a", "new"));
	leave();
}

TEST(output_discarded)
{
	struct outfile o;
	enter();
	REQUIRE(!outfile_open(&o, "a"));
	REQUIRE(outfile_stream(&o));
	outfile_discard(&o);
	CHECK(entries() == 0);
	leave();
}

TEST(outputs_of_very_many_threads)
{
	static struct outfile o[1024];
	char name[32];
	int failed = 0;
	enter();
	for (int i = 0; i < 1024; i++) {
		snprintf(name, sizeof name, "%d", i);
		failed += outfile_open(&o[i], name) != 0;
	}
	CHECK(!failed && entries() == 1024);
	for (int i = 0; i < 1024; i++)
		outfile_discard(&o[i]);
	CHECK(entries() == 0);
	leave();
}

/* Names as long as they can be: that of the temporary file has to differ, too, and is known again. */
TEST(output_of_a_long_name)
{
	struct outfile a, b;
	char one[NAME_MAX + 2], other[NAME_MAX + 1];
	enter();
	memset(one, 'x', sizeof one);
	one[NAME_MAX] = 0;
	memcpy(other, one, sizeof other);
	other[NAME_MAX - 1] = 'y';
	REQUIRE(!outfile_open(&a, one) && !outfile_open(&b, other));
	CHECK(strcmp(a.temp, b.temp) && entries() == 2);
	REQUIRE(outfile_stream(&a) && fputs("a", a.stream) >= 0 && outfile_stream(&b) && fputs("b", b.stream) >= 0);
	CHECK(!outfile_commit(&a) && !outfile_commit(&b) && holds(one, "a") && holds(other, "b") && entries() == 2);
	one[NAME_MAX] = 'x';
	one[NAME_MAX + 1] = 0;
	CHECK(outfile_open(&a, one) == ERR_FAILED && strstr(error_text(), "File name too long"));
	leave();
}

TEST(output_keeps_the_permissions_of_what_it_replaces)
{
	struct outfile o;
	struct stat st;
	enter();
	put("a", "old");
	REQUIRE(!chmod("a", 0600));
	REQUIRE(!outfile_open(&o, "a") && outfile_stream(&o) && !outfile_commit(&o));
	CHECK(!stat("a", &st) && (st.st_mode & 07777) == 0600);
	leave();
}

TEST(output_in_impossible_places)
{
	struct outfile o;
	enter();
	CHECK(outfile_open(&o, "no/such/folder/a") == ERR_FAILED);
	CHECK(strstr(error_text(), "no/such/folder/a") && strstr(error_text(), strerror(ENOENT)));
	REQUIRE(!mkdir("d", 0777));
	CHECK(outfile_open(&o, "d") == ERR_FAILED && strstr(error_text(), "folder"));
	leave();
}

TEST(output_through_a_link)
{
	struct outfile o;
	struct stat st;
	enter();
	put("real", "old");
	REQUIRE(!symlink("real", "link"));
	REQUIRE(!outfile_open(&o, "link"));
	REQUIRE(outfile_stream(&o) && fputs("new", o.stream) >= 0 && !outfile_commit(&o));
	CHECK(!lstat("link", &st) && S_ISLNK(st.st_mode) && holds("real", "new"));
	leave();
}

TEST(output_to_a_full_device)
{
	struct outfile o;
	REQUIRE(!outfile_open(&o, "/dev/full"));
	REQUIRE(outfile_stream(&o));
	fputs("x", o.stream);
	CHECK(outfile_commit(&o) == ERR_FAILED && strstr(error_text(), strerror(ENOSPC)));
	struct stat st;
	CHECK(!stat("/dev/full", &st) && S_ISCHR(st.st_mode));
}

/* Outputs leave alone what is ignored, and a test may have been started so (nohup, &). */
__attribute__((constructor)) static void default_signals(void)
{
	for (int i = 1; i < 16; i++)
		signal(i, SIG_DFL);
}

/* A process that opens an output and ends in some way. */
static void die(int signal_number)
{
	const pid_t child = fork();
	int status;
	REQUIRE(child >= 0);
	if (!child) {
		struct outfile o;
		if (outfile_open(&o, "a") || !outfile_stream(&o))
			_exit(9);
		if (!signal_number)
			exit(0);
		raise(signal_number);
		_exit(8);
	}
	REQUIRE(waitpid(child, &status, 0) == child);
	CHECK(signal_number ? WIFSIGNALED(status) && WTERMSIG(status) == signal_number : WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(output_of_a_process_that_ends)
{
	static const int signals[] = { 0, SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	struct outfile o;
	enter();
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		die(signals[i]);
		CHECK_MSG(entries() == 0, "a file is left after signal %d", signals[i]);
	}
	die(SIGKILL);
	CHECK(entries() == 1); /* nothing can be done about that, but the next one cleans up */
	REQUIRE(!outfile_open(&o, "a"));
	outfile_discard(&o);
	CHECK(entries() == 0);
	leave();
}

static void set_age(const char *path, long seconds)
{
	const struct timespec then = { time(NULL) - seconds, 0 }, times[2] = { then, then };
	REQUIRE(!utimensat(AT_FDCWD, path, times, 0));
}

/* Two machines or containers may write into one folder, and know nothing of each other's processes. */
TEST(output_of_a_process_of_another_machine)
{
	static const char *const left = ".a.%08x-%d.tmp", *const others[] = { ".a.1234.tmp", ".a.b.00000001-1.tmp", ".b.00000001-1.tmp", ".a.00000001-1.tmp~", "a.00000001-1.tmp" };
	const uint32_t other = machine_processes() ^ 1;
	const pid_t gone = fork();
	char ours[64], recent[64], old[64];
	struct outfile o;
	enter();
	if (!gone)
		_exit(0);
	REQUIRE(gone > 0 && waitpid(gone, NULL, 0) == gone);
	snprintf(ours, sizeof ours, left, machine_processes(), (int)gone);
	snprintf(recent, sizeof recent, left, other, (int)gone);
	snprintf(old, sizeof old, left, other, 1);
	put(ours, "");
	put(recent, "");
	put(old, "");
	set_age(recent, 6 * 24 * 60 * 60);
	set_age(old, 8 * 24 * 60 * 60);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		put(others[i], "");
		set_age(others[i], 8 * 24 * 60 * 60);
	}
	REQUIRE(!outfile_open(&o, "a"));
	outfile_discard(&o);
	CHECK(access(ours, F_OK) && !access(recent, F_OK) && access(old, F_OK));
	CHECK(entries() == 1 + (int)(sizeof others / sizeof *others));
	leave();
}

/* -- .npy -- */

static int header_of(const char *dictionary, int version, struct npy_header *h)
{
	FILE *f = fopen("x.npy", "wb");
	const size_t length = strlen(dictionary);
	REQUIRE(f);
	fprintf(f, "\x93NUMPY%c%c", version, 0);
	for (int i = 0; i < (version == 1 ? 2 : 4); i++)
		putc((int)(length >> 8 * i & 255), f);
	fputs(dictionary, f);
	REQUIRE(!fclose(f) && (f = fopen("x.npy", "rb")));
	const int rc = npy_read_header(f, "x.npy", h);
	fclose(f);
	return rc;
}

TEST(npy_headers)
{
	struct npy_header h;
	enter();
	CHECK(header_of("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 4, 4), }\n", 1, &h) == 1);
	CHECK(h.type == NPY_U8 && h.ndim == 4 && h.dim[0] == 2 && h.dim[3] == 4);
	CHECK(header_of("{\"shape\":(7,),\"fortran_order\":False,\"descr\":\"<f4\"}", 2, &h) == 1);
	CHECK(h.type == NPY_F32 && h.ndim == 1 && h.dim[0] == 7);
	CHECK(header_of("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", 3, &h) == 1 && h.ndim == 0);
	static const char *const bad[] = {
		"{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2)}",
		"{'descr': '|u1', 'fortran_order': False, 'shape': (-2,)}", "{'descr': '|u1', 'fortran_order': False}", "{'descr': '|u1', 'shape': (2,)}",
		"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}", "{'descr': '|u1', 'fortran_order': False, 'shape': (2",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
		"{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", "",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK_MSG(header_of(bad[i], 1, &h) == ERR_INPUT, "accepted: %s", bad[i]);
		CHECK(strstr(error_text(), "x.npy"));
	}
	CHECK(header_of("{'descr': '|u1', 'fortran_order': False, 'shape': (2,)}", 4, &h) == ERR_INPUT);
	leave();
}

TEST(npy_stream)
{
	const struct npy_header out = { NPY_F32, 2, { 2, 3 } };
	struct npy_header in;
	float x[6] = { 1, 2, 3, 4, 5, 6.5f }, y[6];
	enter();
	FILE *f = fopen("x.npy", "wb");
	REQUIRE(f);
	for (int i = 0; i < 2; i++)
		REQUIRE(!npy_write_header(f, "x.npy", &out) && ftell(f) % 8 == 0 && !npy_write(f, "x.npy", NPY_F32, x, 6));
	const long end = ftell(f);
	REQUIRE(!fclose(f) && (f = fopen("x.npy", "rb")));
	for (int i = 0; i < 2; i++) {
		REQUIRE(npy_read_header(f, "x.npy", &in) == 1 && in.type == NPY_F32 && in.ndim == 2 && in.dim[1] == 3);
		REQUIRE(!npy_read(f, "x.npy", NPY_F32, y, 6));
		CHECK(!memcmp(x, y, sizeof x));
	}
	CHECK(npy_read_header(f, "x.npy", &in) == 0);
	fclose(f);
	/* Cut anywhere but at a boundary, it is truncated. */
	for (long cut = end - 1; cut > end / 2; cut -= 7) {
		REQUIRE(!truncate("x.npy", cut) && (f = fopen("x.npy", "rb")));
		REQUIRE(npy_read_header(f, "x.npy", &in) == 1 && !npy_read(f, "x.npy", NPY_F32, y, 6));
		int rc = npy_read_header(f, "x.npy", &in);
		if (rc == 1)
			rc = npy_read(f, "x.npy", NPY_F32, y, 6);
		CHECK(rc == ERR_INPUT && strstr(error_text(), "truncated"));
		fclose(f);
	}
	leave();
}

/* -- HDF5 -- */

static void write_sample(const char *path)
{
	const int64_t dim[2] = { 4, 300 }, row[2] = { 0, 5 };
	float x[1200];
	uint8_t rows[15];
	struct h5file *f;
	for (int i = 0; i < 1200; i++)
		x[i] = (float)i / 7;
	for (int i = 0; i < 15; i++)
		rows[i] = (uint8_t)(i * 3);
	REQUIRE(!h5_create(&f, path, path));
	REQUIRE(!h5_write(f, "a/b/x", H5_F32, 2, dim, x));
	REQUIRE(!h5_create_rows(f, "rows", H5_U8, 2, row) && !h5_append_rows(f, "rows", H5_U8, 2, rows) && !h5_append_rows(f, "rows", H5_U8, 1, rows + 10));
	REQUIRE(!h5_set_text(f, "/", "what", "a test") && !h5_set_text(f, "/", "what", "the test") && !h5_set_numbers(f, "a", "n", H5_F64, &(double){ .1 }, 1));
	REQUIRE(!h5_close(&f) && !f);
}

TEST(h5_round_trip)
{
	struct h5file *f;
	float x[1200];
	uint8_t rows[10];
	char *text;
	double number;
	int64_t dim[H5_MAX_DIMS];
	int ndim;
	enum h5_type type;
	size_t n;
	enter();
	write_sample("x.h5");
	REQUIRE(!h5_open(&f, "x.h5"));
	REQUIRE(!h5_read(f, "a/b/x", H5_F32, x, 1200));
	CHECK(x[0] == 0 && x[1199] == 1199.f / 7);
	REQUIRE(!h5_shape(f, "rows", &ndim, dim, &type));
	CHECK(ndim == 2 && dim[0] == 3 && dim[1] == 5 && type == H5_U8);
	REQUIRE(!h5_read_rows(f, "rows", H5_U8, 1, 2, rows));
	CHECK(rows[0] == 15 && rows[9] == 42);
	REQUIRE(!h5_get_text(f, "/", "what", &text));
	CHECK(!strcmp(text, "the test"));
	free(text);
	REQUIRE(!h5_get_numbers(f, "a", "n", H5_F64, &number, 1, &n));
	CHECK(number == .1 && n == 1);
	CHECK(h5_exists(f, "a/b") && !h5_exists(f, "a/c/x"));
	CHECK(h5_read(f, "a/b/x", H5_F32, x, 7) == ERR_INPUT && strstr(error_text(), "1200"));
	CHECK(h5_read(f, "no", H5_F32, x, 7) == ERR_INPUT && strstr(error_text(), "x.h5") && strstr(error_text(), "no"));
	CHECK(h5_read_rows(f, "rows", H5_U8, 2, 2, rows) == ERR_INPUT);
	CHECK(h5_get_numbers(f, "/", "what", H5_F64, &number, 1, &n) == ERR_INPUT);
	REQUIRE(!h5_close(&f));
	leave();
}

TEST(h5_equal_contents_are_equal_bytes)
{
	enter();
	write_sample("x.h5");
	sleep(1); /* a time stamp would differ */
	write_sample("y.h5");
	CHECK(!system("cmp x.h5 y.h5"));
	leave();
}

static int read_all(const char *path)
{
	struct h5file *f;
	float x[1200];
	uint8_t rows[15];
	char *text = NULL;
	double number;
	size_t n;
	int rc = h5_open(&f, path);
	if (rc)
		return rc;
	if (!(rc = h5_read(f, "a/b/x", H5_F32, x, 1200)) && !(rc = h5_read_rows(f, "rows", H5_U8, 0, 3, rows)) && !(rc = h5_get_text(f, "/", "what", &text)))
		rc = h5_get_numbers(f, "a", "n", H5_F64, &number, 1, &n);
	free(text);
	const int closed = h5_close(&f);
	return rc ? rc : closed;
}

/* A shape whose product is 2^64 + 1, so 1 in the numbers of the machine. */
TEST(h5_shape_that_overflows)
{
	const hsize_t size[2] = { 274177, 67280421310721 }, chunk[2] = { 1, 1024 };
	struct h5file *h;
	uint8_t x[16];
	enter();
	const hid_t file = H5Fcreate("x.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), space = H5Screate_simple(2, size, NULL), how = H5Pcreate(H5P_DATASET_CREATE);
	H5Pset_chunk(how, 2, chunk);
	const hid_t data = H5Dcreate2(file, "x", H5T_NATIVE_UINT8, space, H5P_DEFAULT, how, H5P_DEFAULT);
	REQUIRE(data >= 0);
	H5Dclose(data);
	H5Pclose(how);
	H5Sclose(space);
	REQUIRE(H5Fclose(file) >= 0 && !h5_open(&h, "x.h5"));
	CHECK(h5_read(h, "x", H5_U8, x, 1) == ERR_INPUT && strstr(error_text(), "'x' in 'x.h5' has more values than can be counted"));
	CHECK(!h5_close(&h));
	leave();
}

TEST(h5_damage_is_found)
{
	struct stat st;
	int found = 0, tried = 0;
	enter();
	write_sample("x.h5");
	REQUIRE(!stat("x.h5", &st) && !read_all("x.h5"));
	/* Flip one byte of the data: 4800 bytes of x are somewhere in the file, and every byte of them is covered. */
	FILE *f = fopen("x.h5", "r+b");
	REQUIRE(f);
	char *bytes = malloc((size_t)st.st_size);
	REQUIRE(bytes && fread(bytes, 1, (size_t)st.st_size, f) == (size_t)st.st_size);
	float mark[4] = { 100.f / 7, 101.f / 7, 102.f / 7, 103.f / 7 };
	const char *at = memmem(bytes, (size_t)st.st_size, mark, sizeof mark);
	REQUIRE(at);
	for (long i = at - bytes; i < at - bytes + 16; i += 3, tried++) {
		REQUIRE(!fseek(f, i, SEEK_SET) && putc(bytes[i] ^ 4, f) != EOF && !fflush(f));
		found += read_all("x.h5") == ERR_INPUT;
		REQUIRE(!fseek(f, i, SEEK_SET) && putc(bytes[i], f) != EOF && !fflush(f));
	}
	CHECK(found == tried);
	CHECK(!read_all("x.h5"));
	fclose(f);
	/* Truncated, empty, foreign, missing. */
	REQUIRE(!truncate("x.h5", st.st_size / 2));
	CHECK(read_all("x.h5") == ERR_INPUT && strstr(error_text(), "x.h5"));
	put("y.h5", "");
	CHECK(read_all("y.h5") == ERR_INPUT);
	put("y.h5", "this is text");
	CHECK(read_all("y.h5") == ERR_INPUT);
	CHECK(read_all("z.h5") == ERR_INPUT && strstr(error_text(), strerror(ENOENT)));
	free(bytes);
	leave();
}
