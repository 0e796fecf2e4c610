/* Sliced Wasserstein distance of two sets of images. */
#include <inttypes.h>
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "images.h"
#include "message.h"
#include "options.h"
#include "progress.h"
#include "size.h"
#include "swd.h"

static const char *reference, *protocol_name = "karras";
static int64_t count, seed, threads;
static bool as_json, want_floor;

static const struct option options[] = {
	{ "ref", 'r', OPTION_TEXT, &reference, "REF", "the images to compare with, usually the real ones", 0, 0 },
	{ "count", 'n', OPTION_INT, &count, "N", "images to use of each set; by default the protocol's number", 1, 1 << 17 },
	{ "protocol", 'p', OPTION_CHOICE, &protocol_name, "karras|paddle", "whose SWD: that of the paper (default), or of the system reproduced here", 0, 0 },
	{ "seed", 's', OPTION_INT, &seed, "S", "seed of the patches and directions (default 0)", 0, 0x1p53 },
	{ "floor", 'f', OPTION_FLAG, &want_floor, NULL, "also compare REF with itself: two halves of N/2, and N with N when it has 2N", 0, 0 },
	{ "json", 0, OPTION_FLAG, &as_json, NULL, "one JSON object instead of a table", 0, 0 },
	{ "threads", 'j', OPTION_INT, &threads, "N", "threads; by default one per core", 1, 1024 },
	{ 0 }
};

static const struct tool tool = {
	.name = "swd",
	.summary = "sliced Wasserstein distance of two sets of images",
	.synopsis = "--ref REF [INPUT] [-n N] [--protocol karras|paddle] [--seed S] [--floor] [--json]",
	.details =
	        "INPUT and REF are HDF5 files (the largest data{R}x{R}; in REF the one of INPUT's side), .npy files, folders or zip archives of PNG or JPEG pictures, or "
	        "'-' (INPUT's default): .npy records on stdin. Images are square, grey or RGB, of a side of 16 times a power of two, uint8 or float32 in [-1,1].\n"
	        "Per level of the Laplacian pyramid, 7x7 patches of both sets are standardized per channel and projected on 4 times 128 random directions; the mean 1-D "
	        "Wasserstein distance along them is printed times 1,000, with its standard error over the 4 repeats (the spread by the directions alone), and the mean "
	        "over the levels. Both sets are cut to the size of the smaller one, and the result says so. The same seed gives the same numbers for any number of "
	        "threads.\n"
	        "Protocol karras: 128 patches of each of 16,384 images, levels down to 16, images as bytes (floats are rounded and clamped). Protocol paddle: 16,016 "
	        "images in batches of 16, of which all patches are cut from the first image, so that only every 16th image counts; corners leave out the last row and "
	        "column; min(log2(side) - 2, 4) levels; floats as they are. Its own program prints the values without the factor 1,000. Values under different "
	        "protocols, numbers of images or sides do not compare. A value means little without the floor that --floor adds: what two sets of real images give.\n"
	        "Memory: half a GiB for projections, and the images that cannot be read twice (pipes, pictures): 48 KiB each at 128x128 in RGB.\n"
	        "JSON: {\"protocol\", \"n\", \"seed\", \"levels\": {\"128\": x, …}, \"average\", \"errors\": {…}, \"average_error\", \"notes\": […]} and with --floor "
	        "\"floor\": [{\"n\", \"levels\", \"average\", \"errors\", \"average_error\"}, …].\n"
	        "Exit status: 0 done, 1 failed, 2 wrong usage, 3 bad or truncated input.\n"
	        "Examples:\n"
	        "  pgan-sample net.h5 | swd --ref data.h5\n"
	        "  swd --ref real/ --floor -n 1024 fake.zip\n"
	        "  python3 -c 'numpy.save(sys.stdout.buffer, x)' | swd --ref data.h5 --json",
	.options = options,
};

enum { MAX_RESULTS = 3, MAX_NOTES = 4 };

struct report {
	enum swd_protocol protocol;
	int n_results, n_notes;
	struct swd_result result[MAX_RESULTS]; /* the distance, then the floors */
	int64_t n[MAX_RESULTS];
	char note[MAX_NOTES][256];
};

/* -- printing -- */

static json_t *levels_of(const struct swd_result *r, const double *values)
{
	json_t *o = json_object();
	for (int k = 0; k < r->levels; k++) {
		char side[16];
		snprintf(side, sizeof side, "%d", r->side[k]);
		json_object_set_new(o, side, json_real(values[k]));
	}
	return o;
}

static void add_result(json_t *o, const struct swd_result *r)
{
	json_object_set_new(o, "levels", levels_of(r, r->value));
	json_object_set_new(o, "average", json_real(r->average));
	json_object_set_new(o, "errors", levels_of(r, r->error));
	json_object_set_new(o, "average_error", json_real(r->average_error));
}

static int print_json(const struct report *r)
{
	json_t *o = json_object(), *floors = json_array(), *notes = json_array();
	json_object_set_new(o, "protocol", json_string(protocol_name));
	json_object_set_new(o, "n", json_integer(r->n[0]));
	json_object_set_new(o, "seed", json_integer(seed));
	add_result(o, &r->result[0]);
	for (int i = 1; i < r->n_results; i++) {
		json_t *f = json_object();
		json_object_set_new(f, "n", json_integer(r->n[i]));
		add_result(f, &r->result[i]);
		json_array_append_new(floors, f);
	}
	if (want_floor)
		json_object_set(o, "floor", floors);
	for (int i = 0; i < r->n_notes; i++)
		json_array_append_new(notes, json_string(r->note[i]));
	json_object_set(o, "notes", notes);
	char *text = json_dumps(o, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
	json_decref(floors);
	json_decref(notes);
	json_decref(o);
	if (!text)
		return error_set(ERR_FAILED, "out of memory");
	puts(text);
	free(text);
	return 0;
}

static void print_row(const struct report *r, const char *name, int level)
{
	printf("%8s", name);
	for (int i = 0; i < r->n_results; i++) {
		const struct swd_result *const s = &r->result[i];
		printf("  %11.4f ± %-7.4f", level < s->levels ? s->value[level] : s->average, level < s->levels ? s->error[level] : s->average_error);
	}
	putchar('\n');
}

static void print_table(const struct report *r)
{
	char name[32];
	printf("SWD x 1000, protocol %s, %" PRId64 " images of each set, seed %" PRId64 "; ± standard error over %d repeats\n\n%8s  %-21s", protocol_name, r->n[0], seed,
	       SWD_REPEATS, "level", "        SWD");
	for (int i = 1; i < r->n_results; i++) {
		snprintf(name, sizeof name, "floor, %" PRId64 " images", r->n[i]);
		printf("  %-21s", name);
	}
	putchar('\n');
	for (int k = 0; k < r->result[0].levels; k++) {
		snprintf(name, sizeof name, "%d", r->result[0].side[k]);
		print_row(r, name, k);
	}
	print_row(r, "average", r->result[0].levels);
	for (int i = 0; i < r->n_notes; i++)
		printf("%s%s\n", i ? "" : "\n", r->note[i]);
}

/* -- computing -- */

static void show(void *ctx, int64_t done, int64_t total)
{
	struct progress *p = ctx;
	p->total = total;
	progress_show(p, done, NULL);
}

static int add_comparison(struct report *r, struct swd_part a, struct swd_part b)
{
	struct progress progress;
	const struct swd_settings settings = { r->protocol, (uint64_t)seed, 0, show, &progress };
	progress_start(&progress, r->n_results ? "images, floor" : "images", 0);
	const int rc = swd_compute(&r->result[r->n_results], &a, &b, &settings);
	progress_end(&progress);
	if (!rc)
		r->n[r->n_results++] = a.n;
	return rc;
}

/* REF against itself: images 0 … n and n … 2n of it. */
static int add_floor(struct report *r, struct image_set *ref, int64_t n)
{
	return add_comparison(r, (struct swd_part){ ref, 0, n, 2 }, (struct swd_part){ ref, n, n, 3 });
}

static int compute(struct report *r, struct image_set *input, struct image_set *ref, int64_t limit)
{
	const int64_t ref_read = ref->read < limit ? ref->read : limit, n = input->read < ref_read ? input->read : ref_read;
	const int64_t whole = r->protocol == SWD_PADDLE ? SWD_BATCH : 1, half = n / 2 / whole * whole, full = n / whole * whole;
	int rc;
	if (input->c != ref->c)
		return error_set(ERR_INPUT, "'%s' holds %s images, '%s' %s ones", input->name, input->c == 1 ? "grey" : "RGB", ref->name, ref->c == 1 ? "grey" : "RGB");
	if (want_floor && !half)
		return error_set(ERR_INPUT, "%" PRId64 " images are too few for --floor: it compares two halves of them", n);
	if ((rc = add_comparison(r, (struct swd_part){ ref, 0, n, 0 }, (struct swd_part){ input, 0, n, 1 })))
		return rc;
	if (want_floor && (rc = add_floor(r, ref, half)))
		return rc;
	if (want_floor && ref->read >= 2 * n && (rc = add_floor(r, ref, full)))
		return rc;
	if (input->read != ref_read)
		snprintf(r->note[r->n_notes++], sizeof *r->note, "The sets differ in size (%" PRId64 " and %" PRId64 "): the first %" PRId64 " of both are compared.",
		         input->read, ref_read, n);
	return 0;
}

static void add_notes(struct report *r)
{
	const int64_t whole = swd_protocol_images(r->protocol);
	if (r->n[0] != whole)
		snprintf(r->note[r->n_notes++], sizeof *r->note,
		         "%s images than the protocol's %" PRId64 ": %s. Compare only with values at the same number.", r->n[0] < whole ? "Fewer" : "More", whole,
		         r->n[0] < whole ? "the distance is biased upwards" : "the distance is lower than it would be");
	if (r->protocol == SWD_PADDLE)
		snprintf(r->note[r->n_notes++], sizeof *r->note,
		         "As in the reproduced system, all patches of a batch of %d are cut from its first image: these numbers rest on %" PRId64 " images of each set.",
		         SWD_BATCH, (r->n[0] + SWD_BATCH - 1) / SWD_BATCH);
}

/* Finds what is wrong with REF before a long INPUT is waited for. */
static int probe(const char *path)
{
	struct images i;
	const int rc = images_open(&i, path, 0);
	if (!rc)
		images_close(&i);
	return rc;
}

static int run(int operands, char **argv)
{
	const char *const path = operands ? argv[1] : "-";
	struct report r = { .protocol = strcmp(protocol_name, "paddle") ? SWD_KARRAS : SWD_PADDLE };
	struct image_set input = { 0 }, ref = { 0 };
	int rc;
	if (operands > 1)
		return error_set(ERR_USAGE, "one input at most; '%s' is one too many", argv[2]);
	if (!reference)
		return error_set(ERR_USAGE, "--ref is missing: what to compare with");
	if (!strcmp(path, "-") && !strcmp(reference, "-"))
		return error_set(ERR_USAGE, "INPUT and REF cannot both be stdin");
	if (threads)
		omp_set_num_threads((int)threads);
	const int64_t limit = count ? count : swd_protocol_images(r.protocol);
	if (strcmp(reference, "-") && (rc = probe(reference)))
		return rc;
	if (!(rc = swd_open_set(&input, path, 0, limit, r.protocol)) && (rc = swd_levels(r.protocol, input.side, input.name)) > 0 &&
	    !(rc = swd_open_set(&ref, reference, input.side, want_floor ? 2 * limit : limit, r.protocol)) && !(rc = compute(&r, &input, &ref, limit))) {
		add_notes(&r);
		if (as_json)
			rc = print_json(&r);
		else
			print_table(&r);
	}
	image_set_close(&input);
	image_set_close(&ref);
	return rc;
}

int main(int argc, char **argv)
{
	const int operands = options_parse(&tool, argc, argv);
	return message_exit(operands < 0 ? operands : run(operands, argv));
}
