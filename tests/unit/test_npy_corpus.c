/* The seeds of the .npy fuzz target: what is read and what is refused, and why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "npy.h"

static const struct {
	const char *name;
	int records;      /* whole ones */
	const char *says; /* the error after them, NULL for the end of the file */
} seeds[] = {
	{ "u1", 1, NULL },
	{ "f4-twice", 2, NULL },
	{ "v2", 1, NULL },
	{ "v3", 1, NULL },
	{ "zero-times-much", 0, "does not fit" },
	{ "fortran", 0, "Fortran order" },
	{ "truncated", 0, "truncated" },
	{ "overflow", 0, "does not fit" },
	{ "nine-dimensions", 0, "more than 8 dimensions" },
	{ "no-shape", 0, "no shape" },
	{ "open-shape", 0, "makes no sense" },
	{ "long-header", 0, "bytes" },
	{ "structured", 0, "values of type" },
};

TEST(seeds)
{
	const char *tests = getenv("PGAN_TESTS");
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
		static unsigned char values[4096];
		char path[4096];
		struct npy_header h;
		int records = 0, rc;
		snprintf(path, sizeof path, "%s/fuzz/npy/%s", tests ? tests : "tests", seeds[i].name);
		FILE *f = fopen(path, "rb");
		REQUIRE(f);
		while ((rc = npy_read_header(f, path, &h)) > 0) {
			size_t n = 1;
			for (int d = 0; d < h.ndim; d++)
				n *= (size_t)h.dim[d];
			if ((rc = npy_read(f, path, h.type, values, n < 1024 ? n : 1024)))
				break;
			records++;
		}
		fclose(f);
		CHECK_MSG(records == seeds[i].records, "%s: %d records instead of %d", seeds[i].name, records, seeds[i].records);
		CHECK_MSG(rc == (seeds[i].says ? ERR_INPUT : 0), "%s: ends with %d", seeds[i].name, rc);
		if (seeds[i].says)
			CHECK_MSG(strstr(error_text(), seeds[i].says), "%s: %s", seeds[i].name, error_text());
	}
}
