/* Data that lie elsewhere. Virtual data sets are made of parts of others, often in other files; external ones lie as raw bytes in other files. What is missing
 * of these HDF5 reads as zeros, without a word. */
#include "h5internal.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum part { PART_MISSING, PART_THERE, PART_VIRTUAL };

static bool is_virtual(hid_t id)
{
	const hid_t how = H5Dget_create_plist(id);
	const bool is = H5Pget_layout(how) == H5D_VIRTUAL;
	H5Pclose(how);
	return is;
}

static bool is_external(hid_t id)
{
	const hid_t how = H5Dget_create_plist(id);
	const bool is = H5Pget_layout(how) == H5D_CONTIGUOUS && H5Pget_external_count(how) > 0;
	H5Pclose(how);
	return is;
}

static enum part find_data(hid_t file, const char *data)
{
	const hid_t id = file < 0 ? -1 : H5Dopen2(file, data, H5P_DEFAULT);
	if (id < 0)
		return PART_MISSING;
	const enum part part = is_virtual(id) ? PART_VIRTUAL : PART_THERE;
	H5Dclose(id);
	return part;
}

/* dir NULL: the current one. */
static enum part find_in(const char *dir, const char *name, const char *data)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s%s%s", dir ? dir : "", dir ? "/" : "", name) >= (int)sizeof path)
		return PART_MISSING;
	const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
	const enum part part = find_data(file, data);
	if (file >= 0)
		H5Fclose(file);
	return part;
}

/* Where HDF5 looks: by the name as it is, and beside the file, where of a full path the last part counts, too. */
static enum part find_source(const struct h5file *f, const char *name, const char *data)
{
	char beside[PATH_MAX];
	enum part part;
	if (!strcmp(name, "."))
		return find_data(f->id, data);
	snprintf(beside, sizeof beside, "%s", f->name);
	const char *dir = dirname(beside);
	if (!(part = find_in(NULL, name, data)))
		part = find_in(dir, name, data);
	return part || *name != '/' ? part : find_in(dir, strrchr(name, '/') + 1, data);
}

/* One of the sources; a name with % stands for many. */
static int check_source(const struct h5file *f, const char *data, hid_t how, size_t i)
{
	char name[PATH_MAX], source[PATH_MAX];
	if (H5Pget_virtual_filename(how, i, name, sizeof name) < 0 || H5Pget_virtual_dsetname(how, i, source, sizeof source) < 0)
		return h5_failed(ERR_INPUT, f, "read", data);
	if (strchr(name, '%') || strchr(source, '%'))
		return 0;
	const enum part part = find_source(f, name, source);
	/* A virtual part could be the set itself again, of which HDF5 does not come to an end. */
	return part == PART_THERE ? 0 : error_set(ERR_INPUT, "'%s' in '%s' is virtual, and its part '%s' in '%s' is %s", data, f->name, source, name,
	                                          part == PART_VIRTUAL ? "virtual, too" : "not there");
}

int h5_check_elsewhere(const struct h5file *f, const char *data, hid_t id)
{
	if (is_external(id))
		return error_set(ERR_INPUT, "'%s' in '%s' lies in raw files outside of it, which may have changed: 'h5repack -l CONTI' makes one file of both", data, f->name);
	/* Where a variable says where to look, HDF5 alone knows. */
	if (!is_virtual(id) || getenv("HDF5_VDS_PREFIX"))
		return 0;
	const hid_t how = H5Dget_create_plist(id);
	size_t n = 0;
	int rc = 0;
	if (H5Pget_virtual_count(how, &n) < 0)
		rc = h5_failed(ERR_INPUT, f, "read", data);
	for (size_t i = 0; !rc && i < n; i++)
		rc = check_source(f, data, how, i);
	H5Pclose(how);
	return rc;
}
