/* What a run is told: one table of keys with their defaults, and where each value came from.
 *
 * A value comes from the defaults, the profile, a JSON file, --set or an option of its own (--batch), later ones replacing earlier ones. Most keys are the
 * reference's (pytorch_GAN_zoo, models/trainer/standard_configurations/pgan_config.py) and mean what they mean there; the others are ours and off by default.
 * config_settings() then says what all of it comes to at one scale. */
#ifndef PGAN_CONFIG_H
#define PGAN_CONFIG_H

#include <stdio.h>

#include "settings.h"

enum config_source { CONFIG_DEFAULT, CONFIG_PROFILE, CONFIG_FILE, CONFIG_SET, CONFIG_OPTION };

struct config; /* values of all keys */

/* profile: "zoo", "paddle" or "karras"; NULL: zoo, unless a file names another. */
int config_open(struct config **, const char *profile) MUST_CHECK;
void config_close(struct config *); /* NULL is fine */

/* Before anything is set. Reads the reference's JSON, {"pathDB": …, "config": {…}}, or a bare object of keys; "profile" may stand beside them. An unknown key
 * or impossible value is ERR_INPUT, by name. */
int config_read(struct config *, const char *path) MUST_CHECK;

/* "KEY=VALUE"; VALUE is JSON, a number, a word, or a list with commas. An unknown key or impossible value is ERR_USAGE, by name. */
int config_set(struct config *, const char *assignment, enum config_source) MUST_CHECK;

/* Every key with its value and where that came from: a table, or an object that config_read() takes. scale: -1, or the table has what holds at that scale. */
int config_print(const struct config *, int scale, bool json, FILE *) MUST_CHECK;

/* The list of keys for the manual page; owned by the caller. NULL: out of memory. */
char *config_manual(void);

/* What all of it comes to at one scale; freed by settings_free(). Values that cannot be together, a list without an entry for the scale, or a feature not yet
 * there: ERR_USAGE, by name. */
int config_settings(const struct config *, int scale, struct settings *) MUST_CHECK;

#endif
