/* pack-h5: a data set from pictures: one HDF5 file with every resolution. */
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "options.h"
#include "ordered.h"
#include "packer.h"
#include "progress.h"

static const char *output, *filter = "bilinear", *rejects_file;
static int64_t threads;
static bool keep_going;

static const struct option options[] = {
	{ "output", 'o', OPTION_TEXT, &output, "DATA.h5", "the data set; must be given", 0, 0 },
	{ "filter", 'f', OPTION_CHOICE, &filter, "bilinear|box", "how the smaller resolutions are made; default: bilinear", 0, 0 },
	{ "keep-going", 'k', OPTION_FLAG, &keep_going, NULL, "end successfully although pictures were left out", 0, 0 },
	{ "rejects", 0, OPTION_TEXT, &rejects_file, "FILE", "write the names of the pictures left out, with the reasons", 0, 0 },
	{ "jobs", 'j', OPTION_INT, &threads, "N", "threads; default: one for each processor. The output does not depend on it", 1, 1024 },
	{ 0 }
};

static const struct tool tool = {
	.name = "pack-h5",
	.summary = "make a data set with every resolution from pictures",
	.synopsis = "-o DATA.h5 [--filter bilinear|box] [INPUT…]",
	.details = "Without INPUT, or with '-', stdin is read: an image stream (.npy records of uint8, or of float32 in [-1,1], shape (n,3,R,R) or (n,1,R,R)), or a list "
		   "of file names, one a line; the first byte tells which. Otherwise either one HDF5 or .npy file, of which the images are taken, or any number "
		   "of PNG or JPEG files, folders (with everything below them that is named .png, .jpg or .jpeg) and zip or tar archives, which are read in place. Folders "
		   "and archives are read in the bytewise order of the paths.\n\n"
		   "Pictures are square, all of one size, a power of two from 4 to 1024; the first usable picture decides the size. Grey pictures become RGB. A "
		   "picture that is damaged or of another size is left out; the others are not affected. The reasons are told at the end, the first 20 of them; "
		   "--rejects FILE gets all, as a table of names and reasons. A truncated stream is an error, and nothing is written.\n\n"
		   "DATA.h5 holds uint8 data4x4, data8x8 … up to the pictures' size, each (N,3,R,R), chunked by image: the layout of the data sets of the Theano "
		   "release of progressive growing. Its attributes tell the tool and its version, the options, the number of images, and the SHA-256 of the names of the "
		   "input (below the folder or archive, a line each) or of the stream's pixels. The file appears when it is complete or not at all.\n\n"
		   "bilinear: Pillow's antialiased bilinear filter, byte for byte, each resolution from the full-size picture. box: 2x2 averages, again and again in "
		   "floating point, rounded once.\n\n"
		   "Exit codes: 0 done, 1 pictures were left out (the data set holds all the others) or it could not be written, 2 usage, 3 an input is missing, damaged or "
		   "has no usable picture.\n\n"
		   "Examples:\n"
		   "  celeba-crop img_align_celeba.zip | pack-h5 -o celeba.h5\n"
		   "  pack-h5 -o squares.h5 --filter box my-pictures/\n",
	.options = options,
};

/* What a file, or stdin (NULL), begins with. */
enum kind { NOTHING, NPY, HDF5, OTHER };

static enum kind kind_of(const char *path)
{
	static const unsigned char npy[] = "\x93NUMPY", hdf5[] = "\x89HDF";
	unsigned char head[8] = { 0 };
	if (!path) {
		const int first = getc(stdin); /* no name begins with it: it is no letter in UTF-8 */
		ungetc(first, stdin);
		return first == EOF ? NOTHING : first == npy[0] ? NPY : OTHER;
	}
	FILE *f = fopen(path, "rb");
	const size_t got = f ? fread(head, 1, sizeof head, f) : 0;
	if (f)
		fclose(f);
	return got < sizeof head ? OTHER : !memcmp(head, npy, sizeof npy - 1) ? NPY : !memcmp(head, hdf5, sizeof hdf5 - 1) ? HDF5 : OTHER;
}

struct inputs {
	struct source *source;
	struct images images;
	bool is_hdf5;
};

static int open_inputs(struct inputs *in, const char *const *inputs, size_t n)
{
	static const char *const in_stdin[] = { "-" };
	const bool from_stdin = !n || (n == 1 && !strcmp(inputs[0], "-"));
	const enum kind kind = n > 1 ? OTHER : kind_of(from_stdin ? NULL : inputs[0]);
	const char *first;
	int rc;

	in->is_hdf5 = kind == HDF5;
	if (kind == NOTHING)
		return error_set(ERR_INPUT, "stdin is empty: an image stream or a list of file names was expected");
	if (kind != OTHER)
		return images_open(&in->images, from_stdin ? "-" : inputs[0], 0);
	if ((rc = source_open(&in->source, from_stdin ? in_stdin : inputs, from_stdin ? 1 : n)))
		return rc;
	const int64_t left_out = source_left_out(in->source, &first);
	if (left_out)
		message_note("files not named .png, .jpg or .jpeg are left alone: %lld, such as '%s'", (long long)left_out, first);
	return 0;
}

static void show(void *ctx, int64_t done)
{
	progress_show(ctx, done, NULL);
}

static int run(const char *const *inputs, size_t n)
{
	struct inputs in = { 0 };
	struct pack_result result = { 0 };
	struct progress progress;
	char settings[64];
	int rc;

	if (!output)
		return error_set(ERR_USAGE, "no -o: the data set needs a name, such as -o data.h5");
	if ((rc = open_inputs(&in, inputs, n)))
		return rc;
	snprintf(settings, sizeof settings, "--filter %s", filter);
	const struct pack_settings s = {
		.output = output,
		.filter = strcmp(filter, "box") ? LEVELS_BILINEAR : LEVELS_BOX,
		.options = settings,
		.threads = in.is_hdf5 ? 1 : (int)threads, /* HDF5 cannot read and write in two threads */
		.progress = show,
		.progress_ctx = &progress,
	};
	progress_start(&progress, "pictures", in.source ? source_count(in.source) : in.images.n > 0 ? in.images.n : 0);
	rc = pack(&result, &s, in.source, &in.images);
	progress_end(&progress);
	if (!rc && rejects_file)
		rc = rejects_write(&result.rejects, rejects_file);
	if (!rc)
		rc = rejects_tell(&result.rejects, result.good, keep_going, message_error);
	rejects_free(&result.rejects);
	source_close(&in.source);
	images_close(&in.images);
	return rc;
}

int main(int argc, char **argv)
{
	int rc = options_parse(&tool, argc, argv);
	if (!threads)
		threads = ordered_processors();
	if (rc >= 0)
		rc = run((const char *const *)argv + 1, (size_t)rc);
	return message_exit(rc);
}
