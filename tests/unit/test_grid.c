/* grid.h: where every pixel of every tile comes to lie. */
#include <limits.h>
#include <string.h>

#include "check.h"
#include "grid.h"

enum { SIDE = 3, N = 5, COLUMNS = 2 };

static uint8_t value(int image, int channel, int y, int x)
{
	return (uint8_t)(1 + image * 40 + channel * 10 + y * SIDE + x); /* below 255: no tile has white in it */
}

static void fill(uint8_t *images, int c)
{
	for (int k = 0; k < N; k++)
		for (int channel = 0; channel < c; channel++)
			for (int y = 0; y < SIDE; y++)
				for (int x = 0; x < SIDE; x++)
					*images++ = value(k, channel, y, x);
}

/* What the pixel (x,y) of the grid has to be, from the layout's definition: find the tile, then undo the scale. */
static uint8_t expected(int x, int y, int channel, int scale)
{
	const int step = SIDE * scale + GRID_GAP, k = y / step * COLUMNS + x / step, in_x = x % step / scale, in_y = y % step / scale;
	return in_x >= SIDE || in_y >= SIDE || k >= N ? 255 : value(k, channel, in_y, in_x);
}

static void check_layout(int c, int scale)
{
	uint8_t images[N * 3 * SIDE * SIDE];
	struct picture p = { 0 };
	fill(images, c);
	REQUIRE(!grid_picture(&p, images, N, c, SIDE, COLUMNS, scale));
	CHECK(p.c == c);
	CHECK_MSG(p.w == 2 * SIDE * scale + GRID_GAP && p.h == 3 * SIDE * scale + 2 * GRID_GAP, "the grid is %d x %d", p.w, p.h);
	int wrong = 0;
	for (int y = 0; y < p.h; y++)
		for (int x = 0; x < p.w; x++)
			for (int channel = 0; channel < c; channel++)
				wrong += p.pixel[((size_t)y * (size_t)p.w + (size_t)x) * (size_t)c + (size_t)channel] != expected(x, y, channel, scale);
	CHECK_MSG(!wrong, "%d values differ with %d channels, scale %d", wrong, c, scale);
	picture_free(&p);
}

TEST(layout)
{
	check_layout(3, 1);
	check_layout(3, 2);
	check_layout(1, 3);
}

TEST(fewer_images_than_columns)
{
	uint8_t images[N * 3 * SIDE * SIDE];
	struct picture p = { 0 };
	fill(images, 3);
	REQUIRE(!grid_picture(&p, images, 1, 3, SIDE, 4, 1));
	CHECK(p.w == 4 * SIDE + 3 * GRID_GAP && p.h == SIDE);
	CHECK(p.pixel[0] == value(0, 0, 0, 0) && p.pixel[2] == value(0, 2, 0, 0));
	CHECK(p.pixel[SIDE * 3] == 255 && p.pixel[(size_t)p.w * 3 - 1] == 255);
	picture_free(&p);
}

TEST(refused)
{
	const uint8_t image[12] = { 0 };
	struct picture p = { 0 };
	CHECK(grid_picture(&p, image, 0, 3, 2, 1, 1) == ERR_USAGE);
	CHECK(grid_picture(&p, image, 1, 2, 2, 1, 1) == ERR_USAGE);
	CHECK(grid_picture(&p, image, 1, 3, 2, 0, 1) == ERR_USAGE);
	CHECK(grid_picture(&p, image, 1, 3, 2, 1, 0) == ERR_USAGE);
	CHECK(grid_picture(&p, image, 1, 3, 2, INT_MAX, 1) == ERR_USAGE);
	CHECK(grid_picture(&p, image, INT64_MAX, 3, 2, 1, INT_MAX) == ERR_USAGE);
	CHECK(strstr(error_text(), "too large"));
	CHECK(!p.pixel);
}
