#include "grid.h"

#include <limits.h>
#include <string.h>

#include "picture_codec.h"

int grid_most(int side, int gap, int scale)
{
	return (int)(PICTURE_MAX_SIDE / ((int64_t)side * scale + gap));
}

/* Pixels along one side of the grid; INT_MAX + 1 when it is more than an int holds. */
static int64_t grid_length(int64_t tiles, int side, int gap, int scale)
{
	int64_t length;
	if (__builtin_mul_overflow(tiles, (int64_t)side * scale + gap, &length) || length - gap > INT_MAX)
		return (int64_t)INT_MAX + 1;
	return length - gap;
}

/* image: (c,side,side) uint8 -> interleaved pixels at (x,y) of the picture, each scale x scale. */
static void draw_tile(struct picture *p, const uint8_t *image, int side, int x, int y, int scale)
{
	const size_t plane = (size_t)side * (size_t)side, c = (size_t)p->c, pitch = (size_t)p->w * c, row = (size_t)side * (size_t)scale * c;
	for (int i = 0; i < side; i++) {
		uint8_t *const first = p->pixel + ((size_t)y + (size_t)i * (size_t)scale) * pitch + (size_t)x * c, *out = first;
		for (int j = 0; j < side; j++)
			for (int s = 0; s < scale; s++)
				for (size_t channel = 0; channel < c; channel++)
					*out++ = image[channel * plane + (size_t)i * (size_t)side + (size_t)j];
		for (int s = 1; s < scale; s++)
			memcpy(first + (size_t)s * pitch, first, row);
	}
}

int grid_picture(struct picture *p, const uint8_t *images, int64_t n, int c, int side, int columns, int gap, int scale)
{
	if (n < 1 || (c != 1 && c != 3) || side < 1 || columns < 1 || gap < 0 || scale < 1)
		return error_set(ERR_USAGE, "cannot lay out a grid of %lld images of %d channels and side %d in %d columns, gap %d, scale %d", (long long)n, c, side,
		                 columns, gap, scale);
	const int64_t rows = (n - 1) / columns + 1, w = grid_length(columns, side, gap, scale), h = grid_length(rows, side, gap, scale);
	if (w > INT_MAX || h > INT_MAX)
		return error_set(ERR_USAGE, "a grid of %lld x %d images of side %d is too large for a picture", (long long)rows, columns, side);
	int rc = picture_alloc(p, (int)w, (int)h, c);
	if (rc)
		return rc;
	memset(p->pixel, 255, (size_t)w * (size_t)h * (size_t)c);
	const int step = side * scale + gap;
	const size_t size = (size_t)c * (size_t)side * (size_t)side;
	for (int64_t k = 0; k < n; k++)
		draw_tile(p, images + (size_t)k * size, side, (int)(k % columns) * step, (int)(k / columns) * step, scale);
	return 0;
}
