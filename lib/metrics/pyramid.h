/* Pyramids as streams: what laplacian-pyr does. */
#ifndef PGAN_PYRAMID_H
#define PGAN_PYRAMID_H

#include <stdbool.h>
#include <stdio.h>

#include "error.h"
#include "images.h"
#include "progress.h"

struct pyramid_options {
	int levels;               /* 0: down to a rest of 16 */
	int level;                /* side of the only level to write, 0: all */
	const char *directory;    /* for a file and a picture per level; NULL: all to stdout. Borrowed */
	struct progress *progress; /* borrowed, started */
};

/* Writes the pyramids of all images: per input record one float32 record (N,c,r,r) per level in units of 0..255, the finest first. */
int pyramid_write(struct images *, const struct pyramid_options *) MUST_CHECK;

/* Reads such a stream and writes the images to stdout, per pyramid one record: uint8, or float32 in [-1,1] with f32. levels 0: down to a rest of 16.
 * A stream that ends inside a pyramid, or a record that does not fit into one, is ERR_INPUT. */
int pyramid_read(FILE *, const char *name, int levels, bool f32, struct progress *) MUST_CHECK;

#endif
