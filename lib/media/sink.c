#include "sink.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grid.h"
#include "h5out.h"
#include "images.h"
#include "size.h"
#include "y4m.h"

enum { C = 3, GRID_TILE = 128 };

struct sink {
	const struct writer *writer;
	struct sink_plan plan;
	char *output;       /* owned */
	struct outfile out; /* of the kinds but HDF5 that are one file written as the images come */
	FILE *stream;       /* borrowed from out, or stdout */
	struct h5out h5;
	char data[IMAGES_DATA_NAME];
	uint8_t *held;      /* grid: all images; video: one frame */
	int64_t done;
};

/* What every kind of output has; commit may be NULL. */
struct writer {
	int (*open)(struct sink *);
	int (*write)(struct sink *, const void *images, int64_t n);
	int (*commit)(struct sink *);
};

static size_t image_values(const struct sink *s)
{
	return (size_t)C * (size_t)s->plan.side * (size_t)s->plan.side;
}

/* -- .npy -- */

static int npy_start(struct sink *s)
{
	const struct npy_header h = { s->plan.type, 4, { s->plan.n, C, s->plan.side, s->plan.side } };
	return npy_write_header(s->stream, s->output, &h);
}

static int stdout_open(struct sink *s)
{
	s->stream = stdout;
	return npy_start(s);
}

static int stream_open(struct sink *s)
{
	const int rc = outfile_open(&s->out, s->output);
	if (rc)
		return rc;
	return (s->stream = outfile_stream(&s->out)) ? 0 : ERR_FAILED;
}

/* Readers take the labels beside a file for those of its images (labels.h). */
static int check_labels(const struct sink *s)
{
	char *labels = images_labels_name(s->output);
	int rc = labels ? 0 : ERR_FAILED;
	if (!rc && !s->plan.labelled && !access(labels, F_OK))
		rc = error_set(ERR_USAGE, "'%s' would be taken for the labels of '%s': remove it, or name another output", labels, s->output);
	free(labels);
	return rc;
}

static int npy_open(struct sink *s)
{
	int rc = check_labels(s);
	rc = rc ? rc : stream_open(s);
	return rc ? rc : npy_start(s);
}

static int npy_images(struct sink *s, const void *images, int64_t n)
{
	return npy_write(s->stream, s->output, s->plan.type, images, (size_t)n * image_values(s));
}

static int stream_commit(struct sink *s)
{
	return outfile_commit(&s->out);
}

/* -- HDF5 -- */

static int h5_start(struct sink *s)
{
	const int64_t dim[4] = { 0, C, s->plan.side, s->plan.side };
	const int rc = h5out_open(&s->h5, s->output);
	if (rc)
		return rc;
	images_data_name(s->data, s->plan.side);
	return h5_create_rows(s->h5.file, s->data, H5_U8, 4, dim);
}

static int h5_images(struct sink *s, const void *images, int64_t n)
{
	return h5_append_rows(s->h5.file, s->data, H5_U8, n, images);
}

static int h5_commit(struct sink *s)
{
	return h5out_end(&s->h5, 0);
}

/* -- one picture of all -- */

/* What cannot be written is said before the work is done, not after. */
static int grid_open(struct sink *s)
{
	int rc = grid_check(s->plan.n, s->plan.side, s->plan.columns, grid_scale(s->plan.side, GRID_TILE));
	if (rc || (rc = outfile_try(s->output)))
		return rc;
	return (s->held = size_alloc((size_t)s->plan.n, image_values(s))) ? 0 : ERR_FAILED;
}

static int grid_images(struct sink *s, const void *images, int64_t n)
{
	memcpy(s->held + (size_t)s->done * image_values(s), images, (size_t)n * image_values(s));
	return 0;
}

static int grid_commit(struct sink *s)
{
	struct picture p = { 0 };
	int rc = grid_picture(&p, s->held, s->done, C, s->plan.side, s->plan.columns, grid_scale(s->plan.side, GRID_TILE));
	if (!rc)
		rc = picture_write(&p, s->output);
	picture_free(&p);
	return rc;
}

/* -- video -- */

static int y4m_open(struct sink *s)
{
	const int rc = stream_open(s);
	if (rc)
		return rc;
	if (!(s->held = size_alloc(image_values(s), 1)))
		return ERR_FAILED;
	return y4m_write_header(s->stream, s->output, s->plan.side, s->plan.side);
}

static int y4m_images(struct sink *s, const void *images, int64_t n)
{
	int rc = 0;
	for (int64_t i = 0; i < n && !rc; i++)
		rc = y4m_write_frame(s->stream, s->output, s->plan.side, s->plan.side, (const uint8_t *)images + (size_t)i * image_values(s), s->held);
	return rc;
}

/* -- a folder -- */

static int folder_open(struct sink *s)
{
	return outfile_folder(s->output);
}

static int folder_images(struct sink *s, const void *images, int64_t n)
{
	struct picture p;
	char *path;
	int rc = picture_alloc(&p, s->plan.side, s->plan.side, C);
	for (int64_t i = 0; i < n && !rc; i++) {
		const char *slash = s->output[strlen(s->output) - 1] == '/' ? "" : "/";
		if (asprintf(&path, "%s%s%06lld.png", s->output, slash, (long long)(s->plan.first + s->done + i)) < 0) {
			rc = error_set(ERR_FAILED, "out of memory");
			break;
		}
		picture_from_planes(&p, (const uint8_t *)images + (size_t)i * image_values(s));
		rc = picture_write_one_of_many(&p, path);
		free(path);
	}
	picture_free(&p);
	return rc;
}

/* -- all kinds -- */

static const struct writer writers[] = {
	[SINK_STDOUT] = { stdout_open, npy_images, NULL },
	[SINK_NPY] = { npy_open, npy_images, stream_commit },
	[SINK_H5] = { h5_start, h5_images, h5_commit },
	[SINK_GRID] = { grid_open, grid_images, grid_commit },
	[SINK_Y4M] = { y4m_open, y4m_images, stream_commit },
	[SINK_FOLDER] = { folder_open, folder_images, NULL },
};

int sink_kind_of(const char *output, enum sink_kind *kind)
{
	static const struct { const char *end; enum sink_kind kind; } ends[] = {
		{ "/", SINK_FOLDER }, { ".npy", SINK_NPY }, { ".h5", SINK_H5 }, { ".png", SINK_GRID }, { ".y4m", SINK_Y4M },
	};
	struct stat st;
	*kind = SINK_STDOUT;
	if (!output || !strcmp(output, "-"))
		return 0;
	const size_t length = strlen(output);
	*kind = SINK_FOLDER;
	if (!stat(output, &st) && S_ISDIR(st.st_mode))
		return 0;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		const size_t n = strlen(ends[i].end);
		*kind = ends[i].kind;
		if (length >= n && !strcmp(output + length - n, ends[i].end))
			return 0;
	}
	return error_set(ERR_USAGE, "cannot tell from its name what '%s' should be: give a name that ends in .png, .h5, .npy or .y4m, or a folder and '/'", output);
}

int sink_open(struct sink **out, const struct sink_plan *plan)
{
	struct sink *s = size_zalloc(1, sizeof *s);
	*out = s;
	if (!s)
		return ERR_FAILED;
	s->plan = *plan;
	s->writer = &writers[plan->kind];
	s->output = strdup(plan->kind == SINK_STDOUT ? "stdout" : plan->output);
	const int rc = s->output ? s->writer->open(s) : error_set(ERR_FAILED, "out of memory");
	if (rc)
		sink_discard(out);
	return rc;
}

int sink_write(struct sink *s, const void *images, int64_t n)
{
	const int rc = s->writer->write(s, images, n);
	s->done += n;
	return rc;
}

int sink_describe(struct sink *s, const char *name, const char *text)
{
	return s->h5.file ? h5_set_text(s->h5.file, "/", name, text) : 0;
}

int sink_commit(struct sink **sink)
{
	struct sink *s = *sink;
	const int rc = s->writer->commit ? s->writer->commit(s) : 0;
	sink_discard(sink);
	return rc;
}

void sink_discard(struct sink **sink)
{
	struct sink *s = *sink;
	if (!s)
		return;
	h5out_discard(&s->h5);
	outfile_discard(&s->out);
	free(s->held);
	free(s->output);
	free(s);
	*sink = NULL;
}
