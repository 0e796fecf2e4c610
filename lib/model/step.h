/* One training step: D's update, then G's. Fill in the inputs, then call the four parts in order (step_run() does).
 *
 * Losses (Gulrajani et al. 2017, arXiv 1704.00028, with the drift term of Karras et al. 2018, appendix A.1; Mescheder et al. 2018, arXiv 1801.04406):
 *   D: a * sum over real f(D(x), real) + a * sum over fake f(D(G(z)), fake) + b * lambda * sum penalty + c * epsilon * sum D(x)^2
 *   G: a * sum f(D(G(z)), real) + GDPP
 * and, conditional (AC-GAN, Odena et al. 2017, arXiv 1610.09585), the cross-entropy of the labels: of the real images in D's loss, of G's in G's.
 * with a, b and c each 1 or 1/N. Profile karras has means throughout. The reference has sums, but for every loss other than WGANGP (a) and for R1 (b). */
#ifndef PGAN_STEP_H
#define PGAN_STEP_H

#include "discriminator.h"
#include "generator.h"
#include "network.h"
#include "share.h"

/* The names of the losses in configurations and records. */
extern const char *const loss_mode_names[]; /* by enum score_loss: WGANGP, Logistic, MSE, DCGAN; NULL at the end */

/* Whether G's images go through tanh under a loss. */
static inline bool loss_squashes(enum score_loss loss) { return loss == LOSS_MSE || loss == LOSS_BCE; }

struct step_losses {
	enum score_loss loss;
	enum penalty_kind penalty;
	double epsilon_d; /* 0: no drift term */
	bool gdpp;        /* add the GDPP loss (gdpp.h) to G's */
	bool shared_score; /* the logits of labels begin with the score itself, as in the reference; otherwise behind it */
};

struct step {
	struct backend *be; /* borrowed */
	struct arch arch;
	struct step_losses losses;
	int64_t batch;         /* N: samples of this process */
	struct share share;    /* and which of the whole batch they are */
	struct step_weights {
		float score, penalty, drift; /* a, b, c above */
	} weight;
	struct network *g_net, *d_net; /* borrowed, with gradients */
	struct generator g;     /* 2N latents, of D's half and of G's; N images at a time */
	struct discriminator d;
	struct tensor label;    /* conditional: (2N,code,1,1), of D's real images, then of G's */
	struct tensor mix;      /* (N,1,1,1) weight of the real image in an interpolate */
	float *feature;         /* with GDPP, on the host: features (share.batch,d_0) of real images, of generated ones, and the loss's derivative at these; (N,d_0) of
	                           our own */
	double gdpp;            /* its value in the last step */
	int rc;                 /* a failure within a step: step_check() reports it */
};

int step_open(struct step *, struct backend *, const struct arch *, const struct step_losses *, struct network *g, struct network *d, int64_t batch,
              bool fading) MUST_CHECK;
void step_close(struct step *); /* a zeroed struct is fine */
/* Makes an open step one rank's part of a step over a larger batch: N has to be share->size, and the backend has joined the ranks. */
int step_share(struct step *, const struct share *) MUST_CHECK;

/* The inputs, to be filled before a step. */
struct tensor step_real(struct step *); /* (N,3,R,R) real images as D sees them, already faded */
struct tensor step_z_d(struct step *);  /* (N,latent + code) */
struct tensor step_z_g(struct step *);
/* Conditional: (N,code), the weight of each sample at its label in each attribute, 0 elsewhere. To be a mean, these weights sum to 1 over the batch. */
struct tensor step_label_d(struct step *); /* of the real images */
struct tensor step_label_g(struct step *); /* of z_g */

/* Gradients are those of the whole batch, at every rank. */
void step_d_gradients(struct step *, bool penalty);
void step_d_update(struct step *);
void step_g_gradients(struct step *);
void step_g_update(struct step *); /* and the running average */

static inline void step_run(struct step *s, bool penalty)
{
	struct backend *be = s->be;
	const bool whole = be->begin_step && !s->losses.gdpp; /* GDPP looks at the features on the host, in the middle of a step */
	if (whole && !be->begin_step(be, s, penalty))
		return;
	step_d_gradients(s, penalty);
	step_d_update(s);
	step_g_gradients(s);
	step_g_update(s);
	if (whole)
		be->end_step(be);
}

/* Reports the first failure since the last check, and waits for the device. */
int step_check(struct step *) MUST_CHECK;
/* What a step left behind: the backend's sums, over all ranks, and those of losses that the host computes. */
int step_read_sums(struct step *, double sums[STEP_SUMS]) MUST_CHECK;

/* D's loss from the sums of a step, or from means of them. */
static inline double step_loss_d(const double sums[STEP_SUMS])
{
	return sums[SUM_D_REAL] + sums[SUM_D_FAKE] + sums[SUM_D_GRAD] + sums[SUM_D_EPSILON] + sums[SUM_D_CLASSIF];
}

/* G's, likewise. */
static inline double step_loss_g(const double sums[STEP_SUMS])
{
	return sums[SUM_G_FAKE] + sums[SUM_G_GDPP] + sums[SUM_G_CLASSIF];
}

#endif
