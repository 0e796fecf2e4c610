#include "zipout.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* The layout is that of PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16. All numbers are little-endian. */
enum { LOCAL_SIZE = 30, ENTRY_SIZE = 46, END_SIZE = 22, VERSION = 10 /* 1.0: stored members */, DATE = 1 << 5 | 1 /* 1980-01-01 */ };

static uint8_t *put16(uint8_t *p, uint32_t x)
{
	p[0] = (uint8_t)x;
	p[1] = (uint8_t)(x >> 8);
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t x)
{
	return put16(put16(p, x), x >> 16);
}

/* What a member's own header and its entry in the directory have in common: version to length of the extra field. */
static uint8_t *put_member(uint8_t *p, uint32_t crc, uint32_t size, uint32_t name_length)
{
	p = put16(put16(put16(p, VERSION), 0), 0); /* no flags, stored */
	p = put16(put16(p, 0), DATE);
	p = put32(put32(put32(p, crc), size), size);
	return put16(put16(p, name_length), 0);
}

static int put(struct zipout *z, const void *data, size_t n)
{
	if (fwrite(data, 1, n, z->out) != n)
		return error_set(ERR_FAILED, "cannot write '%s': %m", z->name);
	z->offset += n;
	return 0;
}

static int too_large(const struct zipout *z)
{
	return error_set(ERR_FAILED, "cannot write '%s': a zip archive of more than %d files or 4 GiB is too large; write a folder instead", z->name, ZIPOUT_MAX_MEMBERS);
}

void zipout_start(struct zipout *z, FILE *out, const char *name)
{
	*z = (struct zipout){ .out = out, .name = name };
}

static int add_entry(struct zipout *z, const char *member, uint32_t length, uint32_t crc, uint32_t size)
{
	struct bytes *d = &z->directory;
	const size_t need = d->size + ENTRY_SIZE + length;
	int rc = need > d->room ? bytes_reserve(d, 2 * need) : 0;
	if (rc)
		return rc;
	uint8_t *p = put16(put32(d->data + d->size, 0x02014B50), VERSION);
	p = put_member(p, crc, size, length);
	p = put16(put16(put16(p, 0), 0), 0); /* no comment, disk 0, binary */
	p = put32(put32(p, 0), (uint32_t)z->offset);
	memcpy(p, member, length);
	d->size = need;
	return 0;
}

int zipout_add(struct zipout *z, const char *member, const void *bytes, size_t size)
{
	const size_t length = strlen(member);
	uint8_t header[LOCAL_SIZE];
	int rc;

	if (z->members == ZIPOUT_MAX_MEMBERS || length > UINT16_MAX || size > UINT32_MAX || z->offset + LOCAL_SIZE + length + size > UINT32_MAX)
		return too_large(z);
	const uint32_t crc = (uint32_t)crc32_z(crc32_z(0, NULL, 0), bytes, size);
	if ((rc = add_entry(z, member, (uint32_t)length, crc, (uint32_t)size)))
		return rc;
	z->members++;
	put_member(put32(header, 0x04034B50), crc, (uint32_t)size, (uint32_t)length);
	if ((rc = put(z, header, sizeof header)) || (rc = put(z, member, length)))
		return rc;
	return put(z, bytes, size);
}

int zipout_finish(struct zipout *z)
{
	uint8_t end[END_SIZE], *p = put32(put32(end, 0x06054B50), 0);
	if (z->offset + z->directory.size > UINT32_MAX)
		return too_large(z);
	p = put16(put16(p, z->members), z->members);
	p = put32(put32(p, (uint32_t)z->directory.size), (uint32_t)z->offset);
	put16(p, 0);
	int rc = z->directory.size ? put(z, z->directory.data, z->directory.size) : 0;
	return rc ? rc : put(z, end, sizeof end);
}

void zipout_free(struct zipout *z)
{
	free(z->directory.data);
	*z = (struct zipout){ 0 };
}
