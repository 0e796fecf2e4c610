/* The networks that a run keeps of its saves, how they are judged, and which is the best. */
#include <stdio.h>
#include <unistd.h>

#include "checkpoint.h"
#include "clock.h"
#include "run.h"

bool run_is_last(const struct run *r)
{
	return r->trainer.iteration == r->g->settings->iterations;
}

int64_t run_best(const struct run *r)
{
	int count;
	double swd;
	return trainlog_best(&r->log, &count, &swd);
}

/* Removes the networks of an earlier save, unless they are of the last `keep` saves or the best. */
static int remove_old(const struct run *r, const char *path, int64_t iteration)
{
	const int64_t every = r->g->settings->save_iter, saves = (r->trainer.iteration - run_is_last(r)) / every;
	if (iteration / every <= saves - r->g->keep && iteration != run_best(r))
		unlink(path);
	return 0;
}

int run_keep(struct run *r)
{
	const int64_t done = r->trainer.iteration;
	char path[PATH_SIZE];
	int rc;
	run_name_kept(r, done, path);
	if (!run_is_last(r) && (r->g->keep || run_best(r) == done) && (rc = checkpoint_save(path, &r->trainer, NULL, &r->origin)))
		return rc; /* with the earlier ones as they are */
	rc = r->g->keep < 0 ? 0 : run_each_kept(r, remove_old);
	return rc < 0 ? rc : 0;
}

bool run_is_judged(const struct run *r, bool save_now)
{
	const struct settings *s = r->g->settings;
	if (!s->swd_every || arch_side(&s->arch) < JUDGE_SIDE || r->bad_steps)
		return false;
	return run_is_last(r) || (save_now && r->trainer.iteration / s->save_iter % s->swd_every == 0);
}

int run_write_row(struct run *r, bool judged)
{
	const struct grow *g = r->g;
	const double begin = clock_seconds();
	struct judgement score;
	char text[256];
	if (judged && judge(&score, &r->trainer, g->data, g->settings->swd_images)) {
		run_note(r, "the state after iteration %lld is not judged: %s", (long long)r->trainer.iteration, error_text());
		judged = false;
	} else if (judged) {
		snprintf(text, sizeof text, "iteration %lld: SWD %.4g, MS-SSIM %.4g of %lld images, in %.1f s", (long long)r->trainer.iteration, score.swd, score.msssim,
		         (long long)score.n, clock_seconds() - begin);
		g->detail(g->ctx, text);
	}
	return trainlog_row(&r->log, &r->trainer, judged ? &score : NULL);
}

void run_tell_best(const struct run *r)
{
	char path[PATH_SIZE];
	int count;
	double swd;
	const int64_t best = trainlog_best(&r->log, &count, &swd);
	if (best < 0)
		return;
	run_name_kept(r, best, path);
	run_note(r, "the best of %d judged states is that after iteration %lld, with an SWD of %.4g: '%s'", count, (long long)best, swd,
	         best == r->g->settings->iterations ? r->g->out : path);
}
