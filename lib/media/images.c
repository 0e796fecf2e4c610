#include "images.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "h5file.h"
#include "size.h"
#include "source.h"

enum { MAX_SIDE = 16384 };

/* What every kind of input has. */
struct kind {
	int64_t (*left)(struct images *);
	int64_t (*read)(struct images *, void *data, int64_t max);
	void (*close)(struct images *);
};

struct input {
	const struct kind *kind;
	char *name;      /* what images->name points to */
	int64_t checked; /* images read so far, of floats */
};

static bool shape_ok(int64_t c, int64_t h, int64_t w)
{
	return (c == 1 || c == 3) && h == w && h >= 1 && h <= MAX_SIDE;
}

/* -- .npy records -- */

struct npy_source {
	struct input base;
	FILE *file;
	bool owned;
	int64_t left; /* images of the current record not yet read */
};

/* The next record's header; 1, 0 at the end, or a failure. */
static int npy_next(struct images *i, struct npy_source *s, struct npy_header *h)
{
	const int rc = npy_read_header(s->file, i->name, h);
	if (rc <= 0)
		return rc;
	if (h->ndim != 4 || !shape_ok(h->dim[1], h->dim[2], h->dim[3])) {
		char shape[256] = "";
		for (int d = 0, at = 0; d < h->ndim; d++)
			at += snprintf(shape + at, sizeof shape - (size_t)at, "%s%lld", d ? "," : "", (long long)h->dim[d]);
		return error_set(ERR_INPUT, "'%s': a record of shape (%s), not (N,3,R,R) or (N,1,R,R)", i->name, shape);
	}
	s->left = h->dim[0];
	return 1;
}

static int npy_same(const struct images *i, const struct npy_header *h)
{
	if (h->type != i->type)
		return error_set(ERR_INPUT, "'%s': a record of %s after records of %s", i->name, h->type == NPY_U8 ? "uint8" : "float32",
		                 i->type == NPY_U8 ? "uint8" : "float32");
	if (h->dim[1] != i->c || h->dim[2] != i->side)
		return error_set(ERR_INPUT, "'%s': a record of %lldx%lldx%lld images after %dx%dx%d ones", i->name, (long long)h->dim[1], (long long)h->dim[2],
		                 (long long)h->dim[3], i->c, i->side, i->side);
	return 0;
}

/* Counts the images of a file by its headers; -1 when it cannot be told. The file is left where it was. */
static int64_t npy_count(struct images *i, struct npy_source *s, const struct npy_header *first)
{
	struct npy_header h = *first;
	struct stat st;
	const off_t start = ftello(s->file);
	int64_t n = 0;
	int rc = 1;

	if (start < 0 || fstat(fileno(s->file), &st) || !S_ISREG(st.st_mode))
		return -1;
	while (rc > 0) {
		size_t bytes = npy_type_size(h.type);
		n += h.dim[0];
		for (int d = 0; d < h.ndim; d++)
			bytes *= (size_t)h.dim[d]; /* checked by npy_read_header */
		if (fseeko(s->file, (off_t)bytes, SEEK_CUR) || ftello(s->file) > st.st_size)
			break; /* truncated: said when it is read */
		if ((rc = npy_next(i, s, &h)) > 0)
			rc = npy_same(i, &h) ? -1 : 1;
	}
	s->left = first->dim[0];
	return fseeko(s->file, start, SEEK_SET) || rc ? -1 : n;
}

static int64_t npy_images_left(struct images *i)
{
	struct npy_source *s = i->source;
	while (!s->left) {
		struct npy_header h;
		int rc = npy_next(i, s, &h);
		if (rc <= 0 || (rc = npy_same(i, &h)))
			return rc;
	}
	return s->left;
}

static int64_t npy_images_read(struct images *i, void *data, int64_t max)
{
	struct npy_source *s = i->source;
	const size_t size = images_size(i);
	int64_t done = 0;
	while (done < max) {
		const int64_t left = npy_images_left(i), n = left < max - done ? left : max - done;
		if (left < 0)
			return left;
		if (!left)
			break;
		const int rc = npy_read(s->file, i->name, i->type, (char *)data + (size_t)done * size, (size_t)n * size / npy_type_size(i->type));
		if (rc)
			return rc;
		s->left -= n;
		done += n;
	}
	return done;
}

static void npy_images_close(struct images *i)
{
	struct npy_source *s = i->source;
	if (s->owned)
		fclose(s->file);
}

static const struct kind npy_kind = { npy_images_left, npy_images_read, npy_images_close };

static int npy_open(struct images *i, struct npy_source *s)
{
	struct npy_header h;
	const int rc = npy_next(i, s, &h);
	if (rc < 0)
		return rc;
	if (!rc)
		return error_set(ERR_INPUT, "'%s' is empty: no .npy record came", i->name);
	i->type = h.type;
	i->c = (int)h.dim[1];
	i->side = (int)h.dim[2];
	i->n = s->owned ? npy_count(i, s, &h) : -1;
	return 0;
}

/* -- HDF5 -- */

struct h5_source {
	struct input base;
	struct h5file *file;
	char data[64];
	int64_t next;
};

/* Remembers the largest data{R}x{R}. */
static int h5_largest(void *ctx, const char *name, bool is_group)
{
	int r, s, end = 0, *best = ctx;
	if (!is_group && sscanf(name, "data%dx%d%n", &r, &s, &end) == 2 && !name[end] && r == s && r > *best)
		*best = r;
	return 0;
}

static int64_t h5_images_left(struct images *i)
{
	const struct h5_source *s = i->source;
	return i->n - s->next;
}

static int64_t h5_images_read(struct images *i, void *data, int64_t max)
{
	struct h5_source *s = i->source;
	const int64_t n = i->n - s->next < max ? i->n - s->next : max;
	if (n <= 0)
		return 0;
	const int rc = h5_read_rows(s->file, s->data, i->type == NPY_U8 ? H5_U8 : H5_F32, s->next, n, data);
	if (rc)
		return rc;
	s->next += n;
	return n;
}

static void h5_images_close(struct images *i)
{
	struct h5_source *s = i->source;
	const int rc = h5_close(&s->file); /* opened for reading: nothing to lose */
	(void)rc;
}

static const struct kind h5_kind = { h5_images_left, h5_images_read, h5_images_close };

static int h5_images_open(struct images *i, struct h5_source *s, int side)
{
	int64_t dim[H5_MAX_DIMS];
	enum h5_type type;
	int ndim, rc, largest = side;
	if (!side && (rc = h5_list(s->file, "/", h5_largest, &largest)))
		return rc;
	if (!largest)
		return error_set(ERR_INPUT, "'%s' has no data set data{R}x{R}", i->name);
	snprintf(s->data, sizeof s->data, "data%dx%d", largest, largest);
	if ((rc = h5_shape(s->file, s->data, &ndim, dim, &type)))
		return rc;
	if (ndim != 4 || !shape_ok(dim[1], dim[2], dim[3]) || dim[2] != largest)
		return error_set(ERR_INPUT, "'%s' in '%s' is not of shape (N,3,%d,%d) or (N,1,%d,%d)", s->data, i->name, largest, largest, largest, largest);
	if (type != H5_U8 && type != H5_F32)
		return error_set(ERR_INPUT, "'%s' in '%s' holds neither uint8 nor float32", s->data, i->name);
	i->type = type == H5_U8 ? NPY_U8 : NPY_F32;
	i->c = (int)dim[1];
	i->side = (int)dim[2];
	i->n = dim[0];
	return 0;
}

/* -- pictures: a folder, an archive or a file -- */

struct picture_source {
	struct input base;
	struct source *list;
	int64_t next;
};

/* Interleaved pixels to planes. */
static void planes(uint8_t *out, const struct picture *p)
{
	const size_t area = (size_t)p->w * (size_t)p->h, c = (size_t)p->c;
	for (size_t k = 0; k < c; k++)
		for (size_t j = 0; j < area; j++)
			out[k * area + j] = p->pixel[j * c + k];
}

static int picture_into(const struct images *i, int64_t index, struct bytes *buffer, struct picture *p, uint8_t *out)
{
	const struct picture_source *s = i->source;
	const int rc = source_picture(s->list, index, buffer, p);
	if (rc)
		return rc;
	if (p->w != i->side || p->h != i->side || p->c != i->c)
		return error_set(ERR_INPUT, "'%s' is %s of %dx%d after %s of %dx%d", source_name(s->list, index), p->c == 1 ? "grey" : "RGB", p->w, p->h,
		                 i->c == 1 ? "grey" : "RGB", i->side, i->side);
	planes(out, p);
	return 0;
}

static int64_t pictures_left(struct images *i)
{
	const struct picture_source *s = i->source;
	return i->n - s->next;
}

static int64_t pictures_read(struct images *i, void *data, int64_t max)
{
	struct picture_source *s = i->source;
	const int64_t n = i->n - s->next < max ? i->n - s->next : max;
	const size_t size = images_size(i);
	struct bytes buffer = { 0 };
	struct picture p = { 0 };
	int64_t bad = n;

#pragma omp parallel firstprivate(buffer, p) reduction(min : bad)
	{
#pragma omp for schedule(dynamic, 4)
		for (int64_t k = 0; k < n; k++)
			if (picture_into(i, s->next + k, &buffer, &p, (uint8_t *)data + (size_t)k * size) && k < bad)
				bad = k;
		free(buffer.data);
		picture_free(&p);
	}
	if (bad < n) { /* once more, for the message of this thread */
		const int rc = picture_into(i, s->next + bad, &buffer, &p, (uint8_t *)data + (size_t)bad * size);
		free(buffer.data);
		picture_free(&p);
		return rc ? rc : error_set(ERR_INPUT, "'%s' changed while it was read", source_name(s->list, s->next + bad));
	}
	s->next += n;
	return n;
}

static void pictures_close(struct images *i)
{
	struct picture_source *s = i->source;
	source_close(&s->list);
}

static const struct kind picture_kind = { pictures_left, pictures_read, pictures_close };

/* The first picture says what all of them have to be. */
static int pictures_open(struct images *i, struct picture_source *s, const char *path)
{
	struct bytes buffer = { 0 };
	struct picture p = { 0 };
	int rc = source_open(&s->list, &path, 1);
	if (rc)
		return rc;
	s->base.kind = &picture_kind;
	if (!(rc = source_picture(s->list, 0, &buffer, &p)) && !shape_ok(p.c, p.h, p.w))
		rc = error_set(ERR_INPUT, "'%s' is a picture of %dx%d, not a square one", source_name(s->list, 0), p.w, p.h);
	i->type = NPY_U8;
	i->c = p.c;
	i->side = p.w;
	i->n = source_count(s->list);
	free(buffer.data);
	picture_free(&p);
	return rc;
}

/* -- all of them -- */

static int open_records(struct images *i, FILE *f, bool owned)
{
	struct npy_source *s = i->source;
	s->base.kind = &npy_kind;
	s->file = f;
	s->owned = owned;
	return npy_open(i, s);
}

/* Told by the first bytes. */
static int open_file(struct images *i, const char *path, int side)
{
	static const char hdf5[8] = "\x89HDF\r\n\x1a\n", npy[6] = "\x93NUMPY";
	char start[8] = "";
	struct stat st;
	FILE *f = fopen(path, "rb");
	if (!f || fstat(fileno(f), &st))
		return error_set(ERR_INPUT, "cannot open '%s': %s", path, strerror(errno));
	const size_t got = S_ISREG(st.st_mode) ? fread(start, 1, sizeof start, f) : 0;
	const bool stream = !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode); /* a named pipe holds what stdin would */
	if (stream || (got >= sizeof npy && !memcmp(start, npy, sizeof npy) && !fseeko(f, 0, SEEK_SET)))
		return open_records(i, f, true);
	fclose(f);
	if (got == sizeof hdf5 && !memcmp(start, hdf5, sizeof hdf5)) {
		struct h5_source *s = i->source;
		const int rc = h5_open(&s->file, path);
		if (rc)
			return rc;
		s->base.kind = &h5_kind;
		return h5_images_open(i, s, side);
	}
	return pictures_open(i, i->source, path);
}

/* What every kind of input begins with. */
static int start(struct images *i, const char *name)
{
	union {
		struct npy_source npy;
		struct h5_source h5;
		struct picture_source pictures;
	} *any = size_zalloc(1, sizeof *any);

	*i = (struct images){ .n = -1, .source = any };
	if (!any)
		return ERR_FAILED;
	struct input *s = i->source;
	if (!(s->name = strdup(name)))
		return error_set(ERR_FAILED, "out of memory");
	i->name = s->name;
	return 0;
}

int images_open(struct images *i, const char *input, int side)
{
	const bool from_stdin = !strcmp(input, "-");
	int rc = start(i, from_stdin ? "stdin" : input);
	if (!rc)
		rc = from_stdin ? open_records(i, stdin, false) : open_file(i, input, side);
	if (!rc && side && i->side != side)
		rc = error_set(ERR_INPUT, "'%s' holds images of side %d where %d is expected", i->name, i->side, side);
	if (rc)
		images_close(i);
	return rc;
}

int images_open_pipe(struct images *i, FILE *f, const char *name)
{
	int rc = start(i, name);
	if (rc)
		fclose(f);
	else
		rc = open_records(i, f, true);
	if (rc)
		images_close(i);
	return rc;
}

bool images_from_pipe(const char *input)
{
	struct stat st;
	return !strcmp(input, "-") || (!stat(input, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

int64_t images_left(struct images *i)
{
	const struct input *s = i->source;
	return s->kind->left(i);
}

/* n floats of images that have just been read. */
static int check_finite(const struct images *i, const float *x, int64_t n)
{
	struct input *s = i->source;
	const size_t values = images_size(i) / sizeof *x;
	for (int64_t k = 0; k < n; k++, x += values) {
		int bad = 0;
		for (size_t v = 0; v < values; v++)
			bad |= !(fabsf(x[v]) <= FLT_MAX);
		if (bad)
			return error_set(ERR_INPUT, "'%s': image %lld holds values that are not finite", i->name, (long long)(s->checked + k));
	}
	s->checked += n;
	return 0;
}

int64_t images_read(struct images *i, void *data, int64_t max)
{
	const struct input *s = i->source;
	const int64_t n = s->kind->read(i, data, max);
	const int rc = n > 0 && i->type == NPY_F32 ? check_finite(i, data, n) : 0;
	return rc ? rc : n;
}

void *images_alloc(const struct images *i, int64_t n)
{
	void *room = size_alloc((size_t)n, images_size(i));
	if (!room)
		(void)error_set(ERR_FAILED, "out of memory: %lld images of %dx%d, as '%s' has them, do not fit", (long long)n, i->side, i->side, i->name);
	return room;
}

bool images_decodes(const struct images *i)
{
	const struct input *s = i->source;
	return s->kind == &picture_kind;
}

/* -- memory -- */

struct memory_source {
	struct input base;
	const uint8_t *data;
	int64_t next;
};

static int64_t memory_left(struct images *i)
{
	return i->n - ((const struct memory_source *)i->source)->next;
}

static int64_t memory_read(struct images *i, void *data, int64_t max)
{
	struct memory_source *s = i->source;
	const int64_t left = memory_left(i), n = left < max ? left : max;
	memcpy(data, s->data + (size_t)s->next * images_size(i), (size_t)n * images_size(i));
	s->next += n;
	return n;
}

static void memory_close(struct images *i)
{
	(void)i; /* borrowed */
}

static const struct kind memory_kind = { memory_left, memory_read, memory_close };

int images_borrow(struct images *i, const char *name, const uint8_t *data, int64_t n, int c, int side)
{
	struct memory_source *s = size_zalloc(1, sizeof *s);
	*i = (struct images){ .n = -1 };
	if (!s)
		return ERR_FAILED;
	if (!(s->base.name = strdup(name))) {
		free(s);
		return error_set(ERR_FAILED, "out of memory");
	}
	s->base.kind = &memory_kind;
	s->data = data;
	*i = (struct images){ .name = s->base.name, .type = NPY_U8, .c = c, .side = side, .n = n, .source = s };
	return 0;
}

void images_close(struct images *i)
{
	struct input *s = i->source;
	if (s) {
		if (s->kind)
			s->kind->close(i);
		free(s->name);
		free(s);
	}
	*i = (struct images){ .n = -1 };
}

void images_to_bytes(uint8_t *out, const float *in, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const float x = floorf((in[i] + 1) * 127.5f + 0.5f);
		out[i] = (uint8_t)(!(x > 0) ? 0 : x > 255 ? 255 : x);
	}
}
