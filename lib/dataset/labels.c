#include "labels.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h5file.h"
#include "images.h"
#include "input_guard.h"
#include "npy.h"
#include "size.h"

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_control(const char *name)
{
	while (*name && !iscntrl((unsigned char)*name))
		name++;
	return *name;
}

int labels_check_names(const char *path, char *const *name, size_t n)
{
	char **sorted = size_alloc(n, sizeof *sorted);
	int rc = sorted ? 0 : ERR_FAILED;

	for (size_t i = 0; !rc && i < n; i++) {
		if (!*(sorted[i] = name[i]))
			rc = error_set(ERR_INPUT, "'%s' has a column of labels without a name", path);
		else if (strchr(name[i], ','))
			rc = error_set(ERR_INPUT, "'%s': the name of the column '%s' has a comma in it", path, name[i]);
		else if (has_control(name[i]))
			rc = error_set(ERR_INPUT, "'%s': the name of the column '%s' has a control character in it", path, name[i]);
	}
	if (!rc)
		qsort(sorted, n, sizeof *sorted, by_text);
	for (size_t i = 1; !rc && i < n; i++)
		if (!strcmp(sorted[i - 1], sorted[i]))
			rc = error_set(ERR_INPUT, "'%s' has two columns '%s'", path, sorted[i]);
	free(sorted);
	return rc;
}

/* Room for n rows of numbers, as many as the shape (n,K) or (n) says; the columns are called 0, 1 …. */
static int make_rows(struct labels *l, const char *path, int ndim, const int64_t *dim, int64_t n)
{
	if (ndim < 1 || ndim > 2 || dim[0] != n || (ndim == 2 && (dim[1] < 1 || dim[1] > LABEL_COLUMNS)))
		return error_set(ERR_INPUT, "the labels of '%s' are not rows of numbers for %lld pictures", path, (long long)n);
	l->n = n;
	l->columns = ndim == 2 ? (int)dim[1] : 1;
	if (!(l->value = size_alloc((size_t)n, (size_t)l->columns * sizeof *l->value)))
		return error_set(ERR_FAILED, "out of memory: the labels of '%s', %lld rows of %d numbers, do not fit", path, (long long)n, l->columns);
	if (!(l->names = size_zalloc((size_t)l->columns, 24)))
		return ERR_FAILED;
	for (int i = 0, at = 0; i < l->columns; i++)
		at += sprintf(l->names + at, "%s%d", i ? "," : "", i);
	return 0;
}

/* Whether the columns have a name each, and each its own. */
static int check_names(const struct labels *l, const char *path)
{
	char *copy = strdup(l->names), *next = copy, *word, **name = size_alloc((size_t)l->columns, sizeof *name);
	int n = 0;
	int rc = copy && name ? 0 : error_set(ERR_FAILED, "out of memory");

	for (; !rc && (word = strsep(&next, ",")); n++)
		if (n < l->columns)
			name[n] = word;
	if (!rc && n != l->columns)
		rc = error_set(ERR_INPUT, "'%s': 'labels' has %d column%s, its attribute 'names' %d", path, l->columns, l->columns == 1 ? "" : "s", n);
	if (!rc)
		rc = labels_check_names(path, name, (size_t)n);
	free(name);
	free(copy);
	return rc;
}

static size_t count_values(const struct labels *l)
{
	return (size_t)l->n * (size_t)l->columns;
}

static int read_h5(struct labels *l, struct h5file *f, int64_t n)
{
	int64_t dim[H5_MAX_DIMS];
	enum h5_type type;
	int ndim, rc;

	if ((rc = h5_shape(f, "labels", &ndim, dim, &type)) || (rc = make_rows(l, h5_name(f), ndim, dim, n)) ||
	    (rc = h5_read(f, "labels", H5_F32, l->value, count_values(l))))
		return rc;
	if (h5_has_attr(f, "labels", "names")) {
		free(l->names);
		if (!(rc = h5_get_text(f, "labels", "names", &l->names)))
			rc = check_names(l, h5_name(f));
	}
	return rc;
}

static int read_npy(struct labels *l, const char *path, FILE *f, int64_t n)
{
	struct npy_header h;
	int rc = npy_read_header(f, path, &h);
	if (rc == 0)
		return error_set(ERR_INPUT, "'%s' is empty", path);
	if (rc < 0 || (rc = make_rows(l, path, h.ndim, h.dim, n)))
		return rc;
	if (h.type == NPY_F32)
		return npy_read(f, path, h.type, l->value, count_values(l));
	uint8_t *byte = size_alloc(count_values(l), 1);
	rc = byte ? npy_read(f, path, h.type, byte, count_values(l)) : ERR_FAILED;
	for (size_t i = 0; !rc && i < count_values(l); i++)
		l->value[i] = byte[i];
	free(byte);
	return rc;
}

/* The array in NAME-labels.npy beside NAME.h5 or NAME.npy, where there is one. */
static int read_beside(struct labels *l, const char *path, int64_t n)
{
	char *beside = images_labels_name(path);
	int rc = 0;

	if (!beside)
		return ERR_FAILED;
	FILE *npy = fopen(beside, "rb");
	if (npy) {
		input_guard_add(beside);
		rc = read_npy(l, beside, npy, n);
		fclose(npy);
	} else if (errno != ENOENT) {
		rc = error_set(ERR_INPUT, "cannot open '%s': %s", beside, strerror(errno));
	}
	free(beside);
	return rc;
}

static int check_numbers(const struct labels *l, const char *path)
{
	for (size_t i = 0; i < count_values(l); i++)
		if (!isfinite(l->value[i])) {
			const char *name = l->names;
			for (size_t k = i % (size_t)l->columns; k; k--)
				name = strchr(name, ',') + 1;
			return error_set(ERR_INPUT, "'%s': the label %.*s of image %zu is not a float32 number", path, (int)strcspn(name, ","), name, i / (size_t)l->columns);
		}
	return 0;
}

int labels_of_h5(struct labels *l, const char *path, int64_t n)
{
	struct h5file *f = NULL;
	int rc = h5_open(&f, path);

	*l = (struct labels){ 0 };
	if (!rc && h5_exists(f, "labels"))
		rc = read_h5(l, f, n);
	else if (!rc && !h5_has_attr(f, "/", "tool")) /* pack-h5 has them in the file, or none */
		rc = read_beside(l, path, n);
	if (!rc)
		rc = check_numbers(l, path);
	h5_release(&f);
	if (rc)
		labels_free(l);
	return rc;
}

int labels_of_npy(struct labels *l, const char *path, int64_t n)
{
	*l = (struct labels){ 0 };
	int rc = n < 0 ? 0 : read_beside(l, path, n);
	if (!rc)
		rc = check_numbers(l, path);
	if (rc)
		labels_free(l);
	return rc;
}

void labels_free(struct labels *l)
{
	free(l->value);
	free(l->names);
	*l = (struct labels){ 0 };
}
