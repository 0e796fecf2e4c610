/* The attributes of h5file.h. */
#include "h5internal.h"

#include <stdlib.h>
#include <string.h>

#include "size.h"

bool h5_has_attr(struct h5file *f, const char *object, const char *attr)
{
	return h5_exists(f, object) && H5Aexists_by_name(f->id, object, attr, H5P_DEFAULT) != 0;
}

static int attr_open(struct h5file *f, const char *object, const char *attr, hid_t *id)
{
	h5_begin();
	if (!h5_has_attr(f, object, attr))
		return error_set(ERR_INPUT, "'%s' has no attribute '%s' at '%s'", f->name, attr, object);
	*id = H5Aopen_by_name(f->id, object, attr, H5P_DEFAULT, H5P_DEFAULT);
	return *id < 0 ? h5_failed(ERR_INPUT, f, "read", attr) : 0;
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
	else if (H5Aread(id, h5_native_type(type), out) < 0)
		rc = h5_failed(ERR_INPUT, f, "read", attr);
	H5Tclose(stored);
	H5Sclose(space);
	H5Aclose(id);
	return rc;
}

/* Writes an attribute, in place of one of that name. */
static int attr_write(struct h5file *f, const char *object, const char *attr, hid_t type, hid_t space, const void *in)
{
	h5_begin();
	if (h5_has_attr(f, object, attr))
		H5Adelete_by_name(f->id, object, attr, H5P_DEFAULT);
	const hid_t id = H5Acreate_by_name(f->id, object, attr, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
	const herr_t status = id < 0 ? -1 : H5Awrite(id, type, in);
	const int rc = status < 0 ? h5_failed(ERR_FAILED, f, "write", attr) : 0;
	if (id >= 0)
		H5Aclose(id);
	return rc;
}

int h5_set_numbers(struct h5file *f, const char *object, const char *attr, enum h5_type type, const void *in, size_t n)
{
	const hsize_t size = n;
	const hid_t space = n == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &size, NULL);
	const int rc = attr_write(f, object, attr, h5_native_type(type), space, in);
	H5Sclose(space);
	return rc;
}

int h5_set_list(struct h5file *f, const char *object, const char *attr, enum h5_type type, const void *in, size_t n)
{
	const hsize_t size = n;
	const hid_t space = H5Screate_simple(1, &size, NULL);
	const int rc = attr_write(f, object, attr, h5_native_type(type), space, in);
	H5Sclose(space);
	return rc;
}

int h5_get_number(struct h5file *f, const char *object, const char *attr, double *out)
{
	size_t n;
	return h5_get_numbers(f, object, attr, H5_F64, out, 1, &n);
}

int h5_set_number(struct h5file *f, const char *object, const char *attr, double value)
{
	return h5_set_numbers(f, object, attr, H5_F64, &value, 1);
}

int h5_set_count(struct h5file *f, const char *object, const char *attr, int64_t value)
{
	return h5_set_numbers(f, object, attr, H5_I64, &value, 1);
}

int h5_get_text(struct h5file *f, const char *object, const char *attr, char **out)
{
	hid_t id;
	int rc = attr_open(f, object, attr, &id);
	*out = NULL;
	if (rc)
		return rc;
	const hid_t type = H5Aget_type(id), space = H5Aget_space(id);
	const hssize_t count = H5Sget_simple_extent_npoints(space);
	H5Sclose(space);
	if (count != 1) {
		rc = error_set(ERR_INPUT, "attribute '%s' of '%s' has %lld values where one text is expected", attr, f->name, (long long)count);
	} else if (H5Tget_class(type) != H5T_STRING) {
		rc = error_set(ERR_INPUT, "attribute '%s' of '%s' is not text", attr, f->name);
	} else if (H5Tis_variable_str(type) > 0) {
		char *text = NULL;
		const hid_t memory = H5Tget_native_type(type, H5T_DIR_ASCEND);
		if (H5Aread(id, memory, &text) < 0)
			rc = h5_failed(ERR_INPUT, f, "read", attr);
		else if (!(*out = strdup(text ? text : "")))
			rc = error_set(ERR_FAILED, "out of memory");
		H5free_memory(text);
		H5Tclose(memory);
	} else if (!(*out = size_zalloc(H5Tget_size(type) + 1, 1))) {
		rc = ERR_FAILED;
	} else if (H5Aread(id, type, *out) < 0) {
		rc = h5_failed(ERR_INPUT, f, "read", attr);
	}
	if (rc) {
		free(*out);
		*out = NULL;
	}
	H5Tclose(type);
	H5Aclose(id);
	return rc;
}

int h5_text_is(struct h5file *f, const char *object, const char *attr, const char *wanted, bool *is)
{
	char *text = NULL;
	const int rc = h5_has_attr(f, object, attr) ? h5_get_text(f, object, attr, &text) : 0;
	*is = text && !strcmp(text, wanted);
	free(text);
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
