#include "swd.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "digest.h"
#include "sliced.h"
#include "size.h"
#include "swd_reference.h"
#include "w1.h"

enum { BATCH = 256, SIDES = 2 };

static const size_t DEFAULT_MEMORY = (size_t)512 << 20;

int64_t swd_protocol_images(enum swd_protocol p)
{
	return p == SWD_KARRAS ? 16384 : 1001 * SWD_BATCH;
}

int swd_levels(enum swd_protocol p, int side, const char *name)
{
	const int levels = laplacian_levels(side);
	if (!levels)
		return error_set(ERR_INPUT, "'%s': images of side %d; the distance is defined for sides of 16 times a power of two, as its levels halve down to 16", name,
		                 side);
	if (p == SWD_KARRAS)
		return levels;
	return levels + 1 < 4 ? levels + 1 : 4; /* log2(side) - 2, one level below 16 at small sides */
}

int swd_open_set(struct image_set *s, const char *input, int side, int64_t limit, enum swd_protocol p)
{
	return image_set_open(s, input, side, limit, p == SWD_KARRAS ? 1 : SWD_BATCH, p == SWD_KARRAS);
}

/* What a comparison works with. */
struct work {
	const struct swd_settings *settings;
	const struct swd_part *part[SIDES]; /* NULL: there are statistics of it, or it is not asked for */
	int64_t n;                 /* images of a part */
	int levels, c, side, threads;
	size_t descriptors, pitch; /* per set; rounded up to whole blocks */
	struct laplacian *pyramid; /* one per thread */
	struct patch_sums *sums;   /* (images, levels) of one set: added up in one order, whatever the threads do */
	struct patch_stats stats[SIDES][LAPLACIAN_LEVELS];
	int level;                 /* the one at work */
	int first, last;           /* levels that pyramids are built for */
	int chunk;                 /* directions projected at once */
	float *directions;         /* (chunk, c * 49) */
	float *projection[SIDES];  /* (chunk in whole tiles, pitch) */
	struct projector projector;
	struct w1 **w1;            /* one per thread */
	int64_t done, total;       /* for progress: images gone through */
};

/* -- the images of a part -- */

/* Images that patches are cut from. */
static int64_t used_images(enum swd_protocol protocol, int64_t n)
{
	return protocol == SWD_KARRAS ? n : (n + SWD_BATCH - 1) / SWD_BATCH;
}

/* Patches of image i of a part, and the index of the first. */
static size_t image_patches(const struct work *w, int64_t i, size_t *first)
{
	if (w->settings->protocol == SWD_KARRAS) {
		*first = (size_t)i * SWD_PATCHES;
		return SWD_PATCHES;
	}
	const int64_t left = w->n - i * SWD_BATCH;
	*first = (size_t)i * SWD_PATCHES * SWD_BATCH;
	return SWD_PATCHES * (size_t)(left < SWD_BATCH ? left : SWD_BATCH);
}

/* Points at[0 … n) at the patches first … first + n on level `level` of an image. */
static struct patch_layout locate(const struct work *w, int side, const struct laplacian *l, int level, size_t first, size_t n, const float **at)
{
	const size_t s = (size_t)(w->side >> level);
	const uint32_t corners = (uint32_t)s - PATCH_SIDE + (w->settings->protocol == SWD_KARRAS);
	for (size_t j = 0; j < n; j++) {
		uint32_t y, x;
		patch_corner(w->settings->seed, w->part[side]->id * LAPLACIAN_LEVELS + (uint32_t)level, first + j, corners, &y, &x);
		at[j] = l->level[level] + (size_t)y * s + x;
	}
	return (struct patch_layout){ w->c, s, s * s };
}

/* Builds the pyramid of every image of a part, several at a time, and hands it to `each`. */
static int for_images(struct work *w, int side, void (*each)(struct work *, int side, int64_t i, int thread))
{
	const struct swd_part *const p = w->part[side];
	const size_t values = (size_t)w->c * (size_t)w->side * (size_t)w->side;
	const int64_t n = used_images(w->settings->protocol, w->n), first = w->settings->protocol == SWD_KARRAS ? p->first : p->first / SWD_BATCH;
	for (int64_t start = 0; start < n; start += BATCH) {
		const int64_t count = n - start < BATCH ? n - start : BATCH;
		const void *data;
		const int rc = image_set_get(p->set, first + start, count, &data);
		if (rc)
			return rc;
#pragma omp parallel for num_threads(w->threads) schedule(dynamic)
		for (int64_t i = 0; i < count; i++) {
			const int t = omp_get_thread_num();
			float *const image = w->pyramid[t].level[0];
			if (p->set->type == NPY_U8)
				for (size_t v = 0; v < values; v++)
					image[v] = ((const uint8_t *)data)[(size_t)i * values + v];
			else
				memcpy(image, (const float *)data + (size_t)i * values, values * sizeof *image);
			laplacian_build(&w->pyramid[t], image, w->first, w->last);
			each(w, side, start + i, t);
		}
		w->done += count;
		if (w->settings->progress)
			w->settings->progress(w->settings->ctx, w->done, w->total);
	}
	return 0;
}

/* -- standardization -- */

static void sum_image(struct work *w, int side, int64_t i, int thread)
{
	const float *at[SLICED_BLOCK];
	size_t first;
	const size_t n = image_patches(w, i, &first);
	for (int level = 0; level < w->levels; level++) {
		struct patch_sums *const sums = &w->sums[i * w->levels + level];
		*sums = (struct patch_sums){ 0 };
		for (size_t j = 0; j < n; j += SLICED_BLOCK) {
			const struct patch_layout layout = locate(w, side, &w->pyramid[thread], level, first + j, SLICED_BLOCK, at);
			patch_sums_add(sums, at, SLICED_BLOCK, layout);
		}
	}
}

static int standardize(struct work *w, int side)
{
	const struct swd_part *const p = w->part[side];
	int rc;
	w->first = 0;
	w->last = w->levels;
	if ((rc = for_images(w, side, sum_image)))
		return rc;
	for (int level = 0; !rc && level < w->levels; level++) {
		struct patch_sums all = { 0 };
		for (int64_t i = 0; i < used_images(w->settings->protocol, w->n); i++)
			for (int c = 0; c < w->c; c++) {
				all.sum[c] += w->sums[i * w->levels + level].sum[c];
				all.squares[c] += w->sums[i * w->levels + level].squares[c];
			}
		rc = patch_stats_from(&w->stats[side][level], &all, w->descriptors, w->c, p->set->name);
	}
	return rc;
}

/* -- distances -- */

static void project_image(struct work *w, int side, int64_t i, int thread)
{
	const float *at[SLICED_BLOCK];
	size_t first;
	const size_t n = image_patches(w, i, &first);
	for (size_t j = first; j < first + n; j += SLICED_BLOCK) {
		const struct patch_layout layout = locate(w, side, &w->pyramid[thread], w->level, j, SLICED_BLOCK, at);
		projector_run(&w->projector, thread, w->projection[side] + j, w->pitch, at, layout);
	}
}

/* Direction `first + d` of the level at work: summary and distance. */
static void finish_direction(struct work *w, double *out, int first, int d)
{
	const struct swd_settings *const s = w->settings;
	struct w1 *const w1 = w->w1[omp_get_thread_num()];
	const float *const a = w->part[0] ? w->projection[0] + (size_t)d * w->pitch : NULL, *const b = w->part[1] ? w->projection[1] + (size_t)d * w->pitch : NULL;
	if (s->save && a) {
		struct w1_summary summary = swd_reference_summary(s->save, w->level, first + d);
		w1_summarize(&summary, a, w->descriptors);
		s->save->low[w->level * SWD_ALL_DIRECTIONS + first + d] = summary.low;
		s->save->scale[w->level * SWD_ALL_DIRECTIONS + first + d] = summary.scale;
	}
	if (a && b) {
		out[d] = w1_distance(w1, a, b);
	} else if (b) {
		const struct w1_summary summary = swd_reference_summary(s->saved, w->level, first + d);
		out[d] = w1_distance_to(w1, &summary, b);
	}
}

/* out: the distance along each direction first … first + n of a level. */
static int level_distances(struct work *w, double *out, int first, int n)
{
	const size_t length = (size_t)w->c * PATCH_AREA;
	w->first = w->last = w->level;
	sliced_directions(w->directions, w->settings->seed, (uint32_t)w->level, (size_t)first, (size_t)n, length);
	for (int side = 0; side < SIDES; side++) {
		if (!w->part[side])
			continue;
		projector_aim(&w->projector, w->directions, n, w->c, &w->stats[side][w->level]);
		const int rc = for_images(w, side, project_image);
		if (rc)
			return rc;
	}
#pragma omp parallel for num_threads(w->threads) schedule(dynamic)
	for (int d = 0; d < n; d++)
		finish_direction(w, out, first, d);
	return 0;
}

/* Means over the directions of each repeat, in thousandths. */
static void repeat_means(double out[SWD_REPEATS], const double distance[SWD_ALL_DIRECTIONS])
{
	for (int r = 0; r < SWD_REPEATS; r++) {
		out[r] = 0;
		for (int d = 0; d < SWD_DIRECTIONS; d++)
			out[r] += distance[r * SWD_DIRECTIONS + d] * 1000 / SWD_DIRECTIONS;
	}
}

static double mean_and_error(const double x[SWD_REPEATS], double *error)
{
	double mean = 0, squares = 0;
	for (int r = 0; r < SWD_REPEATS; r++)
		mean += x[r] / SWD_REPEATS;
	for (int r = 0; r < SWD_REPEATS; r++)
		squares += (x[r] - mean) * (x[r] - mean);
	*error = sqrt(squares / (SWD_REPEATS - 1) / SWD_REPEATS);
	return mean;
}

static int compare(struct work *w, struct swd_result *out)
{
	double distance[SWD_ALL_DIRECTIONS] = { 0 }, means[SWD_REPEATS], average[SWD_REPEATS] = { 0 };
	int rc;
	for (int side = 0; side < SIDES; side++)
		if (w->part[side] && (rc = standardize(w, side)))
			return rc;
	struct swd_result unused;
	out = out ? out : &unused;
	*out = (struct swd_result){ .levels = w->levels };
	for (w->level = 0; w->level < w->levels; w->level++) {
		for (int first = 0; first < SWD_ALL_DIRECTIONS; first += w->chunk) {
			const int n = SWD_ALL_DIRECTIONS - first < w->chunk ? SWD_ALL_DIRECTIONS - first : w->chunk;
			if ((rc = level_distances(w, distance + first, first, n)))
				return rc;
		}
		repeat_means(means, distance);
		for (int r = 0; r < SWD_REPEATS; r++)
			average[r] += means[r] / w->levels;
		out->side[w->level] = w->side >> w->level;
		out->value[w->level] = mean_and_error(means, &out->error[w->level]);
	}
	out->average = mean_and_error(average, &out->average_error);
	return 0;
}

/* -- memory -- */

/* The number of directions whose projections fit, spread evenly over the passes. */
static int chunk_size(const struct work *w)
{
	const size_t memory = w->settings->memory ? w->settings->memory : DEFAULT_MEMORY, tile = (size_t)projector_rows(1);
	const size_t parts = (w->part[0] != NULL) + (w->part[1] != NULL);
	size_t most = memory / (parts * w->pitch * sizeof(float)) / tile * tile;
	if (most < tile)
		most = tile;
	if (most >= SWD_ALL_DIRECTIONS)
		return SWD_ALL_DIRECTIONS;
	const size_t passes = (SWD_ALL_DIRECTIONS + most - 1) / most;
	return projector_rows((int)((SWD_ALL_DIRECTIONS + passes - 1) / passes));
}

/* Much memory that is written in many places at once: in huge pages where the system has them. */
static float *large_alloc(size_t n)
{
	const size_t page = 4096;
	float *p = size_alloc(n, sizeof *p);
	const size_t skip = (page - (uintptr_t)p % page) % page, bytes = n * sizeof *p;
	if (p && bytes > skip)
		(void)madvise((char *)p + skip, (bytes - skip) / page * page, MADV_HUGEPAGE);
	return p;
}

static int work_open(struct work *w)
{
	const size_t length = (size_t)w->c * PATCH_AREA, threads = (size_t)w->threads, images = (size_t)used_images(w->settings->protocol, w->n);
	int rc;
	w->descriptors = (size_t)w->n * SWD_PATCHES; /* a multiple of SLICED_BLOCK */
	w->pitch = w->descriptors;
	w->chunk = chunk_size(w);
	const size_t rows = (size_t)projector_rows(w->chunk), passes = (size_t)((SWD_ALL_DIRECTIONS + w->chunk - 1) / w->chunk);
	w->total = (int64_t)(images * (1 + (size_t)w->levels * passes)) * ((w->part[0] != NULL) + (w->part[1] != NULL));
	if ((rc = projector_open(&w->projector, w->chunk, w->c)))
		return rc;
	if (!(w->pyramid = size_zalloc(threads, sizeof *w->pyramid)) || !(w->w1 = size_zalloc(threads, sizeof *w->w1)))
		return ERR_FAILED;
	for (size_t t = 0; t < threads; t++)
		if ((rc = laplacian_alloc(&w->pyramid[t], w->c, w->side, w->levels)) || (rc = w1_open(&w->w1[t], w->descriptors)))
			return rc;
	if (!(w->sums = size_alloc(images * (size_t)w->levels, sizeof *w->sums)) || !(w->directions = size_alloc((size_t)w->chunk * length, sizeof(float))))
		return ERR_FAILED;
	for (int side = 0; side < SIDES; side++)
		if (w->part[side] && !(w->projection[side] = large_alloc(rows * w->pitch)))
			return ERR_FAILED;
	return 0;
}

static void work_close(struct work *w)
{
	for (int t = 0; t < w->threads; t++) {
		if (w->pyramid)
			laplacian_free(&w->pyramid[t]);
		if (w->w1)
			w1_close(&w->w1[t]);
	}
	projector_close(&w->projector);
	free(w->pyramid);
	free(w->w1);
	free(w->sums);
	free(w->directions);
	free(w->projection[0]);
	free(w->projection[1]);
}

static bool same_shape(const struct swd_part *a, const struct swd_part *b, const struct swd_reference *saved)
{
	if (!a)
		return saved && saved->n == b->n && saved->c == b->set->c && saved->side == b->set->side;
	return !b || (a->n == b->n && a->set->c == b->set->c && a->set->side == b->set->side);
}

int swd_compute(struct swd_result *out, const struct swd_part *a, const struct swd_part *b, const struct swd_settings *settings)
{
	const struct swd_part *const any = a ? a : b;
	struct work w = { .settings = settings, .part = { a, b }, .n = any->n, .c = any->set->c, .side = any->set->side, .threads = omp_get_max_threads() };
	w.levels = swd_levels(settings->protocol, w.side, any->set->name);
	if (w.levels < 0)
		return w.levels;
	if (!same_shape(a, b, settings->saved))
		return error_set(ERR_USAGE, "sets of different shape cannot be compared");
	int rc = work_open(&w);
	if (!rc)
		rc = compare(&w, out);
	work_close(&w);
	if (!rc && a && settings->save)
		rc = swd_digest(a->set, a->n, settings->protocol, &settings->save->digest);
	return rc;
}

int swd_digest(struct image_set *set, int64_t n, enum swd_protocol protocol, uint64_t *digest)
{
	const size_t size = (size_t)set->c * (size_t)set->side * (size_t)set->side * npy_type_size(set->type);
	const int64_t used = used_images(protocol, n);
	uint64_t each[BATCH];
	*digest = digest_add(digest_start(), &n, sizeof n);
	for (int64_t first = 0; first < used; first += BATCH) {
		const int64_t count = used - first < BATCH ? used - first : BATCH;
		const void *data;
		const int rc = image_set_get(set, first, count, &data);
		if (rc)
			return rc;
#pragma omp parallel for
		for (int64_t i = 0; i < count; i++)
			each[i] = digest_add(digest_start(), (const char *)data + (size_t)i * size, size);
		*digest = digest_add(*digest, each, (size_t)count * sizeof *each);
	}
	return 0;
}
