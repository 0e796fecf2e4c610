/* One scale in training: the two networks, the step over them, and what a step needs as a function of (seed, iteration). */
#ifndef PGAN_TRAINER_H
#define PGAN_TRAINER_H

#include "settings.h"
#include "loader.h"
#include "netfile.h"
#include "plateau.h"

struct trainer {
	struct backend *be;               /* borrowed, as are the next two */
	const struct settings *settings;
	uint64_t seed;
	struct share share;               /* which samples of a batch are ours: all, unless the backend has joined others */
	struct network g, d;
	float *inputs;                    /* conditional: (batch,latent + code) on the host; owned */
	int *label;                       /* (batch,attributes): drawn for G's images; owned */
	struct step step;                 /* opened by the first trainer_step(), and anew when fading begins or ends */
	int64_t iteration;                /* of the next step */
	int64_t pending;                  /* steps whose sums have not been taken */
	double sums[STEP_SUMS];           /* of the last step, where steps do not run ahead */
	struct plateau plateau;           /* ->rate is the learning rate, which with reduceOnPlateau falls */
	double lr;                        /* learning rate of the last step */
	bool fading;
};

/* Networks with memory, parameters not yet set. */
int trainer_open(struct trainer *, struct backend *, const struct settings *, uint64_t seed) MUST_CHECK;
void trainer_close(struct trainer *); /* a zeroed struct is fine */

/* Sets all parameters for iteration 0: the layers of scales 0 … known from an open network file (known: -1: none), the others by the seed. Adam's moments start
 * at 0 and the average as a copy of G. */
int trainer_start(struct trainer *, struct h5file *from, int known) MUST_CHECK;

/* One step. loader: of this scale, seed and share. record: a file to record the step in, or NULL. A device may still be at it afterwards. */
int trainer_step(struct trainer *, struct loader *, const char *record) MUST_CHECK;

/* Takes the sums of the oldest finished step not yet taken (afterwards: step iteration - pending - 1), over all ranks, at every rank. Returns 1 with sums; 0 if
 * none is finished; or a failure. Call until 0 after every step. all: waits until every queued step is finished. */
int trainer_sums(struct trainer *, bool all, double sums[STEP_SUMS]) MUST_CHECK;

/* After a checkpoint was taken up: everything as it stood behind its last step, for images to be drawn and rows to be written without another step. */
int trainer_stand(struct trainer *) MUST_CHECK;

/* Alpha of an iteration; whether it computes the gradient penalty. */
double trainer_alpha(const struct trainer *, int64_t iteration);
bool trainer_penalty(const struct trainer *, int64_t iteration);

/* The scalars of step `iteration`, with the learning rate in ->lr. */
struct step_scalars trainer_scalars(const struct trainer *);

/* What a network file of the present state says of it; ->config is borrowed from the settings. */
struct netfile trainer_facts(const struct trainer *);

#endif
