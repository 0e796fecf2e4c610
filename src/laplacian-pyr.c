/* Laplacian pyramids of an image stream, and back. */
#include <errno.h>
#include <omp.h>
#include <string.h>

#include "archive.h"
#include "h5file.h"
#include "input_guard.h"
#include "laplacian.h"
#include "message.h"
#include "options.h"
#include "outfile.h"
#include "picture.h"
#include "progress.h"
#include "pyramid.h"
#include "threads.h"

static int64_t levels, level;
static const char *directory;
static bool inverse, f32;

static const struct option options[] = {
	{ "levels", 'l', OPTION_INT, &levels, "L", "number of levels; by default down to a rest of 16 pixels", 1, LAPLACIAN_LEVELS },
	{ "level", 0, OPTION_INT, &level, "R", "write the level of side R alone", 1, IMAGES_MAX_SIDE },
	{ "inverse", 0, OPTION_FLAG, &inverse, NULL, "read such a stream and write the images", 0, 0 },
	{ "f32", 0, OPTION_FLAG, &f32, NULL, "with --inverse: write float32 in [-1,1] instead of uint8", 0, 0 },
	{ "output", 'o', OPTION_TEXT, &directory, "DIR", "write one file per level, and a picture of each, into this folder", 0, 0 },
	{ 0 }
};

static const struct tool tool = {
	.name = "laplacian-pyr",
	.summary = "Laplacian pyramid of images, and back",
	.synopsis = "[--levels L] [--level R] [--inverse [--f32]] [-o DIR] [INPUT]",
	.details =
	        "INPUT is an HDF5 file (its largest data{R}x{R}), a .npy file, a folder or archive (zip or tar) of PNG or JPEG pictures, or '-', the default: "
	        ".npy records on stdin. Images are square, grey or RGB, uint8 or float32 in [-1,1]; a side must halve down to 16 pixels, or as often as "
	        "--levels says.\n\n"
	        "Per input record (a file without records is one) the output has one float32 .npy record (N,C,r,r) per level, the finest first, in units of "
	        "0..255: what is lost between side r and r/2 by the 5x5 binomial filter, and last the low-pass rest. The coarser levels of a record are held "
	        "in memory until the finest is written, but for --level and -o.\n\n"
	        "With -o the levels go to DIR/level{r}.npy, and up to 64 images of each to DIR/level{r}.png, where grey stands for 0 and differences are "
	        "doubled.\n\n"
	        "--inverse adds the levels of such a stream up again. It holds a record in memory.\n\n"
	        "EXIT STATUS\n\n"
	        "0 done, 1 failed, 2 wrong usage, 3 bad or truncated input.\n\n"
	        "EXAMPLES\n\n"
	        "  laplacian-pyr --level 16 data.h5 > rest.npy\n"
	        "  pgan-sample -n 64 net.h5 | laplacian-pyr -o levels/\n"
	        "  laplacian-pyr faces.npy | laplacian-pyr --inverse | cmp - faces.npy",
	.options = options,
	.library = { h5_library, picture_libraries, archive_library },
};

static int forward(const char *input)
{
	struct progress progress;
	const struct pyramid_options o = { (int)levels, (int)level, directory, progress_count, &progress };
	struct images in;
	int rc = images_open(&in, input, 0);
	if (rc)
		return rc;
	progress_start(&progress, "images", in.n);
	rc = pyramid_write(&in, &o);
	progress_end(&progress);
	if (!rc)
		images_tell_range(&in, message_note);
	images_close(&in);
	return rc;
}

static int backward(const char *input)
{
	struct progress progress;
	const struct pyramid_options o = { .levels = (int)levels, .progress = progress_count, .progress_ctx = &progress };
	const bool from_stdin = !strcmp(input, "-");
	FILE *in = from_stdin ? stdin : fopen(input, "rb");
	int rc;
	if (!in)
		return error_set(ERR_INPUT, "cannot open '%s': %s", input, strerror(errno));
	progress_start(&progress, "images", 0);
	rc = pyramid_read(in, from_stdin ? "stdin" : input, f32, &o);
	progress_end(&progress);
	if (!from_stdin)
		fclose(in);
	return rc;
}

static int run(int operands, char **argv)
{
	const char *const input = operands ? argv[1] : "-";
	int rc;
	if (directory && !strcmp(directory, "-"))
		directory = NULL;
	if (operands > 1)
		return error_set(ERR_USAGE, "one input at most; '%s' is one too many", argv[2]);
	if (inverse && (directory || level))
		return error_set(ERR_USAGE, "--inverse writes images to stdout: neither -o nor --level goes with it");
	if (f32 && !inverse)
		return error_set(ERR_USAGE, "--f32 goes with --inverse: levels are float32 anyway");
	input_guard_add(input);
	if ((rc = directory ? outfile_folder_meant(directory) : message_stdout_is_data()))
		return rc;
	omp_set_num_threads(threads_available(options_threads()));
	return inverse ? backward(input) : forward(input);
}

int main(int argc, char **argv)
{
	const int operands = options_parse(&tool, argc, argv);
	return message_exit(operands < 0 ? operands : run(operands, argv));
}
