/* Streams of .npy records: what the tools exchange over pipes. Format: docs/formats.md, numpy.lib.format versions 1.0 to 3.0. */
#ifndef PGAN_NPY_H
#define PGAN_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

enum npy_type { NPY_U8, NPY_F32 };

#define NPY_MAX_DIMS 8
#define NPY_MAGIC "\x93NUMPY" /* what a record begins with */

/* Whether what begins with these n bytes can be a record. */
bool npy_has_magic(const void *first, size_t n);

struct npy_header {
	enum npy_type type;
	int ndim;
	int64_t dim[NPY_MAX_DIMS]; /* C order */
};

size_t npy_type_size(enum npy_type);

/* Reads the header of the next record. Returns 1 and fills *h; 0 at the end of the stream (nothing read); or ERR_INPUT with `name` in the message:
 * not an .npy file, fortran order, a type other than |u1 and <f4, too many dimensions, a size that overflows, a truncated header. */
int npy_read_header(FILE *, const char *name, struct npy_header *h) MUST_CHECK;

/* The same where one type alone will do: another is ERR_INPUT. */
int npy_read_header_of(FILE *, const char *name, enum npy_type only, struct npy_header *h) MUST_CHECK;

/* Reads n whole elements of the record's type into data; a short read is ERR_INPUT "truncated". */
int npy_read(FILE *, const char *name, enum npy_type, void *data, size_t n) MUST_CHECK;

/* Writes a version 1.0 header, padded to a multiple of 64. */
int npy_write_header(FILE *, const char *name, const struct npy_header *) MUST_CHECK;
int npy_write(FILE *, const char *name, enum npy_type, const void *data, size_t n) MUST_CHECK;

/* After a failure between two records: the header of one more, of at least one value, and no data. The stream ends inside a record, so that readers find it
 * truncated instead of taking what came for all of it. Keeps the failure's message, also where this cannot be written. */
void npy_write_broken(FILE *, const struct npy_header *h);

#endif
