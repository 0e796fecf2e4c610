/* Images of an HDF5 file: its data set data{R}x{R}. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h5file.h"
#include "images_input.h"

struct h5_input {
	struct images_input base;
	struct h5file *file;
	char data[IMAGES_DATA_NAME];
};

/* Remembers the largest data{R}x{R}, whatever it is: what is no data set is refused when it is read, lest a smaller one be taken in its place. */
static int h5_largest(void *ctx, const char *name)
{
	int r, s, end = 0, *best = ctx;
	if (sscanf(name, "data%dx%d%n", &r, &s, &end) == 2 && !name[end] && r == s && r > *best)
		*best = r;
	return 0;
}

static int64_t h5_images_read(struct images *i, void *data, int64_t max)
{
	struct h5_input *s = i->source;
	const int rc = max ? h5_read_rows(s->file, s->data, i->type == NPY_U8 ? H5_U8 : H5_F32, s->base.next, max, data) : 0;
	return rc ? rc : max;
}

static void h5_images_close(struct images *i)
{
	struct h5_input *s = i->source;
	h5_release(&s->file);
}

/* Whether pack-h5 put every picture's mirror image behind it. Version 0.1.0 had that among its options alone, before the names of columns. */
static int h5_mirrored(struct h5file *f, bool *mirrored)
{
	char *options, *columns;
	bool ours;
	int rc;
	if ((*mirrored = h5_has_attr(f, "/", "mirrored")) || !h5_has_attr(f, "/", "options"))
		return 0;
	if ((rc = h5_text_is(f, "/", "tool", "pack-h5", &ours)) || !ours || (rc = h5_get_text(f, "/", "options", &options)))
		return rc;
	if ((columns = strstr(options, " --columns ")))
		*columns = 0;
	*mirrored = strstr(options, " --mirror") != NULL;
	free(options);
	return 0;
}

static const struct images_kind h5_kind = { .read = h5_images_read, .close = h5_images_close };

int images_open_h5(struct images *i, const char *path, int side)
{
	struct h5_input *s = images_start(i, sizeof *s, &h5_kind, path);
	int64_t dim[H5_MAX_DIMS];
	enum h5_type type;
	int ndim, rc, largest = side;
	if (!s)
		return ERR_FAILED;
	if ((rc = h5_open(&s->file, path)))
		return rc;
	if (!side && (rc = h5_list(s->file, "/", h5_largest, &largest)))
		return rc;
	if (!largest)
		return error_set(ERR_INPUT, "'%s' has no data set data{R}x{R}", i->name);
	images_data_name(s->data, largest);
	if ((rc = h5_shape(s->file, s->data, &ndim, dim, &type)))
		return rc;
	if (ndim != 4 || !images_shape_ok(dim[1], dim[2], dim[3]) || dim[2] != largest)
		return error_set(ERR_INPUT, "'%s' in '%s' is not of shape (N,3,%d,%d) or (N,1,%d,%d)", s->data, i->name, largest, largest, largest, largest);
	if (type != H5_U8 && type != H5_F32)
		return error_set(ERR_INPUT, "'%s' in '%s' holds neither uint8 nor float32", s->data, i->name);
	i->type = type == H5_U8 ? NPY_U8 : NPY_F32;
	i->c = (int)dim[1];
	i->side = (int)dim[2];
	i->n = dim[0];
	return h5_mirrored(s->file, &i->mirrored);
}
