#include "zipout.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* The layout is that of PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.14 to 4.3.16, 4.5.3. All numbers are little-endian. */
enum { LOCAL_SIZE = 30, ENTRY_SIZE = 46, FAR_SIZE = 12, END64_SIZE = 56, LOCATOR_SIZE = 20, END_SIZE = 22 };
enum { VERSION = 10 /* 1.0: stored members */, VERSION64 = 45 /* 4.5: Zip64 */, DATE = 1 << 5 | 1 /* 1980-01-01 */ };

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

static uint8_t *put64(uint8_t *p, uint64_t x)
{
	return put32(put32(p, (uint32_t)x), (uint32_t)(x >> 32));
}

/* x, or all ones where it does not fit and stands in Zip64's record. */
static uint32_t fit16(uint64_t x)
{
	return x < UINT16_MAX ? (uint32_t)x : UINT16_MAX;
}

static uint32_t fit32(uint64_t x)
{
	return x < UINT32_MAX ? (uint32_t)x : UINT32_MAX;
}

/* What a member's own header and its entry in the directory have in common: version to length of the extra field. */
static uint8_t *put_member(uint8_t *p, uint32_t version, uint32_t crc, uint32_t size, uint32_t name_length, uint32_t extra_length)
{
	p = put16(put16(put16(p, version), 0), 0); /* no flags, stored */
	p = put16(put16(p, 0), DATE);
	p = put32(put32(put32(p, crc), size), size);
	return put16(put16(p, name_length), extra_length);
}

static int put(struct zipout *z, const void *data, size_t n)
{
	if (fwrite(data, 1, n, z->out) != n)
		return error_set(ERR_FAILED, "cannot write '%s': %m", z->name);
	z->offset += n;
	return 0;
}

bool zipout_is_named(const char *path)
{
	const size_t n = strlen(path);
	return n > 4 && !strcmp(path + n - 4, ".zip");
}

void zipout_start(struct zipout *z, FILE *out, const char *name)
{
	*z = (struct zipout){ .out = out, .name = name };
}

static int add_entry(struct zipout *z, const char *member, uint32_t length, uint32_t crc, uint32_t size)
{
	struct bytes *d = &z->directory;
	const bool far = z->offset >= UINT32_MAX;
	const uint32_t extra = far ? FAR_SIZE : 0, version = far ? VERSION64 : VERSION;
	const size_t need = d->size + ENTRY_SIZE + length + extra;
	int rc = need > d->room ? bytes_reserve(d, 2 * need) : 0;
	if (rc)
		return rc;
	uint8_t *p = put16(put32(d->data + d->size, 0x02014B50), version);
	p = put_member(p, version, crc, size, length, extra);
	p = put16(put16(put16(p, 0), 0), 0); /* no comment, disk 0, binary */
	p = put32(put32(p, 0), fit32(z->offset));
	memcpy(p, member, length);
	if (far)
		put64(put16(put16(p + length, 1), sizeof z->offset), z->offset);
	d->size = need;
	return 0;
}

int zipout_add(struct zipout *z, const char *member, const void *bytes, size_t size)
{
	const size_t length = strlen(member);
	uint8_t header[LOCAL_SIZE];
	int rc;

	if (length > UINT16_MAX || size >= UINT32_MAX)
		return error_set(ERR_FAILED, "cannot write '%s': a member of %zu bytes is too large", z->name, size);
	const uint32_t crc = (uint32_t)crc32_z(crc32_z(0, NULL, 0), bytes, size);
	if ((rc = add_entry(z, member, (uint32_t)length, crc, (uint32_t)size)))
		return rc;
	z->members++;
	put_member(put32(header, 0x04034B50), VERSION, crc, (uint32_t)size, (uint32_t)length, 0);
	if ((rc = put(z, header, sizeof header)) || (rc = put(z, member, length)))
		return rc;
	return put(z, bytes, size);
}

/* Zip64's end of the directory, which starts at `start`, and where to find that. */
static int put_end64(struct zipout *z, uint64_t start)
{
	const uint64_t here = z->offset;
	uint8_t end[END64_SIZE + LOCATOR_SIZE], *p = put64(put32(end, 0x06064B50), END64_SIZE - 12);
	p = put32(put32(put16(put16(p, VERSION64), VERSION64), 0), 0); /* of disk 0 */
	p = put64(put64(p, z->members), z->members);
	p = put64(put64(p, z->directory.size), start);
	p = put32(put32(p, 0x07064B50), 0);
	put32(put64(p, here), 1);
	return put(z, end, sizeof end);
}

int zipout_finish(struct zipout *z)
{
	const uint64_t start = z->offset, size = z->directory.size;
	uint8_t end[END_SIZE], *p = put32(put32(end, 0x06054B50), 0);
	int rc = size ? put(z, z->directory.data, size) : 0;
	if (!rc && (z->members >= UINT16_MAX || start >= UINT32_MAX || size >= UINT32_MAX))
		rc = put_end64(z, start);
	p = put16(put16(p, fit16(z->members)), fit16(z->members));
	p = put32(put32(p, fit32(size)), fit32(start));
	put16(p, 0);
	return rc ? rc : put(z, end, sizeof end);
}

void zipout_free(struct zipout *z)
{
	free(z->directory.data);
	*z = (struct zipout){ 0 };
}

const char *zipout_library(void)
{
	static char text[32];
	snprintf(text, sizeof text, "zlib %s", zlibVersion());
	return text;
}
