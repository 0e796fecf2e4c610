/* HDF5 with our messages: every failure names the file, the object and the cause; HDF5's own error stack is kept silent.
 * Files written here carry a checksum on everything, so a damaged one fails on reading; they hold no times: equal contents are equal bytes.
 * Types: those of enum h5_type as written by us; on reading HDF5 converts between number types. Only lib/hdf5 includes hdf5.h. */
#ifndef PGAN_H5FILE_H
#define PGAN_H5FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum h5_type { H5_U8, H5_I32, H5_I64, H5_F32, H5_F64 };

#define H5_MAX_DIMS 8

struct h5file; /* an open file */

bool h5_is(const char *path); /* whether it is an HDF5 file, behind a block of the user's too; false when it cannot be read */

int h5_open(struct h5file **, const char *path) MUST_CHECK;   /* for reading; a missing, truncated or foreign file is ERR_INPUT */
/* Truncates a regular file. name: what messages call it; h5out_open() creates outfile.temp by the final one. */
int h5_create(struct h5file **, const char *path, const char *name) MUST_CHECK;
int h5_close(struct h5file **) MUST_CHECK;                    /* reports a failed flush (full disk); NULL is fine; sets it to NULL */
void h5_release(struct h5file **);                            /* likewise, of a file that was only read, or is thrown away: nothing can be lost */
const char *h5_name(const struct h5file *);

const char *h5_library(void); /* "HDF5 1.10.8", for --version */

/* Whether there is such an object; true also where damage hides the answer, or for a link to nothing, so that the read that follows reports it. */
bool h5_exists(struct h5file *, const char *object);

/* Names of the links of a group in the order of their names, whatever they lead to. `each` returns non-zero to stop, which is returned. */
int h5_list(struct h5file *, const char *group, int (*each)(void *ctx, const char *name), void *ctx) MUST_CHECK;

/* Shape of a data set, which is there, with all parts of a virtual one. dim: room for H5_MAX_DIMS. type: H5_U8 for unsigned bytes alone, signed ones are
 * H5_I32. */
int h5_shape(struct h5file *, const char *data, int *ndim, int64_t *dim, enum h5_type *type) MUST_CHECK;

/* Whole data sets; missing groups of the path are created on writing. h5_read checks that the number of elements is n. */
int h5_read(struct h5file *, const char *data, enum h5_type, void *out, size_t n) MUST_CHECK;
int h5_write(struct h5file *, const char *data, enum h5_type, int ndim, const int64_t *dim, const void *in) MUST_CHECK;

/* Rows first … first+n of the first dimension. */
int h5_read_rows(struct h5file *, const char *data, enum h5_type, int64_t first, int64_t n, void *out) MUST_CHECK;
int h5_create_rows(struct h5file *, const char *data, enum h5_type, int ndim, const int64_t *row_dim /* dim[0] is ignored: 0 rows, extendible */) MUST_CHECK; /* chunked by row */
int h5_append_rows(struct h5file *, const char *data, enum h5_type, int64_t n, const void *in) MUST_CHECK;

/* Attributes of an object ("/" is the file). Reading a missing one is ERR_INPUT; ask h5_has_attr first when it is optional. */
bool h5_has_attr(struct h5file *, const char *object, const char *attr);
int h5_get_numbers(struct h5file *, const char *object, const char *attr, enum h5_type, void *out, size_t max, size_t *n) MUST_CHECK; /* scalar or 1-D */
int h5_set_numbers(struct h5file *, const char *object, const char *attr, enum h5_type, const void *in, size_t n) MUST_CHECK;         /* n = 1: scalar */
int h5_set_list(struct h5file *, const char *object, const char *attr, enum h5_type, const void *in, size_t n) MUST_CHECK;            /* 1-D, with one value too */
int h5_get_number(struct h5file *, const char *object, const char *attr, double *out) MUST_CHECK;
int h5_set_number(struct h5file *, const char *object, const char *attr, double) MUST_CHECK; /* float64 */
int h5_set_count(struct h5file *, const char *object, const char *attr, int64_t) MUST_CHECK; /* int64 */
int h5_get_text(struct h5file *, const char *object, const char *attr, char **out /* owned by the caller */) MUST_CHECK;             /* fixed and variable length */
int h5_text_is(struct h5file *, const char *object, const char *attr, const char *wanted, bool *is) MUST_CHECK; /* whether there is one, with that text */
int h5_set_text(struct h5file *, const char *object, const char *attr, const char *in) MUST_CHECK;

#endif
