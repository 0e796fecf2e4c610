/* Images of .npy records, from a file or a pipe. */
#include <sys/stat.h>

#include "images_input.h"
#include "npy.h"

struct npy_input {
	struct images_input base;
	FILE *file;
	bool owned;
	int64_t left; /* images of the current record not yet read */
	int64_t most; /* and of all that were there at opening: of a file that grows, no others are read */
};

/* The next record's header; 1, 0 at the end, or a failure. */
static int npy_next(struct images *i, struct npy_input *s, struct npy_header *h)
{
	const int rc = npy_read_header(s->file, i->name, h);
	if (rc <= 0)
		return rc;
	if (h->ndim != 4 || !images_shape_ok(h->dim[1], h->dim[2], h->dim[3])) {
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
static int64_t npy_count(struct images *i, struct npy_input *s, const struct npy_header *first)
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
		if (__builtin_add_overflow(n, h.dim[0], &n))
			break;
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
	struct npy_input *s = i->source;
	while (!s->left && s->most) {
		struct npy_header h;
		int rc = npy_next(i, s, &h);
		if (rc <= 0 || (rc = npy_same(i, &h)))
			return rc;
	}
	return s->left < s->most ? s->left : s->most;
}

static int64_t npy_images_read(struct images *i, void *data, int64_t max)
{
	struct npy_input *s = i->source;
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
		s->most -= n;
		done += n;
	}
	return done;
}

static void npy_images_close(struct images *i)
{
	struct npy_input *s = i->source;
	if (s->owned)
		fclose(s->file);
}

static const struct images_kind npy_kind = { .left = npy_images_left, .read = npy_images_read, .close = npy_images_close };

int images_open_npy(struct images *i, FILE *f, bool owned, const char *name)
{
	struct npy_input *s = images_start(i, sizeof *s, &npy_kind, name);
	struct npy_header h;
	if (!s) {
		if (owned)
			fclose(f);
		return ERR_FAILED;
	}
	s->file = f;
	s->owned = owned;
	const int rc = npy_next(i, s, &h);
	if (rc < 0)
		return rc;
	if (!rc)
		return error_set(ERR_INPUT, "'%s' is empty: no .npy record came", i->name);
	i->type = h.type;
	i->c = (int)h.dim[1];
	i->side = (int)h.dim[2];
	i->n = owned ? npy_count(i, s, &h) : -1;
	s->most = i->n < 0 ? INT64_MAX : i->n;
	return 0;
}
