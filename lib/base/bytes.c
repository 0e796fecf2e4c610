#include "bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int bytes_reserve(struct bytes *b, size_t room)
{
	if (room <= b->room)
		return 0;
	uint8_t *data = realloc(b->data, room);
	if (!data)
		return error_set(ERR_FAILED, "out of memory: %zu bytes do not fit", room);
	b->data = data;
	b->room = room;
	return 0;
}

static int too_many(const char *name)
{
	return error_set(ERR_INPUT, "cannot read '%s': more than %lld bytes are too many for a picture or a table", name, (long long)BYTES_MOST);
}

int bytes_append(struct bytes *b, FILE *f, const char *name)
{
	const size_t most = (size_t)BYTES_MOST + 1; /* to notice that it is too many */
	size_t room = 65536;
	struct stat st;
	int rc;

	if (!fstat(fileno(f), &st) && S_ISREG(st.st_mode)) {
		if (st.st_size > BYTES_MOST)
			return too_many(name);
		room = (size_t)st.st_size + 1; /* to meet the end at once */
	}
	while (!(rc = bytes_reserve(b, room))) {
		b->size += fread(b->data + b->size, 1, b->room - b->size, f);
		if (b->size < b->room)
			break;
		if (b->size >= most)
			return too_many(name);
		room = 2 * b->room < most ? 2 * b->room : most;
	}
	if (!rc && ferror(f))
		rc = error_set(error_of_reading(errno), "cannot read '%s': %s", name, strerror(errno));
	return rc;
}
