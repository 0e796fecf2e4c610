/* A table of labels, whose rows are found by the name of a picture. */
#ifndef PGAN_LABEL_TABLE_H
#define PGAN_LABEL_TABLE_H

#include "labels.h"

struct label_table;

/* Reads a table, told by its content:
 *   CelebA's list_attr_celeba.txt   the number of rows; the names of the columns; rows of a file name and numbers, between spaces
 *   CSV                             a header line; rows of a file name and numbers, between commas; words may be quoted
 *   JSON                            StyleGAN's dataset.json: {"labels": [["00000/img00000000.png", 3], ["…", [0.5, 1]], …]}; the columns are called 0, 1 …
 *   a zip or tar archive            its dataset.json; not in a pipe, where the others may be
 * columns: the names to take, between commas, in that order; NULL: all. A row that is too short or not of finite decimal numbers, a file or column whose name
 * comes twice, rows that are not as many as CelebA's first line says, a CSV that begins with the row of a picture, more columns than LABEL_COLUMNS, or a column
 * that is not there is ERR_INPUT; one asked for twice ERR_USAGE. */
int label_table_read(struct label_table **, const char *path, const char *columns) MUST_CHECK;
void label_table_free(struct label_table **); /* NULL is fine */

/* All rows, in the order of the file; borrowed. */
const struct labels *label_table_labels(const struct label_table *);

/* The row of a picture by its path below the input (source_member()) or, if that is not there, by the last part of it, or by either without the ending of a
 * picture if only one row has that name: borrowed. NULL if there is none. */
const float *label_table_find(const struct label_table *, const char *member);

#endif
