/* JPEG by libjpeg(-turbo), with its defaults: accurate integer DCT, smooth upsampling of the colours. The same pixels as Pillow's with the same library. */
#include "picture_codec.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "orientation.h"

#define MAX_SCANS 500 /* of a progressive file; more are an attack on the reader's time */

struct jpeg_job {
	struct jpeg_decompress_struct info;
	struct jpeg_error_mgr errors;
	struct jpeg_progress_mgr progress;
	jmp_buf failed;
	const char *name;
	struct picture *p;
	int orientation;
};

static struct jpeg_job *job_of(j_common_ptr info)
{
	return info->client_data;
}

static void on_error(j_common_ptr info)
{
	struct jpeg_job *j = job_of(info);
	char text[JMSG_LENGTH_MAX];
	info->err->format_message(info, text);
	(void)error_set(ERR_INPUT, "cannot decode '%s': %s", j->name, text);
	longjmp(j->failed, 1);
}

/* A decoder that meets damaged data warns, fills in and goes on. A picture with invented pixels is not wanted; three warnings are about none. */
static void on_message(j_common_ptr info, int level)
{
	const int code = info->err->msg_code;
	if (level < 0 && code != JWRN_ADOBE_XFORM && code != JWRN_JFIF_MAJOR && code != JWRN_BOGUS_ICC)
		on_error(info);
}

static void on_progress(j_common_ptr info)
{
	struct jpeg_job *j = job_of(info);
	if (j->info.input_scan_number <= MAX_SCANS)
		return;
	(void)error_set(ERR_INPUT, "cannot decode '%s': more than %d scans", j->name, MAX_SCANS);
	longjmp(j->failed, 1);
}

/* As Pillow does: the four inks are taken as stored inverted, as Adobe's programs write them. In place, 4 bytes to 3. */
static void cmyk_to_rgb(uint8_t *out, const uint8_t *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < 3; k++)
			out[3 * i + k] = (uint8_t)((in[4 * i + k] * in[4 * i + 3] + 127) / 255);
}

/* Of the first EXIF block among the saved markers. */
static int saved_orientation(const struct jpeg_decompress_struct *info)
{
	static const uint8_t exif[6] = "Exif\0";
	for (jpeg_saved_marker_ptr m = info->marker_list; m; m = m->next)
		if (m->marker == JPEG_APP0 + 1 && m->data_length > sizeof exif && !memcmp(m->data, exif, sizeof exif))
			return orientation_of(m->data + sizeof exif, m->data_length - sizeof exif);
	return 1;
}

static int decode(struct jpeg_job *j, const uint8_t *bytes, size_t size)
{
	struct jpeg_decompress_struct *const info = &j->info;

	if (setjmp(j->failed))
		return ERR_INPUT;
	jpeg_create_decompress(info);
	info->progress = &j->progress;
	jpeg_mem_src(info, bytes, size);
	jpeg_save_markers(info, JPEG_APP0 + 1, 0xffff);
	jpeg_read_header(info, TRUE);
	if (picture_check_size(j->name, info->image_width, info->image_height))
		return ERR_INPUT;
	if (info->num_components != 1 && info->num_components != 3 && info->num_components != 4)
		return error_set(ERR_INPUT, "cannot decode '%s': %d colour channels", j->name, info->num_components);
	info->out_color_space = info->num_components == 1 ? JCS_GRAYSCALE : info->num_components == 3 ? JCS_RGB : JCS_CMYK;
	jpeg_start_decompress(info);
	if (picture_alloc_claimed(j->p, j->name, (int)info->output_width, (int)info->output_height, info->num_components))
		return ERR_INPUT;
	const size_t stride = (size_t)info->output_width * (size_t)info->num_components;
	while (info->output_scanline < info->output_height) {
		JSAMPROW row = j->p->pixel + info->output_scanline * stride;
		jpeg_read_scanlines(info, &row, 1);
	}
	j->orientation = saved_orientation(info);
	jpeg_finish_decompress(info);
	return 0;
}

int picture_decode_jpeg(struct picture *p, const char *name, const uint8_t *bytes, size_t size)
{
	struct jpeg_job j = { .name = name, .p = p, .progress = { .progress_monitor = on_progress } };

	j.info.err = jpeg_std_error(&j.errors);
	j.info.client_data = &j;
	j.errors.error_exit = on_error;
	j.errors.emit_message = on_message;
	int rc = decode(&j, bytes, size);
	jpeg_destroy_decompress(&j.info);
	if (!rc && p->c == 4) {
		cmyk_to_rgb(p->pixel, p->pixel, (size_t)p->w * (size_t)p->h);
		p->c = 3;
	}
	if (rc || (rc = orientation_apply(p, j.orientation)))
		picture_free(p);
	return rc;
}

#define TEXT_OF(x) TEXT(x)
#define TEXT(x) #x

const char *picture_jpeg_library(void)
{
#ifdef LIBJPEG_TURBO_VERSION
	return "libjpeg-turbo " TEXT_OF(LIBJPEG_TURBO_VERSION);
#else
	return "libjpeg " TEXT_OF(JPEG_LIB_VERSION);
#endif
}
