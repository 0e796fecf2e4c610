/* Equally sized square RGB images, one after another, to wherever a tool was told to write: the counterpart of images.h.
 *
 *   struct sink *s;
 *   if ((rc = sink_open(&s, &plan))) return rc;
 *   while (…) if ((rc = sink_write(s, images, n))) …
 *   rc = sink_commit(&s);      or sink_discard(&s) on failure
 *
 * A file appears whole, with sink_commit(), or not at all; of a folder every picture does. */
#ifndef PGAN_SINK_H
#define PGAN_SINK_H

#include <stdbool.h>

#include "npy.h"

enum sink_kind {
	SINK_STDOUT, /* one .npy record */
	SINK_NPY,    /* the same in a file */
	SINK_H5,     /* data set data{R}x{R} */
	SINK_GRID,   /* one PNG picture of all */
	SINK_Y4M,    /* video frames, 4:4:4 */
	SINK_FOLDER  /* PNG pictures 000000.png … */
};

/* Told by the end of the name: .npy, .h5, .png, .y4m, or "/" or an existing folder. NULL and "-" are stdout. Anything else is ERR_USAGE. */
int sink_kind_of(const char *output, enum sink_kind *) MUST_CHECK;

struct sink_plan {
	const char *output;  /* borrowed for the call; NULL for SINK_STDOUT */
	enum sink_kind kind;
	enum npy_type type;  /* float32 for the two .npy kinds alone */
	int side;            /* images are (3,side,side) */
	int64_t n;           /* exactly so many will come */
	int64_t first;       /* number of the first one: names the pictures of a folder */
	int columns;         /* of SINK_GRID */
};

struct sink;

int sink_open(struct sink **, const struct sink_plan *) MUST_CHECK;
int sink_write(struct sink *, const void *images, int64_t n) MUST_CHECK; /* n images of the plan's type */
int sink_describe(struct sink *, const char *name, const char *text) MUST_CHECK; /* an attribute of SINK_H5, where the images come from; others ignore it */
int sink_commit(struct sink **) MUST_CHECK; /* also frees, on failure too */
void sink_discard(struct sink **);          /* NULL is fine */

#endif
