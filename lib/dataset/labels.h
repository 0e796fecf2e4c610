/* Labels of the pictures of a data set: a row of numbers for each, with a name for each column. Those of pictures that have names of their own come from a
 * table (label_table.h). */
#ifndef PGAN_LABELS_H
#define PGAN_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { LABEL_COLUMNS = 65536 }; /* at most */

struct labels {
	int64_t n;
	int columns;  /* numbers in a row; 0: there are no labels */
	float *value; /* (n,columns), owned */
	char *names;  /* of the columns, between commas; owned */
};

/* The labels of an HDF5 file's n pictures: its data set labels (n,K) or (n), as pack-h5 writes them, or else the array in NAME-labels.npy beside NAME.h5, as
 * the Theano and TensorFlow releases of progressive growing have them (not beside a file that has pack-h5's attribute `tool`); without either no columns.
 * Labels that are not rows of finite numbers for n pictures, or whose attribute names has not K names, each its own: ERR_INPUT. */
int labels_of_h5(struct labels *, const char *path, int64_t n) MUST_CHECK;

/* The same for a .npy file's n images (below 0: not known, then it has none): the array in NAME-labels.npy beside NAME.npy, as pack-h5 --unpack writes it. */
int labels_of_npy(struct labels *, const char *path, int64_t n) MUST_CHECK;

void labels_free(struct labels *); /* a zeroed struct is fine */

/* Row i: `columns` numbers, borrowed; the next row lies behind it. */
static inline const float *labels_row(const struct labels *l, int64_t i)
{
	return l->value + (size_t)i * (size_t)l->columns;
}

/* Whether the names of n columns of `path` can be told apart and listed: of two with one name only the first would ever be found, one with a comma would be
 * two, and one with a line feed would break a table. ERR_INPUT otherwise. */
int labels_check_names(const char *path, char *const *name, size_t n) MUST_CHECK;

#endif
