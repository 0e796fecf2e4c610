#include "picture.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
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

int picture_decode(struct picture *p, const char *name, const void *bytes, size_t size)
{
	static const uint8_t png[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' }, jpeg[3] = { 0xff, 0xd8, 0xff };

	*p = (struct picture){ 0 };
	if (size >= sizeof png && !memcmp(bytes, png, sizeof png))
		return picture_decode_png(p, name, bytes, size);
	if (size >= sizeof jpeg && !memcmp(bytes, jpeg, sizeof jpeg))
		return picture_decode_jpeg(p, name, bytes, size);
	return error_set(ERR_INPUT, size ? "'%s' is not a PNG or JPEG picture" : "'%s' is empty", name);
}

int picture_read(struct picture *p, const char *path)
{
	struct bytes b = { 0 };
	int rc = bytes_read(&b, path);
	*p = (struct picture){ 0 };
	if (!rc)
		rc = picture_decode(p, path, b.data, b.size);
	free(b.data);
	return rc;
}

static int write_picture(const struct picture *p, const char *path, int (*open)(struct outfile *, const char *path))
{
	struct outfile out;
	int rc = open(&out, path);

	if (rc)
		return rc;
	FILE *f = outfile_stream(&out);
	if ((rc = f ? picture_encode(p, path, f) : ERR_FAILED)) {
		outfile_discard(&out);
		return rc;
	}
	return outfile_commit(&out);
}

int picture_write(const struct picture *p, const char *path)
{
	return write_picture(p, path, outfile_open);
}

int picture_write_one_of_many(const struct picture *p, const char *path)
{
	return write_picture(p, path, outfile_open_one_of_many);
}

/* -- parts and layouts -- */

int picture_cut(struct picture *out, const struct picture *in, int x, int y, int w, int h)
{
	if (x < 0 || y < 0 || x + w > in->w || y + h > in->h)
		return error_set(ERR_INPUT, "%dx%d pixels are too small for columns %d to %d, rows %d to %d", in->w, in->h, x, x + w - 1, y, y + h - 1);
	if (out->w != w || out->h != h || out->c != 3) {
		picture_free(out);
		if (picture_alloc(out, w, h, 3))
			return ERR_FAILED;
	}
	for (int row = 0; row < h; row++) {
		const uint8_t *from = in->pixel + ((size_t)(y + row) * (size_t)in->w + (size_t)x) * (size_t)in->c;
		uint8_t *to = out->pixel + (size_t)row * (size_t)w * 3;
		if (in->c == 3)
			memcpy(to, from, (size_t)w * 3);
		else
			for (int i = 0; i < w; i++)
				to[3 * i] = to[3 * i + 1] = to[3 * i + 2] = from[i];
	}
	return 0;
}

void picture_to_planes(uint8_t *out, const struct picture *p)
{
	const size_t n = (size_t)p->w * (size_t)p->h, c = (size_t)p->c;
	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; i < n; i++)
			out[k * n + i] = p->pixel[i * c + k % c];
}
