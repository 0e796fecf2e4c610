#include "grow.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"
#include "clock.h"
#include "digest.h"
#include "preview.h"
#include "run.h"
#include "threads.h"
#include "together.h"

enum { MAX_BAD_REPORTS = 3 };

static volatile sig_atomic_t stop_signal;

static void on_stop(int signal_number)
{
	stop_signal = signal_number;
}

/* What is ignored stays so (nohup); afterwards all is as it was. Who reads what is said may go away: that ends nothing. */
static void watch_signals(bool on)
{
	enum { SIGNALS = 4 };
	static bool watching;
	static const int signals[SIGNALS] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	static struct sigaction before[SIGNALS];
	const struct sigaction stop = { .sa_handler = on_stop, .sa_flags = SA_RESTART }, ignore = { .sa_handler = SIG_IGN };
	if (watching == on)
		return;
	watching = on;
	for (size_t i = 0; i < SIGNALS; i++)
		if (!on)
			sigaction(signals[i], &before[i], NULL);
		else if (!sigaction(signals[i], NULL, &before[i]) && before[i].sa_handler != SIG_IGN)
			sigaction(signals[i], signals[i] == SIGPIPE ? &ignore : &stop, NULL);
}

void run_note(const struct run *r, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (together_leads(r->ranks))
		r->g->note(r->g->ctx, text);
}

/* Says where it runs, and when "auto" did not take a GPU, why. */
static void tell_device(const struct run *r)
{
	const char *fallback = backend_fallback();
	char device[1024], text[2300], who[32] = "";
	if (r->ranks)
		snprintf(who, sizeof who, "rank %d: ", r->ranks->rank);
	backend_title(r->be, device, sizeof device);
	snprintf(text, sizeof text, "%sdevice %s%s%s", who, device, *fallback ? "; no GPU: " : "", fallback);
	r->g->detail(r->g->ctx, text);
}

static void show_reading(void *run, int64_t done, int64_t total)
{
	const struct run *r = run;
	if (together_leads(r->ranks))
		r->g->reading(r->g->ctx, done, total);
}

static int open_inputs(struct run *r)
{
	const struct grow *g = r->g;
	const struct settings *s = g->settings;
	struct share share;
	int rc;
	if ((g->from && (rc = run_inspect_from(r))) || (rc = share_open(&share, &s->arch, s->batch, r->ranks ? r->ranks->rank : 0, g->place.n)) ||
	    (rc = loader_open(&r->loader, g->data, s->arch.scale, g->seed, &share, s->mirror)) ||
	    (s->conditional && (rc = loader_condition(&r->loader, &s->arch.attributes, s->equalize))) ||
	    (rc = loader_digest(&r->loader, r->origin.data, r->origin.sampled, show_reading, r)))
		return rc;
	return g->from ? digest_file(g->from, r->origin.from) : 0;
}

static int open_device(struct run *r)
{
	const struct grow *g = r->g;
	const int cores = threads_available(0), threads = g->threads || g->place.rank >= 0 ? g->threads : cores > g->place.n ? cores / g->place.n : 1;
	int rc = backend_open_local(&r->be, g->device, threads, r->ranks ? r->ranks->local : 0);
	if (rc)
		return rc;
	tell_device(r);
	if ((rc = together_compare(r->ranks, g, &r->origin, r->be)))
		return rc;
	return r->ranks ? backend_join(r->be, r->ranks) : 0;
}

/* What was asked for and may not have been meant. */
static void note_oddities(const struct run *r)
{
	const struct settings *s = r->g->settings;
	const double alpha = s->iterations > 0 ? trainer_alpha(&r->trainer, s->iterations - 1) : 0;
	if (s->swd_every && arch_side(&s->arch) < JUDGE_SIDE)
		run_note(r, "nothing is judged at this scale: SWD and MS-SSIM are defined from %dx%d pixels on", JUDGE_SIDE, JUDGE_SIDE);
	if (run_is_fading(alpha))
		run_note(r, "the new layers will not be faded in to the end: after %lld iterations alpha is still %.3g", (long long)s->iterations, alpha);
	if (s->batch > r->loader.count)
		run_note(r, "a batch of %lld is more than the %lld images: some are in it more than once", (long long)s->batch, (long long)r->loader.count);
	if (s->batch == 1 && s->arch.stddev)
		run_note(r, "in a batch of 1 nothing varies: D's minibatch standard deviation is always 0");
	if (s->conditional && conditions_one_hot(&r->loader.conditions, &s->arch.attributes))
		run_note(r, "the labels look like a one-hot code, but each is drawn by itself for G's images, which gives combinations that no image has; use one column with %d values instead",
		         s->arch.attributes.groups.n);
}

/* Everything up to the first step, or RUN_DONE. */
static int prepare(struct run *r)
{
	const struct settings *s = r->g->settings;
	int rc, how = RUN_ANEW;
	if ((rc = open_inputs(r)))
		return rc;
	watch_signals(true); /* not before: it reads all images, and who ends it meanwhile loses nothing */
	if (together_leads(r->ranks) && ((rc = trainlog_open(&r->log, r->log_path)) || (how = run_inspect(r)) < 0))
		return rc ? rc : how;
	if (r->log.file && !r->log.locked)
		run_note(r, "'%s' cannot be locked on its file system: that no other pgan-grow writes it is for you to see to", r->log_path);
	if ((rc = together_decide(r->ranks, &how)) || how == RUN_DONE)
		return rc ? rc : how;
	if ((rc = open_device(r)) || (rc = trainer_open(&r->trainer, r->be, s, r->g->seed)) || (rc = run_start(r, how)))
		return rc;
	note_oddities(r);
	return together_wait(r->ranks);
}

/* -- on the way -- */

static int save(struct run *r)
{
	const int rc = checkpoint_save(r->checkpoint, &r->trainer, &r->log, &r->origin);
	r->saved_at = clock_seconds();
	return rc;
}

/* Steps whose sums have been looked at. */
static int64_t counted(const struct run *r)
{
	return r->trainer.iteration - r->trainer.pending;
}

/* The failure, with where to go on from. */
static int not_finite(const struct run *r)
{
	const bool saved = !access(r->checkpoint, F_OK);
	return error_set(ERR_FAILED, "the losses have not been finite for %lld iterations, up to %lld; %s%s%s", (long long)r->bad_steps,
	                 (long long)counted(r), saved ? "the last state before that is '" : "no state before that was saved", saved ? r->checkpoint : "",
	                 saved ? "'" : "");
}

/* Counts what is not finite; ERR_FAILED when the losses have been so for too long. */
static int guard(struct run *r, const double sums[STEP_SUMS])
{
	const struct settings *s = r->g->settings;
	const double losses = step_loss_d(sums) + step_loss_g(sums);
	if (sums[SUM_D_NONFINITE] + sums[SUM_G_NONFINITE] > 0 && !r->warned) {
		run_note(r, "iteration %lld: %.0f gradients are not finite and count as 0; the log counts further ones", (long long)counted(r) - 1,
		         sums[SUM_D_NONFINITE] + sums[SUM_G_NONFINITE]);
		r->warned = true;
	}
	r->bad_steps = isfinite(losses) ? 0 : r->bad_steps + 1;
	if (r->bad_steps < MAX_BAD_REPORTS * s->log_iter)
		return 0;
	return not_finite(r);
}

static const char *record_of(const struct grow *g, int64_t iteration)
{
	for (size_t i = 0; i < g->n_records; i++)
		if (g->records[i].iteration == iteration)
			return g->records[i].path;
	return NULL;
}

static bool is_long_ago(const struct run *r)
{
	const double minutes = r->g->settings->checkpoint_minutes;
	return minutes > 0 && clock_seconds() - r->saved_at > 60 * minutes;
}

/* Whether anything is to be written after `done` steps, for which all of these have to be counted. */
static bool is_due(const struct run *r, int64_t done)
{
	const struct settings *s = r->g->settings;
	return done % s->log_iter == 0 || done % s->save_iter == 0 || (s->preview_images && done % s->preview_iter == 0) || done == s->iterations || is_long_ago(r);
}

/* What is due after a step: log row with scores, previews, networks, checkpoint. A state whose losses are not finite does not replace a good one. */
static int report(struct run *r)
{
	const struct settings *s = r->g->settings;
	const int64_t done = r->trainer.iteration;
	const bool last = run_is_last(r), save_now = !last && done % s->save_iter == 0, judged = run_is_judged(r, save_now);
	int rc = 0;
	if (done % s->log_iter == 0 || last || judged)
		rc = run_write_row(r, judged);
	if (!rc && s->preview_images && (done % s->preview_iter == 0 || last))
		rc = preview_write(&r->trainer, r->previews, s->preview_images);
	if (rc || r->bad_steps)
		return rc;
	if ((save_now || last) && (rc = run_keep(r)))
		return rc;
	return save_now || (!last && is_long_ago(r)) ? save(r) : 0;
}

/* Looks at the sums of the steps that have come to their end, or of `all`, waiting for them. */
static int count_steps(struct run *r, bool all)
{
	double sums[STEP_SUMS];
	int rc;
	while ((rc = trainer_sums(&r->trainer, all, sums)) > 0) {
		const double now = clock_seconds();
		if ((rc = guard(r, sums)))
			return rc;
		if (together_leads(r->ranks))
			trainlog_step(&r->log, sums, trainer_penalty(&r->trainer, counted(r) - 1), now - r->counted_at);
		r->counted_at = now;
	}
	return rc;
}

static int one_step(struct run *r)
{
	const bool due = is_due(r, r->trainer.iteration + 1);
	char losses[96];
	int rc = trainer_step(&r->trainer, &r->loader, record_of(r->g, r->trainer.iteration));
	if (rc || (rc = count_steps(r, due)) || !together_leads(r->ranks))
		return rc;
	trainlog_brief(&r->log, losses, sizeof losses);
	r->g->progress(r->g->ctx, r->trainer.iteration, r->g->settings->iterations, losses);
	if (!due)
		return 0;
	rc = report(r);
	r->counted_at = clock_seconds();
	return rc;
}

static int interrupted(struct run *r, int number)
{
	int rc = count_steps(r, true);
	if (!rc && !r->bad_steps && together_leads(r->ranks))
		rc = save(r);
	if (rc || (rc = together_wait(r->ranks)))
		return rc;
	const bool saved = !access(r->checkpoint, F_OK); /* not while the losses are not finite */
	run_note(r, "stopped by signal %d (%s) after iteration %lld; the same command line%s %s%s%s", number, strsignal(number), (long long)r->trainer.iteration,
	         saved && r->g->restart ? " without --restart" : "", saved ? "goes on from '" : "begins anew", saved ? r->checkpoint : "", saved ? "'" : "");
	return number;
}

/* All steps are taken and summed up, so that a result stands whatever becomes of the other ranks then. */
static int finish(struct run *r)
{
	if (r->bad_steps) /* such a state is no result, and the checkpoint is the last good one */
		return not_finite(r);
	if (!together_leads(r->ranks))
		return together_wait(r->ranks);
	const int rc = checkpoint_save(r->g->out, &r->trainer, NULL, &r->origin);
	if (rc)
		return rc;
	unlink(r->checkpoint);
	run_tell_best(r);
	if (together_wait(r->ranks))
		run_note(r, "'%s' is complete, but %s", r->g->out, error_text());
	return 0;
}

/* A checkpoint that is as far as was asked for (--force): what is due at the end, with a row of the log if one is begun. */
static int report_only(struct run *r)
{
	const bool due = r->trainer.iteration && run_is_last(r) && together_leads(r->ranks) && r->log.sum[LOG_STEPS] > 0;
	const int rc = due ? trainer_stand(&r->trainer) : 0;
	return rc || !due ? rc : report(r);
}

static int train(struct run *r)
{
	int rc = report_only(r), number;
	r->saved_at = r->counted_at = clock_seconds();
	while (!rc && r->trainer.iteration < r->g->settings->iterations) {
		number = stop_signal;
		if ((rc = together_stop(r->ranks, &number)) || number)
			return rc ? rc : interrupted(r, number);
		rc = one_step(r);
	}
	return rc ? rc : finish(r);
}

/* Finds or makes the others, before anything is opened. */
static int join(struct run *r)
{
	struct ranks_place place = r->g->place;
	struct share share;
	char file[PATH_SIZE];
	const int rc = share_open(&share, &r->g->settings->arch, r->g->settings->batch, 0, place.n);
	snprintf(file, sizeof file, "%s.ranks", r->base);
	if (!place.rendezvous)
		place.rendezvous = file;
	return rc || place.n == 1 ? rc : ranks_open(&r->ranks, &place);
}

/* Tells the others; what rank 0 says in the same terminal is not said again. */
static int fail_together(struct ranks *ranks, int rc)
{
	rc = ranks_fail(ranks, rc);
	return ranks_reported_by_root(ranks) ? error_set(rc, "%s", "") : rc;
}

int grow_scale(const struct grow *g)
{
	struct run *r = calloc(1, sizeof *r);
	int rc;
	if (!r)
		return error_set(ERR_FAILED, "out of memory");
	r->g = g;
	if (!(rc = run_name_files(r)) && !(rc = run_check_files(r)) && !(rc = join(r))) {
		stop_signal = 0;
		rc = prepare(r);
		rc = rc == RUN_DONE ? 0 : rc ? rc : train(r);
		if (rc < 0 && r->ranks)
			rc = fail_together(r->ranks, rc);
		watch_signals(false);
	}
	trainlog_close(&r->log);
	trainer_close(&r->trainer);
	backend_close(r->be);
	loader_close(&r->loader);
	ranks_close(&r->ranks);
	free(r);
	return rc;
}
