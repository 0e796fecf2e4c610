#include "pyramid.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"
#include "laplacian.h"
#include "outfile.h"
#include "size.h"

enum { BATCH = 64, VIEW = 64, TILE = 64 };

/* Where a level goes. */
struct level_out {
	int side, index;
	size_t values;       /* of an image */
	FILE *stream;        /* borrowed */
	const char *name;    /* for messages, borrowed */
	char *path, *view;   /* owned; NULL on stdout */
	struct outfile file;
	float *batch;        /* (BATCH, values) */
	float *held;         /* what waits for its turn on stdout, or NULL */
	float *shown;        /* first images, for the picture */
	int64_t n_shown;
};

struct forward {
	struct images *in; /* borrowed */
	const struct pyramid_options *options;
	struct laplacian *pyramid; /* one per thread */
	int n_pyramids, n_levels;
	struct level_out level[LAPLACIAN_LEVELS];
	void *raw;     /* (BATCH) images as they come */
};

static int level_open(struct level_out *out, const char *directory, int c, int side, int index)
{
	*out = (struct level_out){ .side = side, .index = index, .values = (size_t)c * (size_t)side * (size_t)side, .stream = stdout, .name = "stdout" };
	if (!(out->batch = size_alloc(BATCH * out->values, sizeof(float))))
		return ERR_FAILED;
	if (!directory)
		return 0;
	if (!(out->shown = size_alloc(VIEW * out->values, sizeof(float))))
		return ERR_FAILED;
	if (asprintf(&out->path, "%s/level%d.npy", directory, side) < 0 || asprintf(&out->view, "%s/level%d.png", directory, side) < 0)
		return error_set(ERR_FAILED, "out of memory");
	const int rc = outfile_open(&out->file, out->path);
	if (rc)
		return rc;
	out->name = out->path;
	return (out->stream = outfile_stream(&out->file)) ? 0 : ERR_FAILED;
}

static void level_close(struct level_out *out)
{
	outfile_discard(&out->file);
	free(out->path);
	free(out->view);
	free(out->batch);
	free(out->held);
	free(out->shown);
}

static int level_header(const struct level_out *out, int c, int64_t n)
{
	const struct npy_header h = { NPY_F32, 4, { n, c, out->side, out->side } };
	return npy_write_header(out->stream, out->name, &h);
}

/* The picture of a level: differences doubled around grey, the rest as it is. */
static int level_view(const struct level_out *out, int c, bool rest)
{
	const size_t n = (size_t)out->n_shown * out->values;
	uint8_t *bytes = size_alloc(n, 1);
	struct picture p = { 0 };
	int rc;
	if (!bytes)
		return ERR_FAILED;
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)lrintf(fminf(255, fmaxf(0, rest ? out->shown[i] : 128 + 2 * out->shown[i])));
	rc = grid_picture(&p, bytes, out->n_shown, c, out->side, out->n_shown < 8 ? (int)out->n_shown : 8, grid_scale(out->side, TILE));
	if (!rc)
		rc = picture_write(&p, out->view);
	picture_free(&p);
	free(bytes);
	return rc;
}

static int forward_open(struct forward *f)
{
	const struct pyramid_options *const o = f->options;
	const int side = f->in->side, c = f->in->c, depth = o->levels ? o->levels : laplacian_levels(side);
	int rc;
	if (!depth)
		return error_set(ERR_INPUT, "'%s': a side of %d does not halve down to 16; --levels says how often to halve it", f->in->name, side);
	if (o->directory && (rc = outfile_folder(o->directory)))
		return rc;
	if (!(f->raw = images_alloc(f->in, BATCH)) || !(f->pyramid = size_zalloc((size_t)f->n_pyramids, sizeof *f->pyramid)))
		return ERR_FAILED;
	for (int t = 0; t < f->n_pyramids; t++)
		if ((rc = laplacian_alloc(&f->pyramid[t], c, side, depth)))
			return rc;
	for (int k = 0; k < depth; k++)
		if ((!o->level || side >> k == o->level) && (rc = level_open(&f->level[f->n_levels++], o->directory, c, side >> k, k)))
			return rc;
	return f->n_levels ? 0 : error_set(ERR_USAGE, "images of side %d have no level of side %d", side, o->level);
}

/* The pyramids of one image of the batch. */
static void forward_image(struct forward *f, struct laplacian *l, int64_t j)
{
	const size_t values = (size_t)f->in->c * (size_t)f->in->side * (size_t)f->in->side;
	float *const image = l->level[0];
	if (f->in->type == NPY_U8)
		for (size_t v = 0; v < values; v++)
			image[v] = ((const uint8_t *)f->raw)[(size_t)j * values + v];
	else
		for (size_t v = 0; v < values; v++)
			image[v] = (((const float *)f->raw)[(size_t)j * values + v] + 1) * 127.5f;
	laplacian_build(l, image, 0, LAPLACIAN_LEVELS);
	for (int k = 0; k < f->n_levels; k++) {
		const struct level_out *out = &f->level[k];
		memcpy(out->batch + (size_t)j * out->values, l->level[out->index], out->values * sizeof(float));
	}
}

/* Writes, holds and shows n images that follow the first `done` of the record. */
static int level_batch(struct level_out *out, int64_t done, int64_t n)
{
	const int64_t shown = !out->shown ? 0 : VIEW - out->n_shown < n ? VIEW - out->n_shown : n;
	if (shown)
		memcpy(out->shown + (size_t)out->n_shown * out->values, out->batch, (size_t)shown * out->values * sizeof(float));
	out->n_shown += shown;
	if (!out->held)
		return npy_write(out->stream, out->name, NPY_F32, out->batch, (size_t)n * out->values);
	memcpy(out->held + (size_t)done * out->values, out->batch, (size_t)n * out->values * sizeof(float));
	return 0;
}

static int forward_record(struct forward *f, int64_t n, int64_t before)
{
	int rc;
	for (int k = 0; k < f->n_levels; k++) {
		struct level_out *out = &f->level[k];
		if ((f->options->directory || k == 0) && (rc = level_header(out, f->in->c, n)))
			return rc;
		if (!f->options->directory && k > 0 && !(out->held = size_alloc((size_t)n, out->values * sizeof(float))))
			return error_set(ERR_FAILED, "out of memory: a record of %lld images of %dx%d, as '%s' has it, does not fit; -o DIR holds none",
			                 (long long)n, f->in->side, f->in->side, f->in->name);
	}
	for (int64_t done = 0, got; done < n; done += got) {
		got = images_read(f->in, f->raw, n - done < BATCH ? n - done : BATCH);
		if (got < 0)
			return (int)got;
#pragma omp parallel for num_threads(f->n_pyramids)
		for (int64_t j = 0; j < got; j++)
			forward_image(f, &f->pyramid[omp_get_thread_num()], j);
		for (int k = 0; k < f->n_levels; k++)
			if ((rc = level_batch(&f->level[k], done, got)))
				return rc;
		if (f->options->progress)
			f->options->progress(f->options->progress_ctx, before + done + got);
	}
	for (int k = 0; k < f->n_levels; k++) {
		struct level_out *out = &f->level[k];
		if (out->held && ((rc = level_header(out, f->in->c, n)) || (rc = npy_write(out->stream, out->name, NPY_F32, out->held, (size_t)n * out->values))))
			return rc;
		free(out->held);
		out->held = NULL;
	}
	return 0;
}

static int forward_records(struct forward *f)
{
	int64_t n, done = 0;
	int rc = 0;
	while (!rc && (n = images_left(f->in)) > 0) {
		rc = forward_record(f, n, done);
		done += n;
	}
	if (!rc && n < 0) {
		const struct level_out *first = &f->level[0];
		const struct npy_header h = { NPY_F32, 4, { 1, f->in->c, first->side, first->side } };
		if (done && !f->options->directory)
			npy_write_broken(first->stream, &h);
		rc = (int)n;
	}
	if (rc)
		return rc;
	if (!done)
		return error_set(ERR_INPUT, "'%s' holds no images", f->in->name);
	for (int k = 0; !rc && f->options->directory && k < f->n_levels; k++) {
		struct level_out *out = &f->level[k];
		if (!(rc = level_view(out, f->in->c, out->index == f->pyramid->levels - 1)))
			rc = outfile_commit(&out->file);
	}
	return rc;
}

int pyramid_write(struct images *in, const struct pyramid_options *options)
{
	struct forward f = { .in = in, .options = options, .n_pyramids = omp_get_max_threads() };
	int rc = forward_open(&f);
	if (!rc)
		rc = forward_records(&f);
	for (int k = 0; k < f.n_levels; k++)
		level_close(&f.level[k]);
	for (int t = 0; f.pyramid && t < f.n_pyramids; t++)
		laplacian_free(&f.pyramid[t]);
	free(f.pyramid);
	free(f.raw);
	return rc;
}
