#include "y4m.h"

#include <errno.h>
#include <string.h>

static int failed(const char *name)
{
	return error_set(ERR_FAILED, "cannot write '%s': %s", name, strerror(errno));
}

int y4m_write_header(FILE *f, const char *name, int w, int h)
{
	return fprintf(f, "YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C444 XCOLORRANGE=LIMITED\n", w, h, Y4M_RATE) < 0 ? failed(name) : 0;
}

/* ITU-R BT.601-7, section 2.5: Y' from 16 to 235, Cb and Cr from 16 to 240, in 1/65536. */
static void convert(uint8_t *out, const uint8_t *rgb, size_t plane)
{
	for (size_t i = 0; i < plane; i++) {
		const int r = rgb[i], g = rgb[plane + i], b = rgb[2 * plane + i];
		out[i] = (uint8_t)((16829 * r + 33039 * g + 6416 * b + (16 << 16) + 32768) >> 16);
		out[plane + i] = (uint8_t)((-9714 * r - 19070 * g + 28784 * b + (128 << 16) + 32768) >> 16);
		out[2 * plane + i] = (uint8_t)((28784 * r - 24103 * g - 4681 * b + (128 << 16) + 32768) >> 16);
	}
}

int y4m_write_frame(FILE *f, const char *name, int w, int h, const uint8_t *rgb, uint8_t *scratch)
{
	const size_t plane = (size_t)w * (size_t)h;
	convert(scratch, rgb, plane);
	if (fputs("FRAME\n", f) < 0 || fwrite(scratch, 1, 3 * plane, f) < 3 * plane)
		return failed(name);
	return 0;
}
