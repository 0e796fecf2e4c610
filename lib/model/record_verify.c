/* record_verify(): replays recorded steps and measures the error of every tensor. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "size.h"

struct replay {
	struct backend *be;
	struct h5file *file;
	struct arch arch;
	struct step_losses losses;
	struct step_scalars scalars;
	int64_t batch;
	bool fading;
	struct network g, d;
	struct step step;
	struct record_result result;
	double *errors; /* of the gradients of one step */
	size_t count;
	char group[16]; /* of the step: "iter0" */
};

static int get_number(struct h5file *f, const char *object, const char *name, double *out)
{
	size_t n;
	return h5_get_numbers(f, object, name, H5_F64, out, 1, &n);
}

static int get_text(struct h5file *f, const char *name, const char *fallback, char *out, size_t size)
{
	char *text = NULL;
	int rc = 0;
	if (h5_has_attr(f, "/", name))
		rc = h5_get_text(f, "/", name, &text);
	snprintf(out, size, "%s", text ? text : fallback);
	free(text);
	return rc;
}

static int get_flag(struct h5file *f, const char *name, bool otherwise, bool *out)
{
	double value = otherwise;
	const int rc = h5_has_attr(f, "/", name) ? get_number(f, "/", name, &value) : 0;
	*out = value != 0;
	return rc;
}

/* The numbers of a record (tests/golden/README.md). */
struct facts {
	double scale, batch, latent, leak, alpha, lambda, epsilon, lr, beta1, beta2, eps, ema;
};

static int read_facts(struct h5file *f, struct facts *x)
{
	const struct { const char *name; double *value; } number[] = {
		{ "scale", &x->scale }, { "batch", &x->batch }, { "dim_latent", &x->latent }, { "leak", &x->leak }, { "alpha", &x->alpha }, { "lambda_gp", &x->lambda },
		{ "epsilon_d", &x->epsilon }, { "lr", &x->lr }, { "beta1", &x->beta1 }, { "beta2", &x->beta2 }, { "adam_eps", &x->eps }, { "ema", &x->ema },
	};
	int rc;
	for (size_t i = 0; i < sizeof number / sizeof *number; i++)
		if ((rc = get_number(f, "/", number[i].name, number[i].value)))
			return rc;
	if (!(x->scale >= 0 && x->scale < MAX_SCALES && x->scale == floor(x->scale) && x->batch >= 1 && x->batch <= 65536 && x->batch == floor(x->batch) &&
	      x->latent >= 1 && x->latent <= INT_MAX && x->latent == floor(x->latent)))
		return error_set(ERR_INPUT, "'%s': scale, batch or dim_latent make no sense", h5_name(f));
	if (x->beta1 != 0)
		return error_set(ERR_INPUT, "'%s': beta1 is %g, but every profile has 0", h5_name(f), x->beta1);
	return 0;
}

static int read_arch(struct h5file *f, const struct facts *x, struct arch *a)
{
	char profile[16];
	size_t n;
	int rc;
	*a = (struct arch){ .scale = (int)x->scale, .latent = (int)x->latent, .leak = (float)x->leak };
	if ((rc = h5_get_numbers(f, "/", "depths", H5_I32, a->depth, MAX_SCALES, &n)) || (rc = get_text(f, "profile", "zoo", profile, sizeof profile)) ||
	    (rc = get_flag(f, "pixel_norm", true, &a->pixel_norm)) || (rc = get_flag(f, "stddev", true, &a->stddev)) ||
	    (rc = get_flag(f, "equalized", true, &a->equalized)) || (rc = attributes_read(f, &a->attributes)))
		return rc;
	if (n != (size_t)a->scale + 1)
		return error_set(ERR_INPUT, "'%s': scale %d and %zu depths make no sense", h5_name(f), a->scale, n);
	if (!(a->profile = profile_find(profile)))
		return error_set(ERR_INPUT, "'%s': unknown profile '%s'", h5_name(f), profile);
	return arch_check(a, h5_name(f));
}

static int read_losses(struct h5file *f, const struct facts *x, struct step_losses *l)
{
	char mode[16], penalty[16];
	int loss = 0, rc;
	if ((rc = get_text(f, "loss_mode", "WGANGP", mode, sizeof mode)) || (rc = get_text(f, "penalty", "WGANGP", penalty, sizeof penalty)) ||
	    (rc = get_flag(f, "gdpp", false, &l->gdpp)) || (rc = get_flag(f, "shared_score", false, &l->shared_score)))
		return rc;
	while (loss_mode_names[loss] && strcmp(loss_mode_names[loss], mode))
		loss++;
	if (!loss_mode_names[loss])
		return error_set(ERR_INPUT, "'%s': unknown loss mode '%s'", h5_name(f), mode);
	if (strcmp(penalty, "WGANGP") && strcmp(penalty, "R1"))
		return error_set(ERR_INPUT, "'%s': unknown penalty '%s'", h5_name(f), penalty);
	l->loss = (enum score_loss)loss;
	l->penalty = strcmp(penalty, "R1") ? PENALTY_WGAN_GP : PENALTY_R1;
	l->epsilon_d = x->epsilon;
	return 0;
}

static int read_settings(struct replay *r)
{
	struct facts x;
	int rc;
	if ((rc = read_facts(r->file, &x)) || (rc = read_arch(r->file, &x, &r->arch)) || (rc = read_losses(r->file, &x, &r->losses)))
		return rc;
	r->arch.squash = loss_squashes(r->losses.loss);
	r->batch = (int64_t)x.batch;
	r->fading = x.alpha > 0;
	r->scalars = (struct step_scalars){ .alpha = (float)x.alpha, .lr = (float)x.lr, .beta2 = (float)x.beta2, .eps = (float)x.eps, .ema = (float)x.ema,
		                            .penalty = (float)x.lambda };
	return 0;
}

static int read_tensor(struct replay *r, const char *name, struct tensor t)
{
	const size_t values = (size_t)(t.n * t.c * t.h * t.w);
	char path[64];
	float *host = size_alloc(values, sizeof *host);
	if (!host)
		return ERR_FAILED;
	snprintf(path, sizeof path, "%s/%s", r->group, name);
	const int rc = h5_read(r->file, path, H5_F32, host, values);
	if (!rc)
		r->be->upload(r->be, t, host);
	free(host);
	return rc;
}

static int load(struct replay *r, struct network *n, float *array, const char *what, bool active_only)
{
	const struct network_layers active = { &r->arch, r->fading };
	char path[64];
	snprintf(path, sizeof path, "%s/%s", r->group, what);
	return network_read(n, array, r->file, path, n->layers.n, active_only ? &active : NULL);
}

/* -- comparing -- */

/* Not a number is larger than anything, and stays. */
static bool is_larger(double x, double than)
{
	return isnan(x) || x > than;
}

/* n values of ours against what is recorded. */
struct difference {
	double recorded, error; /* squared norms: of what is recorded, and of what ours differs by */
	double largest;         /* absolute */
};

static int compare(struct replay *r, const float *ours, const char *name, size_t n, struct difference *d)
{
	char path[128];
	float *theirs = size_alloc(n, sizeof *theirs);
	snprintf(path, sizeof path, "%s/%s", r->group, name);
	const int rc = theirs ? h5_read(r->file, path, H5_F32, theirs, n) : ERR_FAILED;
	*d = (struct difference){ 0 };
	for (size_t i = 0; !rc && i < n; i++) {
		const double e = (double)ours[i] - theirs[i];
		d->recorded += (double)theirs[i] * theirs[i];
		d->error += e * e;
		if (is_larger(fabs(e), d->largest))
			d->largest = fabs(e);
	}
	free(theirs);
	return rc;
}

/* The parameters of a network, or their gradients. */
struct comparison {
	struct replay *r;
	const float *array;
	const char *group; /* "grad/D" */
	double recorded;   /* squared norm of all that is recorded */
	double largest;    /* absolute difference */
};

static int compare_param(const struct comparison *c, const char *name, struct param_shape shape, size_t at, struct difference *d)
{
	struct backend *be = c->r->be;
	char path[96];
	float *ours = size_alloc(param_values(shape), sizeof *ours);
	if (!ours)
		return ERR_FAILED;
	be->param_unpack(be, shape, ours, c->array + at);
	snprintf(path, sizeof path, "%s/%s", c->group, name);
	const int rc = compare(c->r, ours, path, param_values(shape), d);
	free(ours);
	return rc;
}

static int add_recorded(void *ctx, const char *name, struct param_shape shape, size_t at)
{
	struct comparison *c = ctx;
	struct difference d;
	const int rc = compare_param(c, name, shape, at, &d);
	c->recorded += rc ? 0 : d.recorded;
	return rc;
}

static int add_relative(void *ctx, const char *name, struct param_shape shape, size_t at)
{
	const struct comparison *c = ctx;
	struct record_result *result = &c->r->result;
	struct difference d;
	const int rc = compare_param(c, name, shape, at, &d);
	if (rc)
		return rc;
	const double relative = sqrt(d.error) / fmax(sqrt(d.recorded), 1e-3 * sqrt(c->recorded));
	c->r->errors[c->r->count++] = relative;
	if (!*result->grad_worst_tensor || is_larger(relative, result->grad_worst)) {
		result->grad_worst = relative;
		snprintf(result->grad_worst_tensor, sizeof result->grad_worst_tensor, "%s/%s", c->group + strlen("grad/"), name);
	}
	return 0;
}

static int add_largest(void *ctx, const char *name, struct param_shape shape, size_t at)
{
	struct comparison *c = ctx;
	struct difference d;
	const int rc = compare_param(c, name, shape, at, &d);
	if (!rc && is_larger(d.largest, c->largest))
		c->largest = d.largest;
	return rc;
}

static int count_link(void *ctx, const char *name)
{
	(void)name;
	++*(int *)ctx;
	return 0;
}

static int compare_gradients(struct replay *r, struct network *n, const char *group)
{
	const struct network_layers active = { &r->arch, r->fading };
	struct comparison c = { .r = r, .array = n->gradient, .group = group };
	const size_t before = r->count;
	char path[64];
	int rc, recorded = 0;

	snprintf(path, sizeof path, "%s/%s", r->group, group);
	if ((rc = network_each(n, n->layers.n, &active, add_recorded, &c)) || (rc = network_each(n, n->layers.n, &active, add_relative, &c)) ||
	    (rc = h5_list(r->file, path, count_link, &recorded)))
		return rc;
	if ((size_t)recorded != r->count - before)
		return error_set(ERR_INPUT, "'%s': '%s' has %d gradients where this step has %zu", h5_name(r->file), path, recorded, r->count - before);
	return 0;
}

/* *largest: so far, of all that is compared with it. */
static int compare_values(struct replay *r, struct network *n, const float *array, const char *group, double *largest)
{
	struct comparison c = { .r = r, .array = array, .group = group, .largest = *largest };
	const int rc = network_each(n, n->layers.n, NULL, add_largest, &c);
	*largest = c.largest;
	return rc;
}

/* One tensor of what D's half leaves, if it was recorded. */
static int compare_tensor(struct replay *r, const char *name, struct tensor t)
{
	const size_t n = (size_t)(t.n * t.c * t.h * t.w);
	struct difference d;
	char path[64];

	snprintf(path, sizeof path, "%s/%s", r->group, name);
	if (!h5_exists(r->file, path))
		return 0;
	float *ours = size_alloc(n, sizeof *ours);
	if (!ours)
		return ERR_FAILED;
	r->be->download(r->be, ours, t);
	const int rc = compare(r, ours, name, n, &d);
	free(ours);
	if (!rc && is_larger(sqrt(d.error / d.recorded), r->result.output))
		r->result.output = sqrt(d.error / d.recorded);
	return rc;
}

static int compare_outputs(struct replay *r)
{
	const struct step *s = &r->step;
	const struct discriminator *d = &s->d;
	int rc;
	if ((rc = compare_tensor(r, "fake", s->g.image)) || (rc = compare_tensor(r, "score_real", discriminator_slots(d, d->score.x, SLOT_REAL, 1))) ||
	    (rc = compare_tensor(r, "score_fake", discriminator_slots(d, d->score.x, SLOT_FAKE, 1))))
		return rc;
	return compare_tensor(r, "feature_real", discriminator_slots(d, d->dense.x, SLOT_REAL, 1));
}

static int compare_losses(struct replay *r)
{
	const bool conditional = arch_code(&r->arch) > 0;
	double sum[STEP_SUMS], magnitude = 0, worst = 0;
	int rc;

	if ((rc = step_read_sums(&r->step, sum)))
		return rc;
	const struct { const char *name; double value; bool there, term; } loss[] = {
		{ "lossD_real", sum[SUM_D_REAL], true, true }, { "lossD_fake", sum[SUM_D_FAKE], true, true }, { "lossD_Grad", sum[SUM_D_GRAD], true, true },
		{ "lossD_Epsilon", sum[SUM_D_EPSILON], true, true }, { "lossD_classif", sum[SUM_D_CLASSIF], conditional, true }, { "lossD", step_loss_d(sum), true, false },
		{ "lossG_fake", sum[SUM_G_FAKE], true, true }, { "lossG_GDPP", sum[SUM_G_GDPP], r->losses.gdpp, true },
		{ "lossG_classif", sum[SUM_G_CLASSIF], conditional, true }, { "lossG", step_loss_g(sum), true, false },
	};
	for (size_t i = 0; i < sizeof loss / sizeof *loss; i++) {
		double reference;
		if (!loss[i].there)
			continue;
		if ((rc = get_number(r->file, r->group, loss[i].name, &reference)))
			return rc;
		if (loss[i].term)
			magnitude += fabs(reference);
		const double d = fabs(loss[i].value - reference);
		if (is_larger(d, worst))
			worst = d;
	}
	r->result.loss = worst / magnitude;
	return 0;
}

/* -- replaying -- */

static int load_moments(struct replay *r, struct network *n, const char *name, bool first)
{
	char what[32];
	if (first) /* zero, as allocated */
		return 0;
	snprintf(what, sizeof what, "before/adam_v/%s", name);
	return load(r, n, n->moment, what, true);
}

static int replay_step(struct replay *r)
{
	struct step *s = &r->step;
	struct record_result *result = &r->result;
	double adam_step;
	int rc;

	if ((rc = get_number(r->file, r->group, "adam_step", &adam_step)) || (rc = load(r, &r->g, r->g.w, "before/G", false)) ||
	    (rc = load(r, &r->d, r->d.w, "before/D", false)) || (rc = load(r, &r->g, r->g.average, "before/avgG", false)) ||
	    (rc = load_moments(r, &r->g, "G", adam_step <= 1)) || (rc = load_moments(r, &r->d, "D", adam_step <= 1)) ||
	    (rc = read_tensor(r, "real", step_real(s))) || (rc = read_tensor(r, "z_d", step_z_d(s))) || (rc = read_tensor(r, "z_g", step_z_g(s))) ||
	    (rc = read_tensor(r, "gp_mix", s->mix)))
		return rc;
	if (arch_code(&r->arch) && ((rc = read_tensor(r, "label_d", step_label_d(s))) || (rc = read_tensor(r, "label_g", step_label_g(s)))))
		return rc;
	r->scalars.correction = (float)(1 / (1 - pow((double)r->scalars.beta2, adam_step)));
	r->be->set_scalars(r->be, &r->scalars);

	/* Gradients from our own arithmetic, updates from the recorded gradients: an error stays where it is made. */
	step_d_gradients(s, r->scalars.penalty > 0);
	if ((rc = compare_outputs(r)) || (rc = compare_gradients(r, &r->d, "grad/D")) || (rc = load(r, &r->d, r->d.gradient, "grad/D", true)))
		return rc;
	step_d_update(s);
	if ((rc = compare_values(r, &r->d, r->d.w, "after/D", &result->adam)) || (rc = load(r, &r->d, r->d.w, "after/D", false)))
		return rc;
	step_g_gradients(s);
	if ((rc = compare_gradients(r, &r->g, "grad/G")) || (rc = load(r, &r->g, r->g.gradient, "grad/G", true)))
		return rc;
	step_g_update(s);
	if ((rc = compare_values(r, &r->g, r->g.w, "after/G", &result->adam)) || (rc = compare_values(r, &r->g, r->g.average, "after/avgG", &result->ema)))
		return rc;
	if ((rc = step_check(&r->step)))
		return rc;
	return compare_losses(r);
}

/* output: what single samples come to, with nothing summed over a batch; units at the kink hardly move it. Winograd's float32 is within 3.3e-6 of the records, TF32 and
 * bfloat16 as below within 7e-3 and 2e-2.
 * loss: float32 PyTorch is within 3e-7 of the records, sums of other orders and Winograd somewhat further.
 * gradients: a unit within rounding of the leaky ReLU's kink may fall on its other side, which moves a few tensors of a small network by as much as 1.5e-3
 * (float32 PyTorch does so on one file); the median does not see that. Records up to scale 2 have no such unit that the sums of `plain` and `cpu:direct` would
 * move; cuDNN's order of float32 sums is its own, and one record of scale 2 has a unit that some orders move (2.4e-3 in its tensors, the emulation's does).
 * TF32 and bfloat16: they alone, operands cut to 11 bits or every picture's features rounded to 8, move the records' losses, and flip so many units that
 * losses and the gradients of these small networks err by up to half, or with bfloat16 two thirds, of what is allowed here (measured by doing so on the processor:
 * tests/gpu/emulation). A correct device passes with these; to find a mistake, verify in float32.
 * update: a few float32 roundings of values up to 4; it is computed from the recorded gradient. */
struct record_tolerance record_tolerance_of(const char *device)
{
	const bool cuda = !strncmp(device, "cuda", 4), fp32 = strstr(device, "fp32") != NULL;
	struct record_tolerance t = { .loss = 1e-5, .output = 1e-5, .grad_median = 1e-4, .grad_worst = 5e-3, .update = 1e-6 };
	if (cuda && strstr(device, "bf16"))
		return (struct record_tolerance){ .loss = 4.5e-2, .output = 5e-2, .grad_median = .22, .grad_worst = .66, .update = 1e-6 };
	if (cuda && !fp32)
		return (struct record_tolerance){ .loss = 1.4e-2, .output = 2e-2, .grad_median = .2, .grad_worst = .6, .update = 1e-6 };
	if (cuda || !strcmp(device, "plain") || !strcmp(device, "cpu:direct")) {
		t.grad_worst_exact = 1e-4;
		t.exact_scale = cuda ? 1 : 2;
	}
	return t;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static bool judge(const struct record_result *x, const struct record_tolerance *t, int scale)
{
	const double worst = scale <= t->exact_scale && t->grad_worst_exact > 0 ? t->grad_worst_exact : t->grad_worst;
	return x->loss <= t->loss && x->output <= t->output && x->grad_median <= t->grad_median && x->grad_worst <= worst && x->adam <= t->update && x->ema <= t->update;
}

static int replay_file(struct replay *r, const struct record_tolerance *tolerance, void (*each)(void *ctx, const struct record_result *), void *ctx)
{
	double errors[4 * MAX_LAYERS];
	int rc;

	r->errors = errors;
	if (!h5_exists(r->file, "iter0"))
		return error_set(ERR_INPUT, "'%s' is not a step record: it has no iter0", h5_name(r->file));
	if ((rc = read_settings(r)))
		return rc;
	for (int i = 0;; i++) {
		snprintf(r->group, sizeof r->group, "iter%d", i);
		if (!h5_exists(r->file, r->group))
			return 0;
		/* Opened anew for every step, so that nothing of one is left for the next. */
		if (!(rc = network_open(&r->g, r->be, &r->arch, NETWORK_G, true)) && !(rc = network_open(&r->d, r->be, &r->arch, NETWORK_D, true)) &&
		    !(rc = step_open(&r->step, r->be, &r->arch, &r->losses, &r->g, &r->d, r->batch, r->fading))) {
			r->count = 0;
			r->result = (struct record_result){ .iteration = i };
			rc = replay_step(r);
			step_close(&r->step);
		}
		network_close(&r->g);
		network_close(&r->d);
		if (rc)
			return rc;
		qsort(errors, r->count, sizeof *errors, by_value);
		r->result.grad_median = r->count % 2 ? errors[r->count / 2] : (errors[r->count / 2 - 1] + errors[r->count / 2]) / 2;
		r->result.pass = judge(&r->result, tolerance, r->arch.scale);
		each(ctx, &r->result);
	}
}

int record_verify(struct backend *be, const char *path, const struct record_tolerance *tolerance, void (*each)(void *ctx, const struct record_result *), void *ctx)
{
	struct replay r = { .be = be };
	int rc = h5_open(&r.file, path);
	if (rc)
		return rc;
	rc = replay_file(&r, tolerance, each, ctx);
	h5_release(&r.file);
	return rc;
}
