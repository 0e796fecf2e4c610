/* Multi-scale structural similarity of pairs of images. */
#include <inttypes.h>
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "environment.h"
#include "h5file.h"
#include "images.h"
#include "libraries.h"
#include "message.h"
#include "metric_open.h"
#include "msssim_report.h"
#include "options.h"
#include "picture.h"
#include "progress.h"
#include "spelling.h"
#include "threads.h"

static const char *reference, *real, *protocol_name = "karras", *device_name = "cpu";
static int64_t most;
static bool as_json, per_pair;
static struct metric_device *device;

static const struct option options[] = {
	{ "ref", 'r', OPTION_TEXT, &reference, "REF", "compare image i of INPUT with image i of REF instead of pairs within INPUT", 0, 0 },
	{ "pairs", 'n', OPTION_INT, &most, "N", "pairs to compare at most; by default the protocol's number", 1, 1 << 24 },
	{ "protocol", 'p', OPTION_CHOICE, &protocol_name, MSSSIM_PROTOCOLS, "whose MS-SSIM: the paper's (default), the reproduced system's, pytorch-msssim's", 0, 0 },
	{ "per-pair", 0, OPTION_FLAG, &per_pair, NULL, "give the value of every pair", 0, 0 },
	{ "floor", 'f', OPTION_TEXT, &real, "REAL", "also the value of these real images among themselves", 0, 0 },
	{ "device", 0, OPTION_TEXT, &device_name, "D", METRIC_DEVICES " (cpu)", 0, 0 },
	{ "json", 0, OPTION_FLAG, &as_json, NULL, "one JSON object instead of a table", 0, 0 },
	{ 0 }
};

static const struct tool tool = {
	.name = "msssim",
	.summary = "multi-scale structural similarity of pairs of images",
	.synopsis = "[INPUT] [--ref REF] [--protocol karras|paddle|vainf] [--pairs N] [--per-pair] [--floor REAL] [--device D] [--json]",
	.details =
	        "INPUT, REF and REAL are HDF5 files (the largest data{R}x{R}; in REF and REAL the one of INPUT's side), .npy files, folders or archives (zip "
	        "or tar) of PNG or JPEG pictures, or '-' (INPUT's default): .npy records on stdin. Images are square, grey or RGB, uint8 or float32 in [-1,1].\n\n"
	        "Without --ref images 0 and 1, 2 and 3, … of INPUT are compared: the mean falls as a generator's pictures become more varied, and should be "
	        "near that of real pictures (--floor); of a set of pack-h5 --mirror the mirror images are left out. With --ref image i of both sets are "
	        "compared. Images are taken in the order of the file or, of pictures, in the bytewise order of their paths. The mean is printed with its "
	        "standard error over the pairs.\n\n"
	        "PROTOCOLS\n\n"
	        "karras: 10,000 pairs of one set, five scales, the window shrinks with small scales, negative scales count 0, floats are rounded to bytes; "
	        "from 16 pixels on.\n\n"
	        "paddle: generated images against real ones (--ref), values in [-1,1] with range 1, K1 0.1, K2 0.3, scales below 32 are counted again instead "
	        "of halved, the last factor is counted four times; from 32 pixels on.\n\n"
	        "vainf: pytorch-msssim, a product per channel; from 161 pixels on.\n\n"
	        "Values under different protocols or at different sides do not compare.\n\n"
	        "DEVICE\n\n"
	        "A GPU gives the same values to twelve digits or so. The processor is the default, so that values are the same to the last digit wherever they "
	        "are computed.\n\n"
	        "JSON\n\n"
	        "{\"protocol\", \"pairs\", \"msssim\", \"error\", \"notes\": […]}, with --per-pair \"values\": […], with --floor \"floor\": {\"pairs\", "
	        "\"msssim\", \"error\"}. One pair has no standard error: null.\n\n"
	        "EXIT STATUS\n\n"
	        "0 done, 1 failed, 2 wrong usage, 3 bad or truncated input.\n\n"
	        "ENVIRONMENT\n\n"
	        ENVIRONMENT_PLUGINS
	        "EXAMPLES\n\n"
	        "  pgan-sample -n 20000 net.h5 | msssim --floor data.h5\n"
	        "  msssim --json --per-pair a.npy --ref b.npy",
	.options = options,
	.library = { h5_library, picture_libraries, archive_library, jansson_library },
	.device = metric_describe,
};

static void add_notes_of(struct msssim_report *r, const struct images *set, bool pairs_of_one)
{
	notes_add_doubt(&r->notes, set);
	if (set->mirrored && pairs_of_one)
		notes_add(&r->notes, "The mirror images of '%s' (pack-h5 --mirror) are left out: each would be compared with its own picture.", set->name);
}

/* -- computing -- */

static int compare(struct pairs *p, enum msssim_protocol protocol, struct images *set, struct images *other)
{
	struct progress progress;
	const int64_t limit = most ? most : msssim_protocol_pairs(protocol), known = pairs_known(set, other);
	progress_start(&progress, "pairs", known >= 0 && known < limit ? known : limit);
	const int rc = pairs_compute(p, device, protocol, set, other, limit, progress_count, &progress);
	progress_end(&progress);
	return rc;
}

static int run(int operands, char **argv)
{
	const char *const path = operands ? argv[1] : "-";
	struct msssim_report r = { .protocol = (enum msssim_protocol)spelling_place(MSSSIM_PROTOCOLS, protocol_name), .across = reference, .per_pair = per_pair,
		                   .with_floor = real };
	struct images input = { 0 }, ref = { 0 }, reals = { 0 };
	const int from_stdin = !strcmp(path, "-") + (reference && !strcmp(reference, "-")) + (real && !strcmp(real, "-"));
	int rc;
	if (operands > 1)
		return error_set(ERR_USAGE, "one input at most; '%s' is one too many", argv[2]);
	if (from_stdin > 1)
		return error_set(ERR_USAGE, "only one of INPUT, REF and REAL can be stdin");
	omp_set_num_threads(threads_available(options_threads()));
	if (!(rc = metric_open(&device, device_name)) && !(rc = images_open(&input, path, 0)) && (!reference || !(rc = images_open(&ref, reference, input.side))) &&
	    (!real || (!(rc = images_open(&reals, real, input.side)) && !(rc = images_same_channels(input.name, input.c, reals.name, reals.c)))) &&
	    !(rc = compare(&r.pairs, r.protocol, &input, reference ? &ref : NULL)) &&
	    (!real || !(rc = compare(&r.floor, r.protocol, &reals, NULL)))) {
		msssim_report_explain(&r);
		add_notes_of(&r, &input, !reference);
		add_notes_of(&r, &ref, false);
		add_notes_of(&r, &reals, true);
		if (as_json)
			rc = msssim_report_json(&r, stdout);
		else
			msssim_report_table(&r, stdout);
	}
	metric_close(device);
	images_close(&input);
	images_close(&ref);
	images_close(&reals);
	free(r.pairs.value);
	free(r.floor.value);
	return rc;
}

int main(int argc, char **argv)
{
	const int operands = options_parse(&tool, argc, argv);
	return message_exit(operands < 0 ? operands : run(operands, argv));
}
