/* Equally sized square images, one after another, from wherever a tool was told to look: what every tool that takes images reads. */
#ifndef PGAN_IMAGES_H
#define PGAN_IMAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "npy.h"

enum { IMAGES_MAX_SIDE = 16384 };

/* Whether images of this shape are images here: square, of at most IMAGES_MAX_SIDE, and grey or RGB. */
bool images_shape_ok(int64_t c, int64_t h, int64_t w);

/* An open input. Every image is (c,side,side) in C order: uint8, or float32 in [-1,1]. */
struct images {
	const char *name;   /* for messages: the path, or "stdin" for "-"; borrowed until images_close() */
	enum npy_type type;
	int c, side;        /* 1 or 3 channels */
	int64_t n;          /* number of images, -1 while not known (streams) */
	bool mirrored;      /* every other image is the mirror image of the one before it: of pack-h5 --mirror */
	void *source;       /* the kind of input's own */
};

/* Opens an input, told by its content:
 *   an HDF5 file               its data set data{side}x{side}; the largest there is when side is 0
 *   a .npy file                records, one after another
 *   a folder or archive        of PNG or JPEG pictures (source.h); or one picture
 *   "-", or a pipe by name     .npy records
 * side: in pixels; another size is refused. 0: any. What is none of these, or holds images of another shape than images_shape_ok(), is ERR_INPUT. The number
 * of images is not known yet (-1) in a pipe, and in a .npy file whose end is damaged. */
int images_open(struct images *, const char *input, int side) MUST_CHECK;

/* The .npy records of an open pipe. (Its first byte may have been looked at and put back: opened again, it would be gone.) The stream is closed by
 * images_close(), or by a failure here. */
int images_open_pipe(struct images *, FILE *, const char *name) MUST_CHECK;

/* Whether an input can be opened and read but once: "-", or the name of what is neither a file nor a folder, as <(…) of a shell is. */
bool images_from_pipe(const char *input);

/* Whether two sets have as many channels, 1 or 3: ERR_INPUT otherwise, by their names. */
int images_same_channels(const char *name, int c, const char *other, int other_c) MUST_CHECK;

/* Images in memory: data (n,c,side,side), borrowed until images_close(). name: for messages. */
int images_borrow(struct images *, const char *name, const uint8_t *data, int64_t n, int c, int side) MUST_CHECK;

/* Reads up to `max` images into data (max * c * side * side values of ->type). Returns how many, 0 at the end, or ERR_INPUT: a truncated record, a picture of
 * another size or channel count (named), values that are not finite. Records of a stream may differ in their N but not in size, channels or type. */
int64_t images_read(struct images *, void *data, int64_t max) MUST_CHECK;

/* Images left in the current record; if it is exhausted, in the next that is not empty. Where there are no records, all that are left. 0 at the end; or
 * ERR_INPUT. */
int64_t images_left(struct images *) MUST_CHECK;

/* Whether reading means decoding pictures, which takes long. */
bool images_decodes(const struct images *);

/* Whether the floats read so far can hardly be images in [-1,1]: none of them is below 0, so that nothing would be darker than grey, or more than a tenth is
 * beyond. text: says so, without a full stop. */
enum { IMAGES_DOUBT = 320 };
bool images_doubt_range(const struct images *, char text[IMAGES_DOUBT]);
/* Says so through `say` (message_note), if it is so. */
void images_tell_range(const struct images *, void (*say)(const char *format, ...));

void images_close(struct images *); /* a zeroed struct is fine */

/* The name of the data set of an HDF5 file that holds images of a side: "data32x32". */
enum { IMAGES_DATA_NAME = 32 };
void images_data_name(char out[IMAGES_DATA_NAME], int side);

/* NAME-labels.npy, which holds the labels of the images in NAME.npy or NAME.h5; the caller's. NULL: out of memory, error set. */
char *images_labels_name(const char *path) __attribute__((malloc, warn_unused_result));

/* Bytes of an image. */
static inline size_t images_size(const struct images *i)
{
	return (size_t)i->c * (size_t)i->side * (size_t)i->side * npy_type_size(i->type);
}

/* Room for n images as images_read() leaves them, or for all where there are fewer; free(). NULL when they do not fit into memory, which ERR_FAILED says by the
 * input's name: their side and number may be those of a damaged header. */
void *images_alloc(const struct images *, int64_t n) __attribute__((malloc, warn_unused_result));

/* n floats in [-1,1] to bytes: (x + 1) * 127.5 rounded half up and clamped, NaN 0; the inverse of pointwise.h's image_value(). out may begin
 * where in does. */
void images_to_bytes(uint8_t *out, const float *in, size_t n);

/* One image as images_read() left it, as bytes. */
static inline void images_as_bytes(const struct images *i, uint8_t *out, const void *image)
{
	if (i->type == NPY_F32)
		images_to_bytes(out, image, images_size(i) / sizeof(float));
	else
		memcpy(out, image, images_size(i));
}

#endif
