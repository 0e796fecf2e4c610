/* pgan-grow: trains one scale of a progressively grown GAN, or replays recorded training steps. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forecast.h"
#include "grow.h"
#include "h5file.h"
#include "input_guard.h"
#include "launcher.h"
#include "libraries.h"
#include "message.h"
#include "options.h"
#include "outfile.h"
#include "pgan-grow-manual.h"
#include "picture.h"
#include "progress.h"
#include "threads.h"
#include "verify.h"

static const char *data, *from, *init_from, *out, *keep = "all", *profile, *config_file, *device = "auto";
static const char *rendezvous;
static int64_t scale = -1, iterations = -1, batch, seed = 1, ranks, rank = -1, swd_every = -1;
static double rate = -1, rank_timeout = 600;
static bool force, restart, replace, dry_run, print_config, json;
static struct option_list sets, records, verify_files;

static const struct option options[] = {
	{ "data", 'd', OPTION_TEXT, &data, "DATA.h5", "the training images, as pack-h5 writes them", 0, 0 },
	{ "scale", 's', OPTION_INT, &scale, "S", "the scale to train: images of 4 * 2^S pixels", 0, MAX_SCALES - 1 },
	{ "from", 'f', OPTION_TEXT, &from, "PREV.h5", "the network of the scale before; none at scale 0", 0, 0 },
	{ "init-from", 0, OPTION_TEXT, &init_from, "NET.h5", "instead of --from: start with the weights of a network of the same scale, and with nothing else of it", 0, 0 },
	{ "output", 'o', OPTION_TEXT, &out, "OUT.h5", "the network to write", 0, 0 },
	{ "profile", 'p', OPTION_CHOICE, &profile, "zoo|paddle|karras", "whose network and recipe (zoo)", 0, 0 },
	{ "config", 'c', OPTION_TEXT, &config_file, "FILE", "read keys from a JSON file", 0, 0 },
	{ "set", 0, OPTION_LIST, &sets, "KEY=VALUE", "set a key; may be given again", 0, 0 },
	{ "iters", 'n', OPTION_INT, &iterations, "N", "iterations: maxIterAtScale", 0, 1e15 },
	{ "batch", 'b', OPTION_INT, &batch, "N", "images of a batch: miniBatchSize", 1, 4096 },
	{ "lr", 0, OPTION_REAL, &rate, "X", "learning rate: baseLearningRate", 0, 1 },
	{ "seed", 0, OPTION_INT, &seed, "N", "seed of all random numbers (1)", 0, OPTION_SEED_MAX },
	{ "device", 0, OPTION_TEXT, &device, "D", BACKEND_DEVICES " (auto)", 0, 0 },
	{ "ranks", 0, OPTION_INT, &ranks, "N", "train with N processes; without --rank, start them on this machine", 1, RANKS_MAX },
	{ "rank", 0, OPTION_INT, &rank, "K", "this process is number K of them, from 0", 0, RANKS_MAX - 1 },
	{ "rendezvous", 0, OPTION_TEXT, &rendezvous, "FILE|HOST:PORT", "where the processes find rank 0 (OUT.ranks, a file)", 0, 0 },
	{ "rank-timeout", 0, OPTION_REAL, &rank_timeout, "S", "seconds to wait for another rank (600)", .1, 1e6 },
	{ "record", 0, OPTION_LIST, &records, "K:FILE", "record the step after K iterations in a file; may be given again", 0, 0 },
	{ "keep", 0, OPTION_TEXT, &keep, "N|all", "keep the networks of the last N saves (all)", 0, 0 },
	{ "swd-every", 0, OPTION_INT, &swd_every, "N", "judge every N-th save by SWD and MS-SSIM, and keep the best: swdEvery (0: none)", 0, 1e9 },
	{ "force", 0, OPTION_FLAG, &force, NULL, "go on from a checkpoint of other settings, too", 0, 0 },
	{ "restart", 0, OPTION_FLAG, &restart, NULL, "begin anew, whatever checkpoint or result is there", 0, 0 },
	{ "replace", 0, OPTION_FLAG, &replace, NULL, "begin anew, but only where a checkpoint or result is of other settings", 0, 0 },
	{ "dry-run", 0, OPTION_FLAG, &dry_run, NULL, "print parameters, memory, images and estimated time of this scale and all to come, and train nothing", 0, 0 },
	{ "print-config", 0, OPTION_FLAG, &print_config, NULL, "print every key with its value and where that came from; with --scale, what holds there", 0, 0 },
	{ "verify", 0, OPTION_LIST, &verify_files, "FILE…", "replay the training steps recorded in these files and compare", 0, 0 },
	{ "json", 0, OPTION_FLAG, &json, NULL, "with --verify and --print-config: JSON", 0, 0 },
	{ 0 }
};

/* -- settings -- */

/* An option that stands for a key. */
static int set_number(struct config *c, const char *key, double value)
{
	char text[96];
	snprintf(text, sizeof text, "%s=%.17g", key, value);
	return config_set(c, text, CONFIG_OPTION);
}

static int configure(struct config **c)
{
	int rc = config_open(c, profile);
	if (!rc && config_file)
		rc = config_read(*c, config_file);
	for (size_t i = 0; !rc && i < sets.n; i++)
		rc = config_set(*c, sets.item[i], CONFIG_SET);
	if (!rc && iterations >= 0)
		rc = set_number(*c, "maxIterAtScale", (double)iterations);
	if (!rc && batch)
		rc = set_number(*c, "miniBatchSize", (double)batch);
	if (!rc && swd_every >= 0)
		rc = set_number(*c, "swdEvery", (double)swd_every);
	if (!rc && rate >= 0)
		rc = set_number(*c, "baseLearningRate", rate);
	return rc;
}

/* "K:FILE" */
static int parse_records(struct grow_record **list)
{
	struct grow_record *record = calloc(records.n + 1, sizeof *record);
	if (!(*list = record))
		return error_set(ERR_FAILED, "out of memory");
	for (size_t i = 0; i < records.n; i++) {
		const char *text = records.item[i];
		char *end;
		record[i].iteration = strtoll(text, &end, 10);
		record[i].path = end + 1;
		if (end == text || *end != ':' || !end[1] || record[i].iteration < 0)
			return error_set(ERR_USAGE, "--record takes K:FILE, not '%s'", text);
	}
	return 0;
}

/* A step that is never taken cannot be recorded. */
static int check_records(const struct grow_record *record, const struct settings *s)
{
	for (size_t i = 0; i < records.n; i++)
		if (record[i].iteration >= s->iterations)
			return error_set(ERR_USAGE, "--record %s: there is no step after %lld iterations, only %lld are done", records.item[i],
			                 (long long)record[i].iteration, (long long)s->iterations);
	return 0;
}

/* "N" or "all" */
static int parse_keep(int64_t *n)
{
	char *end;
	*n = strtoll(keep, &end, 10);
	if (!strcmp(keep, "all"))
		*n = -1;
	else if (end == keep || *end || *n < 0 || *n > INT32_MAX)
		return error_set(ERR_USAGE, "--keep takes a number or 'all', not '%s'", keep);
	return 0;
}

/* -- training -- */

static struct progress progress;

static void note(void *ctx, const char *text)
{
	(void)ctx;
	message_note("%s", text);
}

static void detail(void *ctx, const char *text)
{
	(void)ctx;
	message_verbose("%s", text);
}

static void show_reading(void *ctx, int64_t done, int64_t total)
{
	static struct progress reading;
	(void)ctx;
	if (!reading.what)
		progress_start(&reading, "images read", total);
	progress_show(&reading, done, NULL);
	if (done == total)
		progress_end(&reading);
}

static void show_progress(void *ctx, int64_t done, int64_t total, const char *losses)
{
	static int64_t first;
	(void)ctx;
	if (!progress.what) {
		first = done - 1;
		progress_start(&progress, "iterations", total - first);
	}
	progress_show(&progress, done - first, losses);
}

/* By the options, else by mpirun or Slurm, else alone. */
static int find_place(struct ranks_place *p)
{
	*p = (struct ranks_place){ .n = ranks ? (int)ranks : 1, .rank = (int)rank, .local = -1, .rendezvous = rendezvous, .timeout = rank_timeout };
	if (rank >= 0 && !ranks)
		return error_set(ERR_USAGE, "--rank needs --ranks: how many processes there are");
	if (ranks && rank >= ranks)
		return error_set(ERR_USAGE, "--rank %d is not one of %d ranks: they count from 0", (int)rank, (int)ranks);
	if (rendezvous && ranks && rank < 0)
		return error_set(ERR_USAGE, "--rendezvous needs --rank; the processes that --ranks starts by itself need none");
	if (ranks) {
		p->rank = ranks == 1 ? 0 : p->rank;
		return 0;
	}
	const int rc = launcher_place(p);
	const bool alone = p->n == 1 && p->local < 0; /* not by `mpirun -n 1` either */
	return !rc && rendezvous && alone ? error_set(ERR_USAGE, "--rendezvous needs --ranks, mpirun or srun: this process trains alone") : rc;
}

/* Before anything is trained: the end would be late to find out. */
static int check_output(void)
{
	input_guard_add(data);
	input_guard_add(from);
	input_guard_add(init_from);
	input_guard_add(config_file);
	return outfile_check(out);
}

static int check_usage(void)
{
	if (!data || !out || scale < 0)
		return error_set(ERR_USAGE, "%s is missing: '%s --help' says more", !data ? "--data" : !out ? "-o" : "--scale", message_tool());
	if (from && init_from)
		return error_set(ERR_USAGE, "--from and --init-from do not go together");
	if (scale > 0 && !from && !init_from)
		return error_set(ERR_USAGE, "scale %d grows from the network of scale %d: give it with --from", (int)scale, (int)scale - 1);
	if (scale == 0 && from)
		return error_set(ERR_USAGE, "scale 0 starts from nothing: leave --from out");
	return force && (restart || replace) ? error_set(ERR_USAGE, "--force and --%s do not go together", restart ? "restart" : "replace") : 0;
}

static int train(const struct config *c)
{
	struct settings settings = { 0 };
	struct grow_record *record = NULL;
	struct ranks_place place;
	int64_t kept;
	int rc;
	if (!(rc = check_usage()) && !(rc = check_output()) && !(rc = find_place(&place)) && !(rc = parse_keep(&kept)) && !(rc = parse_records(&record)) &&
	    !(rc = config_settings(c, (int)scale, &settings)) && !(rc = check_records(record, &settings)) && !(rc = settings_condition(&settings, data))) {
		const struct grow g = { .data = data, .from = from ? from : init_from, .init = init_from, .out = out, .device = device, .settings = &settings,
			                .seed = (uint64_t)seed, .threads = options_threads(), .place = place, .force = force, .keep = kept, .restart = restart,
			                .replace = replace, .records = record, .n_records = records.n,
			                .note = note, .detail = detail, .reading = show_reading, .progress = show_progress };
		rc = grow_scale(&g);
		progress_end(&progress);
	}
	settings_free(&settings);
	free(record);
	return rc;
}

static void show_measuring(void *ctx, int measured)
{
	(void)ctx;
	message_verbose("measuring scale %d", measured);
}

static int forecast(const struct config *c)
{
	if (ranks > 1)
		return error_set(ERR_USAGE, "--dry-run looks at one process: leave --ranks out, and give --batch the images of one rank");
	const struct forecast f = { .device = device, .threads = options_threads(), .data = data, .seconds = 2, .progress = show_measuring };
	return forecast_print(&f, c, scale < 0 ? 0 : (int)scale, stdout);
}

/* Whether something was asked for that would be left undone. What only trains may stand beside --print-config and --dry-run, which look at a run before it
 * begins. */
static int check_task(void)
{
	if (verify_files.n)
		return options_only("verify", "device|json");
	if (json && !print_config)
		return error_set(ERR_USAGE, "--json goes with --verify and --print-config");
	if (json && scale >= 0)
		return error_set(ERR_USAGE, "--print-config --json prints all scales: leave out --scale");
	return print_config && dry_run ? error_set(ERR_USAGE, "--print-config and --dry-run do not go together") : 0;
}

static int run(void)
{
	struct config *c = NULL;
	int rc = check_task();
	if (rc)
		return rc;
	if (verify_files.n)
		return verify_records(verify_files.item, verify_files.n, device, options_threads(), json, stdout);
	if (!(rc = configure(&c)))
		rc = print_config ? config_print(c, (int)scale, json, stdout) : dry_run ? forecast(c) : train(c);
	config_close(c);
	return rc;
}

/* The manual's text with the keys. */
static char *details(void)
{
	char *text = NULL, *keys = config_manual();
	if (keys && asprintf(&text, "%s%s", about, keys) < 0)
		text = NULL;
	free(keys);
	return text;
}

int main(int argc, char **argv)
{
	threads_spin_briefly(argv);
	char *text = details();
	const struct tool tool = { .name = "pgan-grow", .summary = "train one scale of a progressively grown GAN", .details = text, .options = options,
		                   .library = { h5_library, picture_libraries, jansson_library }, .device = backend_describe,
		                   .synopsis = "--data DATA.h5 --scale S [--from PREV.h5] -o OUT.h5 [OPTION…] | --verify FILE…" };
	int rc = options_parse(&tool, argc, argv);
	if (rc > 0)
		rc = error_set(ERR_USAGE, "unexpected operand '%s'", argv[1]);
	if (!rc)
		rc = run();
	free(text);
	if (rc > 0) { /* a signal that training was stopped by, and which now has its effect */
		(void)message_exit(0);
		raise(rc);
		return 128 + rc; /* it is ignored here */
	}
	if (rc < 0 && !*error_text()) /* one of several processes, whose failure the first of them says */
		return -rc;
	return message_exit(rc);
}
