/* zipout.h: the limits of an archive; tests/toy-faces.bats has other programs read what it writes. */
#include <string.h>

#include "check.h"
#include "zipout.h"

TEST(too_many_members)
{
	struct zipout z;
	FILE *f = fopen("/dev/null", "wb");
	int rc = 0, n = 0;
	REQUIRE(f);
	zipout_start(&z, f, "x.zip");
	for (; !rc && n < ZIPOUT_MAX_MEMBERS + 10; n++)
		rc = zipout_add(&z, "a", "", 0);
	CHECK_MSG(rc == ERR_FAILED && n == ZIPOUT_MAX_MEMBERS + 1, "member %d: %d", n, rc);
	CHECK(strstr(error_text(), "'x.zip'") && strstr(error_text(), "65535"));
	CHECK(!zipout_finish(&z));
	zipout_free(&z);
	fclose(f);
}

TEST(too_many_bytes)
{
	struct zipout z;
	FILE *f = fopen("/dev/null", "wb");
	REQUIRE(f);
	zipout_start(&z, f, "x.zip");
	z.offset = UINT32_MAX - 40; /* as after 4 GiB of members */
	CHECK(!zipout_add(&z, "a", "123", 3));
	CHECK(zipout_add(&z, "b", "123", 3) == ERR_FAILED && strstr(error_text(), "4 GiB"));
	CHECK(zipout_finish(&z) == ERR_FAILED);
	zipout_free(&z);
	fclose(f);
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
