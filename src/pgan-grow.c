/* pgan-grow: trains one scale of a progressively grown GAN, or replays recorded training steps. */
#include <dnnl.h>
#include <hdf5.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "message.h"
#include "options.h"
#include "record.h"

static const char *profile = "zoo", *config_file, *device = "auto";
static int64_t scale = -1, threads;
static bool print_config, json;
static struct option_list sets, verify_files;

static const struct option options[] = {
	{ "scale", 's', OPTION_INT, &scale, "S", "the scale to train: images of 4 * 2^S pixels", 0, MAX_SCALES - 1 },
	{ "profile", 'p', OPTION_CHOICE, &profile, "zoo|paddle|karras", "whose network and recipe (zoo)", 0, 0 },
	{ "config", 'c', OPTION_TEXT, &config_file, "FILE", "read keys from a JSON file", 0, 0 },
	{ "set", 0, OPTION_LIST, &sets, "KEY=VALUE", "set one key; may be given again", 0, 0 },
	{ "threads", 0, OPTION_INT, &threads, "N", "threads (all cores)", 1, 1024 },
	{ "device", 0, OPTION_TEXT, &device, "D", "auto, cpu, cpu:direct (no Winograd convolutions) or plain (auto)", 0, 0 },
	{ "print-config", 0, OPTION_FLAG, &print_config, NULL, "print every key with its value and where that came from; with --scale, what holds there", 0, 0 },
	{ "verify", 0, OPTION_LIST, &verify_files, "FILE…", "replay the training steps recorded in these files and compare", 0, 0 },
	{ "json", 0, OPTION_FLAG, &json, NULL, "with --verify and --print-config: JSON", 0, 0 },
	{ 0 }
};

/* -- replaying records -- */

struct verification {
	const char *file;
	json_t *results; /* with --json: an array */
	int failed;
};

/* JSON has no NaN. */
static json_t *number(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

static void take_result(void *ctx, const struct record_result *r)
{
	struct verification *v = ctx;
	v->failed += !r->pass;
	if (v->results)
		json_array_append_new(v->results, json_pack("{s:s,s:i,s:o,s:o,s:o,s:s,s:o,s:o,s:b}", "file", v->file, "iteration", r->iteration, "loss", number(r->loss),
		                      "grad_median", number(r->grad_median), "grad_worst", number(r->grad_worst), "grad_worst_tensor", r->grad_worst_tensor, "adam",
		                      number(r->adam), "ema", number(r->ema), "pass", r->pass));
	else
		printf("%s step %d: loss %.1e, gradients %.1e median, %.1e worst (%s), Adam %.1e, average %.1e: %s\n", v->file, r->iteration, r->loss, r->grad_median,
		       r->grad_worst, r->grad_worst_tensor, r->adam, r->ema, r->pass ? "pass" : "FAIL");
}

static int verify(void)
{
	const struct record_tolerance tolerance = record_tolerance_of(device);
	struct verification v = { .results = json ? json_array() : NULL };
	struct backend *be;
	int rc = backend_open(&be, device, (int)threads);
	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < verify_files.n; i++) {
		v.file = verify_files.item[i];
		rc = record_verify(be, v.file, &tolerance, take_result, &v);
	}
	backend_close(be);
	if (v.results && !rc) {
		json_dumpf(v.results, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(3));
		putchar('\n');
	}
	json_decref(v.results);
	if (!rc && v.failed)
		rc = error_set(ERR_FAILED, "%d of the recorded steps are not reproduced on device '%s'", v.failed, device);
	return rc;
}

/* -- */

static int configure(struct config **c)
{
	int rc = config_open(c, profile);
	if (!rc && config_file)
		rc = config_read(*c, config_file);
	for (size_t i = 0; !rc && i < sets.n; i++)
		rc = config_set(*c, sets.item[i]);
	return rc;
}

static int run(void)
{
	struct config *c = NULL;
	int rc;
	if (verify_files.n)
		return verify();
	if (!(rc = configure(&c)) && print_config)
		rc = config_print(c, (int)scale, json, stdout);
	config_close(c);
	return rc;
}

static void version(void)
{
	struct backend *be;
	unsigned major, minor, release;
	const dnnl_version_t *dnnl = dnnl_version();
	H5get_libversion(&major, &minor, &release);
	printf("libraries: oneDNN %d.%d.%d, HDF5 %u.%u.%u, jansson %s\n", dnnl->major, dnnl->minor, dnnl->patch, major, minor, release, JANSSON_VERSION);
	for (size_t i = 0; i < 2; i++) {
		const char *name = i ? "plain" : "cpu";
		if (backend_open(&be, name, 0)) {
			printf("backend: %s: %s\n", name, error_text());
			continue;
		}
		printf("backend: %s: %s\n", name, be->details);
		backend_close(be);
	}
}

int main(int argc, char **argv)
{
	const struct tool tool = { .name = "pgan-grow", .summary = "train one scale of a progressively grown GAN", .synopsis = "--verify FILE…", .options = options,
		                   .version = version };
	int rc = options_parse(&tool, argc, argv);
	if (rc > 0)
		rc = error_set(ERR_USAGE, "unexpected operand '%s'", argv[1]);
	if (!rc)
		rc = run();
	return message_exit(rc);
}
