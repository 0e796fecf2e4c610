#include "grid.h"

#include <string.h>

int grid_check(int64_t n, int side, int columns, int scale)
{
	if (n < 1 || side < 1 || columns < 1 || scale < 1)
		return error_set(ERR_USAGE, "cannot lay out a grid of %lld images of side %d in %d columns, scale %d", (long long)n, side, columns, scale);
	const int64_t tile = (int64_t)side * scale + GRID_GAP, rows = (n - 1) / columns + 1;
	if (columns > PICTURE_MAX_SIDE / tile || rows > PICTURE_MAX_SIDE / tile)
		return error_set(ERR_USAGE, "a grid of %lld x %d images of %d pixels is too large for a picture: ask for fewer", (long long)rows, columns, side);
	return 0;
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

int grid_picture(struct picture *p, const uint8_t *images, int64_t n, int c, int side, int columns, int scale)
{
	int rc = c == 1 || c == 3 ? grid_check(n, side, columns, scale) : error_set(ERR_USAGE, "no picture has %d channels", c);
	if (rc)
		return rc;
	const int step = side * scale + GRID_GAP, w = columns * step - GRID_GAP, h = (int)((n - 1) / columns + 1) * step - GRID_GAP;
	if ((rc = picture_alloc(p, w, h, c)))
		return rc;
	memset(p->pixel, 255, (size_t)w * (size_t)h * (size_t)c);
	const size_t size = (size_t)c * (size_t)side * (size_t)side;
	for (int64_t k = 0; k < n; k++)
		draw_tile(p, images + (size_t)k * size, side, (int)(k % columns) * step, (int)(k / columns) * step, scale);
	return 0;
}
