#include "swd.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "digest.h"
#include "sliced.h"
#include "size.h"
#include "swd_reference.h"

enum { BATCH = 256 };

static const size_t DEFAULT_MEMORY = (size_t)512 << 20;

const char *const swd_protocol_names[] = { [SWD_KARRAS] = "karras", [SWD_PADDLE] = "paddle" };

int64_t swd_protocol_images(enum swd_protocol p)
{
	return p == SWD_KARRAS ? 16384 : 1001 * SWD_BATCH;
}

int swd_levels(enum swd_protocol p, int side, const char *name)
{
	const int levels = laplacian_levels(side);
	if (!levels)
		return error_set(ERR_INPUT, "'%s': images of side %d; the distance is defined for sides of 16 times a power of two, as its levels halve down to 16",
			name, side);
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
	struct metric_device *device;       /* borrowed */
	const struct swd_part *part[SLICED_SETS]; /* NULL: there are statistics of it, or it is not asked for */
	int64_t n;                  /* images of a part */
	int levels;
	struct sliced_plan plan;
	struct patch_sums *sums;    /* (images, levels) of one set: added up in one order, whatever the device does */
	struct patch_stats stats[SLICED_SETS][LAPLACIAN_LEVELS];
	int level;                  /* the one at work */
	float *directions, *offset; /* (directions of the plan, c * 49) and (directions) */
	struct w1 **w1;             /* one per thread, for summaries */
	int threads;
	int64_t done, total;        /* for progress: images gone through */
};

/* -- the images of a part -- */

/* Images that patches are cut from. */
static int64_t used_images(enum swd_protocol protocol, int64_t n)
{
	return protocol == SWD_KARRAS ? n : (n + SWD_BATCH - 1) / SWD_BATCH;
}

/* Hands the images of a part to `each`, several at a time. */
static int for_images(struct work *w, int which, int (*each)(struct work *, const struct sliced_images *))
{
	const struct swd_part *const p = w->part[which];
	const int64_t n = used_images(w->settings->protocol, w->n), first = w->settings->protocol == SWD_KARRAS ? p->first : p->first / SWD_BATCH;
	for (int64_t start = 0; start < n; start += BATCH) {
		struct sliced_images images = { .bytes = p->set->type == NPY_U8, .first = start, .n = n - start < BATCH ? n - start : BATCH, .which = which,
			.stream_id = p->stream_id };
		int rc = image_set_get(p->set, first + start, images.n, &images.data);
		if (rc || (rc = each(w, &images)))
			return rc;
		w->done += images.n;
		if (w->settings->progress)
			w->settings->progress(w->settings->ctx, w->done, w->total);
	}
	return 0;
}

/* -- standardization -- */

static int sum_images(struct work *w, const struct sliced_images *images)
{
	return w->device->sliced_sums(w->device, w->sums + images->first * w->levels, images);
}

static int standardize(struct work *w, int which)
{
	const struct swd_part *const p = w->part[which];
	int rc = for_images(w, which, sum_images);
	for (int level = 0; !rc && level < w->levels; level++) {
		struct patch_sums all = { 0 };
		for (int64_t i = 0; i < used_images(w->settings->protocol, w->n); i++)
			for (int c = 0; c < w->plan.c; c++) {
				all.sum[c] += w->sums[i * w->levels + level].sum[c];
				all.squares[c] += w->sums[i * w->levels + level].squares[c];
			}
		rc = patch_stats_from(&w->stats[which][level], &all, w->plan.descriptors, w->plan.c, p->set->name);
	}
	return rc;
}

/* -- distances -- */

static int project_images(struct work *w, const struct sliced_images *images)
{
	return w->device->sliced_project(w->device, images, w->level);
}

/* Summaries along directions first … first + n, to be saved; and the distances to saved ones. */
static int save_summaries(struct work *w, int first, int n)
{
	struct swd_reference *const save = w->settings->save;
	const float *rows;
	const int rc = w->device->sliced_rows(w->device, 0, &rows);
	if (rc)
		return rc;
#pragma omp parallel for num_threads(w->threads) schedule(dynamic)
	for (int d = 0; d < n; d++) {
		const int at = w->level * SWD_ALL_DIRECTIONS + first + d;
		struct w1_summary summary = swd_reference_summary(save, w->level, first + d);
		w1_summarize(&summary, rows + (size_t)d * w->plan.descriptors, w->plan.descriptors);
		save->low[at] = summary.low;
		save->scale[at] = summary.scale;
	}
	return 0;
}

static int distances_to_saved(struct work *w, double *out, int first, int n)
{
	const float *rows;
	const int rc = w->device->sliced_rows(w->device, 1, &rows);
	if (rc)
		return rc;
#pragma omp parallel for num_threads(w->threads) schedule(dynamic)
	for (int d = 0; d < n; d++) {
		const struct w1_summary summary = swd_reference_summary(w->settings->saved, w->level, first + d);
		out[d] = w1_distance_to(w->w1[omp_get_thread_num()], &summary, rows + (size_t)d * w->plan.descriptors);
	}
	return 0;
}

/* out: the distance along each direction first … first + n of a level. */
static int level_distances(struct work *w, double *out, int first, int n)
{
	const size_t length = (size_t)w->plan.c * PATCH_AREA;
	int rc;
	for (int which = 0; which < SLICED_SETS; which++) {
		if (!w->part[which])
			continue;
		sliced_directions(w->directions, w->settings->seed, (uint32_t)w->level, (size_t)first, (size_t)n, length);
		sliced_standardize(w->directions, w->offset, n, w->plan.c, &w->stats[which][w->level]);
		if ((rc = w->device->sliced_aim(w->device, w->directions, w->offset, n)) || (rc = for_images(w, which, project_images)))
			return rc;
	}
	if (w->settings->save && w->part[0] && (rc = save_summaries(w, first, n)))
		return rc;
	if (w->part[0] && w->part[1])
		return w->device->sliced_distances(w->device, out, n);
	return w->part[1] ? distances_to_saved(w, out, first, n) : 0;
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

double swd_mean(const double x[SWD_REPEATS], double *error)
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
	for (int which = 0; which < SLICED_SETS; which++)
		if (w->part[which] && (rc = standardize(w, which)))
			return rc;
	struct swd_result unused;
	out = out ? out : &unused;
	*out = (struct swd_result){ .levels = w->levels };
	for (w->level = 0; w->level < w->levels; w->level++) {
		for (int first = 0; first < SWD_ALL_DIRECTIONS; first += w->plan.directions) {
			const int n = SWD_ALL_DIRECTIONS - first < w->plan.directions ? SWD_ALL_DIRECTIONS - first : w->plan.directions;
			if ((rc = level_distances(w, distance + first, first, n)))
				return rc;
		}
		repeat_means(means, distance);
		for (int r = 0; r < SWD_REPEATS; r++)
			average[r] += means[r] / w->levels;
		out->side[w->level] = w->plan.side >> w->level;
		out->value[w->level] = swd_mean(means, &out->error[w->level]);
	}
	out->average = swd_mean(average, &out->average_error);
	return 0;
}

/* -- memory -- */

/* The number of directions whose projections fit, spread evenly over the passes. Rows that come to the host fit there, too. */
static int chunk_size(const struct work *w)
{
	const bool on_host = w->settings->save || w->settings->saved;
	const size_t given = w->settings->memory ? w->settings->memory : w->device->memory && !on_host ? w->device->memory : DEFAULT_MEMORY;
	const size_t parts = (w->part[0] != NULL) + (w->part[1] != NULL), tile = (size_t)w->device->tile;
	size_t most = given / (parts * w->plan.descriptors * sizeof(float)) / tile * tile;
	if (most < tile)
		most = tile;
	if (most >= SWD_ALL_DIRECTIONS)
		return SWD_ALL_DIRECTIONS;
	const size_t passes = (SWD_ALL_DIRECTIONS + most - 1) / most;
	return (int)(((SWD_ALL_DIRECTIONS + passes - 1) / passes + tile - 1) / tile * tile);
}

static int work_open(struct work *w)
{
	const struct image_set *const set = w->part[0] ? w->part[0]->set : w->part[1]->set;
	const int64_t images = used_images(w->settings->protocol, w->n);
	struct sliced_plan *const p = &w->plan;
	*p = (struct sliced_plan){ .c = set->c, .side = set->side, .levels = w->levels, .descriptors = (size_t)w->n * SWD_PATCHES, .seed = w->settings->seed,
		                   .patches = w->settings->protocol == SWD_KARRAS ? SWD_PATCHES : SWD_PATCHES * SWD_BATCH,
		                   .last_corner = w->settings->protocol == SWD_KARRAS, .wanted = { w->part[0] != NULL, w->part[1] != NULL } };
	if (w->n > SWD_MAX_IMAGES)
		return error_set(ERR_USAGE, "sets of %lld images are larger than the %d that can be compared", (long long)w->n, SWD_MAX_IMAGES);
	p->directions = chunk_size(w);
	w->total = images * (1 + w->levels * ((SWD_ALL_DIRECTIONS + p->directions - 1) / p->directions)) * ((w->part[0] != NULL) + (w->part[1] != NULL));
	w->sums = size_alloc((size_t)images * (size_t)w->levels, sizeof *w->sums);
	w->directions = size_alloc((size_t)p->directions * (size_t)p->c * PATCH_AREA, sizeof(float));
	w->offset = size_alloc((size_t)p->directions, sizeof(float));
	w->w1 = size_zalloc((size_t)w->threads, sizeof *w->w1);
	if (!w->sums || !w->directions || !w->offset || !w->w1)
		return ERR_FAILED;
	for (int t = 0; w->settings->saved && t < w->threads; t++) {
		const int rc = w1_open(&w->w1[t], p->descriptors);
		if (rc)
			return rc;
	}
	return w->device->sliced_open(w->device, p);
}

static void work_close(struct work *w)
{
	for (int t = 0; w->w1 && t < w->threads; t++)
		w1_close(&w->w1[t]);
	free(w->w1);
	free(w->sums);
	free(w->directions);
	free(w->offset);
}

static bool same_shape(const struct swd_part *a, const struct swd_part *b, const struct swd_reference *saved)
{
	if (!a)
		return saved && saved->n == b->n && saved->c == b->set->c && saved->side == b->set->side;
	return !b || (a->n == b->n && a->set->c == b->set->c && a->set->side == b->set->side);
}

int swd_compute(struct swd_result *out, struct metric_device *device, const struct swd_part *a, const struct swd_part *b, const struct swd_settings *settings)
{
	const struct swd_part *const any = a ? a : b;
	struct work w = { .settings = settings, .device = device, .part = { a, b }, .n = any->n, .threads = omp_get_max_threads() };
	w.levels = swd_levels(settings->protocol, any->set->side, any->set->name);
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
