/* Images of a folder or archive of pictures, or of one picture. */
#include <stdlib.h>

#include "images_input.h"
#include "source.h"

static const uint8_t WHITE[3] = { 255, 255, 255 }; /* shows through transparent pixels */

struct pictures_input {
	struct images_input base;
	struct source *list;
};

static int picture_into(const struct images *i, int64_t index, struct bytes *buffer, struct picture *p, uint8_t *out)
{
	const struct pictures_input *s = i->source;
	const int rc = source_picture(s->list, index, WHITE, buffer, p);
	if (rc)
		return rc;
	if (p->w != i->side || p->h != i->side)
		return error_set(ERR_INPUT, "'%s' is a picture of %dx%d after others of %dx%d", source_name(s->list, index), p->w, p->h, i->side, i->side);
	if (p->c > i->c)
		return error_set(ERR_INPUT, "'%s' is RGB, and the first picture grey: pack-h5 makes one RGB set of both", source_name(s->list, index));
	picture_to_planes(out, i->c, p);
	return 0;
}

static int64_t pictures_read(struct images *i, void *data, int64_t n)
{
	const struct pictures_input *s = i->source;
	const int64_t next = s->base.next;
	const size_t size = images_size(i);
	struct bytes buffer = { 0 };
	struct picture p = { 0 };
	int64_t bad = n;

#pragma omp parallel firstprivate(buffer, p) reduction(min : bad)
	{
#pragma omp for schedule(dynamic, 4)
		for (int64_t k = 0; k < n; k++)
			if (picture_into(i, next + k, &buffer, &p, (uint8_t *)data + (size_t)k * size) && k < bad)
				bad = k;
		free(buffer.data);
		picture_free(&p);
	}
	if (bad < n) { /* once more, for the message of this thread */
		const int rc = picture_into(i, next + bad, &buffer, &p, (uint8_t *)data + (size_t)bad * size);
		free(buffer.data);
		picture_free(&p);
		return rc ? rc : error_set(ERR_INPUT, "'%s' changed while it was read", source_name(s->list, next + bad));
	}
	return n;
}

static void pictures_close(struct images *i)
{
	struct pictures_input *s = i->source;
	source_close(&s->list);
}

static const struct images_kind pictures_kind = { .read = pictures_read, .close = pictures_close, .decodes = true };

/* The first picture says what all of them have to be; but grey ones may be among RGB ones, as three planes that are equal. */
int images_open_pictures(struct images *i, const char *path)
{
	struct pictures_input *s = images_start(i, sizeof *s, &pictures_kind, path);
	struct bytes buffer = { 0 };
	struct picture p = { 0 };
	int rc = s ? source_open(&s->list, &path, 1) : ERR_FAILED;
	if (rc)
		return rc;
	if (!(rc = source_picture(s->list, 0, WHITE, &buffer, &p)) && !images_shape_ok(p.c, p.h, p.w))
		rc = error_set(ERR_INPUT, "'%s' is a picture of %dx%d, not a square one", source_name(s->list, 0), p.w, p.h);
	i->type = NPY_U8;
	i->c = p.c;
	i->side = p.w;
	i->n = source_count(s->list);
	free(buffer.data);
	picture_free(&p);
	return rc;
}
