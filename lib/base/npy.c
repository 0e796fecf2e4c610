#include "npy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

enum { MAGIC = sizeof NPY_MAGIC - 1, PREAMBLE = 10, MAX_HEADER = 65536 };

bool npy_has_magic(const void *first, size_t n)
{
	return n >= MAGIC && !memcmp(first, NPY_MAGIC, MAGIC);
}

size_t npy_type_size(enum npy_type type)
{
	return type == NPY_U8 ? sizeof(uint8_t) : sizeof(float);
}

/* -- reading -- */

/* Exactly n bytes; *got tells how many came. */
static int read_bytes(FILE *f, const char *name, void *out, size_t n, size_t *got)
{
	*got = fread(out, 1, n, f);
	if (*got < n && ferror(f))
		return error_set(ERR_INPUT, "cannot read '%s': %s", name, strerror(errno));
	return 0;
}

static int truncated(const char *name, const char *where)
{
	return error_set(ERR_INPUT, "'%s' is truncated: it ends inside %s", name, where);
}

/* Where the value of a key of the header's dictionary starts. */
static const char *value_of(const char *text, const char *key)
{
	char quoted[32];
	for (const char *q = "'\""; *q; q++) {
		snprintf(quoted, sizeof quoted, "%c%s%c", *q, key, *q);
		const char *at = strstr(text, quoted);
		if (at) {
			at += strlen(quoted);
			at += strspn(at, " \t\n");
			return *at == ':' ? at + 1 + strspn(at + 1, " \t\n") : NULL;
		}
	}
	return NULL;
}

enum { ANY_TYPE = -1 };

/* only: the one type that is taken, or ANY_TYPE. */
static int parse_descr(const char *name, const char *text, int only, enum npy_type *type)
{
	const char *at = value_of(text, "descr");
	char descr[16] = "";
	if (at && (*at == '\'' || *at == '"')) {
		const size_t n = strcspn(at + 1, "'\"");
		snprintf(descr, sizeof descr, "%.*s", (int)(n < sizeof descr ? n : sizeof descr - 1), at + 1);
	}
	if (only != NPY_F32 && (!strcmp(descr, "|u1") || !strcmp(descr, "<u1")))
		*type = NPY_U8;
	else if (only != NPY_U8 && !strcmp(descr, "<f4"))
		*type = NPY_F32;
	else
		return error_set(ERR_INPUT, "'%s' holds values of type '%s', not %s%s%s", name, descr[0] ? descr : "?", only == NPY_F32 ? "" : "uint8 ('|u1')",
		                 only == ANY_TYPE ? " or " : "", only == NPY_U8 ? "" : "float32 ('<f4')");
	return 0;
}

static int parse_shape(const char *name, const char *text, struct npy_header *h)
{
	const char *at = value_of(text, "shape");
	size_t size = npy_type_size(h->type);

	h->ndim = 0;
	if (!at || *at++ != '(')
		return error_set(ERR_INPUT, "'%s': the .npy header has no shape", name);
	for (;;) {
		char *end;
		at += strspn(at, " ,\t\n");
		if (*at == ')')
			return 0;
		errno = 0;
		const long long dim = *at >= '0' && *at <= '9' ? strtoll(at, &end, 10) : -1;
		if (dim < 0 || errno)
			return error_set(ERR_INPUT, "'%s': the .npy header's shape makes no sense", name);
		if (h->ndim == NPY_MAX_DIMS)
			return error_set(ERR_INPUT, "'%s': more than %d dimensions", name, NPY_MAX_DIMS);
		h->dim[h->ndim++] = dim;
		if (dim && (!size_mul(size, (size_t)dim, &size) || size > PTRDIFF_MAX))
			return error_set(ERR_INPUT, "'%s': a record of this shape does not fit in memory's addresses", name);
		at = end;
	}
}

static int parse_header(const char *name, const char *text, int only, struct npy_header *h)
{
	const char *order = value_of(text, "fortran_order");
	int rc;
	if ((rc = parse_descr(name, text, only, &h->type)))
		return rc;
	if (!order || (strncmp(order, "False", 5) && strncmp(order, "True", 4)))
		return error_set(ERR_INPUT, "'%s': the .npy header has no fortran_order", name);
	if (*order == 'T')
		return error_set(ERR_INPUT, "'%s' is in Fortran order; save a C-order array (numpy.ascontiguousarray)", name);
	return parse_shape(name, text, h);
}

static int read_header(FILE *f, const char *name, int only, struct npy_header *h)
{
	unsigned char start[PREAMBLE + 2];
	size_t got;
	int rc = read_bytes(f, name, start, PREAMBLE, &got);

	if (rc || !got)
		return rc;
	if (memcmp(start, NPY_MAGIC, got < MAGIC ? got : MAGIC))
		return error_set(ERR_INPUT, "'%s' is not a .npy record", name);
	if (got < PREAMBLE)
		return truncated(name, "a .npy header");
	const int version = start[6];
	size_t length = start[8] | (size_t)start[9] << 8;
	if (version < 1 || version > 3)
		return error_set(ERR_INPUT, "'%s': .npy format version %d is not known", name, version);
	if (version > 1) {
		if ((rc = read_bytes(f, name, start + PREAMBLE, 2, &got)))
			return rc;
		if (got < 2)
			return truncated(name, "a .npy header");
		length |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
	}
	if (length > MAX_HEADER)
		return error_set(ERR_INPUT, "'%s': a .npy header of %zu bytes", name, length);
	char *text = malloc(length + 1);
	if (!text)
		return error_set(ERR_FAILED, "out of memory");
	if (!(rc = read_bytes(f, name, text, length, &got)) && got < length)
		rc = truncated(name, "a .npy header");
	text[got] = 0;
	if (!rc)
		rc = parse_header(name, text, only, h);
	free(text);
	return rc ? rc : 1;
}

int npy_read_header(FILE *f, const char *name, struct npy_header *h)
{
	return read_header(f, name, ANY_TYPE, h);
}

int npy_read_header_of(FILE *f, const char *name, enum npy_type only, struct npy_header *h)
{
	return read_header(f, name, (int)only, h);
}

int npy_read(FILE *f, const char *name, enum npy_type type, void *data, size_t n)
{
	size_t got, bytes;
	if (!size_mul(n, npy_type_size(type), &bytes))
		return error_set(ERR_FAILED, "'%s': %zu values do not fit in memory", name, n);
	const int rc = read_bytes(f, name, data, bytes, &got);
	if (!rc && got < bytes)
		return truncated(name, "a record");
	return rc;
}

/* -- writing -- */

static int write_bytes(FILE *f, const char *name, const void *data, size_t n)
{
	if (fwrite(data, 1, n, f) < n)
		return error_set(ERR_FAILED, "cannot write '%s': %s", name, strerror(errno));
	return 0;
}

int npy_write_header(FILE *f, const char *name, const struct npy_header *h)
{
	char text[PREAMBLE + 512];
	size_t at = PREAMBLE;

	at += (size_t)snprintf(text + at, sizeof text - at, "{'descr': '%s', 'fortran_order': False, 'shape': (", h->type == NPY_U8 ? "|u1" : "<f4");
	for (int i = 0; i < h->ndim; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "%lld%s", (long long)h->dim[i], h->ndim == 1 ? "," : i + 1 < h->ndim ? ", " : "");
	at += (size_t)snprintf(text + at, sizeof text - at, "), }");
	while ((at + 1) % 64)
		text[at++] = ' ';
	text[at++] = '\n';
	memcpy(text, NPY_MAGIC, MAGIC);
	text[6] = 1;
	text[7] = 0;
	text[8] = (char)((at - PREAMBLE) & 255);
	text[9] = (char)((at - PREAMBLE) >> 8);
	return write_bytes(f, name, text, at);
}

int npy_write(FILE *f, const char *name, enum npy_type type, const void *data, size_t n)
{
	return write_bytes(f, name, data, n * npy_type_size(type));
}

void npy_write_broken(FILE *f, const struct npy_header *h)
{
	char text[ERROR_TEXT];
	snprintf(text, sizeof text, "%s", error_text());
	if (npy_write_header(f, "", h))
		(void)error_set(ERR_FAILED, "%s", text);
}
