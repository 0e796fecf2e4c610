/* PNG by libpng. Its errors leave by longjmp() to the function that called setjmp(); what has to survive is in the job, which that function does not own. */
#include "picture_codec.h"

#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "orientation.h"
#include "size.h"

struct png_job {
	png_structp png;
	png_infop info;
	const char *name;
	jmp_buf failed;
	int code; /* of the failure */

	const uint8_t *bytes; /* still to be read */
	size_t left;
	const uint8_t *background;
	struct picture stored; /* with the alpha channel, if there is one */
	int orientation;
	png_bytep *row;
	FILE *out;
};

static void on_error(png_structp png, png_const_charp text)
{
	struct png_job *j = png_get_error_ptr(png);
	if (!j->code) /* else the callback that failed has said why */
		j->code = error_set(j->out ? ERR_FAILED : ERR_INPUT, "cannot %s '%s': %s", j->out ? "write" : "decode", j->name, text);
	longjmp(j->failed, 1);
}

/* About ancillary chunks: no pixel is lost but with a transparency that is left out. */
static void on_warning(png_structp png, png_const_charp text)
{
	if (!strncmp(text, "tRNS", 4))
		png_error(png, text);
}

static void read_bytes(png_structp png, png_bytep out, size_t n)
{
	struct png_job *j = png_get_io_ptr(png);
	if (n > j->left)
		png_error(png, "truncated");
	memcpy(out, j->bytes, n);
	j->bytes += n;
	j->left -= n;
}

/* To 8 bits: 16-bit samples keep their high byte, as in Pillow; 1, 2 and 4 bits are stretched; palettes become RGB; transparency an alpha channel. Grey
 * pictures with transparency become RGB when the background is not grey. */
static void set_transforms(struct png_job *j)
{
	const uint8_t *b = j->background;
	const bool transparent = (png_get_color_type(j->png, j->info) & PNG_COLOR_MASK_ALPHA) || png_get_valid(j->png, j->info, PNG_INFO_tRNS);
	png_set_expand(j->png);
	png_set_strip_16(j->png);
	png_set_interlace_handling(j->png);
	if (transparent && (b[0] != b[1] || b[0] != b[2]))
		png_set_gray_to_rgb(j->png);
}

static void read_orientation(struct png_job *j)
{
	png_uint_32 n;
	png_bytep exif;
	if (png_get_eXIf_1(j->png, j->info, &n, &exif))
		j->orientation = orientation_of(exif, n);
}

static int decode(struct png_job *j)
{
	if (setjmp(j->failed))
		return j->code;
	png_set_read_fn(j->png, j, read_bytes);
	png_set_crc_action(j->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT); /* in any chunk, not in the critical ones alone */
	png_read_info(j->png, j->info);
	const int64_t w = png_get_image_width(j->png, j->info), h = png_get_image_height(j->png, j->info);
	if ((j->code = picture_check_size(j->name, w, h)))
		return j->code;
	set_transforms(j);
	png_read_update_info(j->png, j->info);
	const int c = png_get_channels(j->png, j->info);
	if ((j->code = picture_alloc_claimed(&j->stored, j->name, (int)w, (int)h, c)))
		return j->code;
	if (!(j->row = size_alloc((size_t)h, sizeof *j->row)))
		return j->code = ERR_FAILED;
	for (int64_t y = 0; y < h; y++)
		j->row[y] = j->stored.pixel + (size_t)(y * w * c);
	png_read_image(j->png, j->row);
	png_read_end(j->png, j->info);
	read_orientation(j);
	return 0;
}

/* Lays a grey or RGB picture with alpha over a background: round(alpha * x + (1 - alpha) * background), in place. */
static void flatten(struct picture *p, const uint8_t background[3])
{
	const size_t n = (size_t)p->w * (size_t)p->h;
	const int c = p->c - 1;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *in = p->pixel + i * (size_t)p->c;
		uint8_t *out = p->pixel + i * (size_t)c;
		const int alpha = in[c];
		for (int k = 0; k < c; k++)
			out[k] = (uint8_t)((alpha * in[k] + (255 - alpha) * background[k] + 127) / 255);
	}
	p->c = c;
}

int picture_decode_png(struct picture *p, const char *name, const uint8_t *bytes, size_t size, const uint8_t background[3])
{
	struct png_job j = { .name = name, .bytes = bytes, .left = size, .background = background, .orientation = 1 };
	int rc = ERR_FAILED;

	j.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &j, on_error, on_warning);
	if (j.png && (j.info = png_create_info_struct(j.png)))
		rc = decode(&j);
	else
		(void)error_set(rc, "out of memory");
	png_destroy_read_struct(&j.png, &j.info, NULL);
	free(j.row);
	if (rc) {
		picture_free(&j.stored);
		return rc;
	}
	if (j.stored.c == 2 || j.stored.c == 4)
		flatten(&j.stored, background);
	*p = j.stored;
	if ((rc = orientation_apply(p, j.orientation)))
		picture_free(p);
	return rc;
}

/* -- writing -- */

enum { LEVEL = 4 }; /* of 9: half the time of zlib's default of 6, a tenth more bytes, on drawn faces */

static void write_bytes(png_structp png, png_bytep in, size_t n)
{
	struct png_job *j = png_get_io_ptr(png);
	if (fwrite(in, 1, n, j->out) == n)
		return;
	j->code = error_set(ERR_FAILED, "cannot write '%s': %m", j->name);
	png_error(png, "");
}

static void flush_bytes(png_structp png)
{
	(void)png; /* whoever closes the stream does */
}

static int encode(struct png_job *j, const struct picture *p)
{
	if (setjmp(j->failed))
		return j->code;
	png_set_write_fn(j->png, j, write_bytes, flush_bytes);
	png_set_IHDR(j->png, j->info, (png_uint_32)p->w, (png_uint_32)p->h, 8, p->c == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
		     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_set_compression_level(j->png, LEVEL);
	/* Measured on photographs and drawn faces: Paeth's filter and runs alone are a little smaller than zlib's default search, and take a quarter of its
	 * time. */
	png_set_filter(j->png, PNG_FILTER_TYPE_BASE, PNG_FILTER_PAETH);
	png_set_compression_strategy(j->png, Z_RLE);
	png_write_info(j->png, j->info);
	for (int y = 0; y < p->h; y++)
		png_write_row(j->png, p->pixel + (size_t)y * (size_t)p->w * (size_t)p->c);
	png_write_end(j->png, NULL);
	return 0;
}

int picture_encode(const struct picture *p, const char *name, FILE *out)
{
	struct png_job j = { .name = name, .out = out };
	int rc = ERR_FAILED;

	j.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &j, on_error, on_warning);
	if (j.png && (j.info = png_create_info_struct(j.png)))
		rc = encode(&j, p);
	else
		(void)error_set(rc, "out of memory");
	png_destroy_write_struct(&j.png, &j.info);
	return rc;
}

const char *picture_png_library(void)
{
	static char text[48];
	snprintf(text, sizeof text, "libpng %s", png_get_libpng_ver(NULL));
	return text;
}
