/* What a run starts from: the network of the scale before, or a checkpoint; and what is done about what lies beside the output. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <utime.h>

#include "outfile.h"
#include "preview.h"
#include "run.h"
#include "together.h"

/* The scale of the network to start from; -1: there is none. */
static int known_scale(const struct grow *g)
{
	return !g->from ? -1 : g->settings->arch.scale - (g->init ? 0 : 1);
}

/* Whether the networks to start from fit: the same in everything, but that they end at scale `known`. */
static int check_network(const char *path, const struct netfile *from, const struct arch *a, int known)
{
	const struct arch *b = &from->arch;
	if (b->scale != known && known == a->scale)
		return error_set(ERR_USAGE, "'%s' is of scale %d, not %d", path, b->scale, known);
	if (b->scale != known)
		return error_set(ERR_USAGE, "'%s' is of scale %d; scale %d grows from scale %d", path, b->scale, a->scale, a->scale - 1);
	if (b->profile != a->profile)
		return error_set(ERR_USAGE, "'%s' has the profile %s, not %s", path, b->profile->name, a->profile->name);
	for (int s = 0; s <= known; s++)
		if (b->depth[s] != a->depth[s])
			return error_set(ERR_USAGE, "'%s' has %d channels at scale %d, not %d (depthScales)", path, b->depth[s], s, a->depth[s]);
	if (b->latent != a->latent)
		return error_set(ERR_USAGE, "'%s' has latents of %d values, not %d (dimLatentVector)", path, b->latent, a->latent);
	if (b->leak != a->leak || b->pixel_norm != a->pixel_norm || b->stddev != a->stddev || b->equalized != a->equalized)
		return error_set(ERR_USAGE, "'%s' differs in leakyness, perChannelNormalization, miniBatchStdDev or equalizedlR", path);
	if (!attributes_equal(&b->attributes, &a->attributes))
		return error_set(ERR_USAGE, "'%s' was trained with other labels, or without (selectedAttributes, weightConditionD, weightConditionG)", path);
	if (b->squash != a->squash)
		return error_set(ERR_USAGE, "'%s' was trained with%s tanh at the end of G, as its lossMode asks for", path, b->squash ? "" : "out");
	return 0;
}

int run_inspect_from(struct run *r)
{
	const struct grow *g = r->g;
	struct netfile facts = { 0 };
	struct h5file *from = NULL;
	int rc = h5_open(&from, g->from);
	if (!rc && !(rc = netfile_read(from, &facts)))
		rc = check_network(g->from, &facts, &g->settings->arch, known_scale(g));
	r->from_alpha = facts.alpha;
	netfile_free(&facts);
	h5_release(&from);
	return rc;
}

/* Steps that were to be recorded are not taken again, once `done` have been: said, unless an earlier run recorded them. */
static void tell_missed_records(const struct run *r, int64_t done)
{
	for (size_t i = 0; i < r->g->n_records; i++) {
		const struct grow_record *record = &r->g->records[i];
		if (record->iteration < done && access(record->path, F_OK))
			run_note(r, "'%s' is not recorded: the step after %lld iterations is already done (--restart takes it again)", record->path,
			         (long long)record->iteration);
	}
}

/* The reference's subtractions may leave 1e-15. */
bool run_is_fading(double alpha)
{
	return alpha > 1e-9;
}

static int start_anew(struct run *r)
{
	struct h5file *from = NULL;
	int rc = r->g->from ? h5_open(&from, r->g->from) : 0;
	if (!rc)
		rc = trainer_start(&r->trainer, from, known_scale(r->g));
	if (!rc && run_is_fading(r->from_alpha))
		run_note(r, "'%s' was saved while its own layers were still fading in (alpha %.3g)", r->g->from, r->from_alpha);
	h5_release(&from);
	if (rc || !together_leads(r->ranks) || (rc = preview_clear(r->previews)))
		return rc;
	unlink(r->checkpoint); /* with --restart or --replace there may be one */
	if ((rc = run_clear_kept(r)))
		return rc;
	return trainlog_begin(&r->log, NULL, 0, NULL);
}

static int go_on(struct run *r)
{
	char then[CHECKPOINT_DEVICE], now[CHECKPOINT_DEVICE];
	int rc;
	if ((rc = together_compare_checkpoint(r->ranks, r->checkpoint)) ||
	    (rc = checkpoint_load(r->checkpoint, &r->trainer, together_leads(r->ranks) ? &r->log : NULL, then)))
		return rc;
	checkpoint_device(r->be, now);
	if (*then && strcmp(then, now))
		run_note(r, "begun on '%s', it goes on on '%s': the last digits will differ from those of either alone", then, now);
	run_note(r, "going on at iteration %lld of %lld from '%s'", (long long)r->trainer.iteration, (long long)r->g->settings->iterations, r->checkpoint);
	tell_missed_records(r, r->trainer.iteration);
	return 0;
}

int run_start(struct run *r, enum run_start how)
{
	/* Before anything of an earlier run is removed: the first save would be late to find out. */
	const int rc = together_leads(r->ranks) ? outfile_try(r->checkpoint) : 0;
	return rc ? rc : how == RUN_ON ? go_on(r) : start_anew(r);
}

/* -- what lies beside the output -- */

enum { OTHER_SETTINGS = RUN_ON + 1 };

/* Whether a run that was to make the finished result anew (--restart) has come as far as a checkpoint. */
static bool is_made_anew(const struct run *r)
{
	const struct grow *g = r->g;
	int64_t iterations = 0;
	char what[1024];
	return !access(r->checkpoint, F_OK) && !checkpoint_compare(r->checkpoint, g->settings, g->seed, &r->origin, &iterations, what, sizeof what) &&
	       iterations < g->settings->iterations;
}

static int leave_result(const struct run *r)
{
	const struct grow *g = r->g;
	run_note(r, "'%s' is finished, and made from just these settings: nothing to do (--restart makes it anew)", g->out);
	if (!access(r->checkpoint, F_OK))
		run_note(r, "'%s' is of another run, begun to replace it; so are the log, the pictures and the kept networks beside it", r->checkpoint);
	tell_missed_records(r, g->settings->iterations);
	return utime(g->out, NULL) ? error_set(ERR_FAILED, "cannot touch '%s': %s", g->out, strerror(errno)) : RUN_DONE;
}

/* RUN_DONE: the result is already there. OTHER_SETTINGS: something else is, and `what` says in which way. */
static int inspect_result(struct run *r, char *what, size_t size)
{
	const struct grow *g = r->g;
	int64_t iterations = 0;
	if (g->restart || access(g->out, F_OK))
		return 0;
	const int differs = checkpoint_compare(g->out, g->settings, g->seed, &r->origin, &iterations, what, size);
	if (differs < 0)
		return differs;
	if (!differs && *what)
		run_note(r, "'%s': %s", g->out, what);
	if (!differs && iterations == g->settings->iterations)
		return is_made_anew(r) ? 0 : leave_result(r);
	if (!differs)
		snprintf(what, size, "%lld of %lld iterations are done", (long long)iterations, (long long)g->settings->iterations);
	return OTHER_SETTINGS;
}

/* RUN_ON: there is a checkpoint to go on from. */
static int inspect_checkpoint(struct run *r)
{
	const struct grow *g = r->g;
	int64_t iterations = 0;
	char what[1024];
	if (g->restart || access(r->checkpoint, F_OK))
		return RUN_ANEW;
	const int differs = checkpoint_compare(r->checkpoint, g->settings, g->seed, &r->origin, &iterations, what, sizeof what);
	if (differs > 0 && g->replace) {
		run_note(r, "'%s', after iteration %lld, is dropped: %s", r->checkpoint, (long long)iterations, what);
		return RUN_ANEW;
	}
	if (differs >= 0 && iterations > g->settings->iterations)
		return error_set(ERR_USAGE, "'%s' is after iteration %lld already, and %lld are asked for: give no fewer, or --restart to begin anew", r->checkpoint,
		                 (long long)iterations, (long long)g->settings->iterations);
	if (differs > 0 && !g->force)
		return error_set(ERR_USAGE, "'%s' is a run with other settings: %s; give those, --force to go on all the same, or --restart to begin anew",
		                 r->checkpoint, what);
	if (differs > 0)
		run_note(r, "going on from '%s' all the same: %s", r->checkpoint, what);
	if (differs > 0 && strstr(what, "miniBatchSize"))
		run_note(r, "images, which the log counts and which settings may go by, count as if every step before had had %lld, too", (long long)g->settings->batch);
	if (!differs && *what)
		run_note(r, "'%s': %s", r->checkpoint, what);
	return differs < 0 ? differs : RUN_ON;
}

/* A record that cannot be written would end the run when much is gone or done. */
static int check_records(const struct grow *g)
{
	for (size_t i = 0; i < g->n_records; i++) {
		char folder[PATH_SIZE];
		snprintf(folder, sizeof folder, "%s", g->records[i].path);
		if (access(dirname(folder), W_OK | X_OK))
			return error_set(ERR_FAILED, "cannot create '%s': %s", g->records[i].path, strerror(errno));
	}
	return 0;
}

/* A checkpoint beside a result of other settings was begun to replace it. */
int run_inspect(struct run *r)
{
	const struct grow *g = r->g;
	char what[1024];
	int rc, result;
	if ((rc = check_records(g)) || (rc = run_check_kept(r)))
		return rc;
	if ((result = inspect_result(r, what, sizeof what)) < 0 || result == RUN_DONE)
		return result;
	if ((rc = inspect_checkpoint(r)) || result != OTHER_SETTINGS)
		return rc;
	if (!g->replace)
		return error_set(ERR_USAGE, "'%s' is a result of other settings: %s; give those, -o another name, or --restart to begin anew", g->out, what);
	run_note(r, "'%s' will be replaced: %s", g->out, what);
	return RUN_ANEW;
}
