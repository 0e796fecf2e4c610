/* pack-h5: a data set from pictures: one HDF5 file with every resolution. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "dataset_verify.h"
#include "h5file.h"
#include "input_guard.h"
#include "inputs.h"
#include "libraries.h"
#include "message.h"
#include "options.h"
#include "packer.h"
#include "philox.h"
#include "picture.h"
#include "progress.h"
#include "size.h"
#include "spelling.h"
#include "threads.h"
#include "unpack.h"
#include "zipout.h"

static const char *output, *filter = "bilinear", *fit = "none", *background = "white", *labels_file, *columns, *rejects_file, *verify, *unpacked;
static int64_t side, limit, seed = -1;
static bool mirror, keep_going;

static const struct option options[] = {
	{ "output", 'o', OPTION_TEXT, &output, "DATA.h5", "the data set; must be given", 0, 0 },
	{ "filter", 'f', OPTION_CHOICE, &filter, LEVEL_FILTERS, "how the smaller resolutions are made; default: bilinear", 0, 0 },
	{ "size", 's', OPTION_INT, &side, "N", "side of the pictures, a power of two from 4 to 1024; default: that of the first usable picture", 4, 1024 },
	{ "fit", 0, OPTION_CHOICE, &fit, FIT_MODES, "what to do with pictures that are not square; default: none, leave them out", 0, 0 },
	{ "background", 0, OPTION_TEXT, &background, "COLOUR", "what shows through transparent pixels, and fills up with --fit pad: white, black or RRGGBB; default: white", 0, 0 },
	{ "mirror", 'm', OPTION_FLAG, &mirror, NULL, "let every picture be followed by its mirror image", 0, 0 },
	{ "limit", 'l', OPTION_INT, &limit, "N", "take the first N usable pictures; default: all", 1, 4294967295. },
	{ "shuffle", 0, OPTION_INT, &seed, "SEED", "take the pictures of files, folders and archives in a random order", 0, OPTION_SEED_MAX },
	{ "labels", 0, OPTION_TEXT, &labels_file, "FILE", "numbers by file name: CSV, list_attr_celeba.txt, a dataset.json or an archive with one", 0, 0 },
	{ "columns", 0, OPTION_TEXT, &columns, "NAME,…", "which columns of the table to take; default: all", 0, 0 },
	{ "keep-going", 'k', OPTION_FLAG, &keep_going, NULL, "exit with 0 even if pictures were left out", 0, 0 },
	{ "rejects", 0, OPTION_TEXT, &rejects_file, "FILE", "write the names of the pictures left out, with the reasons", 0, 0 },
	{ "verify", 0, OPTION_TEXT, &verify, "DATA.h5", "instead: check a data set", 0, 0 },
	{ "unpack", 0, OPTION_TEXT, &unpacked, "DATA.h5", "instead: write the pictures of a data set to -o NAME.zip, NAME.npy or FOLDER/", 0, 0 },
	{ 0 }
};

static const struct tool tool = {
	.name = "pack-h5",
	.summary = "make a data set with every resolution from pictures",
	.synopsis = "-o DATA.h5 [--filter bilinear|box] [--size N] [--fit crop|pad|stretch] [INPUT…] | --verify DATA.h5 | --unpack DATA.h5 -o OUT",
	.details = "Without INPUT, or with '-', stdin is read: an image stream (.npy records of uint8, or of float32 in [-1,1], shape (n,3,R,R) or "
		   "(n,1,R,R)), or a list of file names, one a line; the first byte tells which. Otherwise either one HDF5 or .npy file, of which the images "
		   "are taken, or any number of PNG or JPEG files, folders (with everything below them that is named .png, .jpg or .jpeg and not hidden) and "
		   "zip or tar archives, which are read in place. Folders and archives are read in the bytewise order of the paths; the output is the same for "
		   "any number of threads.\n\n"
		   "The data set's pictures are squares of one size, a power of two: --size N or that of the first usable picture. Without either option, "
		   "pictures of another size are left out. --size makes larger ones smaller. --fit takes pictures that are not square: crop, the largest "
		   "square in the middle; pad, the smallest square around it, filled up with the background; stretch, each side by itself. Without --size it "
		   "decides on the largest power of two not above the first picture's shorter side. Nothing is ever enlarged. Grey pictures become RGB, "
		   "transparent pixels show the background, and pictures that a camera has marked as turned are turned upright.\n\n"
		   "A picture that is damaged, too small, of the wrong shape or without a row in the table of labels is left out; the others are not affected. "
		   "The first 20 reasons are printed at the end; --rejects FILE gets all, as a table of names and reasons. A truncated stream is an error, and "
		   "nothing is written.\n\n"
		   "--labels reads CSV (a header line; rows of a file name and numbers; quoted or not), CelebA's list_attr_celeba.txt, or the dataset.json of "
		   "StyleGAN's archives, also in the archive. The labels of an HDF5 or .npy INPUT are taken as they are: its data set labels, or "
		   "NAME-labels.npy beside NAME.h5, unless pack-h5 made that, and beside NAME.npy. Pictures are found in a table by their path below the "
		   "INPUT, or else by its last part, or else by either without .png, .jpg or .jpeg if one row alone has that name.\n\n"
		   "DATA.h5 holds uint8 data4x4, data8x8 … up to the pictures' size, each (N,3,R,R), chunked by image: the layout of the data sets of the "
		   "Theano release of progressive growing. With --labels there is also labels (N,columns), float32, whose attribute names tells the columns. "
		   "Attributes of the file tell the tool and its version, the options, and the SHA-256 of the names of the input (below the folder or archive, "
		   "a line each) or of the stream's pixels. The file appears when it is complete or not at all.\n\n"
		   "bilinear: Pillow's antialiased bilinear filter, byte for byte, each resolution from the full-size picture. box: 2x2 averages, again and "
		   "again in floating point, rounded once.\n\n"
		   "--verify reads a whole data set, labels included, comparing checksums, and makes the smaller resolutions again to compare them with what "
		   "is there.\n\n"
		   "--unpack writes the pictures of a data set, at full size or --size, and its labels: into NAME.zip, an archive of PNG files with a "
		   "dataset.json as StyleGAN's dataset_tool makes it; into NAME.npy and NAME-labels.npy; or as PNG files and labels.csv into FOLDER/, in place "
		   "of files of the same names (others stay). Only labels.csv and data sets have the names of the columns.\n\n"
		   "EXIT STATUS\n\n"
		   "0 done, 1 pictures were left out (the data set holds all the others) or it could not be written, 2 wrong usage, 3 an input is missing, "
		   "damaged or has no usable picture.\n\n"
		   "EXAMPLES\n\n"
		   "  celeba-crop img_align_celeba.zip | pack-h5 -o celeba.h5\n"
		   "  pack-h5 -o squares.h5 --filter box my-pictures/\n"
		   "  pack-h5 -o photos.h5 --fit crop --size 256 --labels list_attr_celeba.txt --columns Smiling,Male img_celeba.zip\n"
		   "  pack-h5 --verify celeba.h5\n",
	.options = options,
	.library = { h5_library, picture_libraries, archive_library, zipout_library, jansson_library, packer_library },
};

struct job {
	struct inputs in;
	struct label_table *table; /* of pictures with names */
	struct labels labels;      /* of an HDF5 file's images */
	uint32_t *order;
};

/* The options that shape the data, as they are kept in the data set. */
static void options_used(char *out, size_t size)
{
	int at = snprintf(out, size, "--filter %s", filter);
	if (strcmp(fit, "none"))
		at += snprintf(out + at, size - (size_t)at, " --fit %s", fit);
	if (strcmp(background, "white"))
		at += snprintf(out + at, size - (size_t)at, " --background %.16s", background);
	if (side)
		at += snprintf(out + at, size - (size_t)at, " --size %lld", (long long)side);
	if (limit)
		at += snprintf(out + at, size - (size_t)at, " --limit %lld", (long long)limit);
	if (seed >= 0)
		at += snprintf(out + at, size - (size_t)at, " --shuffle %lld", (long long)seed);
	at += snprintf(out + at, size - (size_t)at, "%s%s", mirror ? " --mirror" : "", labels_file ? " --labels" : "");
	if (columns)
		snprintf(out + at, size - (size_t)at, " --columns %s", columns); /* cut if long */
}

/* --verify and --unpack leave nothing undone that was asked for. */
static int check_task(size_t inputs)
{
	if (!verify && !unpacked)
		return 0;
	if (inputs)
		return error_set(ERR_USAGE, "--%s takes one data set and no INPUT", verify ? "verify" : "unpack");
	return verify ? options_only("verify", "") : options_only("unpack", "output|size");
}

static int check_options(struct pack_settings *s)
{
	if (!output)
		return error_set(ERR_USAGE, "no -o: the data set needs a name, such as -o data.h5");
	if (zipout_is_named(output))
		return error_set(ERR_USAGE, "'%s': a data set is an HDF5 file; --unpack makes an archive of one", output);
	if (side & (side - 1))
		return error_set(ERR_USAGE, "--size takes a power of two from 4 to 1024, not %lld", (long long)side);
	if (columns && !labels_file)
		return error_set(ERR_USAGE, "--columns chooses from --labels FILE, which is not given");
	return picture_colour(s->background, background);
}

/* A random order, and labels. */
static int prepare_source(struct job *job, struct pack_settings *s)
{
	struct inputs *in = &job->in;
	int rc;

	if (!in->source && (seed >= 0 || labels_file))
		return error_set(ERR_USAGE, "%s needs the names of files: give files, folders or archives", seed >= 0 ? "--shuffle" : "--labels");
	if (in->hdf5 || in->npy) {
		rc = (in->hdf5 ? labels_of_h5 : labels_of_npy)(&job->labels, in->images.name, in->images.n);
		s->labels = job->labels.columns ? &job->labels : NULL;
		return rc;
	}
	if (!in->source)
		return 0;
	if (labels_file && (rc = label_table_read(&job->table, labels_file, columns)))
		return rc;
	s->table = job->table;
	if (seed >= 0) {
		const size_t n = (size_t)source_count(in->source);
		if (!(job->order = size_alloc(n, sizeof *job->order)))
			return ERR_FAILED;
		philox_permutation((uint64_t)seed, STREAM_SHUFFLE, 0, n, job->order);
		s->order = job->order;
	}
	return 0;
}

static int run(const char *const *inputs, size_t n)
{
	struct job job = { 0 };
	struct inputs *in = &job.in;
	struct pack_result result = { 0 };
	struct progress progress;
	char used[512];
	struct pack_settings s = {
		.output = output,
		.options = used,
		.filter = (enum level_filter)spelling_place(LEVEL_FILTERS, filter),
		.side = (int)side,
		.fit = (enum fit_mode)spelling_place(FIT_MODES, fit),
		.mirror = mirror,
		.limit = limit,
		.progress = progress_count,
		.progress_ctx = &progress,
	};
	int rc;

	if ((rc = check_options(&s)) || (rc = inputs_open(in, inputs, n)))
		return rc;
	if (in->source)
		source_tell_left_out(in->source, message_note);
	options_used(used, sizeof used);
	s.threads = in->hdf5 ? 1 : threads_available(options_threads()); /* HDF5 cannot read and write in two threads */
	if ((rc = rejects_try(rejects_file, output)) || (rc = prepare_source(&job, &s)))
		goto end;
	progress_start(&progress, "pictures", limit ? limit : inputs_count(in));
	rc = pack(&result, &s, in->source, &in->images);
	progress_end(&progress);
	if (!rc && !in->source)
		images_tell_range(&in->images, message_note);
	if (!rc && rejects_file)
		rc = rejects_write(&result.rejects, rejects_file);
	if (!rc)
		rc = rejects_report(&result.rejects, result.good, keep_going, message_error);
end:
	free(job.order);
	label_table_free(&job.table);
	labels_free(&job.labels);
	rejects_free(&result.rejects);
	inputs_close(in);
	return rc;
}

static int run_verify(void)
{
	struct verify_result r;
	struct progress progress;
	progress_start(&progress, "pictures", 0);
	const int rc = dataset_verify(&r, verify, threads_available(options_threads()), progress_count, &progress);
	progress_end(&progress);
	if (rc)
		return rc;
	printf("%s: %lld pictures of %dx%d%s, ", verify, (long long)r.n, r.side, r.side, r.labels ? " with labels" : "");
	if (!r.levels)
		puts("one resolution: readable");
	else if (r.filter)
		printf("%d smaller resolution%s by the %s filter: %s should be\n", r.levels, r.levels > 1 ? "s" : "", r.filter, r.levels > 1 ? "all as they" : "as it");
	else
		printf("%d smaller resolution%s by a filter of another program: readable, not compared\n", r.levels, r.levels > 1 ? "s" : "");
	return 0;
}

static int run_unpack(void)
{
	struct progress progress;
	if (!output)
		return error_set(ERR_USAGE, "no -o: --unpack writes to NAME.zip, NAME.npy or FOLDER/");
	progress_start(&progress, "pictures", 0);
	const int rc = unpack(unpacked, output, (int)side, progress_count, &progress);
	progress_end(&progress);
	return rc;
}

int main(int argc, char **argv)
{
	const int inputs = options_parse(&tool, argc, argv);
	int rc = inputs < 0 ? inputs : check_task((size_t)inputs);
	for (int i = 1; i <= inputs; i++)
		input_guard_add(argv[i]);
	input_guard_add(labels_file);
	input_guard_add(unpacked);
	if (!rc)
		rc = verify ? run_verify() : unpacked ? run_unpack() : run((const char *const *)argv + 1, (size_t)inputs);
	return message_exit(rc);
}
