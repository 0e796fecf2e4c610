#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "laplacian.h"
#include "npy.h"
#include "pyramid.h"
#include "size.h"

/* The pyramids of one group of records. */
struct group {
	int64_t n;
	int c, side, levels;
	float *level[LAPLACIAN_LEVELS]; /* level[k]: (n, c, side >> k, side >> k), owned */
};

static size_t values(const struct group *g, int k)
{
	const size_t s = (size_t)(g->side >> k);
	return (size_t)g->c * s * s;
}

/* What a finest level says about its pyramid. */
static int group_start(struct group *g, const char *name, const struct npy_header *h, int levels)
{
	if (h->type != NPY_F32 || h->ndim != 4 || !images_shape_ok(h->dim[1], h->dim[2], h->dim[3]))
		return error_set(ERR_INPUT, "'%s': not a pyramid: a record that is not float32 of shape (N,3,R,R) or (N,1,R,R)", name);
	*g = (struct group){ .n = h->dim[0], .c = (int)h->dim[1], .side = (int)h->dim[2] };
	g->levels = levels ? levels : laplacian_levels(g->side);
	if (!g->levels)
		return error_set(ERR_INPUT, "'%s': a side of %d does not halve down to 16; say how many --levels there are", name, g->side);
	return 0;
}

/* Whether its images may follow those written before. */
static int group_like(const struct group *g, const struct npy_header *written, const char *name)
{
	if (!written->ndim || (g->c == written->dim[1] && g->side == written->dim[2]))
		return 0;
	return error_set(ERR_INPUT, "'%s': a pyramid of %d x %d x %d follows one of %lld x %lld x %lld: a stream has one size", name, g->c, g->side, g->side,
	                 (long long)written->dim[1], (long long)written->dim[2], (long long)written->dim[3]);
}

static int group_read(struct group *g, FILE *in, const char *name, const struct npy_header *first)
{
	struct npy_header h = *first;
	for (int k = 0; k < g->levels; k++) {
		const int64_t side = g->side >> k;
		int rc = k ? npy_read_header(in, name, &h) : 1;
		if (rc < 0)
			return rc;
		if (!rc)
			return error_set(ERR_INPUT, "'%s' is truncated: it ends before level %lld of a pyramid", name, (long long)side);
		if (h.type != NPY_F32 || h.ndim != 4 || h.dim[0] != g->n || h.dim[1] != g->c || h.dim[2] != side || h.dim[3] != side)
			return error_set(ERR_INPUT, "'%s': level %lld of a pyramid does not follow level %lld", name, (long long)side, (long long)2 * side);
		if (!(g->level[k] = size_alloc((size_t)g->n, values(g, k) * sizeof(float))))
			return error_set(ERR_FAILED, "out of memory: a record of %lld images of %dx%d, as '%s' has it, does not fit", (long long)g->n, g->side, g->side, name);
		if ((rc = npy_read(in, name, NPY_F32, g->level[k], (size_t)g->n * values(g, k))))
			return rc;
	}
	return 0;
}

/* Whether the record behind its levels is no further one: --levels may be missing, or too small. */
static int group_ended(const struct group *g, const char *name, const struct npy_header *next)
{
	if (next->ndim != 4 || next->dim[0] != g->n || next->dim[1] != g->c || next->dim[2] != g->side >> g->levels)
		return 0;
	return error_set(ERR_INPUT, "'%s': a pyramid of more than %d levels; say how many --levels there are", name, g->levels);
}

static int group_check(const struct group *g, const char *name)
{
	for (int k = 0; k < g->levels; k++)
		for (size_t i = 0; i < (size_t)g->n * values(g, k); i++)
			if (!isfinite(g->level[k][i]))
				return error_set(ERR_INPUT, "'%s': level %d of a pyramid holds values that are not finite", name, g->side >> k);
	return 0;
}

/* Adds the levels up, in place of the finest, in units of 0..255. */
static int group_collapse(struct group *g, const char *name)
{
	const int threads = omp_get_max_threads();
	struct laplacian *l = size_zalloc((size_t)threads, sizeof *l);
	int rc = l ? 0 : ERR_FAILED;
	for (int t = 0; !rc && t < threads; t++)
		rc = laplacian_alloc(&l[t], g->c, g->side, g->levels);
	if (!rc) {
#pragma omp parallel for num_threads(threads)
		for (int64_t j = 0; j < g->n; j++) {
			struct laplacian *const mine = &l[omp_get_thread_num()];
			for (int k = 0; k < g->levels; k++)
				memcpy(mine->level[k], g->level[k] + (size_t)j * values(g, k), values(g, k) * sizeof(float));
			laplacian_collapse(mine);
			memcpy(g->level[0] + (size_t)j * values(g, 0), mine->level[0], values(g, 0) * sizeof(float));
		}
	}
	for (int t = 0; l && t < threads; t++)
		laplacian_free(&l[t]);
	free(l);
	for (size_t i = 0; !rc && i < (size_t)g->n * values(g, 0); i++)
		if (!isfinite(g->level[0][i]))
			rc = error_set(ERR_INPUT, "'%s': the levels of a pyramid add up to values that are not finite", name);
	return rc;
}

static int group_write(const struct group *g, bool f32)
{
	const struct npy_header h = { f32 ? NPY_F32 : NPY_U8, 4, { g->n, g->c, g->side, g->side } };
	const size_t n = (size_t)g->n * values(g, 0);
	float *const x = g->level[0];
	int rc = npy_write_header(stdout, "stdout", &h);
	if (f32) {
		for (size_t i = 0; i < n; i++)
			x[i] = x[i] / 127.5f - 1;
		return rc ? rc : npy_write(stdout, "stdout", NPY_F32, x, n);
	}
	uint8_t *const bytes = (uint8_t *)x; /* in place: byte i lies before value i */
	for (size_t i = 0; i < n; i++) {
		const float v = roundf(x[i]);
		bytes[i] = (uint8_t)(!(v > 0) ? 0 : v > 255 ? 255 : v);
	}
	return rc ? rc : npy_write(stdout, "stdout", NPY_U8, bytes, n);
}

int pyramid_read(FILE *in, const char *name, bool f32, const struct pyramid_options *options)
{
	struct npy_header h;
	struct npy_header written = { .ndim = 0 }; /* of a record of one image, as those on stdout are */
	int64_t done = 0;
	int got = npy_read_header(in, name, &h), rc = got < 0 ? got : 0;
	while (got > 0) {
		struct group g = { 0 };
		if (!(rc = group_start(&g, name, &h, options->levels)) && !(rc = group_like(&g, &written, name)) && !(rc = group_read(&g, in, name, &h)))
			got = npy_read_header(in, name, &h); /* before anything of this one is written */
		rc = rc ? rc : got < 0 ? got : got > 0 ? group_ended(&g, name, &h) : 0;
		if (!rc && !(rc = group_check(&g, name)) && !(rc = group_collapse(&g, name)))
			rc = group_write(&g, f32);
		for (int k = 0; k < g.levels; k++)
			free(g.level[k]);
		if (rc)
			break;
		written = (struct npy_header){ f32 ? NPY_F32 : NPY_U8, 4, { 1, g.c, g.side, g.side } };
		done += g.n;
		if (options->progress)
			options->progress(options->progress_ctx, done);
	}
	if (rc && written.ndim)
		npy_write_broken(stdout, &written);
	if (!rc && !done)
		return error_set(ERR_INPUT, "'%s' holds no images", name);
	return rc;
}
