/* What a run is told: one table of keys with their defaults, and where each value came from.
 *
 * A value comes from the defaults, the profile, a JSON file, --set or an option of its own (--batch), later ones replacing earlier ones. Most keys are the reference's
 * (pytorch_GAN_zoo, models/trainer/standard_configurations/pgan_config.py) and mean what they mean there; the others are ours and off by default.
 * config_settings() then says what all of it comes to at one scale. */
#ifndef PGAN_CONFIG_H
#define PGAN_CONFIG_H

#include <stdio.h>

#include "schedule.h"
#include "record.h"

enum config_source { CONFIG_DEFAULT, CONFIG_PROFILE, CONFIG_FILE, CONFIG_SET, CONFIG_OPTION };

struct config; /* values of all keys */

/* profile: "zoo", "paddle" or "karras". */
int config_open(struct config **, const char *profile) MUST_CHECK;
void config_close(struct config *); /* NULL is fine */

/* Reads the reference's JSON, {"pathDB": …, "config": {…}}, or a bare object of keys. An unknown key or impossible value is ERR_INPUT, by name. */
int config_read(struct config *, const char *path) MUST_CHECK;

/* "KEY=VALUE"; VALUE is JSON, a word, or a list with commas. An unknown key or impossible value is ERR_USAGE, by name. */
int config_set(struct config *, const char *assignment, enum config_source) MUST_CHECK;

/* Every key with its value and where that came from: a table, or an object that config_read() takes. scale: -1, or print what holds at that scale. */
int config_print(const struct config *, int scale, bool json, FILE *) MUST_CHECK;

/* The list of keys for the manual page; owned by the caller. NULL: out of memory. */
char *config_manual(void);

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

/* Values that cannot be together, a list without an entry for the scale, or a feature not yet there: ERR_USAGE, by name. */
int config_settings(const struct config *, int scale, struct settings *) MUST_CHECK;
void settings_free(struct settings *); /* a zeroed struct is fine */

/* Conditional settings need the attributes that the labels of a data set have: conditions.h. data: NULL is ERR_USAGE. Others are left as they are. */
int settings_condition(struct settings *, const char *data) MUST_CHECK;

/* 0 when two texts are equal, otherwise 1 and the first differences in words: "baseLearningRate is 0.002 and was 0.001". */
int settings_compare(const char *now, const char *then, char *what, size_t size);

#endif
