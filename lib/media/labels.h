/* Labels of pictures: a table of numbers by file name. */
#ifndef PGAN_LABELS_H
#define PGAN_LABELS_H

#include <stddef.h>

#include "error.h"

struct labels;

/* Reads a table, told by its content:
 *   CelebA's list_attr_celeba.txt   the number of rows; the names of the columns; rows of a file name and numbers, between spaces
 *   CSV                             a header line; rows of a file name and numbers, between commas
 *   JSON                            StyleGAN's dataset.json: {"labels": [["00000/img00000000.png", 3], ["…", [0.5, 1]], …]}; the columns are called 0, 1 …
 * columns: the names to take, between commas, in that order; NULL: all. A row that is too short or not of numbers, a name that comes twice or a column that is not
 * there is ERR_INPUT. */
int labels_read(struct labels **, const char *path, const char *columns) MUST_CHECK;
void labels_free(struct labels **); /* NULL is fine */

int labels_columns(const struct labels *);
const char *labels_names(const struct labels *); /* between commas; borrowed */

/* The numbers of a picture, by its path below the input or, if that is not there, by the last part of it: labels_columns() floats, borrowed; NULL if it has none. */
const float *labels_of(const struct labels *, const char *member);

#endif
