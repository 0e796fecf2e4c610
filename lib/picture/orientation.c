#include "orientation.h"

#include <stdbool.h>
#include <string.h>

enum { TAG_ORIENTATION = 0x112, TYPE_SHORT = 3 };

static uint32_t number(const uint8_t *at, int bytes, bool big_endian)
{
	uint32_t value = 0;
	for (int i = 0; i < bytes; i++)
		value |= (uint32_t)at[i] << 8 * (big_endian ? bytes - 1 - i : i);
	return value;
}

int orientation_of(const uint8_t *exif, size_t n)
{
	if (n < 8 || (memcmp(exif, "II*\0", 4) && memcmp(exif, "MM\0*", 4)))
		return 1;
	const bool big = *exif == 'M';
	const size_t directory = number(exif + 4, 4, big);
	if (directory > n - 2)
		return 1;
	const size_t entries = number(exif + directory, 2, big);
	for (size_t i = 0; i < entries && directory + 2 + 12 * (i + 1) <= n; i++) {
		const uint8_t *entry = exif + directory + 2 + 12 * i;
		if (number(entry, 2, big) != TAG_ORIENTATION || number(entry + 2, 2, big) != TYPE_SHORT)
			continue;
		const uint32_t value = number(entry + 8, 2, big);
		return value >= 1 && value <= 8 ? (int)value : 1;
	}
	return 1;
}

int orientation_apply(struct picture *p, int orientation)
{
	/* Where the stored picture's first row and column are: 1 top left, 2 top right, 3 bottom right, 4 bottom left; 5 left top, 6 right top, 7 right bottom,
	 * 8 left bottom (EXIF 2.3, 4.6.4): the last four have rows and columns exchanged. */
	const bool exchange = orientation > 4;
	const bool flip_x = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
	const bool flip_y = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
	struct picture out;
	const int w = exchange ? p->h : p->w, h = exchange ? p->w : p->h;

	if (orientation == 1)
		return 0;
	if (picture_alloc(&out, w, h, p->c))
		return ERR_FAILED;
	uint8_t *to = out.pixel;
	for (int y = 0; y < h; y++) {
		for (int x = 0; x < w; x++, to += p->c) {
			const int across = flip_x ? w - 1 - x : x, down = flip_y ? h - 1 - y : y;
			const int row = exchange ? across : down, column = exchange ? down : across;
			memcpy(to, p->pixel + ((size_t)row * (size_t)p->w + (size_t)column) * (size_t)p->c, (size_t)p->c);
		}
	}
	picture_free(p);
	*p = out;
	return 0;
}
