#include "tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "size.h"

enum { BLOCK = 512, MAX_TEXT = 1 << 20 };

/* The header block of POSIX.1-1988 (ustar): text fields, numbers in octal. */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2], user[32], group[32], major[8],
		minor[8], prefix[155], rest[12];
};
enum { SPARSE_MORE = 482, SPARSE_MORE_YET = 504 }; /* bytes of a header of type 'S', and of a block behind it: whether (another) one follows */
_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

struct member {
	char *name; /* owned */
	int64_t at, size;
	const char *instead; /* what it is if it is no file of its own; NULL */
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
			return error_set(error_of_reading(errno), "cannot read '%s': %s", t->path, strerror(errno));
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
	if (size > MAX_TEXT)
		return error_set(ERR_INPUT, "cannot read '%s': a name or header of %lld bytes in the tar archive", t->path, (long long)size);
	if (!(*out = size_zalloc((size_t)size + 1, 1)))
		return ERR_FAILED;
	if ((rc = read_at(t, at, *out, (size_t)size))) {
		free(*out);
		*out = NULL;
	}
	return rc;
}

/* The value of a key among pax records, "LENGTH KEY=VALUE\n" each; NULL if there is none. Owned by the caller. */
static char *pax_value(const char *text, size_t n, const char *wanted)
{
	const size_t before = strlen(wanted) + 1; /* with the = */
	for (const char *end = text + n; text < end;) {
		char *key;
		const size_t length = strtoul(text, &key, 10);
		if (key == text || *key++ != ' ' || length > (size_t)(end - text) || length <= (size_t)(key - text))
			return NULL;
		const size_t left = length - (size_t)(key - text);
		if (left > before + 1 && !strncmp(key, wanted, before - 1) && key[before - 1] == '=')
			return strndup(key + before, left - before - 1);
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

/* Takes over name, which may be NULL (out of memory). */
static int add(struct tar *t, char *name, int64_t at, int64_t size, const char *instead)
{
	struct member *member = name ? size_grow(t->member, &t->room, t->n + 1, sizeof *member) : NULL;
	if (!member) {
		free(name);
		return error_set(ERR_FAILED, "out of memory");
	}
	t->member = member;
	t->member[t->n++] = (struct member){ name, at, size, instead };
	return 0;
}

/* What the headers before a member say about it. */
struct given {
	char *name;  /* owned; NULL: nothing */
	int64_t size; /* in the pax format, of 8 GiB and more; 0: what the member's own header says */
	bool sparse; /* in the pax format, where its type is that of a file */
};

static void forget(struct given *g)
{
	free(g->name);
	*g = (struct given){ 0 };
}

/* A header that tells about the member that follows. */
static int read_given(const struct tar *t, const struct header *h, int64_t at, int64_t size, struct given *g)
{
	char *text = NULL, *name, *bytes = NULL;
	const int rc = read_text(t, at, size, &text);

	if (rc)
		return rc;
	if (h->type == 'L') {
		name = strdup(text);
	} else {
		g->sparse |= memmem(text, (size_t)size, " GNU.sparse.", 12) != NULL;
		name = pax_value(text, (size_t)size, "GNU.sparse.name");
		name = name ? name : pax_value(text, (size_t)size, "path");
		bytes = pax_value(text, (size_t)size, "size");
		g->size = bytes ? strtoll(bytes, NULL, 10) : g->size;
	}
	free(bytes);
	free(text);
	if (name) {
		free(g->name);
		g->name = name;
	}
	return 0;
}

/* What a member is that is no file of its own; NULL for a file, and for what no picture could be (folders, the archive's own notes). */
static const char *not_a_file(const struct header *h, const struct given *g)
{
	switch (h->type) {
	case '1':
		return "a hard link";
	case '2':
		return "a symbolic link";
	case '3':
	case '4':
		return "a device";
	case '6':
		return "a named pipe";
	case 'M':
		return "the rest of a file of another volume";
	case 'S':
		return "a sparse file";
	default:
		return g->sparse ? "a sparse file" : NULL;
	}
}

/* One member whose content begins at `at`. g: used, or filled for the next one. */
static int scan_member(struct tar *t, const struct header *h, int64_t at, int64_t size, struct given *g)
{
	const char *instead = not_a_file(h, g);
	int rc = 0;

	if (h->type == 'L' || h->type == 'x')
		return read_given(t, h, at, size, g);
	if (h->type == 'g' || h->type == 'K')
		return 0;
	if (instead || h->type == '0' || h->type == 0 || h->type == '7') {
		rc = add(t, g->name ? g->name : header_name(h), at, size, instead);
		g->name = NULL;
	}
	forget(g);
	return rc;
}

/* Moves *at, behind the header of a sparse member, behind the blocks that go on with it, which its size leaves out. */
static int skip_sparse(const struct tar *t, const struct header *h, int64_t *at)
{
	char block[BLOCK];
	bool more = h->type == 'S' && ((const char *)h)[SPARSE_MORE];
	int rc = 0;

	for (; more && !(rc = read_at(t, *at, block, BLOCK)); *at += BLOCK)
		more = block[SPARSE_MORE_YET];
	return rc;
}

static int scan(struct tar *t)
{
	static const struct header zero;
	struct header h;
	struct given given = { 0 };
	int rc = 0;

	for (int64_t at = 0; !rc && !(rc = read_at(t, at, &h, BLOCK));) {
		if (!memcmp(&h, &zero, BLOCK))
			break;
		const bool bare = h.type >= '1' && h.type <= '6'; /* links, devices, folders: whatever they say of a size, no data follow */
		const int64_t size = bare ? 0 : given.size && !memchr("xgLK", h.type, 4) ? given.size : number(h.size, sizeof h.size);
		at += BLOCK;
		if (!checksum_fits(&h) || size < 0)
			rc = error_set(ERR_INPUT, "cannot read '%s': damaged tar archive, at byte %lld", t->path, (long long)at - BLOCK);
		else if ((rc = skip_sparse(t, &h, &at)))
			break;
		else if (size > t->length - at)
			rc = error_set(ERR_INPUT, "cannot read '%s': truncated tar archive", t->path);
		else
			rc = scan_member(t, &h, at, size, &given);
		if (!rc)
			at += (size + BLOCK - 1) / BLOCK * BLOCK;
	}
	forget(&given);
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
	if (m->instead)
		return error_set(ERR_INPUT, "'%s/%s' is %s in the archive", t->path, m->name, m->instead);
	int rc = bytes_reserve(b, (size_t)m->size);
	b->size = 0;
	if (!rc && !(rc = read_at(t, m->at, b->data, (size_t)m->size)))
		b->size = (size_t)m->size;
	return rc;
}
