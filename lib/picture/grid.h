/* Many images in one picture. */
#ifndef PGAN_GRID_H
#define PGAN_GRID_H

#include "picture.h"

enum { GRID_GAP = 2 };

/* How much small images are enlarged, so that something can be seen: the largest scale with which they are not above `tile` pixels, but at least 1. */
static inline int grid_scale(int side, int tile) { return side < tile ? tile / side : 1; }

/* ERR_USAGE: such a grid is no picture, or larger than PICTURE_MAX_SIDE. To be asked before the images are made. */
int grid_check(int64_t n, int side, int columns, int scale) MUST_CHECK;

/* images: (n,c,side,side) uint8, c 1 or 3 -> rows of `columns` tiles side by side, GRID_GAP pixels of white between them; missing tiles at the end are white.
 * scale: every pixel of an image becomes scale x scale pixels; the gap stays as it is. What grid_check() refuses: ERR_USAGE. */
int grid_picture(struct picture *, const uint8_t *images, int64_t n, int c, int side, int columns, int scale) MUST_CHECK;

#endif
