/* Labels of pictures: rows of numbers, with a name for each column. Rows of a table (labels_read) are found by the name of a picture, those of an HDF5 file
 * (labels_of_h5) by its number. */
#ifndef PGAN_LABELS_H
#define PGAN_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct labels;

/* Reads a table, told by its content:
 *   CelebA's list_attr_celeba.txt   the number of rows; the names of the columns; rows of a file name and numbers, between spaces
 *   CSV                             a header line; rows of a file name and numbers, between commas
 *   JSON                            StyleGAN's dataset.json: {"labels": [["00000/img00000000.png", 3], ["…", [0.5, 1]], …]}; the columns are called 0, 1 …
 *   a zip or tar archive            its dataset.json; not in a pipe, where the others may be
 * columns: the names to take, between commas, in that order; NULL: all. A row that is too short or not of finite decimal numbers, a file or column whose name
 * comes twice, rows that are not as many as CelebA's first line says, or a column that is not there is ERR_INPUT; one asked for twice ERR_USAGE. */
int labels_read(struct labels **, const char *path, const char *columns) MUST_CHECK;

/* The labels of an HDF5 file's n pictures: its data set labels (n,K) or (n), as pack-h5 writes them, or else the array in NAME-labels.npy beside NAME.h5, as
 * the Theano and TensorFlow releases of progressive growing have them. *out is NULL when there is neither. Labels that are not rows for n pictures, or whose
 * attribute names has not K names, each its own: ERR_INPUT. */
int labels_of_h5(struct labels **out, const char *path, int64_t n) MUST_CHECK;

void labels_free(struct labels **); /* NULL is fine */

int labels_columns(const struct labels *); /* numbers in a row */
const char *labels_names(const struct labels *); /* between commas; borrowed */

/* The row of a picture in a table, by its path below the input (source_member()) or, if that is not there, by the last part of it: labels_columns() floats,
 * borrowed. NULL if there is none, and always for labels of an HDF5 file, which have no names. */
const float *labels_of(const struct labels *, const char *member);

/* Row i, borrowed; those that follow lie behind it. Of an HDF5 file that of picture i, of a table the i-th of the file. */
const float *labels_row(const struct labels *, int64_t i);

#endif
