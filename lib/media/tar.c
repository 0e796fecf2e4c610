#include "tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "size.h"

enum { BLOCK = 512, MAX_NAME = 65536 };

/* The header block of POSIX.1-1988 (ustar): text fields, numbers in octal. */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2], user[32], group[32], major[8],
		minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

struct member {
	char *name; /* owned */
	int64_t at, size;
};

struct tar {
	char *path;
	int fd;
	int64_t length; /* of the file */
	struct member *member;
	size_t n, room;
};

bool tar_has_magic(const uint8_t *first, size_t n)
{
	return n >= BLOCK && !memcmp(((const struct header *)first)->magic, "ustar", 5);
}

/* A number in octal, or GNU's base 256 when the first bit is set. -1 when it is none. */
static int64_t number(const char *field, size_t n)
{
	int64_t value = 0;
	if ((unsigned char)*field == 0x80) {
		for (size_t i = 1; i < n; i++) {
			if (value >> 54)
				return -1;
			value = value << 8 | (unsigned char)field[i];
		}
		return value;
	}
	size_t i = 0;
	while (i < n && field[i] == ' ')
		i++;
	for (; i < n && field[i] >= '0' && field[i] <= '7'; i++)
		value = value << 3 | (field[i] - '0');
	return i < n && field[i] && field[i] != ' ' ? -1 : value;
}

static bool checksum_fits(const struct header *h)
{
	const unsigned char *byte = (const unsigned char *)h;
	int64_t sum = 0;
	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : byte[i]; /* its own field counts as spaces */
	return sum == number(h->checksum, sizeof h->checksum);
}

static int read_at(const struct tar *t, int64_t at, void *out, size_t n)
{
	for (size_t done = 0; done < n;) {
		const ssize_t got = pread(t->fd, (char *)out + done, n - done, at + (int64_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(ERR_INPUT, "cannot read '%s': %s", t->path, strerror(errno));
		if (!got)
			return error_set(ERR_INPUT, "cannot read '%s': truncated tar archive", t->path);
		done += (size_t)got;
	}
	return 0;
}

/* The content of a member that holds a name (GNU's long name, a pax header). Owned by the caller. */
static int read_text(const struct tar *t, int64_t at, int64_t size, char **out)
{
	int rc;
	if (size > MAX_NAME)
		return error_set(ERR_INPUT, "cannot read '%s': a name of %lld bytes in the tar archive", t->path, (long long)size);
	if (!(*out = size_zalloc((size_t)size + 1, 1)))
		return ERR_FAILED;
	if ((rc = read_at(t, at, *out, (size_t)size))) {
		free(*out);
		*out = NULL;
	}
	return rc;
}

/* The value of "path" among pax records, "LENGTH KEY=VALUE\n" each; NULL if there is none. Owned by the caller. */
static char *pax_path(const char *text, size_t n)
{
	for (const char *end = text + n; text < end;) {
		char *key;
		const size_t length = strtoul(text, &key, 10);
		if (key == text || *key++ != ' ' || length > (size_t)(end - text) || length <= (size_t)(key - text))
			return NULL;
		const size_t left = length - (size_t)(key - text);
		if (left > 6 && !strncmp(key, "path=", 5))
			return strndup(key + 5, left - 6);
		text += length;
	}
	return NULL;
}

static char *header_name(const struct header *h)
{
	char *name;
	const bool posix = !memcmp(h->magic, "ustar", 6) && h->prefix[0]; /* GNU's magic has a space, and other things in place of the prefix */
	return asprintf(&name, "%.*s%s%.*s", posix ? (int)sizeof h->prefix : 0, h->prefix, posix ? "/" : "", (int)sizeof h->name, h->name) < 0 ? NULL : name;
}

static int add(struct tar *t, char *name, int64_t at, int64_t size)
{
	if (name && t->n == t->room) {
		const size_t room = t->room ? 2 * t->room : 64;
		struct member *member = realloc(t->member, room * sizeof *member);
		if (member) {
			t->member = member;
			t->room = room;
		}
	}
	if (!name || t->n == t->room) {
		free(name);
		return error_set(ERR_FAILED, "out of memory");
	}
	t->member[t->n++] = (struct member){ name, at, size };
	return 0;
}

/* One member whose content begins at `at`. *given: the name that the member before gave for this one, or NULL; used or replaced. */
static int scan_member(struct tar *t, const struct header *h, int64_t at, int64_t size, char **given)
{
	char *text = NULL;
	int rc = 0;

	if (h->type == 'L' || h->type == 'x') {
		if ((rc = read_text(t, at, size, &text)))
			return rc;
		char *name = h->type == 'L' ? strdup(text) : pax_path(text, (size_t)size);
		free(text);
		if (name) {
			free(*given);
			*given = name;
		}
		return 0;
	}
	if (h->type == '0' || h->type == 0 || h->type == '7') {
		rc = add(t, *given ? *given : header_name(h), at, size);
		*given = NULL;
	} else if (h->type != 'g' && h->type != 'K') {
		free(*given);
		*given = NULL;
	}
	return rc;
}

static int scan(struct tar *t)
{
	static const struct header zero;
	struct header h;
	char *given = NULL;
	int rc = 0;

	for (int64_t at = 0; !rc && !(rc = read_at(t, at, &h, BLOCK));) {
		if (!memcmp(&h, &zero, BLOCK))
			break;
		const int64_t size = number(h.size, sizeof h.size);
		at += BLOCK;
		if (!checksum_fits(&h) || size < 0)
			rc = error_set(ERR_INPUT, "cannot read '%s': damaged tar archive, at byte %lld", t->path, (long long)at - BLOCK);
		else if (size > t->length - at)
			rc = error_set(ERR_INPUT, "cannot read '%s': truncated tar archive", t->path);
		else
			rc = scan_member(t, &h, at, size, &given);
		at += (size + BLOCK - 1) / BLOCK * BLOCK;
	}
	free(given);
	return rc;
}

int tar_open(struct tar **out, const char *path)
{
	struct tar *t = size_zalloc(1, sizeof *t);
	int rc = 0;

	*out = NULL;
	if (!t)
		return ERR_FAILED;
	t->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (!(t->path = strdup(path)))
		rc = error_set(ERR_FAILED, "out of memory");
	else if (t->fd < 0 || (t->length = lseek(t->fd, 0, SEEK_END)) < 0)
		rc = error_set(ERR_INPUT, "cannot open '%s': %s", path, strerror(errno));
	else
		rc = scan(t);
	if (rc)
		tar_close(&t);
	*out = t;
	return rc;
}

void tar_close(struct tar **tar)
{
	struct tar *t = *tar;
	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	for (size_t i = 0; i < t->n; i++)
		free(t->member[i].name);
	free(t->member);
	free(t->path);
	free(t);
	*tar = NULL;
}

int64_t tar_count(const struct tar *t)
{
	return (int64_t)t->n;
}

const char *tar_member(const struct tar *t, int64_t i)
{
	return t->member[i].name;
}

int64_t tar_size(const struct tar *t, int64_t i)
{
	return t->member[i].size;
}

int tar_read(const struct tar *t, int64_t i, struct bytes *b)
{
	const struct member *m = &t->member[i];
	int rc = bytes_reserve(b, (size_t)m->size);
	b->size = 0;
	if (!rc && !(rc = read_at(t, m->at, b->data, (size_t)m->size)))
		b->size = (size_t)m->size;
	return rc;
}
