#include "image_set.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "size.h"

enum { BATCH = 64 };

static const size_t SMALL = (size_t)256 << 20; /* bytes of a set that is kept in any case */

struct image_set_parts {
	char *input;
	struct images images;
	int stride;
	bool kept, borrowed;
	size_t size;      /* of an image given */
	uint8_t *data;    /* kept: all of them; otherwise the last ones asked for */
	size_t room;      /* of data, in images */
	void *raw;        /* (BATCH) images as they come */
	int64_t position; /* images of the input read so far */
};

static int grow(struct image_set_parts *p, size_t images)
{
	size_t bytes, room = p->room + p->room / 2;
	room = room < images ? images : room;
	uint8_t *data = size_mul(room, p->size, &bytes) ? realloc(p->data, bytes ? bytes : 1) : NULL;
	if (!data)
		return error_set(ERR_FAILED, "out of memory: %zu images do not fit", images);
	p->data = data;
	p->room = room;
	return 0;
}

/* Reads up to max images and puts the ones that are given, converted, at data[*at …]; *got: images read. */
static int read_batch(struct image_set *s, int64_t max, int64_t *at, int64_t *got)
{
	struct image_set_parts *p = s->parts;
	const size_t raw_size = images_size(&p->images), values = p->size / npy_type_size(s->type);
	int rc;
	*got = images_read(&p->images, p->raw, max < BATCH ? max : BATCH);
	if (*got < 0)
		return (int)*got;
	for (int64_t i = 0; i < *got; i++) {
		const char *const in = (const char *)p->raw + (size_t)i * raw_size;
		if ((p->position + i) % p->stride)
			continue;
		if ((size_t)*at >= p->room && (rc = grow(p, (size_t)*at + 1)))
			return rc;
		uint8_t *const out = p->data + (size_t)(*at)++ * p->size;
		if (p->images.type == s->type)
			memcpy(out, in, p->size);
		else
			images_to_bytes(out, (const float *)in, values);
	}
	p->position += *got;
	return 0;
}

static int keep_all(struct image_set *s, int64_t limit)
{
	struct image_set_parts *p = s->parts;
	int64_t got = 1, at = 0;
	int rc = 0;
	while (!rc && got && p->position < limit)
		rc = read_batch(s, limit - p->position, &at, &got);
	s->read = p->position;
	s->n = at;
	return rc;
}

/* Whether the input cannot be read again, or only at a cost, or is small. */
static bool worth_keeping(const struct image_set *s, int64_t limit)
{
	const struct image_set_parts *p = s->parts;
	const int64_t n = p->images.n < limit ? p->images.n : limit;
	struct stat st;
	return p->images.n < 0 || p->stride > 1 || p->images.type != s->type || images_decodes(&p->images) || stat(p->input, &st) || !S_ISREG(st.st_mode) ||
	       (size_t)n <= SMALL / p->size;
}

int image_set_open(struct image_set *s, const char *input, int side, int64_t limit, int stride, bool bytes)
{
	struct image_set_parts *p = size_zalloc(1, sizeof *p);
	int rc = p ? 0 : ERR_FAILED;
	*s = (struct image_set){ .parts = p };
	if (!rc && !(p->input = strdup(input)))
		rc = error_set(ERR_FAILED, "out of memory");
	if (!rc)
		rc = images_open(&p->images, input, side);
	if (!rc) {
		s->name = strcmp(input, "-") ? p->input : "stdin";
		s->c = p->images.c;
		s->side = p->images.side;
		s->type = bytes ? NPY_U8 : p->images.type;
		p->stride = stride;
		p->size = (size_t)s->c * (size_t)s->side * (size_t)s->side * npy_type_size(s->type);
		s->all = p->images.n;
		s->read = p->images.n < limit ? p->images.n : limit;
		s->n = s->read;
		p->kept = worth_keeping(s, limit);
		if (!(p->raw = images_alloc(&p->images, BATCH)))
			rc = ERR_FAILED;
		else if (p->kept)
			rc = keep_all(s, limit);
	}
	if (!rc && !s->n)
		rc = error_set(ERR_INPUT, "'%s' holds no images", s->name);
	if (rc)
		image_set_close(s);
	return rc;
}

int image_set_borrow(struct image_set *s, const char *name, const uint8_t *data, int64_t n, int c, int side)
{
	struct image_set_parts *p = size_zalloc(1, sizeof *p);
	*s = (struct image_set){ .name = name, .type = NPY_U8, .c = c, .side = side, .all = n, .read = n, .n = n, .parts = p };
	if (!p)
		return ERR_FAILED;
	p->kept = p->borrowed = true;
	p->size = (size_t)c * (size_t)side * (size_t)side;
	p->data = (uint8_t *)data; /* only read */
	return 0;
}

const struct images *image_set_images(const struct image_set *s)
{
	return s->parts ? &s->parts->images : NULL;
}

void image_set_close(struct image_set *s)
{
	struct image_set_parts *p = s->parts;
	if (p) {
		images_close(&p->images);
		free(p->input);
		if (!p->borrowed)
			free(p->data);
		free(p->raw);
		free(p);
	}
	*s = (struct image_set){ 0 };
}

/* Goes to an image of an input that is not kept. */
static int seek(struct image_set *s, int64_t first)
{
	struct image_set_parts *p = s->parts;
	int64_t got = 1;
	if (first < p->position) {
		images_close(&p->images);
		const int rc = images_open(&p->images, p->input, s->side);
		if (rc)
			return rc;
		if (p->images.type != s->type || p->images.c != s->c)
			return error_set(ERR_INPUT, "'%s' changed while it was read", p->input);
		p->position = 0;
	}
	while (p->position < first && got) {
		got = images_read(&p->images, p->raw, first - p->position < BATCH ? first - p->position : BATCH);
		if (got < 0)
			return (int)got;
		p->position += got;
	}
	return 0;
}

int image_set_get(struct image_set *s, int64_t first, int64_t n, const void **data)
{
	struct image_set_parts *p = s->parts;
	int64_t at = 0, got = 1;
	int rc;
	if (p->kept) {
		*data = p->data + (size_t)first * p->size;
		return 0;
	}
	if ((rc = seek(s, first)))
		return rc;
	while (!rc && got && at < n)
		rc = read_batch(s, n - at, &at, &got);
	if (!rc && at < n)
		rc = error_set(ERR_INPUT, "'%s' ended early when it was read again", s->name);
	*data = p->data;
	return rc;
}
