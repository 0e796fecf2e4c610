#include "digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void digest_text(uint64_t digest, char out[DIGEST_TEXT])
{
	snprintf(out, DIGEST_TEXT, "%016llx", (unsigned long long)digest);
}

int digest_file(const char *path, char out[DIGEST_TEXT])
{
	char bytes[65536];
	uint64_t digest = digest_start();
	size_t n;
	errno = 0;
	FILE *f = fopen(path, "rb");
	if (!f)
		return error_set(ERR_INPUT, "cannot open '%s': %s", path, strerror(errno));
	while ((n = fread(bytes, 1, sizeof bytes, f)))
		digest = digest_add(digest, bytes, n);
	const int rc = ferror(f) ? error_set(ERR_INPUT, "cannot read '%s': %s", path, strerror(errno)) : 0;
	fclose(f);
	digest_text(digest, out);
	return rc;
}
