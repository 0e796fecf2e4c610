/* Data sets: one HDF5 file with the same N pictures at every resolution, uint8 data{R}x{R} (N,3,R,R) for R = 4, 8 … side. Format: docs/formats.md. */
#ifndef PGAN_DATASET_H
#define PGAN_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { DATASET_MIN_SIDE = 4, DATASET_MAX_SIDE = 1024, DATASET_MAX_LEVELS = 9 };

/* -- reading -- */

/* An open data set. HDF5 is not safe in threads: while one thread opens, selects or reads rows that are not in memory, no other may call HDF5 at all. Rows in
 * memory can be read by any number of threads at any time. */
struct dataset;

/* A missing file, a foreign one, one without data{R}x{R}, or one whose resolutions disagree about N is ERR_INPUT. Resolutions may be missing from below or
 * between (other programs' files). */
int dataset_open(struct dataset **, const char *path) MUST_CHECK;
void dataset_close(struct dataset **); /* NULL is fine */

int64_t dataset_count(const struct dataset *); /* N, at least 1 */
int dataset_side(const struct dataset *);      /* the largest resolution */
bool dataset_has(const struct dataset *, int side);
const char *dataset_name(const struct dataset *); /* the path, for messages; borrowed */

/* Chooses the resolution that dataset_rows() reads, and reads the whole of it into memory when it takes at most `budget` bytes (N * 3 * side * side; 0: never).
 * A resolution that is not there is ERR_INPUT. What was chosen before is given up. */
int dataset_select(struct dataset *, int side, size_t budget) MUST_CHECK;

/* out[i] = picture row[i], in any order, repeated or not. row: n numbers in [0,N), borrowed. out: (n,3,side,side) uint8. */
int dataset_rows(struct dataset *, const int64_t *row, int64_t n, uint8_t *out) MUST_CHECK;

/* -- making the smaller resolutions -- */

enum level_filter { LEVELS_BILINEAR, LEVELS_BOX }; /* resize.h says what they are */
#define LEVEL_FILTERS "bilinear|box"                /* their names */
extern const char *const level_filter_names[];     /* the same as words, and NULL */

/* A maker of levels: scratch for one thread. The levels of a picture lie one after another from 4 to side: 3 * (4*4 + 8*8 + … + side*side) bytes. */
struct levels;
int levels_new(struct levels **, int side, enum level_filter) MUST_CHECK; /* side: a power of two, DATASET_MIN_SIDE to DATASET_MAX_SIDE; else ERR_USAGE */
void levels_free(struct levels **);                                       /* NULL is fine */
size_t level_size(int side);                                              /* bytes of one level of one picture, (3,side,side) */
size_t levels_size(int side);                                             /* bytes of all of them, up to this side */
void levels_make(struct levels *, uint8_t *out, const uint8_t *in);       /* in: (3,side,side) uint8 */

/* -- writing -- */

/* A data set being written: appended picture by picture in bounded memory; the file appears under its name, complete, with dataset_commit(). */
struct dataset_writer;

int dataset_create(struct dataset_writer **, const char *path, int side) MUST_CHECK; /* side: as of levels_new() */
int dataset_append(struct dataset_writer *, const uint8_t *levels) MUST_CHECK; /* one picture as levels_make() left it */

/* Labels: dataset_label_columns() once, before the first picture (names: between commas); then dataset_label() before each dataset_append(), with a row of
 * `columns` numbers, copied. */
int dataset_label_columns(struct dataset_writer *, const char *names, int columns) MUST_CHECK;
void dataset_label(struct dataset_writer *, const float *label);

/* Sets an attribute of the file, which says where it comes from. */
int dataset_describe(struct dataset_writer *, const char *name, const char *text) MUST_CHECK;

int dataset_commit(struct dataset_writer **) MUST_CHECK; /* also frees, on failure too; a set without pictures is ERR_INPUT */
void dataset_discard(struct dataset_writer **);          /* NULL is fine */

#endif
