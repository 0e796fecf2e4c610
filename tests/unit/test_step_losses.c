/* Every loss and penalty through a whole step: the gradients of both networks against differences of the losses, parameter by parameter.
 *
 * The activations are linear here: at the kink of a leaky ReLU the gradient of D at an image jumps, so the penalty has no derivative there, and a difference
 * that passes it sees the jump. What remains is curved enough: pixel norm, minibatch standard deviation, losses. (Recorded steps test the leaky ReLU.) */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "philox.h"
#include "step.h"

enum { BATCH = 4 };

/* Of differences of a float32 loss, beside its rounding (1e-6 of the loss, over twice the step). Seen: 2e-5 where a gradient is above 1; a missing factor of 2
 * or a sum instead of a mean is 0.5 and more. */
static const double TOLERANCE = 1e-3;

struct trial {
	const char *profile;
	enum score_loss loss;
	enum penalty_kind penalty;
	double lambda, epsilon;
	bool gdpp;
	enum { UNLABELLED, LABELLED, SHARED } labels; /* SHARED: the first logit is the score */
};

static const struct trial trials[] = {
	{ "zoo", LOSS_WGAN, PENALTY_WGAN_GP, 10, .001, false, UNLABELLED }, { "zoo", LOSS_LOGISTIC, PENALTY_R1, 5, 0, false, UNLABELLED }, { "zoo", LOSS_LOGISTIC, PENALTY_WGAN_GP, 10, .001, false, UNLABELLED },
	{ "zoo", LOSS_MSE, PENALTY_R1, .5, .01, false, UNLABELLED }, { "zoo", LOSS_BCE, PENALTY_R1, 0, 0, false, UNLABELLED }, { "zoo", LOSS_BCE, PENALTY_R1, 2, .01, false, UNLABELLED },
	{ "zoo", LOSS_LOGISTIC, PENALTY_R1, 0, 0, true, UNLABELLED }, { "zoo", LOSS_WGAN, PENALTY_WGAN_GP, 10, 0, true, UNLABELLED }, { "paddle", LOSS_LOGISTIC, PENALTY_R1, .001, 0, false, UNLABELLED }, { "karras", LOSS_LOGISTIC, PENALTY_R1, 5, .001, false, UNLABELLED }, { "karras", LOSS_MSE, PENALTY_R1, 1, 0, false, UNLABELLED },
	{ "zoo", LOSS_WGAN, PENALTY_WGAN_GP, 10, .001, false, LABELLED }, { "zoo", LOSS_LOGISTIC, PENALTY_R1, 5, 0, true, SHARED },
	{ "karras", LOSS_LOGISTIC, PENALTY_R1, 5, .001, false, SHARED }, { "paddle", LOSS_MSE, PENALTY_R1, .001, 0, false, LABELLED },
};

struct bench {
	const struct trial *trial;
	struct backend *be;
	struct arch arch;
	struct network g, d, *tested;
	struct step step;
	float *gradient; /* of the tested network, kept */
};

static const struct attributes attributes = { .groups = { 2, { 3, 2 } }, .name = { "a", "b" }, .value = { 0, 1, 2, -1, 1 } };

/* One label of each attribute a sample, of different weights. */
static void set_labels(struct step *s)
{
	float target[2 * BATCH][5] = { 0 };
	for (int i = 0; i < 2 * BATCH; i++) {
		target[i][i % 3] = .3f + .1f * (float)i;
		target[i][3 + i % 2] = .5f;
	}
	s->be->upload(s->be, s->label, target[0]);
}

static void open_bench(struct bench *b, const struct trial *t)
{
	const struct step_losses losses = { t->loss, t->penalty, t->epsilon, t->gdpp, t->labels == SHARED };
	b->trial = t;
	b->arch = (struct arch){ .profile = profile_find(t->profile), .scale = 1, .depth = { 6, 5 }, .latent = 7, .leak = 1, .pixel_norm = true, .stddev = true,
		                 .equalized = true, .squash = loss_squashes(t->loss) };
	if (t->labels)
		b->arch.attributes = attributes;
	REQUIRE(!backend_open(&b->be, "plain", 1));
	REQUIRE(!network_open(&b->g, b->be, &b->arch, NETWORK_G, true) && !network_open(&b->d, b->be, &b->arch, NETWORK_D, true));
	REQUIRE(!network_init(&b->g, &b->arch, 0, 1, true) && !network_init(&b->d, &b->arch, 0, 2, true));
	REQUIRE(!step_open(&b->step, b->be, &b->arch, &losses, &b->g, &b->d, BATCH, true));
	const struct tensor z_d = step_z_d(&b->step), z_g = step_z_g(&b->step);
	b->be->random_normal(b->be, z_d, 3, STREAM_LATENT_D, 0, 0);
	b->be->random_normal(b->be, z_g, 3, STREAM_LATENT_G, 0, 0);
	b->be->random_uniform(b->be, b->step.mix, 3, STREAM_MIX, 0, 0);
	if (t->labels)
		set_labels(&b->step);
}

static void close_bench(struct bench *b)
{
	step_close(&b->step);
	network_close(&b->g);
	network_close(&b->d);
	backend_close(b->be);
	free(b->gradient);
}

/* The loss of the tested network; leaves its gradients. */
static double loss(struct bench *b)
{
	const struct step_scalars scalars = { .alpha = .3f, .penalty = (float)b->trial->lambda };
	const struct tensor real = step_real(&b->step);
	double sums[STEP_SUMS];
	philox_uniform(3, STREAM_ORDER, 0, 0, (size_t)real.n * real.sample_size, real.data); /* G's part of a step writes over them */
	b->be->set_scalars(b->be, &scalars);
	step_d_gradients(&b->step, b->trial->lambda > 0);
	if (b->tested == &b->g)
		step_g_gradients(&b->step);
	CHECK(!step_check(&b->step));
	REQUIRE(!step_read_sums(&b->step, sums));
	return b->tested == &b->g ? step_loss_g(sums) : step_loss_d(sums);
}

/* Along a parameter's own gradient, the loss has to rise by its length. */
static int check_param(void *ctx, const char *name, struct param_shape shape, size_t at)
{
	struct bench *b = ctx;
	const size_t n = b->be->param_size(b->be, shape);
	float *w = b->tested->w + at, *kept = malloc(n * sizeof *kept), *g = b->gradient + at;
	double norm = 0, side[2];
	REQUIRE(kept);
	for (size_t i = 0; i < n; i++)
		norm += (double)g[i] * g[i];
	norm = sqrt(norm);
	memcpy(kept, w, n * sizeof *kept);
	const double length = 2e-3;
	for (int s = 0; s < 2; s++) {
		for (size_t i = 0; i < n && norm > 0; i++)
			w[i] = kept[i] + (float)((s ? -length : length) * g[i] / norm);
		side[s] = loss(b);
		memcpy(w, kept, n * sizeof *kept);
	}
	const double slope = (side[0] - side[1]) / (2 * length), room = TOLERANCE * norm + 1e-6 * (fabs(side[0]) + 1) / length;
	CHECK_MSG(fabs(slope - norm) <= room, "%s, loss %s, penalty %d of %g, labels %d, %s/%s: gradient %g, by differences %g", b->trial->profile,
	          loss_mode_names[b->trial->loss], b->trial->penalty, b->trial->lambda, b->trial->labels, b->tested == &b->g ? "G" : "D", name, norm, slope);
	free(kept);
	return 0;
}

static void check_network(const struct trial *t, enum network_kind kind)
{
	struct bench b = { 0 };
	open_bench(&b, t);
	b.tested = kind == NETWORK_G ? &b.g : &b.d;
	const struct network_layers active = { &b.arch, true };
	const size_t size = b.tested->layers.size * sizeof *b.gradient;
	REQUIRE((b.gradient = malloc(size)));
	CHECK(isfinite(loss(&b)));
	memcpy(b.gradient, b.tested->gradient, size);
	CHECK(!network_each(b.tested, b.tested->layers.n, &active, check_param, &b));
	close_bench(&b);
}

TEST(the_discriminator_s_losses)
{
	for (size_t i = 0; i < sizeof trials / sizeof *trials; i++)
		check_network(&trials[i], NETWORK_D);
}

TEST(the_generator_s_losses)
{
	for (size_t i = 0; i < sizeof trials / sizeof *trials; i++)
		check_network(&trials[i], NETWORK_G);
}
