/* Which way up a picture is: the Orientation of EXIF, that cameras write instead of turning the pixels. */
#ifndef PGAN_ORIENTATION_H
#define PGAN_ORIENTATION_H

#include "picture.h"

/* exif: n bytes of a TIFF structure ("II*" or "MM*" …), as in a JPEG's APP1 after "Exif\0\0" or in a PNG's eXIf. Returns 1 to 8; 1 when it says nothing
 * sensible. */
int orientation_of(const uint8_t *exif, size_t n);

/* Turns and mirrors the pixels so that the picture is upright; width and height may change places. orientation: 1 to 8; 1 changes nothing. */
int orientation_apply(struct picture *, int orientation) MUST_CHECK;

#endif
