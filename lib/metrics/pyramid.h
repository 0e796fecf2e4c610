/* Pyramids as streams: what laplacian-pyr does. */
#ifndef PGAN_PYRAMID_H
#define PGAN_PYRAMID_H

#include <stdbool.h>
#include <stdio.h>

#include "error.h"
#include "images.h"

struct pyramid_options {
	int levels;               /* 0: down to a rest of 16 */
	int level;                /* side of the only level to write, 0: all */
	const char *directory;    /* for a file and a picture per level; NULL: all to stdout. Borrowed */
	void (*progress)(void *ctx, int64_t done); /* images; may be NULL */
	void *progress_ctx;
};

/* Writes the pyramids of all images: per input record one float32 record (N,c,r,r) per level in units of 0..255, the finest first. No images, or a side that
 * does not halve down to 16, is ERR_INPUT; a level that there is not ERR_USAGE. With a directory each file appears whole or not at all. */
int pyramid_write(struct images *, const struct pyramid_options *) MUST_CHECK;

/* Reads such a stream and writes the images to stdout, per pyramid one record: uint8, or float32 in [-1,1] with f32. Of the options only levels and progress
 * count. name: of the stream, for messages. A stream that ends inside a pyramid, a record that does not fit into one, or values that are not finite:
 * ERR_INPUT. */
int pyramid_read(FILE *, const char *name, bool f32, const struct pyramid_options *) MUST_CHECK;

#endif
