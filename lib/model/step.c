#include "step.h"

#include <stdlib.h>
#include <string.h>

#include "gdpp.h"
#include "size.h"
#include "tensors.h"

const char *const loss_mode_names[] = { "WGANGP", "Logistic", "MSE", "DCGAN", NULL };

static struct step_weights weights(const struct arch *a, const struct step_losses *l, int64_t batch)
{
	const float mean = 1.f / (float)batch;
	if (a->profile->mean_losses)
		return (struct step_weights){ mean, mean, mean };
	return (struct step_weights){ l->loss == LOSS_WGAN ? 1 : mean, l->penalty == PENALTY_WGAN_GP ? 1 : mean, 1 };
}

/* Memory for GDPP. */
static int make_features(struct step *s)
{
	free(s->feature);
	s->feature = NULL;
	if (s->losses.gdpp && !(s->feature = size_alloc((size_t)(3 * s->share.batch + s->batch), (size_t)s->arch.depth[0] * sizeof *s->feature)))
		return ERR_FAILED;
	return 0;
}

int step_open(struct step *s, struct backend *be, const struct arch *a, const struct step_losses *losses, struct network *g, struct network *d,
              int64_t batch, bool fading)
{
	int rc;
	memset(s, 0, sizeof *s);
	s->be = be;
	s->arch = *a;
	s->losses = *losses;
	s->batch = batch;
	s->share = (struct share){ .batch = batch, .size = batch, .ranks = 1, .runs = 1 };
	s->weight = weights(a, losses, batch);
	s->g_net = g;
	s->d_net = d;
	if (!(rc = generator_open(&s->g, be, a, 2 * batch, batch, fading, true)) && !(rc = discriminator_open(&s->d, be, a, batch, fading)) &&
	    !(rc = backend_tensor(be, &s->mix, batch, 1, 1, 1)))
		rc = make_features(s);
	if (!rc && arch_code(a))
		rc = backend_tensor(be, &s->label, 2 * batch, arch_code(a), 1, 1);
	if (rc)
		step_close(s);
	return rc;
}

void step_close(struct step *s)
{
	if (!s->be)
		return;
	generator_close(&s->g);
	discriminator_close(&s->d);
	free(s->feature);
	tensors_free(s->be, &s->mix, 1);
	tensors_free(s->be, &s->label, 1);
	s->be = NULL;
}

int step_share(struct step *s, const struct share *share)
{
	s->share = *share;
	s->weight = weights(&s->arch, &s->losses, share->batch);
	return make_features(s);
}

struct tensor step_real(struct step *s) { return discriminator_slots(&s->d, s->d.image.x, SLOT_REAL, 1); }
struct tensor step_z_d(struct step *s) { return tensor_part(s->g.z, 0, s->batch); }
struct tensor step_z_g(struct step *s) { return tensor_part(s->g.z, s->batch, s->batch); }
struct tensor step_label_d(struct step *s) { return tensor_part(s->label, 0, s->batch); }
struct tensor step_label_g(struct step *s) { return tensor_part(s->label, s->batch, s->batch); }

static void copy_tensor(struct backend *be, struct tensor to, struct tensor from)
{
	be->copy(be, to.data, from.data, (size_t)from.n * from.sample_size);
}

#define SLOT(t, slot) discriminator_slots(&s->d, t, slot, 1)

/* Conditional: adds the cross-entropy of the labels of slot 1, after the loss of its scores was set. */
static void add_label_loss(struct step *s, struct tensor (*label)(struct step *), enum step_sum sum)
{
	const struct label_groups *groups = &s->arch.attributes.groups;
	if (groups->n)
		s->be->label_loss(s->be, SLOT(s->d.score.b, SLOT_REAL), SLOT(s->d.score.x, SLOT_REAL), label(s), groups, s->losses.shared_score ? 0 : 1, sum);
}

/* A network's gradients, summed over the ranks. */
static void reduce(struct step *s, struct network *n)
{
	if (s->be->ranks)
		s->be->all_reduce(s->be, n->gradient, n->layers.size);
}

/* Images of N latents from `first` on, for D to look at. */
static void generate(struct step *s, int64_t first, struct tensor image)
{
	generator_forward(&s->g, first, s->batch, s->g_net->w);
	copy_tensor(s->be, image, s->g.image);
}

void step_d_gradients(struct step *s, bool penalty)
{
	struct backend *be = s->be;
	struct discriminator *d = &s->d;
	const float *w = s->d_net->w;
	float *dw = s->d_net->gradient;
	const struct tensor image = d->image.x, score = d->score.x, dscore = d->score.b;

	generator_begin(&s->g, 2 * s->batch, s->g_net->w);
	generate(s, 0, SLOT(image, SLOT_FAKE));
	if (penalty && s->losses.penalty == PENALTY_WGAN_GP)
		be->interpolate(be, SLOT(image, SLOT_PENALTY_X), SLOT(image, SLOT_REAL), SLOT(image, SLOT_FAKE), s->mix);
	else if (penalty)
		copy_tensor(be, SLOT(image, SLOT_PENALTY_X), SLOT(image, SLOT_REAL));
	discriminator_forward(d, SLOT_REAL, penalty ? 3 : 2, w);

	be->score_loss(be, SLOT(dscore, SLOT_REAL), SLOT(score, SLOT_REAL), s->losses.loss, true, s->weight.score, SUM_D_REAL);
	be->score_loss(be, SLOT(dscore, SLOT_FAKE), SLOT(score, SLOT_FAKE), s->losses.loss, false, s->weight.score, SUM_D_FAKE);
	if (s->losses.epsilon_d > 0)
		be->score_drift(be, SLOT(dscore, SLOT_REAL), SLOT(score, SLOT_REAL), s->weight.drift * (float)s->losses.epsilon_d, SUM_D_EPSILON);
	add_label_loss(s, step_label_d, SUM_D_CLASSIF);
	if (penalty)
		be->score_fill(be, SLOT(dscore, SLOT_PENALTY_B), 1);

	discriminator_backward(d, penalty, w, dw);
	if (penalty) {
		be->gradient_penalty(be, SLOT(image, SLOT_TANGENT), SLOT(d->image.b, SLOT_PENALTY_B), s->losses.penalty, s->weight.penalty);
		discriminator_penalty(d, w, dw);
	}
	discriminator_weights(d, penalty, dw);
	reduce(s, s->d_net);
}

void step_d_update(struct step *s)
{
	struct network *n = s->d_net;
	s->be->adam(s->be, n->w, n->gradient, n->moment, NULL, n->layers.size, SUM_D_GRADIENT, SUM_D_NONFINITE);
}

/* The features of one slot -> those of the whole batch. */
static int collect_features(struct step *s, enum d_slot slot, float *own, float *all)
{
	const size_t c = (size_t)s->arch.depth[0];
	float *to = s->be->ranks ? own : all;
	s->be->download(s->be, to, discriminator_slots(&s->d, s->d.dense.x, slot, 1));
	return s->be->ranks ? share_gather(&s->share, s->be->ranks, own, c, all, true) : 0;
}

/* The features of real images (SLOT_FAKE) and of G's (SLOT_REAL) -> the loss, and *derivative of it for our samples, for the way back. Every rank looks at the
 * batch as a whole. */
static int compare_features(struct step *s, const float **derivative)
{
	const size_t n = (size_t)s->share.batch, c = (size_t)s->arch.depth[0];
	float *real = s->feature, *fake = real + n * c, *dfake = fake + n * c, *own = dfake + n * c;
	int rc;
	if ((rc = collect_features(s, SLOT_FAKE, own, real)) || (rc = collect_features(s, SLOT_REAL, own, fake)) ||
	    (rc = gdpp_loss(real, fake, n, c, &s->gdpp, dfake)))
		return rc;
	share_pick(&s->share, dfake, c);
	*derivative = dfake;
	return 0;
}

void step_g_gradients(struct step *s)
{
	struct backend *be = s->be;
	struct discriminator *d = &s->d;
	const float *dfeature = NULL;
	int rc = 0;

	/* Here slot SLOT_REAL is of the generated images, which are to score as real ones do, and SLOT_FAKE, for GDPP, of the real ones. */
	if (s->losses.gdpp)
		copy_tensor(be, SLOT(d->image.x, SLOT_FAKE), SLOT(d->image.x, SLOT_REAL));
	generate(s, s->batch, SLOT(d->image.x, SLOT_REAL));
	discriminator_forward(d, SLOT_REAL, s->losses.gdpp ? 2 : 1, s->d_net->w);
	if (s->losses.gdpp)
		rc = compare_features(s, &dfeature);
	s->rc = s->rc ? s->rc : rc;
	be->score_loss(be, SLOT(d->score.b, SLOT_REAL), SLOT(d->score.x, SLOT_REAL), s->losses.loss, true, s->weight.score, SUM_G_FAKE);
	add_label_loss(s, step_label_g, SUM_G_CLASSIF);
	discriminator_backward_images(d, s->d_net->w, dfeature);
	generator_backward(&s->g, s->batch, SLOT(d->image.b, SLOT_REAL), s->g_net->w, s->g_net->gradient);
	reduce(s, s->g_net);
}
#undef SLOT

void step_g_update(struct step *s)
{
	struct network *n = s->g_net;
	s->be->adam(s->be, n->w, n->gradient, n->moment, n->average, n->layers.size, SUM_G_GRADIENT, SUM_G_NONFINITE);
}

int step_check(struct step *s)
{
	const int rc = s->be->check(s->be), own = s->rc;
	s->rc = 0;
	return rc ? rc : own;
}

/* Over all ranks, but for what each of them took from the gradients of the whole batch. */
static int reduce_sums(struct ranks *ranks, double sums[STEP_SUMS])
{
	static const enum step_sum whole[] = { SUM_D_GRADIENT, SUM_G_GRADIENT, SUM_D_NONFINITE, SUM_G_NONFINITE };
	double own[STEP_SUMS];
	memcpy(own, sums, sizeof own);
	const int rc = ranks_sum_f64(ranks, sums, STEP_SUMS);
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
		sums[whole[i]] = own[whole[i]];
	return rc;
}

int step_read_sums(struct step *s, double sums[STEP_SUMS])
{
	s->be->read_sums(s->be, sums);
	const int rc = s->be->ranks ? reduce_sums(s->be->ranks, sums) : 0;
	sums[SUM_G_GDPP] = s->losses.gdpp ? s->gdpp : 0;
	return rc;
}
