/* The seeds of the fuzz target for tar archives: which members are read, and what is said of the others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "tar.h"

static const struct {
	const char *name;
	int64_t members, whole; /* that there are, and that are read */
	const char *says;       /* the last error; NULL: there is none */
} seeds[] = {
	{ "ustar", 2, 2, NULL },
	{ "gnu", 2, 2, NULL },
	{ "pax", 2, 2, NULL },
	{ "verylong", 1, 1, NULL },
	{ "b256", 1, 1, NULL },
	{ "types", 5, 1, "is a named pipe in the archive" },
	{ "paxsize", 1, 0, "is a sparse file in the archive" },
	{ "sparse", -1, 0, "truncated tar archive" },
	{ "pax-size-huge", -1, 0, "truncated tar archive" },
};

TEST(seeds)
{
	const char *tests = getenv("PGAN_TESTS");
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
		const char *name = seeds[i].name, *says = NULL;
		struct bytes content = { 0 };
		struct tar *t = NULL;
		char path[4096];
		snprintf(path, sizeof path, "%s/fuzz/tar/%s", tests ? tests : "tests", name);
		int64_t whole = 0;
		if (tar_open(&t, path))
			says = error_text();
		for (int64_t k = 0; t && k < tar_count(t); k++)
			if (tar_read(t, k, &content))
				says = error_text();
			else
				whole++;
		CHECK_MSG((t ? tar_count(t) : -1) == seeds[i].members, "%s: %lld members", name, t ? (long long)tar_count(t) : -1);
		CHECK_MSG(whole == seeds[i].whole, "%s: %lld members are read", name, (long long)whole);
		CHECK_MSG(says && seeds[i].says ? strstr(says, seeds[i].says) != NULL : says == seeds[i].says, "%s: %s", name, says ? says : "no error");
		tar_close(&t);
		free(content.data);
	}
}
