#include "h5file.h"

#include <errno.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "size.h"

struct h5file {
	hid_t id;
	char *name;
};

static hid_t native_type(enum h5_type type)
{
	switch (type) {
	case H5_U8:
		return H5T_NATIVE_UINT8;
	case H5_I32:
		return H5T_NATIVE_INT32;
	case H5_I64:
		return H5T_NATIVE_INT64;
	case H5_F32:
		return H5T_NATIVE_FLOAT;
	case H5_F64:
		break;
	}
	return H5T_NATIVE_DOUBLE;
}

/* The cause that HDF5 has at the bottom of its error stack; errno when the system had one. */
static herr_t innermost(unsigned n, const H5E_error2_t *error, void *ctx)
{
	if (n == 0 && error->desc)
		snprintf(ctx, 256, "%s", error->desc);
	return 0;
}

static int failed(int code, const struct h5file *f, const char *verb, const char *object)
{
	char cause[256] = "HDF5 does not say why";
	const char *system = strerror(errno);
	if (errno == ENOSPC || errno == EIO || errno == EDQUOT || errno == EFBIG)
		snprintf(cause, sizeof cause, "%s", system);
	else
		H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, cause);
	if (object)
		return error_set(code, "cannot %s '%s' in '%s': %s", verb, object, f->name, cause);
	return error_set(code, "cannot %s '%s': %s", verb, f->name, cause);
}

/* Before every piece of work, and not when a file is opened: HDF5 is told to be silent for each thread by itself, and a file may be read by another thread. */
static void begin(void)
{
	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
	errno = 0;
}

static int file_new(struct h5file **out, const char *path)
{
	struct h5file *f = size_zalloc(1, sizeof *f);
	*out = NULL;
	if (!f || !(f->name = strdup(path))) {
		free(f);
		return error_set(ERR_FAILED, "out of memory");
	}
	f->id = -1;
	H5dont_atexit(); /* at exit HDF5 1.10 closes once more a file whose close failed, and crashes */
	H5open();
	begin();
	*out = f;
	return 0;
}

static void file_free(struct h5file **f)
{
	free((*f)->name);
	free(*f);
	*f = NULL;
}

int h5_open(struct h5file **out, const char *path)
{
	int rc = file_new(out, path);
	if (rc)
		return rc;
	if (access(path, R_OK)) {
		rc = error_set(ERR_INPUT, "cannot open '%s': %s", path, strerror(errno));
	} else if (H5Fis_hdf5(path) <= 0) {
		rc = error_set(ERR_INPUT, "'%s' is not an HDF5 file", path);
	} else if (((*out)->id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT)) < 0) {
		rc = failed(ERR_INPUT, *out, "open", NULL);
	}
	if (rc)
		file_free(out);
	return rc;
}

int h5_create(struct h5file **out, const char *path)
{
	int rc = file_new(out, path);
	if (rc)
		return rc;
	/* Format of HDF5 1.10: everything that describes the data carries a checksum, the indexes of chunks included; data_create() adds those of the data. No times,
	 * so that equal contents are equal files. */
	const hid_t how = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
	H5Pset_obj_track_times(how, 0);
	H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
	if (((*out)->id = H5Fcreate(path, H5F_ACC_TRUNC, how, access)) < 0) {
		rc = failed(ERR_FAILED, *out, "create", NULL);
		file_free(out);
	}
	H5Pclose(how);
	H5Pclose(access);
	return rc;
}

int h5_close(struct h5file **f)
{
	int rc = 0;
	if (!*f)
		return 0;
	begin();
	if (H5Fclose((*f)->id) < 0)
		rc = failed(ERR_FAILED, *f, "write", NULL);
	file_free(f);
	return rc;
}

const char *h5_library(void)
{
	static char text[32];
	unsigned major, minor, release;
	H5get_libversion(&major, &minor, &release);
	snprintf(text, sizeof text, "HDF5 %u.%u.%u", major, minor, release);
	return text;
}

void h5_rename(struct h5file *f, const char *path)
{
	char *name = strdup(path);
	if (name) {
		free(f->name);
		f->name = name;
	}
}

const char *h5_name(const struct h5file *f)
{
	return f->name;
}

/* Positive: it is there; 0: it is not; negative: the file is damaged where that is written. */
static htri_t look_up(struct h5file *f, const char *object)
{
	char path[512];
	htri_t found;
	begin();
	if (!strcmp(object, "/"))
		return 1;
	if (snprintf(path, sizeof path, "%s", object) >= (int)sizeof path)
		return 0;
	for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = 0;
		if ((found = H5Lexists(f->id, path, H5P_DEFAULT)) <= 0 || (found = H5Oexists_by_name(f->id, path, H5P_DEFAULT)) <= 0 || !slash)
			return found;
		*slash = '/';
	}
}

bool h5_exists(struct h5file *f, const char *object)
{
	return look_up(f, object) != 0;
}

struct listing {
	int (*each)(void *ctx, const char *name, bool is_group);
	void *ctx;
	int result;
};

static herr_t list_one(hid_t group, const char *name, const H5L_info_t *info, void *data)
{
	struct listing *l = data;
	H5O_info_t object;
	(void)info;
	if (H5Oget_info_by_name(group, name, &object, H5P_DEFAULT) < 0)
		return 0; /* a dangling link */
	l->result = l->each(l->ctx, name, object.type == H5O_TYPE_GROUP);
	return l->result != 0;
}

int h5_list(struct h5file *f, const char *group, int (*each)(void *ctx, const char *name, bool is_group), void *ctx)
{
	struct listing l = { each, ctx, 0 };
	if (!h5_exists(f, group))
		return error_set(ERR_INPUT, "'%s' has no '%s'", f->name, group);
	if (H5Literate_by_name(f->id, group, H5_INDEX_NAME, H5_ITER_INC, NULL, list_one, &l, H5P_DEFAULT) < 0 && !l.result)
		return failed(ERR_INPUT, f, "list", group);
	return l.result;
}

/* -- data sets -- */

static int data_open(struct h5file *f, const char *data, hid_t *id)
{
	*id = -1;
	const htri_t found = look_up(f, data);
	if (!found)
		return error_set(ERR_INPUT, "'%s' has no '%s'", f->name, data);
	if (found < 0 || (*id = H5Dopen2(f->id, data, H5P_DEFAULT)) < 0)
		return failed(ERR_INPUT, f, "open", data);
	return 0;
}

static int data_shape(struct h5file *f, const char *data, hid_t id, int *ndim, hsize_t dim[H5_MAX_DIMS])
{
	const hid_t space = H5Dget_space(id);
	const int n = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
	int rc = 0;
	if (n < 0)
		rc = failed(ERR_INPUT, f, "read", data);
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

int h5_shape(struct h5file *f, const char *data, int *ndim, int64_t *dim, enum h5_type *type)
{
	hsize_t size[H5_MAX_DIMS];
	hid_t id;
	int rc = data_open(f, data, &id);
	if (rc)
		return rc;
	if (!(rc = data_shape(f, data, id, ndim, size)) && !(rc = data_type(f, data, id, type)))
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
	if (!(rc = data_shape(f, data, id, &ndim, size)) && !(rc = data_type(f, data, id, &stored))) {
		bool fits = true;
		for (int i = 0; i < ndim; i++)
			fits = size_mul(count, (size_t)size[i], &count) && fits;
		if (!fits)
			rc = error_set(ERR_INPUT, "'%s' in '%s' has more values than can be counted, where %zu are expected", data, f->name, n);
		else if (count != n)
			rc = error_set(ERR_INPUT, "'%s' in '%s' has %zu values where %zu are expected", data, f->name, count, n);
		else if (H5Dread(id, native_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
			rc = failed(ERR_INPUT, f, "read", data);
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
				rc = failed(ERR_FAILED, f, "write", path);
			else
				H5Gclose(id);
		}
		*slash = '/';
	}
	H5Pclose(how);
	return rc;
}

/* Creates a data set and the groups above it. chunk: its shape, every chunk with a Fletcher-32 checksum; NULL for a scalar or an empty set, which have no chunks. */
static int data_create(struct h5file *f, const char *data, hid_t type, hid_t space, int ndim, const hsize_t *chunk, hid_t *id)
{
	int rc;
	begin();
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
		rc = failed(ERR_FAILED, f, "write", data);
	H5Pclose(how);
	return rc;
}

int h5_write(struct h5file *f, const char *data, enum h5_type type, int ndim, const int64_t *dim, const void *in)
{
	hsize_t size[H5_MAX_DIMS];
	bool empty = !ndim;
	hid_t id;
	for (int i = 0; i < ndim; i++) {
		size[i] = (hsize_t)dim[i];
		empty |= !dim[i];
	}
	const hid_t space = ndim ? H5Screate_simple(ndim, size, NULL) : H5Screate(H5S_SCALAR);
	int rc = data_create(f, data, native_type(type), space, ndim, empty ? NULL : size, &id);
	H5Sclose(space);
	if (rc)
		return rc;
	if (H5Dwrite(id, native_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, in) < 0)
		rc = failed(ERR_FAILED, f, "write", data);
	if (H5Dclose(id) < 0 && !rc)
		rc = failed(ERR_FAILED, f, "write", data);
	return rc;
}

/* Reads or writes rows first … first + n of an open data set whose shape is known. */
static int rows_move(struct h5file *f, const char *data, hid_t id, int ndim, const hsize_t *dim, enum h5_type type, hsize_t first, hsize_t n, void *out,
                     const void *in)
{
	hsize_t start[H5_MAX_DIMS] = { first }, count[H5_MAX_DIMS] = { n };
	for (int i = 1; i < ndim; i++)
		count[i] = dim[i];
	const hid_t file_space = H5Dget_space(id), memory = H5Screate_simple(ndim, count, NULL);
	herr_t status = H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, count, NULL);
	if (status >= 0)
		status = out ? H5Dread(id, native_type(type), memory, file_space, H5P_DEFAULT, out) : H5Dwrite(id, native_type(type), memory, file_space, H5P_DEFAULT, in);
	int rc = 0;
	if (status < 0) /* HDF5 forgets the cause with the next call */
		rc = out ? failed(ERR_INPUT, f, "read", data) : failed(ERR_FAILED, f, "write", data);
	H5Sclose(file_space);
	H5Sclose(memory);
	return rc;
}

int h5_read_rows(struct h5file *f, const char *data, enum h5_type type, int64_t first, int64_t n, void *out)
{
	hsize_t dim[H5_MAX_DIMS];
	int ndim, rc;
	hid_t id;
	if ((rc = data_open(f, data, &id)))
		return rc;
	if (!(rc = data_shape(f, data, id, &ndim, dim))) {
		if (ndim < 1 || first < 0 || n < 0 || (hsize_t)first + (hsize_t)n > dim[0])
			rc = error_set(ERR_INPUT, "'%s' in '%s' ends before row %lld", data, f->name, (long long)(first + n));
		else
			rc = rows_move(f, data, id, ndim, dim, type, (hsize_t)first, (hsize_t)n, out, NULL);
	}
	H5Dclose(id);
	return rc;
}

int h5_create_rows(struct h5file *f, const char *data, enum h5_type type, int ndim, const int64_t *row_dim)
{
	hsize_t size[H5_MAX_DIMS] = { 0 }, most[H5_MAX_DIMS] = { H5S_UNLIMITED }, chunk[H5_MAX_DIMS] = { 1 };
	hid_t id;
	for (int i = 1; i < ndim; i++)
		size[i] = most[i] = chunk[i] = (hsize_t)row_dim[i];
	const hid_t space = H5Screate_simple(ndim, size, most);
	const int rc = data_create(f, data, native_type(type), space, ndim, chunk, &id);
	H5Sclose(space);
	if (!rc)
		H5Dclose(id);
	return rc;
}

int h5_append_rows(struct h5file *f, const char *data, enum h5_type type, int64_t n, const void *in)
{
	hsize_t dim[H5_MAX_DIMS];
	int ndim, rc;
	hid_t id;
	if ((rc = data_open(f, data, &id)))
		return rc;
	if (!(rc = data_shape(f, data, id, &ndim, dim))) {
		const hsize_t first = dim[0];
		dim[0] += (hsize_t)n;
		if (H5Dset_extent(id, dim) < 0)
			rc = failed(ERR_FAILED, f, "extend", data);
		else
			rc = rows_move(f, data, id, ndim, dim, type, first, (hsize_t)n, NULL, in);
	}
	if (H5Dclose(id) < 0 && !rc)
		rc = failed(ERR_FAILED, f, "write", data);
	return rc;
}

/* -- attributes -- */

bool h5_has_attr(struct h5file *f, const char *object, const char *attr)
{
	return h5_exists(f, object) && H5Aexists_by_name(f->id, object, attr, H5P_DEFAULT) != 0;
}

static int attr_open(struct h5file *f, const char *object, const char *attr, hid_t *id)
{
	begin();
	if (!h5_has_attr(f, object, attr))
		return error_set(ERR_INPUT, "'%s' has no attribute '%s' at '%s'", f->name, attr, object);
	*id = H5Aopen_by_name(f->id, object, attr, H5P_DEFAULT, H5P_DEFAULT);
	return *id < 0 ? failed(ERR_INPUT, f, "read", attr) : 0;
}

int h5_get_numbers(struct h5file *f, const char *object, const char *attr, enum h5_type type, void *out, size_t max, size_t *n)
{
	hid_t id;
	int rc = attr_open(f, object, attr, &id);
	if (rc)
		return rc;
	const hid_t space = H5Aget_space(id), stored = H5Aget_type(id);
	const H5T_class_t class = H5Tget_class(stored);
	const hssize_t count = H5Sget_simple_extent_npoints(space);
	*n = count < 0 ? 0 : (size_t)count;
	if (class != H5T_INTEGER && class != H5T_FLOAT)
		rc = error_set(ERR_INPUT, "attribute '%s' of '%s' is not a number", attr, f->name);
	else if (count < 1 || *n > max)
		rc = error_set(ERR_INPUT, "attribute '%s' of '%s' has %zu values where at most %zu are expected", attr, f->name, *n, max);
	else if (H5Aread(id, native_type(type), out) < 0)
		rc = failed(ERR_INPUT, f, "read", attr);
	H5Tclose(stored);
	H5Sclose(space);
	H5Aclose(id);
	return rc;
}

/* Writes an attribute, in place of one of that name. */
static int attr_write(struct h5file *f, const char *object, const char *attr, hid_t type, hid_t space, const void *in)
{
	begin();
	if (h5_has_attr(f, object, attr))
		H5Adelete_by_name(f->id, object, attr, H5P_DEFAULT);
	const hid_t id = H5Acreate_by_name(f->id, object, attr, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	const herr_t status = id < 0 ? -1 : H5Awrite(id, type, in);
	const int rc = status < 0 ? failed(ERR_FAILED, f, "write", attr) : 0;
	if (id >= 0)
		H5Aclose(id);
	return rc;
}

int h5_set_numbers(struct h5file *f, const char *object, const char *attr, enum h5_type type, const void *in, size_t n)
{
	const hsize_t size = n;
	const hid_t space = n == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &size, NULL);
	const int rc = attr_write(f, object, attr, native_type(type), space, in);
	H5Sclose(space);
	return rc;
}

int h5_set_list(struct h5file *f, const char *object, const char *attr, enum h5_type type, const void *in, size_t n)
{
	const hsize_t size = n;
	const hid_t space = H5Screate_simple(1, &size, NULL);
	const int rc = attr_write(f, object, attr, native_type(type), space, in);
	H5Sclose(space);
	return rc;
}

int h5_get_text(struct h5file *f, const char *object, const char *attr, char **out)
{
	hid_t id;
	int rc = attr_open(f, object, attr, &id);
	*out = NULL;
	if (rc)
		return rc;
	const hid_t type = H5Aget_type(id);
	if (H5Tget_class(type) != H5T_STRING) {
		rc = error_set(ERR_INPUT, "attribute '%s' of '%s' is not text", attr, f->name);
	} else if (H5Tis_variable_str(type) > 0) {
		char *text = NULL;
		const hid_t memory = H5Tget_native_type(type, H5T_DIR_ASCEND);
		if (H5Aread(id, memory, &text) < 0)
			rc = failed(ERR_INPUT, f, "read", attr);
		else if (!(*out = strdup(text ? text : "")))
			rc = error_set(ERR_FAILED, "out of memory");
		H5free_memory(text);
		H5Tclose(memory);
	} else if (!(*out = size_zalloc(H5Tget_size(type) + 1, 1))) {
		rc = ERR_FAILED;
	} else if (H5Aread(id, type, *out) < 0) {
		rc = failed(ERR_INPUT, f, "read", attr);
	}
	if (rc) {
		free(*out);
		*out = NULL;
	}
	H5Tclose(type);
	H5Aclose(id);
	return rc;
}

int h5_set_text(struct h5file *f, const char *object, const char *attr, const char *in)
{
	const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
	H5Tset_size(type, strlen(in) + 1);
	H5Tset_cset(type, H5T_CSET_UTF8);
	const int rc = attr_write(f, object, attr, type, space, in);
	H5Tclose(type);
	H5Sclose(space);
	return rc;
}
