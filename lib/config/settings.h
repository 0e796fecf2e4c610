/* What a configuration (config.h) comes to at one scale. */
#ifndef PGAN_SETTINGS_H
#define PGAN_SETTINGS_H

#include "schedule.h"
#include "step.h"

/* All that one scale's training depends on. */
struct settings {
	struct arch arch;
	struct step_losses losses;
	double penalty;            /* weight of the gradient penalty; 0: none */
	int64_t penalty_every;     /* steps from one penalty to the next; the weight is multiplied by it */
	bool conditional;          /* arch.attributes are still to be set: settings_condition() */
	char *selected;            /* names of the labels to use, between commas; owned. NULL: all */
	double condition_d, condition_g; /* weights of the cross-entropies of labels */
	bool equalize;             /* rare values weigh more */
	int64_t iterations, batch;
	struct schedule alpha;
	double lr;
	int64_t lr_warmup;         /* iterations over which lr rises from 0 */
	enum watched_loss { WATCH_NONE, WATCH_D, WATCH_G } watch; /* reduceOnPlateau */
	double plateau_factor, plateau_floor;
	int64_t plateau_patience;
	double ema;                /* weight of the old average, unless ema_half_life > 0 */
	double ema_half_life;      /* in images */
	double ema_rampup;         /* > 0: the half-life is at most this share of the images seen at the scale */
	bool bias_zero, mirror;
	/* What only decides how often something is written. */
	int64_t save_iter, log_iter, preview_iter, preview_images, swd_every, swd_images;
	double checkpoint_minutes;
	char *text;                /* the values at this scale that decide the result, as a JSON object with sorted keys; owned */
};

void settings_free(struct settings *); /* a zeroed struct is fine */

/* Conditional settings need the attributes that the labels of a data set have: conditions.h. data: NULL is ERR_USAGE. Others are left as they are. */
int settings_condition(struct settings *, const char *data) MUST_CHECK;

/* 0 when two texts are equal, otherwise 1 and the first differences in words, with what is said of the other: "baseLearningRate is 0.002 and was 0.001". */
int settings_compare(const char *mine, const char *other, const char *was, char *what, size_t size);

#endif
