#include "pairs.h"

#include <float.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

enum { BATCH = 64 }; /* pairs */

struct work {
	enum msssim_protocol protocol;
	struct images *set, *other; /* borrowed */
	int threads;
	struct msssim **msssim; /* one per thread */
	char *a, *b;            /* (2 * BATCH) and, of two sets, (BATCH) images */
	int64_t room;           /* of the values */
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

/* Checks n images that follow the first `before`; floats that the protocol takes as bytes become bytes, in place. */
static int prepare(const struct work *w, const struct images *set, char *data, int64_t n, int64_t before)
{
	const size_t values = values_of(set);
	const float *const x = (const float *)data;
	if (set->type == NPY_U8)
		return 0;
	for (int64_t i = 0; i < n; i++) {
		int bad = 0;
		for (size_t v = 0; v < values; v++)
			bad |= !(fabsf(x[(size_t)i * values + v]) <= FLT_MAX);
		if (bad)
			return error_set(ERR_INPUT, "'%s': image %lld holds values that are not finite", set->name, (long long)(before + i));
	}
	if (type_of(w, set) == NPY_U8)
		images_to_bytes((uint8_t *)data, x, (size_t)n * values); /* byte i lies before float i */
	return 0;
}

/* Where the pairs of a batch lie: the first of each, and the bytes from one to the next. */
struct found {
	const char *a, *b;
	size_t step_a, step_b;
};

/* Reads up to n pairs after the first `before`. *left: images without a partner. */
static int64_t read_pairs(struct work *w, int64_t n, int64_t before, struct found *f, int64_t *left)
{
	const size_t size = values_of(w->set) * npy_type_size(type_of(w, w->set));
	int64_t got, got_other;
	int rc;
	if (!w->other) {
		got = images_read(w->set, w->a, 2 * n);
		if (got < 0 || (rc = prepare(w, w->set, w->a, got, 2 * before)))
			return got < 0 ? got : rc;
		*f = (struct found){ w->a, w->a + size, 2 * size, 2 * size };
		*left = got % 2;
		return got / 2;
	}
	if ((got = images_read(w->set, w->a, n)) < 0)
		return got;
	if ((got_other = images_read(w->other, w->b, n)) < 0)
		return got_other;
	if ((rc = prepare(w, w->set, w->a, got, before)) || (rc = prepare(w, w->other, w->b, got_other, before)))
		return rc;
	*f = (struct found){ w->a, w->b, size, values_of(w->other) * npy_type_size(type_of(w, w->other)) };
	*left = got - got_other;
	return got < got_other ? got : got_other;
}

static int grow(struct pairs *p, struct work *w, int64_t n)
{
	while (w->room < n) {
		const int64_t room = w->room ? 2 * w->room : 1024;
		double *value = realloc(p->value, (size_t)room * sizeof *value);
		if (!value)
			return error_set(ERR_FAILED, "out of memory");
		p->value = value;
		w->room = room;
	}
	return 0;
}

static int compute(struct pairs *p, struct work *w, int64_t most, void (*progress)(void *ctx, int64_t done), void *ctx)
{
	const enum npy_type type_a = type_of(w, w->set), type_b = type_of(w, w->other ? w->other : w->set);
	while (p->n < most && !p->left) {
		struct found found;
		const int64_t want = most - p->n < BATCH ? most - p->n : BATCH, n = read_pairs(w, want, p->n, &found, &p->left);
		int rc;
		if (n < 0 || (rc = grow(p, w, p->n + n)))
			return n < 0 ? (int)n : rc;
		double *const value = p->value + p->n;
#pragma omp parallel for num_threads(w->threads) schedule(dynamic)
		for (int64_t i = 0; i < n; i++)
			value[i] = msssim_pair(w->msssim[omp_get_thread_num()], type_a, found.a + (size_t)i * found.step_a, type_b, found.b + (size_t)i * found.step_b);
		p->n += n;
		if (progress)
			progress(ctx, p->n);
		if (n < want)
			break;
	}
	return p->n ? 0 : error_set(ERR_INPUT, "'%s' holds too few images for a pair", w->set->name);
}

static void summarize(struct pairs *p)
{
	double squares = 0;
	for (int64_t i = 0; i < p->n; i++)
		p->mean += p->value[i] / (double)p->n;
	for (int64_t i = 0; i < p->n; i++)
		squares += (p->value[i] - p->mean) * (p->value[i] - p->mean);
	p->error = p->n > 1 ? sqrt(squares / (double)(p->n - 1) / (double)p->n) : 0;
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

int pairs_compute(struct pairs *p, enum msssim_protocol protocol, struct images *set, struct images *other, int64_t most, void (*progress)(void *, int64_t),
                  void *ctx)
{
	struct work w = { .protocol = protocol, .set = set, .other = other, .threads = omp_get_max_threads() };
	int rc = check(protocol, set, other);
	*p = (struct pairs){ 0 };
	if (rc)
		return rc;
	w.a = size_alloc(2 * BATCH, images_size(set));
	w.b = other ? size_alloc(BATCH, images_size(other)) : NULL;
	w.msssim = size_zalloc((size_t)w.threads, sizeof(struct msssim *));
	if (!w.a || (other && !w.b) || !w.msssim)
		rc = ERR_FAILED;
	for (int t = 0; !rc && t < w.threads; t++)
		rc = msssim_open(&w.msssim[t], protocol, set->c, set->side);
	if (!rc && !(rc = compute(p, &w, most, progress, ctx)))
		summarize(p);
	for (int t = 0; w.msssim && t < w.threads; t++)
		msssim_close(&w.msssim[t]);
	free(w.msssim);
	free(w.a);
	free(w.b);
	if (rc) {
		free(p->value);
		p->value = NULL;
	}
	return rc;
}
