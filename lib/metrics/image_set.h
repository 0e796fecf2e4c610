/* A set of images that is gone through several times, whatever it is read from. */
#ifndef PGAN_IMAGE_SET_H
#define PGAN_IMAGE_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "npy.h"

struct image_set {
	const char *name;   /* for messages, borrowed */
	enum npy_type type; /* of what image_set_get gives */
	int c, side;
	int64_t read;       /* images of the input that count: at most `limit` */
	int64_t n;          /* images that can be got: ceil(read / stride) */
	struct image_set_parts *parts;
};

/* Opens `input` as images_open does. limit: images to use at most. stride s: only image 0, s, 2s, … are given. bytes: floats are rounded to bytes and clamped, as
 * the published protocol has it. A pipe, pictures, floats to be rounded and small sets are read now, to the end or the limit, and kept in memory; other files
 * are read again each time. Floats that are not finite are ERR_INPUT, here or later; so is a set without images. */
int image_set_open(struct image_set *, const char *input, int side, int64_t limit, int stride, bool bytes) MUST_CHECK;
/* Images in memory: data (n,c,side,side), borrowed until image_set_close(). */
int image_set_borrow(struct image_set *, const char *name, const uint8_t *data, int64_t n, int c, int side) MUST_CHECK;
void image_set_close(struct image_set *); /* a zeroed struct is fine */

/* *data: n images from `first` on, (n,c,side,side), borrowed until the next call. In order it costs one reading of the input. */
int image_set_get(struct image_set *, int64_t first, int64_t n, const void **data) MUST_CHECK;

#endif
