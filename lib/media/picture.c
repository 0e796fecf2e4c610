#include "picture.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
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
