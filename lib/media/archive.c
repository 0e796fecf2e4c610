#include "archive.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "size.h"
#include "tar.h"

struct archive {
	char *path;
	zip_t *zip; /* or */
	struct tar *tar;
};

static bool zip_has_magic(const uint8_t *first, size_t n)
{
	return n >= 4 && (!memcmp(first, "PK\3\4", 4) || !memcmp(first, "PK\5\6", 4)); /* the second: an empty one */
}

bool archive_has_magic(const uint8_t *first, size_t n)
{
	return zip_has_magic(first, n) || tar_has_magic(first, n);
}

int archive_check_packed(const char *path, const uint8_t *first, size_t n)
{
	static const struct {
		const char *magic, *what, *with;
	} packed[] = {
		{ "\x1f\x8b", "compressed with gzip", "gunzip" },
		{ "BZh", "compressed with bzip2", "bunzip2" },
		{ "\xfd" "7zXZ", "compressed with xz", "unxz" },
		{ "\x28\xb5\x2f\xfd", "compressed with zstd", "unzstd" },
		{ "7z\xbc\xaf\x27\x1c", "a 7z archive", "7z" },
		{ "Rar!", "a RAR archive", "unrar" },
	};
	for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
		if (n >= strlen(packed[i].magic) && !memcmp(first, packed[i].magic, strlen(packed[i].magic)))
			return error_set(ERR_INPUT, "'%s' is %s: unpack it with %s first", path, packed[i].what, packed[i].with);
	return 0;
}

static int open_zip(struct archive *a)
{
	int code = 0, rc = 0;
	if (!(a->zip = zip_open(a->path, ZIP_RDONLY, &code))) {
		zip_error_t error;
		zip_error_init_with_code(&error, code);
		rc = error_set(ERR_INPUT, "cannot open '%s': damaged or truncated zip archive (%s)", a->path, zip_error_strerror(&error));
		zip_error_fini(&error);
	}
	return rc;
}

int archive_open(struct archive **out, const char *path, const uint8_t *first, size_t n)
{
	struct archive *a = size_zalloc(1, sizeof *a);
	int rc = 0;

	*out = NULL;
	if (!a || !(a->path = strdup(path)))
		rc = error_set(ERR_FAILED, "out of memory");
	else
		rc = zip_has_magic(first, n) ? open_zip(a) : tar_open(&a->tar, path);
	if (rc)
		archive_close(&a);
	*out = a;
	return rc;
}

void archive_close(struct archive **a)
{
	if (!*a)
		return;
	if ((*a)->zip)
		zip_discard((*a)->zip);
	tar_close(&(*a)->tar);
	free((*a)->path);
	free(*a);
	*a = NULL;
}

int64_t archive_count(const struct archive *a)
{
	return a->tar ? tar_count(a->tar) : zip_get_num_entries(a->zip, 0);
}

const char *archive_member(const struct archive *a, int64_t i)
{
	const char *name = a->tar ? tar_member(a->tar, i) : zip_get_name(a->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
	return name ? name : "";
}

static int code_of(zip_error_t *error)
{
	const bool of_system = zip_error_system_type(error) == ZIP_ET_SYS;
	return zip_error_code_zip(error) == ZIP_ER_MEMORY ? ERR_FAILED : of_system ? error_of_reading(zip_error_code_system(error)) : ERR_INPUT;
}

/* b: room for size + 1 bytes. */
static int read_zip(struct archive *a, int64_t i, int64_t size, struct bytes *b)
{
	zip_file_t *file = zip_fopen_index(a->zip, (zip_uint64_t)i, 0);
	int rc = 0;

	if (!file)
		rc = error_set(code_of(zip_get_error(a->zip)), "cannot read '%s/%s': %s", a->path, archive_member(a, i), zip_strerror(a->zip));
	else {
		/* The checksum is compared when the end is met, one byte further. */
		const zip_int64_t got = zip_fread(file, b->data, (zip_uint64_t)size);
		if (got != size || zip_fread(file, b->data + got, 1))
			rc = error_set(code_of(zip_file_get_error(file)), "cannot read '%s/%s': %s", a->path, archive_member(a, i),
				       zip_error_code_zip(zip_file_get_error(file)) ? zip_file_strerror(file) : "not as long as promised");
		else
			b->size = (size_t)size;
	}
	if (file)
		zip_fclose(file);
	return rc;
}

/* What the archive says, which need not be true; -1 when it does not. */
static int64_t member_size(struct archive *a, int64_t i)
{
	zip_stat_t stat;
	if (a->tar)
		return tar_size(a->tar, i);
	if (zip_stat_index(a->zip, (zip_uint64_t)i, 0, &stat) || !(stat.valid & ZIP_STAT_SIZE))
		return -1;
	return stat.size > INT64_MAX ? INT64_MAX : (int64_t)stat.size;
}

int archive_read(struct archive *a, int64_t i, struct bytes *b)
{
	const int64_t size = member_size(a, i);

	b->size = 0;
	if (size < 0)
		return error_set(ERR_INPUT, "cannot read '%s/%s': %s", a->path, archive_member(a, i), zip_strerror(a->zip));
	if (size > BYTES_MOST)
		return error_set(ERR_INPUT, "cannot read '%s/%s': the archive promises %lld bytes", a->path, archive_member(a, i), (long long)size);
	if (bytes_reserve(b, (size_t)size + 1))
		return error_set(ERR_INPUT, "cannot read '%s/%s': %lld bytes do not fit into memory", a->path, archive_member(a, i), (long long)size);
	return a->tar ? tar_read(a->tar, i, b) : read_zip(a, i, size, b);
}

const char *archive_library(void)
{
	static char text[32];
	snprintf(text, sizeof text, "libzip %s", zip_libzip_version());
	return text;
}
