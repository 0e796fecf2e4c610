#include "fit.h"

#include <stdlib.h>

#include "dataset.h"
#include "resize.h"
#include "size.h"

struct fitter {
	int side;
	enum fit_mode mode;
	uint8_t background[3];
	struct picture cut;
	struct resizer *resizer; /* from w x h; made when a picture of another size comes */
	int w, h;
	uint8_t *planes; /* (3,h,w) */
	size_t room;
};

int fitter_new(struct fitter **out, int side, enum fit_mode mode, const uint8_t background[3])
{
	if (!(*out = size_zalloc(1, sizeof **out)))
		return ERR_FAILED;
	**out = (struct fitter){ .side = side, .mode = mode, .background = { background[0], background[1], background[2] } };
	return 0;
}

void fitter_free(struct fitter **f)
{
	if (!*f)
		return;
	picture_free(&(*f)->cut);
	resizer_free(&(*f)->resizer);
	free((*f)->planes);
	free(*f);
	*f = NULL;
}

static int resize(struct fitter *f, uint8_t *out, const uint8_t *planes, int w, int h)
{
	if (f->w != w || f->h != h) {
		resizer_free(&f->resizer);
		f->w = f->h = 0;
		if (resizer_new(&f->resizer, w, h, f->side, f->side))
			return ERR_FAILED;
		f->w = w;
		f->h = h;
	}
	resizer_run(f->resizer, out, planes, 3);
	return 0;
}

static int too_small(const struct fitter *f, const char *name, int w, int h)
{
	return error_set(ERR_INPUT, "'%s' is smaller than %dx%d: %dx%d pixels", name, f->side, f->side, w, h);
}

/* The size of what is cut out of a picture, or around it, before it is made smaller. */
static void size_to_cut(enum fit_mode mode, const struct picture *p, int *w, int *h)
{
	const int shorter = p->w < p->h ? p->w : p->h, longer = p->w < p->h ? p->h : p->w;
	*w = p->w;
	*h = p->h;
	switch (mode) {
	case FIT_CROP:
		*w = *h = shorter;
		break;
	case FIT_PAD:
		*w = *h = longer;
		break;
	case FIT_NONE:
	case FIT_STRETCH:
		break;
	}
}

int fitter_run(struct fitter *f, uint8_t *out, const struct picture *p, const char *name)
{
	int w, h;
	size_to_cut(f->mode, p, &w, &h);
	const size_t size = 3 * (size_t)w * (size_t)h;

	if (p->w != p->h && f->mode == FIT_NONE)
		return error_set(ERR_INPUT, "'%s' is not square: %dx%d pixels (see --fit)", name, p->w, p->h);
	if (w < f->side || h < f->side)
		return too_small(f, name, p->w, p->h);
	if ((int64_t)w * h > PICTURE_MAX_PIXELS)
		return error_set(ERR_INPUT, "'%s' is too large once it is padded: %dx%d pixels", name, w, h);
	/* Half of an odd rest goes to the left or above. */
	if (picture_cut(&f->cut, p, name, -((w - p->w) / 2), -((h - p->h) / 2), w, h, f->background))
		return ERR_FAILED;
	if (w == f->side && h == f->side) {
		picture_to_planes(out, 3, &f->cut);
		return 0;
	}
	if (size > f->room) {
		free(f->planes);
		f->room = 0;
		if (!(f->planes = size_alloc(size, 1)))
			return ERR_FAILED;
		f->room = size;
	}
	picture_to_planes(f->planes, 3, &f->cut);
	return resize(f, out, f->planes, w, h);
}

int fitter_run_planes(struct fitter *f, uint8_t *out, const uint8_t *planes, int from, const char *name)
{
	if (from < f->side)
		return too_small(f, name, from, from);
	return resize(f, out, planes, from, from);
}

int fit_side(const struct picture *p)
{
	const int shorter = p->w < p->h ? p->w : p->h;
	int side = DATASET_MAX_SIDE;
	while (side > shorter && side >= DATASET_MIN_SIDE)
		side /= 2;
	return side < DATASET_MIN_SIDE ? 0 : side;
}
