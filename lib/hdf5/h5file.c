#include "h5internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "size.h"

hid_t h5_native_type(enum h5_type type)
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

int h5_failed(int code, const struct h5file *f, const char *verb, const char *object)
{
	char cause[256] = "HDF5 does not say why";
	const char *system = strerror(errno);
	if (errno == ENOSPC || errno == EIO || errno == EDQUOT || errno == EFBIG || errno == EMFILE || errno == ENFILE)
		snprintf(cause, sizeof cause, "%s", system);
	else
		H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, cause);
	if (object)
		return error_set(code, "cannot %s '%s' in '%s': %s", verb, object, f->name, cause);
	return error_set(code, "cannot %s '%s': %s", verb, f->name, cause);
}

void h5_begin(void)
{
	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
	errno = 0;
}

static void start(void)
{
	H5dont_atexit(); /* at exit HDF5 1.10 closes once more a file whose close failed, and crashes */
	H5open();
	h5_begin();
}

bool h5_is(const char *path)
{
	start();
	return H5Fis_hdf5(path) > 0;
}

static int file_new(struct h5file **out, const char *name)
{
	struct h5file *f = size_zalloc(1, sizeof *f);
	*out = NULL;
	if (!f || !(f->name = strdup(name))) {
		free(f);
		return error_set(ERR_FAILED, "out of memory");
	}
	f->id = -1;
	start();
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
	struct stat st;
	htri_t is;
	int rc = file_new(out, path);
	if (rc)
		return rc;
	if (access(path, R_OK) || stat(path, &st)) {
		rc = error_set(ERR_INPUT, "cannot open '%s': %s", path, strerror(errno));
	} else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		rc = error_set(ERR_INPUT, "cannot open '%s': HDF5 needs a regular file", path);
	} else if ((is = H5Fis_hdf5(path)) < 0) {
		rc = h5_failed(error_of_reading(errno), *out, "open", NULL);
	} else if (!is) {
		rc = error_set(ERR_INPUT, "'%s' is not an HDF5 file", path);
	} else if (((*out)->id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT)) < 0) {
		rc = h5_failed(ERR_INPUT, *out, "open", NULL);
	}
	if (rc)
		file_free(out);
	return rc;
}

int h5_create(struct h5file **out, const char *path, const char *name)
{
	int rc = file_new(out, name);
	if (rc)
		return rc;
	/* Format of HDF5 1.10: everything that describes the data carries a checksum, the indexes of chunks included; data_create() adds those of the data. No times,
	 * so that equal contents are equal files. */
	const hid_t how = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
	H5Pset_obj_track_times(how, 0);
	H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
	if (((*out)->id = H5Fcreate(path, H5F_ACC_TRUNC, how, access)) < 0) {
		rc = h5_failed(ERR_FAILED, *out, "create", NULL);
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
	h5_begin();
	if (H5Fclose((*f)->id) < 0)
		rc = h5_failed(ERR_FAILED, *f, "write", NULL);
	file_free(f);
	return rc;
}

void h5_release(struct h5file **f)
{
	if (!*f)
		return;
	h5_begin();
	H5Fclose((*f)->id);
	file_free(f);
}

const char *h5_library(void)
{
	static char text[32];
	unsigned major, minor, release;
	H5get_libversion(&major, &minor, &release);
	snprintf(text, sizeof text, "HDF5 %u.%u.%u", major, minor, release);
	return text;
}

const char *h5_name(const struct h5file *f)
{
	return f->name;
}

htri_t h5_look_up(struct h5file *f, const char *object)
{
	char path[512];
	htri_t found;
	h5_begin();
	if (!strcmp(object, "/"))
		return 1;
	if (snprintf(path, sizeof path, "%s", object) >= (int)sizeof path)
		return 0;
	for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = 0;
		if ((found = H5Lexists(f->id, path, H5P_DEFAULT)) <= 0)
			return found;
		H5O_info_t info; /* asked for because it leaves the cause of a failure */
		if (H5Oget_info_by_name(f->id, path, &info, H5P_DEFAULT) < 0)
			return -1;
		if (!slash)
			return 1;
		*slash = '/';
	}
}

bool h5_exists(struct h5file *f, const char *object)
{
	return h5_look_up(f, object) != 0;
}

struct listing {
	int (*each)(void *ctx, const char *name);
	void *ctx;
	int result;
};

static herr_t list_one(hid_t group, const char *name, const H5L_info_t *info, void *data)
{
	struct listing *l = data;
	(void)group;
	(void)info;
	l->result = l->each(l->ctx, name);
	return l->result != 0;
}

int h5_list(struct h5file *f, const char *group, int (*each)(void *ctx, const char *name), void *ctx)
{
	struct listing l = { each, ctx, 0 };
	if (!h5_exists(f, group))
		return error_set(ERR_INPUT, "'%s' has no '%s'", f->name, group);
	if (H5Literate_by_name(f->id, group, H5_INDEX_NAME, H5_ITER_INC, NULL, list_one, &l, H5P_DEFAULT) < 0 && !l.result)
		return h5_failed(ERR_INPUT, f, "list", group);
	return l.result;
}
