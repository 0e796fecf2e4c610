/* The data sets of h5file.h. */
#include "h5internal.h"

#include <stdlib.h>
#include <string.h>

#include "size.h"

static int data_open(struct h5file *f, const char *data, hid_t *id)
{
	*id = -1;
	const htri_t found = h5_look_up(f, data);
	if (!found)
		return error_set(ERR_INPUT, "'%s' has no '%s'", f->name, data);
	if (found < 0 || (*id = H5Dopen2(f->id, data, H5P_DEFAULT)) < 0)
		return h5_failed(ERR_INPUT, f, "open", data);
	return 0;
}

static int data_shape(struct h5file *f, const char *data, hid_t id, int *ndim, hsize_t dim[H5_MAX_DIMS])
{
	const hid_t space = H5Dget_space(id);
	const int n = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
	int rc = 0;
	if (n < 0)
		rc = h5_failed(ERR_INPUT, f, "read", data);
	else if (n > H5_MAX_DIMS)
		rc = error_set(ERR_INPUT, "'%s' in '%s' has %d dimensions", data, f->name, n);
	else
		H5Sget_simple_extent_dims(space, dim, NULL);
	*ndim = n;
	if (space >= 0)
		H5Sclose(space);
	return rc;
}

static int data_type(struct h5file *f, const char *data, hid_t id, enum h5_type *out)
{
	const hid_t type = H5Dget_type(id);
	const H5T_class_t class = H5Tget_class(type);
	const size_t size = H5Tget_size(type);
	const bool is_signed = class == H5T_INTEGER && H5Tget_sign(type) != H5T_SGN_NONE;
	H5Tclose(type);
	if (class == H5T_INTEGER) /* the smallest type that holds them: signed bytes are no pixels */
		*out = size == 1 && !is_signed ? H5_U8 : size <= 4 ? H5_I32 : H5_I64;
	else if (class == H5T_FLOAT)
		*out = size <= 4 ? H5_F32 : H5_F64;
	else
		return error_set(ERR_INPUT, "'%s' in '%s' does not hold numbers", data, f->name);
	return 0;
}

/* Whether what the data are compressed by is there; HDF5 would say where it looked for it. */
static int check_filters(struct h5file *f, const char *data, hid_t id)
{
	const hid_t how = H5Dget_create_plist(id);
	const int n = H5Pget_layout(how) == H5D_CHUNKED ? H5Pget_nfilters(how) : 0;
	int rc = 0;
	for (int i = 0; !rc && i < n; i++) {
		unsigned flags, config;
		size_t values = 0;
		char name[64] = "";
		const H5Z_filter_t filter = H5Pget_filter2(how, (unsigned)i, &flags, &values, NULL, sizeof name, name, &config);
		if (filter >= 0 && H5Zfilter_avail(filter) <= 0)
			rc = error_set(ERR_INPUT, "'%s' in '%s' is compressed by the filter %d%s%s%s, which this HDF5 does not have", data, f->name, (int)filter, *name ? " (" : "",
			               name, *name ? ")" : "");
	}
	H5Pclose(how);
	return rc;
}

/* ERR_INPUT: HDF5 could not read all of it. */
static int check_readable(struct h5file *f, const char *data, hid_t id)
{
	const int rc = check_filters(f, data, id);
	return rc ? rc : h5_check_elsewhere(f, data, id);
}

int h5_shape(struct h5file *f, const char *data, int *ndim, int64_t *dim, enum h5_type *type)
{
	hsize_t size[H5_MAX_DIMS];
	hid_t id;
	int rc = data_open(f, data, &id);
	if (rc)
		return rc;
	if (!(rc = data_shape(f, data, id, ndim, size)) && !(rc = data_type(f, data, id, type)) && !(rc = check_readable(f, data, id)))
		for (int i = 0; i < *ndim; i++)
			dim[i] = (int64_t)size[i];
	H5Dclose(id);
	return rc;
}

int h5_read(struct h5file *f, const char *data, enum h5_type type, void *out, size_t n)
{
	hsize_t size[H5_MAX_DIMS];
	size_t count = 1;
	int ndim, rc;
	hid_t id;
	enum h5_type stored;

	if ((rc = data_open(f, data, &id)))
		return rc;
	if (!(rc = data_shape(f, data, id, &ndim, size)) && !(rc = data_type(f, data, id, &stored)) && !(rc = check_readable(f, data, id))) {
		bool fits = true;
		for (int i = 0; i < ndim; i++)
			fits = size_mul(count, (size_t)size[i], &count) && fits;
		if (!fits)
			rc = error_set(ERR_INPUT, "'%s' in '%s' has more values than can be counted, where %zu are expected", data, f->name, n);
		else if (count != n)
			rc = error_set(ERR_INPUT, "'%s' in '%s' has %zu values where %zu are expected", data, f->name, count, n);
		else if (H5Dread(id, h5_native_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
			rc = h5_failed(ERR_INPUT, f, "read", data);
	}
	H5Dclose(id);
	return rc;
}

/* Creates the groups above an object where they are missing. */
static int groups_create(struct h5file *f, const char *object)
{
	const hid_t how = H5Pcreate(H5P_GROUP_CREATE);
	char path[512];
	int rc = 0;
	H5Pset_obj_track_times(how, 0);
	if (snprintf(path, sizeof path, "%s", object) >= (int)sizeof path)
		rc = error_set(ERR_FAILED, "cannot write '%s' in '%s': the name is too long", object, f->name);
	for (char *slash = strchr(path + 1, '/'); slash && !rc; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (H5Lexists(f->id, path, H5P_DEFAULT) <= 0) {
			const hid_t id = H5Gcreate2(f->id, path, H5P_DEFAULT, how, H5P_DEFAULT);
			if (id < 0)
				rc = h5_failed(ERR_FAILED, f, "write", path);
			else
				H5Gclose(id);
		}
		*slash = '/';
	}
	H5Pclose(how);
	return rc;
}

/* Creates a data set and the groups above it. chunk: its shape, every chunk with a Fletcher-32 checksum; NULL for a scalar or an empty set, which have no
 * chunks. */
static int data_create(struct h5file *f, const char *data, hid_t type, hid_t space, int ndim, const hsize_t *chunk, hid_t *id)
{
	int rc;
	h5_begin();
	*id = -1;
	if ((rc = groups_create(f, data)))
		return rc;
	const hid_t how = H5Pcreate(H5P_DATASET_CREATE);
	H5Pset_obj_track_times(how, 0);
	if (chunk) {
		H5Pset_chunk(how, ndim, chunk);
		H5Pset_fletcher32(how);
	}
	if ((*id = H5Dcreate2(f->id, data, type, space, H5P_DEFAULT, how, H5P_DEFAULT)) < 0)
		rc = h5_failed(ERR_FAILED, f, "write", data);
	H5Pclose(how);
	return rc;
}

/* Bytes of a chunk, at most, unless a row has more: HDF5 takes less than 4 GiB. */
static const hsize_t CHUNK_BYTES = (hsize_t)64 << 20;

/* The chunks of a data set that is written at once: all of it, or so many rows. */
static void choose_chunk(hsize_t chunk[H5_MAX_DIMS], hid_t type, int ndim, const hsize_t *size)
{
	hsize_t row = H5Tget_size(type);
	for (int i = 1; i < ndim; i++)
		row *= size[i];
	memcpy(chunk, size, (size_t)ndim * sizeof *chunk);
	if (size[0] > CHUNK_BYTES / row)
		chunk[0] = row < CHUNK_BYTES ? CHUNK_BYTES / row : 1;
}

int h5_write(struct h5file *f, const char *data, enum h5_type type, int ndim, const int64_t *dim, const void *in)
{
	hsize_t size[H5_MAX_DIMS], chunk[H5_MAX_DIMS];
	bool empty = !ndim;
	hid_t id;
	for (int i = 0; i < ndim; i++) {
		size[i] = (hsize_t)dim[i];
		empty |= !dim[i];
	}
	const hid_t space = ndim ? H5Screate_simple(ndim, size, NULL) : H5Screate(H5S_SCALAR);
	if (!empty)
		choose_chunk(chunk, h5_native_type(type), ndim, size);
	int rc = data_create(f, data, h5_native_type(type), space, ndim, empty ? NULL : chunk, &id);
	H5Sclose(space);
	if (rc)
		return rc;
	if (H5Dwrite(id, h5_native_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, in) < 0)
		rc = h5_failed(ERR_FAILED, f, "write", data);
	if (H5Dclose(id) < 0 && !rc)
		rc = h5_failed(ERR_FAILED, f, "write", data);
	return rc;
}

/* Rows first … first + n of an open data set of this shape, to be read to `out`, or written from `in` where that is NULL. */
struct rows {
	hid_t id;
	int ndim;
	hsize_t dim[H5_MAX_DIMS], first, n;
	enum h5_type type;
	void *out;
	const void *in;
};

static int rows_move(struct h5file *f, const char *data, const struct rows *r)
{
	hsize_t start[H5_MAX_DIMS] = { r->first }, count[H5_MAX_DIMS] = { r->n };
	for (int i = 1; i < r->ndim; i++)
		count[i] = r->dim[i];
	const hid_t space = H5Dget_space(r->id), memory = H5Screate_simple(r->ndim, count, NULL), type = h5_native_type(r->type);
	herr_t status = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
	if (status >= 0)
		status = r->out ? H5Dread(r->id, type, memory, space, H5P_DEFAULT, r->out) : H5Dwrite(r->id, type, memory, space, H5P_DEFAULT, r->in);
	int rc = 0;
	if (status < 0) /* HDF5 forgets the cause with the next call */
		rc = r->out ? h5_failed(ERR_INPUT, f, "read", data) : h5_failed(ERR_FAILED, f, "write", data);
	H5Sclose(space);
	H5Sclose(memory);
	return rc;
}

int h5_read_rows(struct h5file *f, const char *data, enum h5_type type, int64_t first, int64_t n, void *out)
{
	struct rows r = { .type = type, .first = (hsize_t)first, .n = (hsize_t)n, .out = out };
	int rc = data_open(f, data, &r.id);
	if (rc)
		return rc;
	if (!(rc = data_shape(f, data, r.id, &r.ndim, r.dim))) {
		if (r.ndim < 1 || first < 0 || n < 0 || r.first + r.n > r.dim[0])
			rc = error_set(ERR_INPUT, "'%s' in '%s' ends before row %lld", data, f->name, (long long)(r.first + r.n));
		else
			rc = rows_move(f, data, &r);
	}
	H5Dclose(r.id);
	return rc;
}

int h5_create_rows(struct h5file *f, const char *data, enum h5_type type, int ndim, const int64_t *row_dim)
{
	hsize_t size[H5_MAX_DIMS] = { 0 }, most[H5_MAX_DIMS] = { H5S_UNLIMITED }, chunk[H5_MAX_DIMS] = { 1 };
	hid_t id;
	for (int i = 1; i < ndim; i++)
		size[i] = most[i] = chunk[i] = (hsize_t)row_dim[i];
	const hid_t space = H5Screate_simple(ndim, size, most);
	const int rc = data_create(f, data, h5_native_type(type), space, ndim, chunk, &id);
	H5Sclose(space);
	if (!rc)
		H5Dclose(id);
	return rc;
}

int h5_append_rows(struct h5file *f, const char *data, enum h5_type type, int64_t n, const void *in)
{
	struct rows r = { .type = type, .n = (hsize_t)n, .in = in };
	int rc = data_open(f, data, &r.id);
	if (rc)
		return rc;
	if (!(rc = data_shape(f, data, r.id, &r.ndim, r.dim))) {
		r.first = r.dim[0];
		r.dim[0] += r.n;
		rc = H5Dset_extent(r.id, r.dim) < 0 ? h5_failed(ERR_FAILED, f, "extend", data) : rows_move(f, data, &r);
	}
	if (H5Dclose(r.id) < 0 && !rc)
		rc = h5_failed(ERR_FAILED, f, "write", data);
	return rc;
}
