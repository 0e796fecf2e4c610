#include "dataset.h"

#include <stdlib.h>
#include <string.h>

#include "h5file.h"
#include "images.h"
#include "size.h"

enum { C = 3 };

struct dataset {
	struct h5file *f;
	int64_t n;
	int largest;
	unsigned sides;  /* bit k: there is data of side 1 << k */
	int side;        /* the selected one, 0 if none is */
	uint8_t *memory; /* the whole of it, or NULL */
};

/* Looks at the data of one resolution, if it is there. */
static int look_at(struct dataset *d, int side)
{
	char name[IMAGES_DATA_NAME];
	int ndim, rc;
	int64_t dim[H5_MAX_DIMS];
	enum h5_type type;

	images_data_name(name, side);
	if (!h5_exists(d->f, name))
		return 0;
	if ((rc = h5_shape(d->f, name, &ndim, dim, &type)))
		return rc;
	if (ndim != 4 || dim[1] != C || dim[2] != side || dim[3] != side || type != H5_U8)
		return error_set(ERR_INPUT, "'%s' in '%s' is not uint8 (N,3,%d,%d)", name, h5_name(d->f), side, side);
	if (d->sides && dim[0] != d->n)
		return error_set(ERR_INPUT, "'%s' in '%s' has %lld pictures, a smaller resolution has %lld", name, h5_name(d->f), (long long)dim[0],
				 (long long)d->n);
	d->n = dim[0];
	d->largest = side;
	d->sides |= (unsigned)side;
	return 0;
}

int dataset_open(struct dataset **out, const char *path)
{
	struct dataset *d = size_zalloc(1, sizeof *d);
	int rc = d ? h5_open(&d->f, path) : ERR_FAILED;

	for (int side = DATASET_MIN_SIDE; !rc && side <= DATASET_MAX_SIDE; side *= 2)
		rc = look_at(d, side);
	if (!rc && !d->sides)
		rc = error_set(ERR_INPUT, "'%s' is not a data set: it has no data4x4, data8x8 …", path);
	if (!rc && !d->n)
		rc = error_set(ERR_INPUT, "the data set '%s' is empty", path);
	if (rc)
		dataset_close(&d);
	*out = d;
	return rc;
}

void dataset_close(struct dataset **d)
{
	if (!*d)
		return;
	h5_release(&(*d)->f);
	free((*d)->memory);
	free(*d);
	*d = NULL;
}

int64_t dataset_count(const struct dataset *d)
{
	return d->n;
}

int dataset_side(const struct dataset *d)
{
	return d->largest;
}

bool dataset_has(const struct dataset *d, int side)
{
	return side > 0 && !(side & (side - 1)) && (d->sides & (unsigned)side);
}

const char *dataset_name(const struct dataset *d)
{
	return h5_name(d->f);
}

int dataset_select(struct dataset *d, int side, size_t budget)
{
	char name[IMAGES_DATA_NAME];
	size_t bytes;
	int rc;

	free(d->memory);
	d->memory = NULL;
	d->side = 0;
	if (!dataset_has(d, side))
		return error_set(ERR_INPUT, "'%s' has no pictures of %dx%d; its largest are %dx%d", h5_name(d->f), side, side, d->largest, d->largest);
	if (size_mul((size_t)d->n, level_size(side), &bytes) && bytes <= budget) {
		if (!(d->memory = size_alloc(bytes, 1)))
			return ERR_FAILED;
		images_data_name(name, side);
		if ((rc = h5_read(d->f, name, H5_U8, d->memory, bytes))) {
			free(d->memory);
			d->memory = NULL;
			return rc;
		}
	}
	d->side = side;
	return 0;
}

int dataset_rows(struct dataset *d, const int64_t *row, int64_t n, uint8_t *out)
{
	const size_t size = level_size(d->side);
	char name[IMAGES_DATA_NAME];
	int rc = 0;

	if (!d->side)
		return error_set(ERR_FAILED, "no resolution of '%s' was selected", h5_name(d->f));
	images_data_name(name, d->side);
	for (int64_t i = 0; !rc && i < n; i++, out += size) {
		if (row[i] < 0 || row[i] >= d->n)
			rc = error_set(ERR_INPUT, "'%s' has no picture %lld", h5_name(d->f), (long long)row[i]);
		else if (d->memory)
			memcpy(out, d->memory + (size_t)row[i] * size, size);
		else
			rc = h5_read_rows(d->f, name, H5_U8, row[i], 1, out);
	}
	return rc;
}
