#include "trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "philox.h"
#include "ranks.h"
#include "record.h"
#include "size.h"

/* Adam in every profile: beta1 is 0 (backend.h). */
static const double BETA2 = .99, ADAM_EPS = 1e-8;

int trainer_open(struct trainer *t, struct backend *be, const struct settings *s, uint64_t seed)
{
	int rc;
	memset(t, 0, sizeof *t);
	t->be = be;
	t->settings = s;
	t->seed = seed;
	t->plateau = (struct plateau){ .factor = s->plateau_factor, .floor = s->plateau_floor, .patience = s->plateau_patience, .rate = s->lr, .best = NAN };
	if ((rc = share_open(&t->share, &s->arch, s->batch, be->ranks ? be->ranks->rank : 0, be->ranks ? be->ranks->n : 1)))
		return rc;
	if (s->conditional && (!(t->inputs = size_alloc((size_t)s->batch, (size_t)arch_inputs(&s->arch) * sizeof *t->inputs)) ||
	                       !(t->label = size_alloc((size_t)s->batch, (size_t)s->arch.attributes.groups.n * sizeof *t->label))))
		rc = ERR_FAILED;
	if (rc || (rc = network_open(&t->g, be, &s->arch, NETWORK_G, true)) || (rc = network_open(&t->d, be, &s->arch, NETWORK_D, true)))
		trainer_close(t);
	return rc;
}

void trainer_close(struct trainer *t)
{
	step_close(&t->step);
	network_close(&t->g);
	network_close(&t->d);
	free(t->inputs);
	free(t->label);
	memset(t, 0, sizeof *t);
}

static int start_network(struct trainer *t, struct network *n, struct h5file *from, const char *group, int known)
{
	const int new_layers = network_new_layers(n->kind, known + 1);
	const int rc = known >= 0 ? network_read(n, n->w, from, group, new_layers, NULL) : 0;
	return rc ? rc : network_init(n, &t->settings->arch, new_layers, t->seed, t->settings->bias_zero);
}

int trainer_start(struct trainer *t, struct h5file *from, int known)
{
	int rc;
	if ((rc = start_network(t, &t->g, from, "/G", known)) || (rc = start_network(t, &t->d, from, "/D", known)))
		return rc;
	t->be->copy(t->be, t->g.average, t->g.w, t->g.layers.size);
	return t->be->check(t->be);
}

/* -- what changes from iteration to iteration -- */

double trainer_alpha(const struct trainer *t, int64_t iteration)
{
	return schedule_alpha(&t->settings->alpha, iteration);
}

static double learning_rate(const struct trainer *t, int64_t iteration)
{
	const struct settings *s = t->settings;
	return iteration < s->lr_warmup ? t->plateau.rate * (double)(iteration + 1) / (double)s->lr_warmup : t->plateau.rate;
}

bool trainer_penalty(const struct trainer *t, int64_t iteration)
{
	return t->settings->penalty > 0 && iteration % t->settings->penalty_every == 0;
}

/* Weight of the old average: fixed, or from a half-life that is short while few images have been seen (Karras et al. 2020, arXiv 2006.06676, code). */
static double ema_weight(const struct settings *s, int64_t iteration)
{
	const double seen = (double)(iteration + 1) * (double)s->batch;
	double half_life = s->ema_half_life;
	if (half_life <= 0)
		return s->ema;
	if (s->ema_rampup > 0 && half_life > s->ema_rampup * seen)
		half_life = s->ema_rampup * seen;
	return exp2(-(double)s->batch / half_life);
}

struct step_scalars trainer_scalars(const struct trainer *t)
{
	const int64_t i = t->iteration;
	return (struct step_scalars){ .alpha = (float)trainer_alpha(t, i), .lr = (float)t->lr, .beta2 = (float)BETA2, .eps = (float)ADAM_EPS,
		                      .correction = (float)(1 / (1 - pow((double)(float)BETA2, (double)(i + 1)))), .ema = (float)ema_weight(t->settings, i),
		                      .penalty = (float)(t->settings->penalty * (double)t->settings->penalty_every) };
}

/* -- conditional inputs: made on the host -- */

/* Our samples' noise with the code of the labels drawn for them; the labels of the whole batch are left in t->label. */
static void draw_inputs(struct trainer *t, struct tensor z, enum philox_stream latents, enum philox_stream labels, uint64_t first)
{
	const struct arch *a = &t->settings->arch;
	const uint32_t scale = (uint32_t)a->scale;
	const size_t latent = (size_t)a->latent;
	const int attributes = a->attributes.groups.n;
	for (int64_t i = 0; i < t->share.batch; i++)
		for (int k = 0; k < attributes; k++)
			t->label[i * attributes + k] = attributes_draw(&a->attributes, k, t->seed, labels, scale, first + (uint64_t)i);
	for (int64_t i = 0; i < z.n; i++) {
		const int64_t at = share_index(&t->share, i);
		float *to = t->inputs + i * z.c;
		philox_normal(t->seed, latents, scale, (first + (uint64_t)at) * latent, latent, to);
		attributes_code(&a->attributes, t->label + at * attributes, to + latent);
	}
	t->be->upload(t->be, z, t->inputs);
}

/* label: of the whole batch, over which the cross-entropy is a mean. */
static void set_labels(struct trainer *t, struct tensor target, const struct loader *l, const int *label, double weight)
{
	const struct share *share = &t->share;
	conditions_target(&l->conditions, &t->settings->arch.attributes, label, share->batch, weight, t->inputs);
	share_pick(share, t->inputs, (size_t)target.c);
	t->be->upload(t->be, target, t->inputs);
}

static void load_conditional(struct trainer *t, const struct loader *l, uint64_t first)
{
	const struct settings *s = t->settings;
	draw_inputs(t, step_z_d(&t->step), STREAM_LATENT_D, STREAM_LABEL_D, first);
	draw_inputs(t, step_z_g(&t->step), STREAM_LATENT_G, STREAM_LABEL_G, first);
	set_labels(t, step_label_g(&t->step), l, t->label, s->condition_g);
	set_labels(t, step_label_d(&t->step), l, l->label, s->condition_d);
}

/* -- a step -- */

/* Layers that take no part any more must not go on with the gradients that they had last. */
static int clear_gradients(struct network *n)
{
	n->be->release(n->be, n->gradient);
	n->gradient = n->be->alloc(n->be, n->layers.size);
	return n->gradient ? 0 : ERR_FAILED;
}

static int open_step(struct trainer *t, bool fading)
{
	const struct settings *s = t->settings;
	int rc;
	if (t->step.be && t->fading == fading)
		return 0;
	step_close(&t->step);
	t->fading = fading;
	if ((rc = clear_gradients(&t->g)) || (rc = clear_gradients(&t->d)))
		return rc;
	rc = step_open(&t->step, t->be, &s->arch, &s->losses, &t->g, &t->d, t->share.size, fading);
	return rc ? rc : step_share(&t->step, &t->share);
}

/* Whether steps are queued without waiting for the sums of those before: not where these decide on the next step, or the host takes part in it, or ranks add up
 * their sums. */
static bool runs_ahead(const struct trainer *t)
{
	return t->be->keep_sums && !t->be->ranks && t->settings->watch == WATCH_NONE && !t->settings->losses.gdpp;
}

/* All that a step takes, for the iteration to come: the loader's batch, and random numbers by the places of its samples among all that are trained on. */
static void fill_inputs(struct trainer *t, const struct loader *l)
{
	struct backend *be = t->be;
	struct step *step = &t->step;
	const uint32_t scale = (uint32_t)t->settings->arch.scale;
	const uint64_t first = (uint64_t)(t->iteration * t->settings->batch);

	be->load_images(be, step_real(step), l->images, l->mirror, t->fading);
	if (t->settings->conditional) {
		load_conditional(t, l, first);
	} else {
		share_random_normal(&t->share, be, step_z_d(step), t->seed, STREAM_LATENT_D, scale, first);
		share_random_normal(&t->share, be, step_z_g(step), t->seed, STREAM_LATENT_G, scale, first);
	}
	share_random_uniform(&t->share, be, step->mix, t->seed, STREAM_MIX, scale, first);
}

int trainer_step(struct trainer *t, struct loader *l, const char *record)
{
	struct backend *be = t->be;
	struct step *step = &t->step;
	const bool penalty = trainer_penalty(t, t->iteration);
	t->lr = learning_rate(t, t->iteration);
	const struct step_scalars now = trainer_scalars(t);
	int rc;

	if ((rc = open_step(t, now.alpha > 0)) || (rc = loader_batch(l, t->iteration)))
		return rc;
	be->set_scalars(be, &now);
	fill_inputs(t, l);
	if (!record)
		step_run(step, penalty);
	else if ((rc = record_step(step, penalty, t->iteration + 1, record)))
		return rc;
	t->iteration++;
	t->pending++;
	if (runs_ahead(t)) {
		be->keep_sums(be);
		return 0;
	}
	if ((rc = step_check(step)) || (rc = step_read_sums(step, t->sums)))
		return rc;
	if (t->settings->watch != WATCH_NONE)
		plateau_step(&t->plateau, t->settings->watch == WATCH_G ? step_loss_g(t->sums) : step_loss_d(t->sums));
	return 0;
}

int trainer_stand(struct trainer *t)
{
	struct step_scalars then = trainer_scalars(t);
	int rc = 0;
	then.alpha = (float)trainer_alpha(t, t->iteration - 1);
	t->lr = learning_rate(t, t->iteration - 1);
	if (!(rc = open_step(t, then.alpha > 0)))
		t->be->set_scalars(t->be, &then);
	return rc;
}

int trainer_sums(struct trainer *t, bool all, double sums[STEP_SUMS])
{
	const bool wait = all || t->pending == BACKEND_AHEAD;
	if (!t->pending)
		return all && runs_ahead(t) ? t->be->check(t->be) : 0;
	if (!runs_ahead(t))
		memcpy(sums, t->sums, sizeof t->sums);
	else if (!t->be->next_sums(t->be, sums, wait))
		return wait ? t->be->check(t->be) : 0;
	t->pending--;
	return 1;
}

struct netfile trainer_facts(const struct trainer *t)
{
	const struct settings *s = t->settings;
	return (struct netfile){ .arch = s->arch, .alpha = trainer_alpha(t, t->iteration ? t->iteration - 1 : 0), .seed = (int64_t)t->seed,
		                 .iterations = t->iteration, .images = t->iteration * s->batch, .config = s->text };
}
