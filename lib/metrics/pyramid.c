#include "pyramid.h"

#include <errno.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "grid.h"
#include "laplacian.h"
#include "outfile.h"
#include "size.h"

enum { BATCH = 64, VIEW = 64 };

/* Where a level goes. */
struct sink {
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
	int n_pyramids, n_sinks;
	struct sink sink[LAPLACIAN_LEVELS];
	void *raw;     /* (BATCH) images as they come */
};

static int sink_open(struct sink *s, const char *directory, int c, int side, int index)
{
	*s = (struct sink){ .side = side, .index = index, .values = (size_t)c * (size_t)side * (size_t)side, .stream = stdout, .name = "stdout" };
	if (!(s->batch = size_alloc(BATCH * s->values, sizeof(float))))
		return ERR_FAILED;
	if (!directory)
		return 0;
	if (!(s->shown = size_alloc(VIEW * s->values, sizeof(float))))
		return ERR_FAILED;
	if (asprintf(&s->path, "%s/level%d.npy", directory, side) < 0 || asprintf(&s->view, "%s/level%d.png", directory, side) < 0)
		return error_set(ERR_FAILED, "out of memory");
	const int rc = outfile_open(&s->file, s->path);
	if (rc)
		return rc;
	s->name = s->path;
	return (s->stream = outfile_stream(&s->file)) ? 0 : ERR_FAILED;
}

static void sink_close(struct sink *s)
{
	outfile_discard(&s->file);
	free(s->path);
	free(s->view);
	free(s->batch);
	free(s->held);
	free(s->shown);
}

static int sink_header(const struct sink *s, int c, int64_t n)
{
	const struct npy_header h = { NPY_F32, 4, { n, c, s->side, s->side } };
	return npy_write_header(s->stream, s->name, &h);
}

/* The picture of a level: differences doubled around grey, the rest as it is. */
static int sink_view(const struct sink *s, int c, bool rest)
{
	const size_t n = (size_t)s->n_shown * s->values;
	uint8_t *bytes = size_alloc(n, 1);
	struct picture p = { 0 };
	int rc;
	if (!bytes)
		return ERR_FAILED;
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)lrintf(fminf(255, fmaxf(0, rest ? s->shown[i] : 128 + 2 * s->shown[i])));
	rc = grid_picture(&p, bytes, s->n_shown, c, s->side, s->n_shown < 8 ? (int)s->n_shown : 8, 2, s->side < 64 ? 64 / s->side : 1);
	if (!rc)
		rc = picture_write(&p, s->view);
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
	if (o->directory && mkdir(o->directory, 0777) && errno != EEXIST)
		return error_set(ERR_FAILED, "cannot create '%s': %s", o->directory, strerror(errno));
	if (!(f->raw = images_alloc(f->in, BATCH)) || !(f->pyramid = size_zalloc((size_t)f->n_pyramids, sizeof *f->pyramid)))
		return ERR_FAILED;
	for (int t = 0; t < f->n_pyramids; t++)
		if ((rc = laplacian_alloc(&f->pyramid[t], c, side, depth)))
			return rc;
	for (int k = 0; k < depth; k++)
		if ((!o->level || side >> k == o->level) && (rc = sink_open(&f->sink[f->n_sinks++], o->directory, c, side >> k, k)))
			return rc;
	return f->n_sinks ? 0 : error_set(ERR_USAGE, "images of side %d have no level of side %d", side, o->level);
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
	for (int k = 0; k < f->n_sinks; k++) {
		const struct sink *s = &f->sink[k];
		memcpy(s->batch + (size_t)j * s->values, l->level[s->index], s->values * sizeof(float));
	}
}

/* Writes, holds and shows n images that follow the first `done` of the record. */
static int sink_batch(struct sink *s, int64_t done, int64_t n)
{
	const int64_t shown = !s->shown ? 0 : VIEW - s->n_shown < n ? VIEW - s->n_shown : n;
	if (shown)
		memcpy(s->shown + (size_t)s->n_shown * s->values, s->batch, (size_t)shown * s->values * sizeof(float));
	s->n_shown += shown;
	if (!s->held)
		return npy_write(s->stream, s->name, NPY_F32, s->batch, (size_t)n * s->values);
	memcpy(s->held + (size_t)done * s->values, s->batch, (size_t)n * s->values * sizeof(float));
	return 0;
}

static int forward_record(struct forward *f, int64_t n, int64_t before)
{
	int rc;
	for (int k = 0; k < f->n_sinks; k++) {
		struct sink *s = &f->sink[k];
		if ((f->options->directory || k == 0) && (rc = sink_header(s, f->in->c, n)))
			return rc;
		if (!f->options->directory && k > 0 && !(s->held = size_alloc((size_t)n, s->values * sizeof(float))))
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
		for (int k = 0; k < f->n_sinks; k++)
			if ((rc = sink_batch(&f->sink[k], done, got)))
				return rc;
		progress_show(f->options->progress, before + done + got, NULL);
	}
	for (int k = 0; k < f->n_sinks; k++) {
		struct sink *s = &f->sink[k];
		if (s->held && ((rc = sink_header(s, f->in->c, n)) || (rc = npy_write(s->stream, s->name, NPY_F32, s->held, (size_t)n * s->values))))
			return rc;
		free(s->held);
		s->held = NULL;
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
	if (rc || n < 0)
		return rc ? rc : (int)n;
	if (!done)
		return error_set(ERR_INPUT, "'%s' holds no images", f->in->name);
	for (int k = 0; !rc && f->options->directory && k < f->n_sinks; k++) {
		struct sink *s = &f->sink[k];
		if (!(rc = sink_view(s, f->in->c, s->index == f->pyramid->levels - 1)))
			rc = outfile_commit(&s->file);
	}
	return rc;
}

int pyramid_write(struct images *in, const struct pyramid_options *options)
{
	struct forward f = { .in = in, .options = options, .n_pyramids = omp_get_max_threads() };
	int rc = forward_open(&f);
	if (!rc)
		rc = forward_records(&f);
	for (int k = 0; k < f.n_sinks; k++)
		sink_close(&f.sink[k]);
	for (int t = 0; f.pyramid && t < f.n_pyramids; t++)
		laplacian_free(&f.pyramid[t]);
	free(f.pyramid);
	free(f.raw);
	return rc;
}
