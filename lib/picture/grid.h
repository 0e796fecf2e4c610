/* Many images in one picture. */
#ifndef PGAN_GRID_H
#define PGAN_GRID_H

#include "picture.h"

/* How many tiles of a row, or rows, fit into a picture that can be read again. */
int grid_most(int side, int gap, int scale);

/* images: (n,c,side,side) uint8, c 1 or 3 -> rows of `columns` tiles side by side, `gap` pixels of white between them; missing tiles at the end are white.
 * scale: every pixel of an image becomes scale x scale pixels; the gap stays as it is. */
int grid_picture(struct picture *, const uint8_t *images, int64_t n, int c, int side, int columns, int gap, int scale) MUST_CHECK;

#endif
