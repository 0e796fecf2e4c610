/* A set of images that is gone through several times, whatever it is read from. */
#ifndef PGAN_IMAGE_SET_H
#define PGAN_IMAGE_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "images.h"

struct image_set {
	const char *name;   /* for messages, borrowed */
	enum npy_type type; /* of what image_set_get() gives */
	int c, side;        /* channels (1 or 3) and pixels of an image */
	int64_t all;        /* images of the input, -1 if not known */
	int64_t read;       /* those that count: at most `limit` */
	int64_t n;          /* images that can be got: ceil(read / stride) */
	struct image_set_parts *parts;
};

/* Opens `input` as images_open() does. limit: use no more images than so many. stride s: give only image 0, s, 2s, … of these. bytes: floats are rounded to
 * bytes and clamped, as the published protocol has it. A pipe, pictures, floats to be rounded and small sets are read now, to the end or the limit, and kept in
 * memory; other files are read again each time. A set without images is ERR_INPUT; floats that are not finite are, too, here or in image_set_get(). */
int image_set_open(struct image_set *, const char *input, int side, int64_t limit, int stride, bool bytes) MUST_CHECK;
/* Images in memory: data (n,c,side,side), borrowed until image_set_close(). */
int image_set_borrow(struct image_set *, const char *name, const uint8_t *data, int64_t n, int c, int side) MUST_CHECK;
const struct images *image_set_images(const struct image_set *); /* what it is read from; NULL: it was not opened */
void image_set_close(struct image_set *); /* a zeroed struct is fine */

/* *data: n images from `first` on, (n,c,side,side) of ->type, borrowed until the next call; first + n is at most ->n. Asked for in order, all images cost one
 * reading of the input. A file that has become shorter is ERR_INPUT. */
int image_set_get(struct image_set *, int64_t first, int64_t n, const void **data) MUST_CHECK;

#endif
