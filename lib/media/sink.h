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


#include "npy.h"

enum sink_kind {
	SINK_STDOUT, /* one .npy record */
	SINK_NPY,    /* the same in a file */
	SINK_H5,     /* data set data{R}x{R} */
	SINK_GRID,   /* one PNG picture of all */
	SINK_Y4M,    /* video frames, 4:4:4 */
	SINK_FOLDER  /* PNG pictures 000000.png … */
};

/* Tells the kind of an output by the end of its name: .npy, .h5, .png, .y4m, "/" or the name of a folder that is there. NULL and "-" are stdout. Anything else
 * is ERR_USAGE. */
int sink_kind_of(const char *output, enum sink_kind *) MUST_CHECK;

struct sink_plan {
	const char *output;  /* borrowed for the call; NULL for SINK_STDOUT */
	enum sink_kind kind;
	enum npy_type type;  /* float32 for the two .npy kinds alone */
	int side;            /* images are (3,side,side) */
	int64_t n;           /* exactly so many will come */
	int64_t first;       /* number of the first one: names the pictures of a folder */
	int columns;         /* of SINK_GRID: images in a row */
	bool labelled;       /* of SINK_NPY: NAME-labels.npy will hold their labels. Without, one that is there is ERR_USAGE: it would be taken for these */
};

struct sink;

/* Opens the output, so that what cannot be written is said before the work is done. *out is NULL after a failure: ERR_FAILED, or ERR_USAGE for a grid that is
 * too large for a picture. plan: copied. */
int sink_open(struct sink **out, const struct sink_plan *plan) MUST_CHECK;

/* n images that follow those before: (n,3,side,side) of the plan's type, bytes or floats in [-1,1]. */
int sink_write(struct sink *, const void *images, int64_t n) MUST_CHECK;

/* An attribute of the file of SINK_H5, which says where the images come from; the other kinds ignore it. */
int sink_describe(struct sink *, const char *name, const char *text) MUST_CHECK;

int sink_commit(struct sink **) MUST_CHECK; /* ends the output and frees the sink, on failure too: then there is no file */
void sink_discard(struct sink **);          /* leaves no file, but the pictures of a folder; NULL is fine */

#endif
