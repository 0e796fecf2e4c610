/* What picture.c and its decoders share. */
#ifndef PGAN_PICTURE_CODEC_H
#define PGAN_PICTURE_CODEC_H

#include "picture.h"


/* ERR_INPUT for a picture that is too large to be one. */
int picture_check_size(const char *name, int64_t w, int64_t h) MUST_CHECK;

/* picture_alloc() for the size that a file claims: one that does not fit into memory is the file's fault (ERR_INPUT) and leaves other pictures be. */
int picture_alloc_claimed(struct picture *, const char *name, int w, int h, int c) MUST_CHECK;

/* As picture_decode(), for files that begin as theirs do. *p is empty before, and after a failure. */
int picture_decode_png(struct picture *, const char *name, const uint8_t *bytes, size_t size, const uint8_t background[3]) MUST_CHECK;
int picture_decode_jpeg(struct picture *, const char *name, const uint8_t *bytes, size_t size) MUST_CHECK;

/* Names and versions. */
const char *picture_png_library(void);
const char *picture_jpeg_library(void);

#endif
