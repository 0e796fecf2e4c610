#include "pairs.h"

#include <math.h>
#include <stdlib.h>

#include "size.h"

enum { BATCH = 64 }; /* pairs */

struct work {
	struct metric_device *device; /* borrowed, as are the sets */
	enum msssim_protocol protocol;
	struct images *set, *other;
	struct ssim_plan plan;
	char *a, *b;    /* (2 * BATCH), or with mirror images twice as many, and, of two sets, (BATCH) images */
	double *means;  /* (BATCH, scales, channels, 2) */
	size_t room;    /* of the values */
};

static size_t values_of(const struct images *i)
{
	return (size_t)i->c * (size_t)i->side * (size_t)i->side;
}

/* What the images of a set are compared as. */
static enum npy_type type_of(const struct work *w, const struct images *set)
{
	return w->protocol == MSSSIM_PADDLE ? set->type : NPY_U8;
}

/* Reads up to n images; floats that the protocol takes as bytes become bytes, in place. */
static int64_t read_images(const struct work *w, struct images *set, char *data, int64_t n)
{
	const int64_t got = images_read(set, data, n);
	if (got > 0 && set->type != type_of(w, set))
		images_to_bytes((uint8_t *)data, (const float *)data, (size_t)got * values_of(set)); /* byte i lies before float i */
	return got;
}

/* From an image of one set to its partner: over its mirror image. */
static int64_t apart_of(const struct images *set)
{
	return set->mirrored ? 2 : 1;
}

int64_t pairs_known(const struct images *set, const struct images *other)
{
	return set->n < 0 ? -1 : other ? set->n : set->n / (2 * apart_of(set));
}

/* Reads up to n pairs. *left: images without a partner. */
static int64_t read_pairs(struct work *w, int64_t n, struct ssim_pairs *p, int64_t *left)
{
	const size_t size = values_of(w->set) * npy_type_size(type_of(w, w->set));
	const struct images *const b = w->other ? w->other : w->set;
	int64_t got, got_other;
	*p = (struct ssim_pairs){ .a = w->a, .bytes_a = type_of(w, w->set) == NPY_U8, .bytes_b = type_of(w, b) == NPY_U8 };
	if (!w->other) {
		const int64_t apart = apart_of(w->set);
		if ((got = read_images(w, w->set, w->a, 2 * apart * n)) < 0)
			return got;
		p->b = w->a + (size_t)apart * size;
		p->step_a = p->step_b = 2 * (size_t)apart * size;
		*left = got % (2 * apart);
		return p->n = got / (2 * apart);
	}
	if ((got = read_images(w, w->set, w->a, n)) < 0)
		return got;
	if ((got_other = read_images(w, w->other, w->b, n)) < 0)
		return got_other;
	p->b = w->b;
	p->step_a = size;
	p->step_b = values_of(b) * npy_type_size(type_of(w, b));
	*left = got - got_other;
	return p->n = got < got_other ? got : got_other;
}

static int grow(struct pairs *p, struct work *w, int64_t n)
{
	double *value = size_grow(p->value, &w->room, (size_t)n, sizeof *value);
	if (!value)
		return ERR_FAILED;
	p->value = value;
	return 0;
}

static int no_pair(const struct pairs *p, const struct work *w)
{
	if (!w->other)
		return error_set(ERR_INPUT, "'%s' holds too few images for a pair", w->set->name);
	return error_set(ERR_INPUT, "'%s' holds no images", p->left > 0 ? w->other->name : w->set->name);
}

static int compute(struct pairs *p, struct work *w, int64_t most, void (*progress)(void *ctx, int64_t done), void *ctx)
{
	while (p->n < most && !p->left) {
		struct ssim_pairs pairs;
		const int64_t want = most - p->n < BATCH ? most - p->n : BATCH, n = read_pairs(w, want, &pairs, &p->left);
		int rc;
		if (n < 0 || (n && (rc = grow(p, w, p->n + n))) || (n && (rc = w->device->ssim(w->device, w->means, &pairs))))
			return n < 0 ? (int)n : rc;
		for (int64_t i = 0; i < n; i++)
			p->value[p->n + i] = msssim_combine(w->protocol, &w->plan, w->means + i * SSIM_SCALES * w->plan.c * 2);
		p->n += n;
		if (progress)
			progress(ctx, p->n);
		if (n < want)
			break;
	}
	return p->n ? 0 : no_pair(p, w);
}

static void summarize(struct pairs *p)
{
	double squares = 0;
	for (int64_t i = 0; i < p->n; i++)
		p->mean += p->value[i] / (double)p->n;
	for (int64_t i = 0; i < p->n; i++)
		squares += (p->value[i] - p->mean) * (p->value[i] - p->mean);
	p->error = p->n > 1 ? sqrt(squares / (double)(p->n - 1) / (double)p->n) : NAN;
}

static int check(enum msssim_protocol protocol, const struct images *set, const struct images *other)
{
	const int rc = msssim_check(protocol, set->side, set->name);
	if (rc || !other)
		return rc;
	if (set->c != other->c || set->side != other->side)
		return error_set(ERR_INPUT, "'%s' holds images of %dx%dx%d, '%s' of %dx%dx%d", set->name, set->c, set->side, set->side, other->name, other->c, other->side,
		                 other->side);
	return 0;
}

int pairs_compute(struct pairs *p, struct metric_device *device, enum msssim_protocol protocol, struct images *set, struct images *other, int64_t most,
                  void (*progress)(void *, int64_t), void *ctx)
{
	struct work w = { .device = device, .protocol = protocol, .set = set, .other = other };
	int rc = check(protocol, set, other);
	*p = (struct pairs){ 0 };
	if (rc)
		return rc;
	w.a = images_alloc(set, 2 * BATCH * apart_of(set));
	w.b = other ? images_alloc(other, BATCH) : NULL;
	w.means = size_alloc(BATCH * SSIM_SCALES * 2 * (size_t)set->c, sizeof *w.means);
	msssim_plan(&w.plan, protocol, set->c, set->side);
	if (!w.a || (other && !w.b) || !w.means)
		rc = ERR_FAILED;
	if (!rc && !(rc = device->ssim_open(device, &w.plan)) && !(rc = compute(p, &w, most, progress, ctx)))
		summarize(p);
	free(w.a);
	free(w.b);
	free(w.means);
	if (rc) {
		free(p->value);
		p->value = NULL;
	}
	return rc;
}
