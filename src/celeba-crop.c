/* celeba-crop: cuts a square out of every picture, as an image stream or as lossless PNG files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive.h"
#include "cropper.h"
#include "h5file.h"
#include "images.h"
#include "input_guard.h"
#include "message.h"
#include "options.h"
#include "outfile.h"
#include "progress.h"
#include "threads.h"

static const char *dir, *center = "89,121", *box, *background = "white", *rejects_file;
static int64_t size = 128;
static bool pad, keep_going;

static const struct option options[] = {
	{ "output", 'o', OPTION_TEXT, &dir, "DIR", "write a PNG file for every picture into this folder; default: an image stream on stdout", 0, 0 },
	{ "center", 'c', OPTION_TEXT, &center, "X,Y", "column and row of the square's centre; default: 89,121", 0, 0 },
	{ "size", 's', OPTION_INT, &size, "N", "side of the square in pixels; default: 128", 1, 16384 },
	{ "box", 'b', OPTION_TEXT, &box, "X,Y,W,H", "instead: column and row of the upper left corner, width and height; square unless there is -o", 0, 0 },
	{ "pad", 'p', OPTION_FLAG, &pad, NULL, "take pictures that are too small, and fill up with the background", 0, 0 },
	{ "background", 0, OPTION_TEXT, &background, "COLOUR", "what shows through transparent pixels and fills up: white, black or RRGGBB; default: white", 0, 0 },
	{ "keep-going", 'k', OPTION_FLAG, &keep_going, NULL, "exit with 0 even if pictures were left out", 0, 0 },
	{ "rejects", 0, OPTION_TEXT, &rejects_file, "FILE", "write the names of the pictures left out, with the reasons", 0, 0 },
	{ 0 }
};

static const struct tool tool = {
	.name = "celeba-crop",
	.summary = "cut the face out of every picture",
	.synopsis = "[-o DIR] [--center X,Y] [--size N] [--pad] INPUT…",
	.details = "Each INPUT is a PNG or JPEG file, a folder (with everything below it that is named .png, .jpg or .jpeg and not hidden) or a zip or tar archive, which is "
		   "read in place (img_align_celeba.zip as downloaded). Folders and archives are read in the bytewise order of the paths; the output is the "
		   "same for any number of threads. One HDF5 or .npy file alone gives its images, the largest there are. '-' alone reads stdin: an image "
		   "stream or a list of file names, one a line; the first byte tells which.\n\n"
		   "The square has its upper left corner at X - N/2, Y - N/2; by default columns 25 to 152 and rows 57 to 184, which in the aligned pictures "
		   "of CelebA (178x218) is the face. Grey pictures become RGB, transparent pixels show the background, and pictures that a camera has marked "
		   "as turned are turned upright first.\n\n"
		   "Without -o, an image stream goes to stdout: .npy records of uint8 (n,3,N,N), 64 pictures each. How many pictures there will be is known "
		   "only when the last one has been decoded, so no record promises more than it holds. With -o DIR, every picture becomes DIR/PATH.png, where "
		   "PATH is its path below the INPUT without the ending, in place of a file of that name (others stay); image number N of an HDF5 or .npy file "
		   "or of a stream becomes DIR/NNNNNN.png. PNG keeps every pixel; a second JPEG compression would add its own 8x8 blocks to what a network "
		   "learns.\n\n"
		   "A picture that is damaged, too small (unless there is --pad) or no picture is left out; the others are not affected. The reasons are told "
		   "at the end, the first 20 of them; --rejects FILE gets all, as a table of names and reasons.\n\n"
		   "EXIT STATUS\n\n"
		   "0 done, 1 pictures were left out (the output holds all the others) or the output could not be written, 2 wrong usage, 3 an INPUT is "
		   "missing or has no usable picture.\n\n"
		   "EXAMPLES\n\n"
		   "  celeba-crop img_align_celeba.zip | pack-h5 -o celeba.h5\n"
		   "  celeba-crop -o faces --center 89,121 --size 64 img_align_celeba\n"
		   "  celeba-crop --center 256,256 --size 512 --pad --background black snapshots/ | pack-h5 -o snapshots.h5\n",
	.options = options,
	.library = { h5_library, picture_libraries, archive_library },
};

/* n whole numbers between commas and nothing else, none beyond ±65535. */
static bool parse_numbers(const char *text, int *out, int n)
{
	for (int i = 0; i < n; i++) {
		char *end;
		const long value = strtol(text, &end, 10); /* the nearest long where it would be beyond */
		if (end == text || value > 65535 || value < -65535 || *end != (i + 1 < n ? ',' : 0))
			return false;
		out[i] = (int)value;
		text = end + 1;
	}
	return true;
}

static int parse_box(struct crop_settings *c)
{
	int number[4];

	if (box) {
		const int rc = options_only("box", "output|pad|background|keep-going|rejects");
		if (rc)
			return rc;
		if (!parse_numbers(box, number, 4) || number[2] < 1 || number[3] < 1)
			return error_set(ERR_USAGE, "--box takes a column, a row, a width and a height, such as 25,57,128,128, not '%s'", box);
		if (number[2] > IMAGES_MAX_SIDE || number[3] > IMAGES_MAX_SIDE)
			return error_set(ERR_USAGE, "--box %s is larger than %dx%d pixels", box, IMAGES_MAX_SIDE, IMAGES_MAX_SIDE);
		c->x = number[0];
		c->y = number[1];
		c->w = number[2];
		c->h = number[3];
		if (!c->dir && c->w != c->h)
			return error_set(ERR_USAGE, "an image stream holds squares, and --box %s is none: give -o DIR", box);
		return 0;
	}
	if (!parse_numbers(center, number, 2))
		return error_set(ERR_USAGE, "--center takes a column and a row, such as 89,121, not '%s'", center);
	c->w = c->h = (int)size;
	c->x = number[0] - c->w / 2;
	c->y = number[1] - c->h / 2;
	return 0;
}

static bool ends_in_png(const char *name)
{
	const size_t length = strlen(name);
	return length >= 4 && !strcasecmp(name + length - 4, ".png");
}

static int run(const char *const *inputs, size_t n)
{
	struct progress progress;
	struct crop_settings settings = { .pad = pad, .dir = dir, .stream = stdout, .name = "stdout", .threads = threads_available(options_threads()), .progress = progress_count,
		                          .progress_ctx = &progress };
	struct crop_result result = { 0 };
	struct inputs in;
	int rc;

	if (!n)
		return error_set(ERR_USAGE, "no INPUT: give files, folders or archives, or '-' for an image stream or a list of names on stdin");
	if ((rc = parse_box(&settings)) || (rc = picture_colour(settings.background, background)) || (rc = dir ? outfile_folder_meant(dir) : message_stdout_is_data()))
		return rc;
	if (dir && rejects_file && ends_in_png(rejects_file)) /* one in DIR would take the place of a picture, or a picture its */
		return error_set(ERR_USAGE, "--rejects writes a table, and '%s' is named as the pictures of -o are", rejects_file);
	if ((rc = inputs_open(&in, inputs, n)))
		return rc;
	if (in.source)
		source_tell_left_out(in.source, message_note);
	if (!(rc = rejects_try(rejects_file, dir))) {
		progress_start(&progress, "pictures", inputs_count(&in));
		rc = crop(&result, &settings, &in);
		progress_end(&progress);
	}
	if (!rc && !in.source)
		images_tell_range(&in.images, message_note);
	if (!rc && (!rejects_file || !(rc = rejects_write(&result.rejects, rejects_file))))
		rc = rejects_report(&result.rejects, result.good, keep_going, message_error);
	rejects_free(&result.rejects);
	inputs_close(&in);
	return rc;
}

int main(int argc, char **argv)
{
	int rc = options_parse(&tool, argc, argv);
	for (int i = 1; i <= rc; i++)
		input_guard_add(argv[i]);
	if (dir && !strcmp(dir, "-"))
		dir = NULL;
	if (rc >= 0)
		rc = run((const char *const *)argv + 1, (size_t)rc);
	return message_exit(rc);
}
