#include "picture.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "outfile.h"
#include "picture_codec.h"
#include "size.h"

int picture_alloc(struct picture *p, int w, int h, int c)
{
	uint8_t *pixel = size_alloc((size_t)w * (size_t)h, (size_t)c);
	*p = (struct picture){ 0 };
	if (!pixel)
		return ERR_FAILED;
	*p = (struct picture){ w, h, c, pixel };
	return 0;
}

void picture_free(struct picture *p)
{
	free(p->pixel);
	*p = (struct picture){ 0 };
}

int picture_check_size(const char *name, int64_t w, int64_t h)
{
	if (w < 1 || h < 1 || w > PICTURE_MAX_SIDE || h > PICTURE_MAX_SIDE || w * h > PICTURE_MAX_PIXELS)
		return error_set(ERR_INPUT, "'%s' is too large: %lldx%lld pixels", name, (long long)w, (long long)h);
	return 0;
}

int picture_alloc_claimed(struct picture *p, const char *name, int w, int h, int c)
{
	return picture_alloc(p, w, h, c) ? error_set(ERR_INPUT, "cannot decode '%s': %dx%d pixels do not fit into memory", name, w, h) : 0;
}

int picture_colour(uint8_t rgb[3], const char *text)
{
	const char *digits = !strcmp(text, "white") ? "ffffff" : !strcmp(text, "black") ? "000000" : text + (*text == '#');
	char *end;
	const unsigned long value = strtoul(digits, &end, 16);
	if (strlen(digits) != 6 || strspn(digits, "0123456789abcdefABCDEF") != 6)
		return error_set(ERR_USAGE, "'%s' is no colour: give six hexadecimal digits (ff8000), white or black", text);
	for (int k = 0; k < 3; k++)
		rgb[k] = (uint8_t)(value >> (16 - 8 * k));
	return 0;
}

static bool begins_as_png(const void *bytes, size_t size)
{
	static const uint8_t png[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
	return size >= sizeof png && !memcmp(bytes, png, sizeof png);
}

static bool begins_as_jpeg(const void *bytes, size_t size)
{
	static const uint8_t jpeg[3] = { 0xff, 0xd8, 0xff };
	return size >= sizeof jpeg && !memcmp(bytes, jpeg, sizeof jpeg);
}

size_t picture_stem(const char *name)
{
	static const char *const ending[] = { ".png", ".jpg", ".jpeg" };
	const size_t length = strlen(name);
	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
		if (length > strlen(ending[i]) && !strcasecmp(name + length - strlen(ending[i]), ending[i]))
			return length - strlen(ending[i]);
	return length;
}

bool picture_has_magic(const void *first, size_t n)
{
	return begins_as_png(first, n) || begins_as_jpeg(first, n);
}

int picture_decode(struct picture *p, const char *name, const void *bytes, size_t size, const uint8_t background[3])
{
	*p = (struct picture){ 0 };
	if (begins_as_png(bytes, size))
		return picture_decode_png(p, name, bytes, size, background);
	if (begins_as_jpeg(bytes, size))
		return picture_decode_jpeg(p, name, bytes, size);
	return error_set(ERR_INPUT, size ? "'%s' is not a PNG or JPEG picture" : "'%s' is empty", name);
}

int picture_encode_bytes(const struct picture *p, const char *name, char **png, size_t *size)
{
	FILE *f = open_memstream(png, size);
	int rc = f ? picture_encode(p, name, f) : error_set(ERR_FAILED, "out of memory");

	if (f && fclose(f) && !rc)
		rc = error_set(ERR_FAILED, "out of memory");
	if (rc) {
		if (f)
			free(*png);
		*png = NULL;
	}
	return rc;
}

static int write_png(void *picture, FILE *f, const char *name)
{
	return picture_encode(picture, name, f);
}

int picture_write(const struct picture *p, const char *path)
{
	return outfile_write(path, write_png, (void *)p /* only read */);
}

int picture_write_one_of_many(const struct picture *p, const char *path)
{
	return outfile_write_one_of_many(path, write_png, (void *)p);
}

/* -- parts and layouts -- */

/* n pixels of RGB. */
static void fill(uint8_t *out, int n, const uint8_t rgb[3])
{
	for (int i = 0; i < 3 * n; i++)
		out[i] = rgb[i % 3];
}

int picture_cut(struct picture *out, const struct picture *in, const char *name, int x, int y, int w, int h, const uint8_t *beyond)
{
	if (!beyond && (x < 0 || y < 0 || x + w > in->w || y + h > in->h))
		return error_set(ERR_INPUT, "'%s': %dx%d pixels are too small for columns %d to %d, rows %d to %d", name, in->w, in->h, x, x + w - 1, y, y + h - 1);
	if (out->w != w || out->h != h || out->c != 3) {
		picture_free(out);
		if (picture_alloc(out, w, h, 3))
			return ERR_FAILED;
	}
	/* Columns left … right - 1 of the result lie in the picture. */
	const int left = x < 0 ? (-x < w ? -x : w) : 0, right = in->w - x < w ? (in->w - x > left ? in->w - x : left) : w;
	uint8_t *to = out->pixel;
	for (int row = y; row < y + h; row++, to += 3 * w) {
		if (row < 0 || row >= in->h) {
			fill(to, w, beyond);
			continue;
		}
		const uint8_t *from = in->pixel + ((size_t)row * (size_t)in->w + (size_t)(x + left)) * (size_t)in->c;
		if (in->c == 3)
			memcpy(to + 3 * left, from, (size_t)(right - left) * 3);
		else
			for (int i = 0; i < right - left; i++)
				memset(to + 3 * (left + i), from[i], 3);
		if (left > 0)
			fill(to, left, beyond);
		if (right < w)
			fill(to + 3 * right, w - right, beyond);
	}
	return 0;
}

void picture_to_planes(uint8_t *out, int c, const struct picture *p)
{
	const size_t n = (size_t)p->w * (size_t)p->h, step = (size_t)p->c;
	for (size_t k = 0; k < (size_t)c; k++)
		for (size_t i = 0; i < n; i++)
			out[k * n + i] = p->pixel[i * step + k % step];
}

void picture_from_planes(struct picture *p, const uint8_t *planes)
{
	const size_t n = (size_t)p->w * (size_t)p->h, c = (size_t)p->c;
	for (size_t k = 0; k < c; k++)
		for (size_t i = 0; i < n; i++)
			p->pixel[i * c + k] = planes[k * n + i];
}

const char *picture_libraries(void)
{
	static char text[96];
	snprintf(text, sizeof text, "%s, %s", picture_png_library(), picture_jpeg_library());
	return text;
}
