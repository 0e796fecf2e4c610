/* zipout.h: archives beyond the limits of old ones; tests/toy-faces.bats has other programs read what it writes. */
#include <string.h>
#include <zip.h>

#include "check.h"
#include "zipout.h"

/* The content of member `name` of the archive in f, read by libzip; "" when there is none. */
static const char *read_back(FILE *f, const char *name, int64_t *members)
{
	static char content[16];
	zip_error_t error;
	zip_source_t *source = zip_source_filep_create(f, 0, -1, &error);
	zip_t *archive = source ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error) : NULL;
	memset(content, 0, sizeof content);
	*members = archive ? zip_get_num_entries(archive, 0) : -1;
	zip_file_t *file = archive ? zip_fopen(archive, name, 0) : NULL;
	if (!file || zip_fread(file, content, sizeof content - 1) < 0)
		content[0] = 0;
	if (file)
		zip_fclose(file);
	if (archive)
		zip_discard(archive); /* closes f */
	return content;
}

TEST(more_than_65535_members)
{
	enum { COUNT = 65540 };
	struct zipout z;
	char name[16];
	int64_t members;
	FILE *f = tmpfile();
	int rc = 0;
	REQUIRE(f);
	zipout_start(&z, f, "x.zip");
	for (int i = 0; i < COUNT && !rc; i++) {
		snprintf(name, sizeof name, "%d", i);
		rc = zipout_add(&z, name, name, strlen(name));
	}
	CHECK(!rc && !zipout_finish(&z) && !fflush(f));
	zipout_free(&z);
	CHECK(!strcmp(read_back(f, "65537", &members), "65537"));
	CHECK(members == COUNT);
}

/* A hole in the file stands for 5 GiB of members. */
TEST(more_than_4_gib)
{
	const int64_t hole = 5ll << 30;
	struct zipout z;
	int64_t members;
	FILE *f = tmpfile();
	REQUIRE(f);
	zipout_start(&z, f, "x.zip");
	CHECK(!zipout_add(&z, "near", "123", 3));
	REQUIRE(!fseeko(f, hole, SEEK_SET));
	z.offset = (uint64_t)hole;
	CHECK(!zipout_add(&z, "far", "4567", 4) && !zipout_finish(&z) && !fflush(f));
	zipout_free(&z);
	CHECK(!strcmp(read_back(f, "far", &members), "4567"));
	CHECK(members == 2);
}

TEST(failed_writes)
{
	static char large[1 << 16];
	struct zipout z;
	FILE *f = fopen("/dev/full", "wb");
	if (!f)
		SKIP("there is no /dev/full");
	zipout_start(&z, f, "x.zip");
	CHECK(zipout_add(&z, "a", large, sizeof large) == ERR_FAILED);
	CHECK(!strcmp(error_text(), "cannot write 'x.zip': No space left on device"));
	zipout_free(&z);
	fclose(f);
}
