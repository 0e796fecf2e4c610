/* Sliced Wasserstein distance of two sets of images. */
#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "environment.h"
#include "h5file.h"
#include "images.h"
#include "input_guard.h"
#include "libraries.h"
#include "message.h"
#include "metric_open.h"
#include "options.h"
#include "outfile.h"
#include "picture.h"
#include "progress.h"
#include "spelling.h"
#include "swd.h"
#include "swd_reference.h"
#include "swd_report.h"
#include "threads.h"

static const char *reference, *save_path, *protocol_name, *device_name = "cpu";
static int64_t count, seed = -1, side;
static bool as_json, want_floor;
static struct metric_device *device;

static const struct option options[] = {
	{ "ref", 'r', OPTION_TEXT, &reference, "REF", "the images to compare with, usually the real ones", 0, 0 },
	{ "count", 'n', OPTION_INT, &count, "N", "images to use of each set; by default the protocol's number", 1, SWD_MAX_IMAGES },
	{ "protocol", 'p', OPTION_CHOICE, &protocol_name, SWD_PROTOCOLS, "whose SWD: that of the paper (default), or of the system reproduced here", 0, 0 },
	{ "seed", 's', OPTION_INT, &seed, "S", "seed of the patches and directions (default 0)", 0, OPTION_SEED_MAX },
	{ "floor", 'f', OPTION_FLAG, &want_floor, NULL, "also compare REF with itself: two halves of N/2, and N with N when it has 2N", 0, 0 },
	{ "save-ref", 0, OPTION_TEXT, &save_path, "FILE", "save REF's statistics, which can be given as REF later; without INPUT do nothing else", 0, 0 },
	{ "size", 0, OPTION_INT, &side, "R", "with --save-ref and no INPUT: the side of REF's images (its largest)", 16, IMAGES_MAX_SIDE },
	{ "device", 0, OPTION_TEXT, &device_name, "D", METRIC_DEVICES " (cpu)", 0, 0 },
	{ "json", 0, OPTION_FLAG, &as_json, NULL, "one JSON object instead of a table", 0, 0 },
	{ 0 }
};

static const struct tool tool = {
	.name = "swd",
	.summary = "sliced Wasserstein distance of two sets of images",
	.synopsis = "--ref REF [INPUT] [-n N] [--protocol karras|paddle] [--seed S] [--floor] [--save-ref FILE] [--device D] [--json]",
	.details =
	        "INPUT and REF are HDF5 files (the largest data{R}x{R}; in REF the one of INPUT's side, and in INPUT that of saved statistics), .npy files, "
	        "folders or archives (zip or tar) of PNG or JPEG pictures, or '-' (INPUT's default): .npy records on stdin. Images are square, grey or RGB, of "
	        "a side of 16 times a power of two, uint8 or float32 in [-1,1]; of each set the first N count, in the order of the file or, of pictures, the "
	        "bytewise order of their paths.\n\n"
	        "Per level of the Laplacian pyramid, 7x7 patches of both sets are standardized per channel and projected on 4 times 128 random directions; the "
	        "mean 1-D Wasserstein distance along them is printed times 1,000, with its standard error over the 4 repeats (the spread by the directions "
	        "alone), and the mean over the levels. Both sets are cut to the size of the smaller one, and the result says so. The same seed gives the same "
	        "numbers for any number of threads.\n\n"
	        "PROTOCOLS\n\n"
	        "karras: 128 patches of each of 16,384 images, levels down to 16, images as bytes (floats are rounded and clamped).\n\n"
	        "paddle: 16,016 images in batches of 16, of which all patches are cut from the first image, so that only every 16th image counts; corners "
	        "leave out the last row and column; min(log2(side) - 2, 4) levels; floats as they are; the halves of --floor are whole batches. Its own "
	        "program prints the values without the factor 1,000.\n\n"
	        "Values under different protocols, numbers of images or sides do not compare. A value means little without the floor that --floor adds: what "
	        "two sets of real images give. Which images these are moves a value, and the floor, by many times the standard error that is printed; only the "
	        "first N images are used, so shuffle a set that is sorted (by class, by time) before.\n\n"
	        "--save-ref keeps what a comparison needs of REF (64 MiB, or 16 per level): given as --ref it halves the time. It holds for its protocol, seed "
	        "and number of images, 32,768 at most; INPUT must have as many. When the set is still where it was it is read to see whether it changed. "
	        "Distances differ from those to the set itself by about a thousandth where the sets are alike, and by less otherwise.\n\n"
	        "Memory: half a GiB for projections, and the images that cannot be read twice (pipes, pictures): 48 KiB each at 128x128 in RGB.\n\n"
	        "DEVICE\n\n"
	        "A GPU gives the same values to about a millionth. The processor is the default, so that values are the same to the last digit wherever they "
	        "are computed.\n\n"
	        "JSON\n\n"
	        "{\"protocol\", \"n\", \"seed\", \"levels\": {\"128\": x, …}, \"average\", \"errors\": {…}, \"average_error\", \"notes\": […]} and with "
	        "--floor \"floor\": [{\"n\", \"levels\", \"average\", \"errors\", \"average_error\"}, …].\n\n"
	        "EXIT STATUS\n\n"
	        "0 done, 1 failed, 2 wrong usage, 3 bad or truncated input.\n\n"
	        "ENVIRONMENT\n\n"
	        ENVIRONMENT_PLUGINS
	        "EXAMPLES\n\n"
	        "  pgan-sample net.h5 | swd --ref data.h5\n"
	        "  swd --ref data.h5 --size 64 --save-ref ref.swd; pgan-sample scale4.h5 | swd --ref ref.swd\n"
	        "  swd --ref real/ --floor -n 1024 fake.zip\n"
	        "  python3 -u -c 'import numpy, sys; numpy.save(sys.stdout.buffer, x)' | swd --ref data.h5 --json",
	.options = options,
	.library = { h5_library, picture_libraries, archive_library, jansson_library },
	.device = metric_describe,
};

/* -- computing -- */

static void show(void *ctx, int64_t done, int64_t total)
{
	struct progress *p = ctx;
	p->total = total;
	progress_show(p, done, NULL);
}

/* Adds a comparison to the report, or only fills in `save`. */
static int add_comparison(struct swd_report *r, const struct swd_part *a, const struct swd_part *b, const struct swd_reference *saved, struct swd_reference *save)
{
	struct progress progress;
	const struct swd_settings settings = { r->protocol, r->seed, 0, show, &progress, saved, save };
	progress_start(&progress, r->n_results ? "images, floor" : "images", 0);
	const int rc = swd_compute(&r->result[r->n_results], device, a, b, &settings);
	progress_end(&progress);
	if (!rc && b)
		r->n[r->n_results++] = b->n;
	return rc;
}

/* REF against itself: images 0 … n and n … 2n of it. */
static int add_floor(struct swd_report *r, struct image_set *ref, int64_t n)
{
	const struct swd_part a = { ref, 0, n, 2 }, b = { ref, n, n, 3 };
	return add_comparison(r, &a, &b, NULL, NULL);
}

/* Compares `input`, unless it is NULL, with n images of `ref`, whose statistics are saved if asked for. */
static int compare(struct swd_report *r, struct image_set *input, struct image_set *ref, int64_t n)
{
	const struct swd_part a = { ref, 0, n, 0 }, b = { input, 0, n, 1 };
	struct swd_reference save = { 0 };
	int rc = save_path ? swd_reference_alloc(&save, r->protocol, n, r->seed, ref->c, ref->side, images_from_pipe(reference) ? NULL : reference) : 0;
	if (!rc)
		rc = add_comparison(r, &a, input ? &b : NULL, NULL, save_path ? &save : NULL);
	if (!rc && save_path)
		rc = swd_reference_write(&save, save_path);
	swd_reference_free(&save);
	return rc;
}

/* That a set has more than the `read` images which were looked at: it may be in order. */
static void note_first(struct swd_report *r, const struct image_set *set, int64_t read, int64_t n)
{
	if (set->all > read)
		notes_add(&r->notes, "Of the %" PRId64 " images of '%s' the first %" PRId64 " are compared.", set->all, set->name, n);
}

static int compare_sets(struct swd_report *r, struct image_set *input, struct image_set *ref, int64_t limit)
{
	const int64_t ref_read = ref->read < limit ? ref->read : limit, n = input->read < ref_read ? input->read : ref_read;
	const int64_t whole = r->protocol == SWD_PADDLE ? SWD_BATCH : 1, half = n / 2 / whole * whole, full = n / whole * whole;
	int rc;
	if ((rc = images_same_channels(input->name, input->c, ref->name, ref->c)))
		return rc;
	if (want_floor && !half)
		return error_set(ERR_INPUT, "%" PRId64 " images are too few for --floor: it compares two halves of them", n);
	if ((rc = compare(r, input, ref, n)))
		return rc;
	if (want_floor && (rc = add_floor(r, ref, half)))
		return rc;
	if (want_floor && ref->read >= 2 * n && (rc = add_floor(r, ref, full)))
		return rc;
	if (count && n < count)
		notes_add(&r->notes, "%" PRId64 " images were asked for.", count);
	note_first(r, input, input->read, n);
	note_first(r, ref, ref_read, n);
	if (input->read != ref_read)
		notes_add(&r->notes, "The sets differ in size (%" PRId64 " and %" PRId64 "): the first %" PRId64 " of both are compared.", input->read, ref_read, n);
	return 0;
}

/* INPUT against saved statistics. */
static int with_statistics(struct swd_report *r, const char *path)
{
	struct swd_reference saved;
	struct image_set input = { 0 };
	int rc = swd_reference_read(&saved, reference), verified = 0;
	if (rc)
		return rc;
	if ((protocol_name && saved.protocol != r->protocol) || (seed >= 0 && saved.seed != r->seed) || (count && saved.n != count))
		rc = error_set(ERR_USAGE, "'%s' holds statistics of %" PRId64 " images, protocol %s, seed %" PRIu64 "; save others for other settings", reference, saved.n,
		               swd_protocol_names[saved.protocol], saved.seed);
	else
		rc = verified = swd_reference_verify(&saved, reference);
	r->protocol = saved.protocol;
	r->seed = saved.seed;
	if (rc >= 0 && !(rc = swd_open_set(&input, path, saved.side, saved.n, saved.protocol))) {
		const struct swd_part b = { &input, 0, saved.n, 1 };
		if (input.read < saved.n)
			rc = error_set(ERR_INPUT, "'%s' has %" PRId64 " images, and '%s' holds statistics of %" PRId64 ": save them with -n %" PRId64, input.name, input.read,
			               reference, saved.n, input.read);
		else if (input.c != saved.c)
			rc = error_set(ERR_INPUT, "'%s' holds %s images, '%s' is of %s ones", input.name, input.c == 1 ? "grey" : "RGB", reference, saved.c == 1 ? "grey" : "RGB");
		else
			rc = add_comparison(r, NULL, &b, &saved, NULL);
	}
	if (!rc) {
		note_first(r, &input, input.read, saved.n);
		notes_add_doubt(&r->notes, image_set_images(&input));
		notes_add(&r->notes, "Against saved statistics of '%s'%s.", *saved.source ? saved.source : "a stream", verified ? "" : ", which is not there to be compared with them");
	}
	image_set_close(&input);
	swd_reference_free(&saved);
	return rc;
}

/* Finds what is wrong with REF before a long INPUT is waited for. (A pipe can be opened but once.) */
static int probe(const char *path)
{
	struct images i;
	const int rc = images_open(&i, path, 0);
	if (!rc)
		images_close(&i);
	return rc;
}

/* INPUT, unless it is NULL, against a set. */
static int with_set(struct swd_report *r, const char *path)
{
	const int64_t limit = count ? count : swd_protocol_images(r->protocol);
	struct image_set input = { 0 }, ref = { 0 };
	int rc = images_from_pipe(reference) ? 0 : probe(reference);
	if (!rc && path && !(rc = swd_open_set(&input, path, 0, limit, r->protocol)))
		rc = swd_levels(r->protocol, input.side, input.name);
	if (rc >= 0 && !(rc = swd_open_set(&ref, reference, path ? input.side : (int)side, want_floor ? 2 * limit : limit, r->protocol)))
		rc = path ? compare_sets(r, &input, &ref, limit) : compare(r, NULL, &ref, ref.read);
	if (!rc) {
		notes_add_doubt(&r->notes, image_set_images(&input));
		notes_add_doubt(&r->notes, image_set_images(&ref));
	}
	image_set_close(&input);
	image_set_close(&ref);
	return rc;
}

static int run(int operands, char **argv)
{
	const char *const path = operands ? argv[1] : save_path ? NULL : "-";
	struct swd_report r = { .protocol = protocol_name ? (enum swd_protocol)spelling_place(SWD_PROTOCOLS, protocol_name) : SWD_KARRAS, .seed = seed < 0 ? 0 : (uint64_t)seed };
	int rc;
	if (operands > 1)
		return error_set(ERR_USAGE, "one input at most; '%s' is one too many", argv[2]);
	if (!reference)
		return error_set(ERR_USAGE, "--ref is missing: what to compare with");
	if (path && !strcmp(path, "-") && !strcmp(reference, "-"))
		return error_set(ERR_USAGE, "INPUT and REF cannot both be stdin");
	if (path && side)
		return error_set(ERR_USAGE, "--size is for --save-ref without INPUT: REF's images are of INPUT's side");
	if (!path && want_floor)
		return error_set(ERR_USAGE, "--save-ref without INPUT compares nothing, so there is no --floor");
	input_guard_add(reference);
	input_guard_add(path);
	if (save_path && (rc = outfile_try(save_path)))
		return rc;
	omp_set_num_threads(threads_available(options_threads()));
	const bool saved = !images_from_pipe(reference) && swd_reference_is(reference);
	if (saved && (want_floor || save_path))
		return error_set(ERR_USAGE, "'%s' holds statistics: neither --floor nor --save-ref goes with it", reference);
	if ((rc = metric_open(&device, device_name)))
		return rc;
	rc = saved ? with_statistics(&r, path) : with_set(&r, path);
	metric_close(device);
	if (rc || !path)
		return rc;
	swd_report_explain(&r);
	if (as_json)
		return swd_report_json(&r, stdout);
	swd_report_table(&r, stdout);
	return 0;
}

int main(int argc, char **argv)
{
	const int operands = options_parse(&tool, argc, argv);
	return message_exit(operands < 0 ? operands : run(operands, argv));
}
