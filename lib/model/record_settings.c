#include "record_settings.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void record_losses(struct record_loss out[RECORD_LOSSES], const double sum[STEP_SUMS])
{
	const struct record_loss all[RECORD_LOSSES] = {
		{ "lossD_real", sum[SUM_D_REAL], LOSS_ALWAYS },
		{ "lossD_fake", sum[SUM_D_FAKE], LOSS_ALWAYS },
		{ "lossD_Grad", sum[SUM_D_GRAD], LOSS_ALWAYS },
		{ "lossD_Epsilon", sum[SUM_D_EPSILON], LOSS_ALWAYS },
		{ "lossD_classif", sum[SUM_D_CLASSIF], LOSS_OF_LABELS },
		{ "lossG_classif", sum[SUM_G_CLASSIF], LOSS_OF_LABELS },
		{ "lossD", step_loss_d(sum), LOSS_WHOLE },
		{ "lossG_fake", sum[SUM_G_FAKE], LOSS_ALWAYS },
		{ "lossG_GDPP", sum[SUM_G_GDPP], LOSS_GDPP },
		{ "lossG", step_loss_g(sum), LOSS_WHOLE },
	};
	memcpy(out, all, sizeof all);
}

/* -- writing -- */

int record_settings_write(struct h5file *f, const struct step *s, bool penalty)
{
	const struct step_scalars *c = &s->be->scalars;
	const struct { const char *name; double value; } number[] = {
		{ "alpha", s->g.fading ? c->alpha : 0 }, { "lambda_gp", penalty ? c->penalty : 0 }, { "epsilon_d", s->losses.epsilon_d },
		{ "leak", s->arch.leak }, { "lr", c->lr }, { "beta1", 0 }, { "beta2", c->beta2 }, { "adam_eps", c->eps }, { "ema", c->ema },
	};
	const struct { const char *name; int64_t value; } count[] = {
		{ "scale", s->arch.scale }, { "resolution", arch_side(&s->arch) }, { "batch", s->share.batch }, { "dim_latent", s->arch.latent },
		{ "pixel_norm", s->arch.pixel_norm }, { "stddev", s->arch.stddev }, { "equalized", s->arch.equalized },
		{ "gdpp", s->losses.gdpp }, { "shared_score", s->losses.shared_score },
	};
	int rc;

	for (size_t i = 0; i < sizeof number / sizeof *number; i++)
		if ((rc = h5_set_number(f, "/", number[i].name, number[i].value)))
			return rc;
	for (size_t i = 0; i < sizeof count / sizeof *count; i++)
		if ((rc = h5_set_count(f, "/", count[i].name, count[i].value)))
			return rc;
	if ((rc = h5_set_list(f, "/", "depths", H5_I32, s->arch.depth, (size_t)s->arch.scale + 1)))
		return rc;
	if ((rc = attributes_write(f, &s->arch.attributes)) || (rc = h5_set_text(f, "/", "profile", s->arch.profile->name)) ||
	    (rc = h5_set_text(f, "/", "loss_mode", loss_mode_names[s->losses.loss])))
		return rc;
	return h5_set_text(f, "/", "penalty", s->losses.penalty == PENALTY_R1 ? "R1" : "WGANGP");
}

/* -- reading -- */

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
	const int rc = h5_has_attr(f, "/", name) ? h5_get_number(f, "/", name, &value) : 0;
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
		if ((rc = h5_get_number(f, "/", number[i].name, number[i].value)))
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

int record_settings_read(struct h5file *f, struct record_settings *r)
{
	struct facts x;
	int rc;
	if ((rc = read_facts(f, &x)) || (rc = read_arch(f, &x, &r->arch)) || (rc = read_losses(f, &x, &r->losses)))
		return rc;
	r->arch.squash = loss_squashes(r->losses.loss);
	r->batch = (int64_t)x.batch;
	r->fading = x.alpha > 0;
	r->scalars = (struct step_scalars){ .alpha = (float)x.alpha, .lr = (float)x.lr, .beta2 = (float)x.beta2, .eps = (float)x.eps, .ema = (float)x.ema,
		                            .penalty = (float)x.lambda };
	return 0;
}
