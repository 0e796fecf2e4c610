#include "dataset.h"

#include <stdlib.h>
#include <string.h>

#include "h5out.h"
#include "images.h"
#include "size.h"

enum { C = 3, WAITING_BYTES = 8 << 20 }; /* how much is gathered before it is written */

struct dataset_writer {
	struct h5out out;
	int levels;
	int64_t n, waiting, most;           /* pictures written, gathered, and how many can be */
	uint8_t *level[DATASET_MAX_LEVELS]; /* (most,3,r,r) each */
	int columns;
	float *label; /* (most,columns), NULL without labels */
};

static int level_side(int level)
{
	return DATASET_MIN_SIDE << level;
}

static int create_level(struct dataset_writer *w, int level)
{
	const int64_t dim[4] = { 0, C, level_side(level), level_side(level) };
	char name[IMAGES_DATA_NAME];
	images_data_name(name, level_side(level));
	if (!(w->level[level] = size_alloc((size_t)w->most, level_size(level_side(level)))))
		return ERR_FAILED;
	return h5_create_rows(w->out.file, name, H5_U8, 4, dim);
}

int dataset_create(struct dataset_writer **out, const char *path, int side)
{
	struct dataset_writer *w = size_zalloc(1, sizeof *w);
	int rc = w ? h5out_open(&w->out, path) : ERR_FAILED;

	*out = NULL;
	if (rc) {
		free(w);
		return rc;
	}
	w->most = 1 + WAITING_BYTES / (int64_t)levels_size(side);
	for (; !rc && level_side(w->levels) <= side; w->levels++)
		rc = create_level(w, w->levels);
	if (rc)
		dataset_discard(&w);
	*out = w;
	return rc;
}

int dataset_label_columns(struct dataset_writer *w, const char *names, int columns)
{
	const int64_t dim[2] = { 0, columns };
	int rc;
	w->columns = columns;
	if (!(w->label = size_alloc((size_t)w->most * (size_t)columns, sizeof *w->label)))
		return ERR_FAILED;
	if ((rc = h5_create_rows(w->out.file, "labels", H5_F32, 2, dim)))
		return rc;
	return h5_set_text(w->out.file, "labels", "names", names);
}

void dataset_label(struct dataset_writer *w, const float *label)
{
	memcpy(w->label + w->waiting * w->columns, label, (size_t)w->columns * sizeof *label);
}

static int flush(struct dataset_writer *w)
{
	char name[IMAGES_DATA_NAME];
	int rc = 0;
	for (int i = 0; !rc && i < w->levels && w->waiting; i++) {
		images_data_name(name, level_side(i));
		rc = h5_append_rows(w->out.file, name, H5_U8, w->waiting, w->level[i]);
	}
	if (!rc && w->label && w->waiting)
		rc = h5_append_rows(w->out.file, "labels", H5_F32, w->waiting, w->label);
	w->n += w->waiting;
	w->waiting = 0;
	return rc;
}

int dataset_append(struct dataset_writer *w, const uint8_t *levels)
{
	for (int i = 0; i < w->levels; levels += level_size(level_side(i)), i++)
		memcpy(w->level[i] + (size_t)w->waiting * level_size(level_side(i)), levels, level_size(level_side(i)));
	return ++w->waiting == w->most ? flush(w) : 0;
}

int dataset_describe(struct dataset_writer *w, const char *name, const char *text)
{
	return h5_set_text(w->out.file, "/", name, text);
}

int dataset_commit(struct dataset_writer **writer)
{
	struct dataset_writer *w = *writer;
	int rc = w->n + w->waiting ? flush(w) : error_set(ERR_INPUT, "no pictures: nothing was written to '%s'", h5_name(w->out.file));

	rc = h5out_end(&w->out, rc);
	dataset_discard(writer);
	return rc;
}

void dataset_discard(struct dataset_writer **writer)
{
	struct dataset_writer *w = *writer;
	if (!w)
		return;
	h5out_discard(&w->out);
	for (int i = 0; i < w->levels; i++)
		free(w->level[i]);
	free(w->label);
	free(w);
	*writer = NULL;
}
