/* Pictures as they lie in files: PNG and JPEG, decoded to bytes. Only picture_*.c include libpng's and libjpeg's headers. */
#ifndef PGAN_PICTURE_H
#define PGAN_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

enum { PICTURE_MAX_SIDE = 65535 };      /* of a file */
#define PICTURE_MAX_PIXELS (1LL << 28) /* a header that promises more is taken for a decompression bomb */

/* h rows of w pixels of c interleaved bytes; c: 1 grey, 3 RGB. Owned: picture_free(). A zeroed struct is an empty picture. */
struct picture {
	int w, h, c;
	uint8_t *pixel;
};

int picture_alloc(struct picture *, int w, int h, int c) MUST_CHECK; /* pixels uninitialized */
void picture_free(struct picture *);

/* "#ffd090", "ffd090", "white" or "black". Anything else is ERR_USAGE. */
int picture_colour(uint8_t rgb[3], const char *text) MUST_CHECK;

/* How long a name is without the .png, .jpg or .jpeg at its end, in either case; all of it if it has none. */
size_t picture_stem(const char *name);

/* Whether a file that begins with these n bytes can be a picture; PICTURE_HEAD are enough to tell. */
enum { PICTURE_HEAD = 8 };
bool picture_has_magic(const void *first, size_t n);

/* Decodes a file of `size` bytes, PNG or JPEG as its first bytes say, to grey or RGB as the file is, and turns it upright (EXIF). 16-bit samples keep their
 * high byte; colour profiles and gamma are left alone; four inks become RGB as if they were stored inverted (Adobe's way): all as Pillow does. Another kind of
 * file, a truncated or corrupt one, one of more than 2^28 pixels or PICTURE_MAX_SIDE to a side, or a warning of the decoder about lost data: ERR_INPUT. name:
 * for messages. background: RGB, seen through transparent pixels. */
int picture_decode(struct picture *, const char *name, const void *bytes, size_t size, const uint8_t background[3]) MUST_CHECK;

/* Writes an 8-bit PNG: to an open stream, into memory, or to a file, whole or not at all. name: for messages. */
int picture_encode(const struct picture *, const char *name, FILE *out) MUST_CHECK;
int picture_encode_bytes(const struct picture *, const char *name, char **png, size_t *size) MUST_CHECK; /* into memory; *png is the caller's, NULL after a failure */
int picture_write(const struct picture *, const char *path) MUST_CHECK;
int picture_write_one_of_many(const struct picture *, const char *path) MUST_CHECK; /* see outfile_write_one_of_many() */

/* Columns x … x+w-1 and rows y … y+h-1 of a picture, as RGB. *out is used again when it has that size, else freed. Where the picture does not reach, the colour
 * `beyond` (3) is put; beyond NULL: ERR_INPUT. name: of the picture, for messages. */
int picture_cut(struct picture *out, const struct picture *in, const char *name, int x, int y, int w, int h, const uint8_t *beyond) MUST_CHECK;

/* Interleaved pixels to c planes: out (c,h,w). c: the picture's own, or 3 for a grey one, which is put into all of them. */
void picture_to_planes(uint8_t *out, int c, const struct picture *);

/* Fills a picture from planes (c,h,w) of its own shape. */
void picture_from_planes(struct picture *, const uint8_t *planes);

const char *picture_libraries(void); /* "libpng 1.6.39, libjpeg-turbo 2.1.5", for --version */

#endif
