#include "dataset_verify.h"

#include <stdlib.h>
#include <string.h>

#include "h5file.h"
#include "labels.h"
#include "ordered.h"
#include "size.h"

/* One picture. */
struct verify_item {
	int64_t i;
	uint8_t *stored, *made; /* as levels_make() leaves them */
	int wrong;              /* the side of the first level that differs, 0 if none does */
};

struct verifier {
	struct dataset *d;
	int side;
	struct levels **maker; /* by thread */
	int64_t next;
	void (*progress)(void *ctx, int64_t done);
	void *progress_ctx;
};

/* All resolutions of a picture, one after another; those that the file lacks are left as they are. Called by one thread at a time. */
static int read_picture(struct dataset *d, int64_t i, uint8_t *out)
{
	int rc = 0;
	for (int side = DATASET_MIN_SIDE; !rc && side <= dataset_side(d); out += level_size(side), side *= 2)
		if (dataset_has(d, side) && !(rc = dataset_select(d, side, 0)))
			rc = dataset_rows(d, &i, 1, out);
	return rc;
}

/* The side of the first level that is not what the filter makes of the full size. */
static int first_wrong(const struct dataset *d, struct levels *maker, const uint8_t *stored, uint8_t *made)
{
	levels_make(maker, made, stored + levels_size(dataset_side(d) / 2));
	for (int side = DATASET_MIN_SIDE; side < dataset_side(d); stored += level_size(side), made += level_size(side), side *= 2)
		if (dataset_has(d, side) && memcmp(stored, made, level_size(side)))
			return side;
	return 0;
}

static int feed(void *ctx, void *data)
{
	struct verifier *v = ctx;
	struct verify_item *item = data;
	if (v->next == dataset_count(v->d))
		return 0;
	item->i = v->next++;
	const int rc = read_picture(v->d, item->i, item->stored);
	return rc ? rc : 1;
}

static int work(void *ctx, int thread, void *data)
{
	struct verifier *v = ctx;
	struct verify_item *item = data;
	item->wrong = v->maker ? first_wrong(v->d, v->maker[thread], item->stored, item->made) : 0;
	return 0;
}

static int drain(void *ctx, void *data)
{
	struct verifier *v = ctx;
	const struct verify_item *item = data;
	if (item->wrong)
		return error_set(ERR_INPUT, "'%s': picture %lld at %dx%d is not the one at %dx%d made smaller", dataset_name(v->d), (long long)item->i,
				 item->wrong, item->wrong, v->side, v->side);
	if (v->progress)
		v->progress(v->progress_ctx, item->i + 1);
	return 0;
}

enum { FILTERS = LEVELS_BOX + 1 };

/* Of a set of filters, a bit each, those that made the levels of a picture. */
static unsigned which_made(const struct dataset *d, struct levels *const maker[], unsigned filters, const uint8_t *stored, uint8_t *made)
{
	for (int f = 0; f < FILTERS; f++)
		if (filters >> f & 1 && first_wrong(d, maker[f], stored, made))
			filters &= ~(1u << f);
	return filters;
}

/* Which filter made the levels of the first pictures: its number, -1 for neither, or an error. A picture of one colour is the same by any. */
static int find_filter(struct dataset *d, int *filter)
{
	const size_t size = levels_size(dataset_side(d));
	uint8_t *stored = size_alloc(size, 1), *made = size_alloc(size, 1);
	struct levels *maker[FILTERS] = { NULL };
	unsigned filters = (1u << FILTERS) - 1;
	int rc = stored && made ? 0 : ERR_FAILED;

	for (int f = 0; !rc && f < FILTERS; f++)
		rc = levels_new(&maker[f], dataset_side(d), (enum level_filter)f);
	for (int64_t i = 0; !rc && filters & (filters - 1) && i < dataset_count(d); i++)
		if (!(rc = read_picture(d, i, stored)))
			filters = which_made(d, maker, filters, stored, made);
	*filter = -1;
	for (int f = FILTERS - 1; f >= 0; f--)
		*filter = filters >> f & 1 ? f : *filter;
	for (int f = 0; f < FILTERS; f++)
		levels_free(&maker[f]);
	free(stored);
	free(made);
	return rc;
}

/* Whether the file says that it is pack-h5's, whose levels are known. */
static int is_ours(const char *path, bool *ours)
{
	struct h5file *f;
	int rc = h5_open(&f, path);

	*ours = false;
	if (rc)
		return rc;
	rc = h5_text_is(f, "/", "tool", "pack-h5", ours);
	h5_release(&f);
	return rc;
}

/* Reads the labels, of which there has to be a row for every picture. columns: 0 if there are none. */
static int verify_labels(const char *path, int64_t n, int *columns)
{
	struct labels l;
	const int rc = labels_of_h5(&l, path, n);
	*columns = l.columns;
	labels_free(&l);
	return rc;
}

static int verify_all(struct verifier *v, int threads, int filter)
{
	const size_t items = ordered_items(threads), size = levels_size(v->side);
	struct verify_item *item = size_zalloc(items, sizeof *item);
	struct levels **maker = size_zalloc((size_t)threads, sizeof(struct levels *));
	const struct ordered o = { threads, item, items, sizeof *item, v, feed, work, drain };
	int rc = item && maker ? 0 : ERR_FAILED;

	for (size_t i = 0; i < items && !rc; i++)
		if (!(item[i].stored = size_zalloc(size, 1)) || !(item[i].made = size_alloc(size, 1)))
			rc = ERR_FAILED;
	for (int i = 0; i < threads && !rc && filter >= 0; i++)
		rc = levels_new(&maker[i], v->side, (enum level_filter)filter);
	v->maker = filter >= 0 ? maker : NULL;
	if (!rc)
		rc = ordered_run(&o);
	for (size_t i = 0; item && i < items; i++) {
		free(item[i].stored);
		free(item[i].made);
	}
	for (int i = 0; maker && i < threads; i++)
		levels_free(&maker[i]);
	free(item);
	free(maker);
	return rc;
}

int dataset_verify(struct verify_result *result, const char *path, int threads, void (*progress)(void *ctx, int64_t done), void *progress_ctx)
{
	struct verifier v = { .progress = progress, .progress_ctx = progress_ctx };
	bool ours;
	int filter, rc;

	*result = (struct verify_result){ 0 };
	if ((rc = is_ours(path, &ours)) || (rc = dataset_open(&v.d, path)))
		return rc;
	*result = (struct verify_result){ .n = dataset_count(v.d), .side = v.side = dataset_side(v.d) };
	for (int side = DATASET_MIN_SIDE; side < v.side; side *= 2)
		result->levels += dataset_has(v.d, side);
	if (!(rc = verify_labels(path, result->n, &result->labels)) && !(rc = find_filter(v.d, &filter))) {
		if (filter < 0 && ours) /* to name the level that is wrong */
			filter = LEVELS_BILINEAR;
		result->filter = filter < 0 ? NULL : level_filter_names[filter];
		rc = verify_all(&v, threads, filter);
	}
	dataset_close(&v.d);
	return rc;
}
