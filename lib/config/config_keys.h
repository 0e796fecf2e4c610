/* The table of keys behind config.h, and what their values may be. Private to config*.c and settings.c. */
#ifndef PGAN_CONFIG_KEYS_H
#define PGAN_CONFIG_KEYS_H

#include <jansson.h>
#include <stdbool.h>

#include "config.h"

enum config_kind {
	KIND_BOOL,
	KIND_NAMES,   /* null, names between commas, or a list of names */
	KIND_INT,     /* min … max */
	KIND_REAL,    /* min … max */
	KIND_WORD,    /* one of `words` */
	KIND_INTS,    /* a list */
	KIND_REALS,
	KIND_ENTRIES, /* {"SCALE": value of the key `words`, …}: holds from SCALE on until a larger one has another */
	KIND_OBJECTS, /* {"SCALE": {KEY: VALUE, …}, …}: likewise, each KEY for itself */
	KIND_NULL
};

struct config_key {
	const char *name;
	enum config_kind kind;
	bool per_scale;      /* also a list with a value per scale */
	bool report;         /* decides how often something is written, not what comes out */
	const char *value;   /* the default, JSON */
	const char *paddle, *karras; /* the default of these profiles; NULL: the same */
	double min, max;
	const char *words;   /* "linear|custom|images", in the order of the enumeration that they stand for */
	const char *only;    /* the value that is implemented so far, JSON; NULL: all */
	const char *doc;     /* one sentence, lower case, no full stop */
};

enum { CONFIG_KEYS = 50 };
extern const struct config_key config_keys[CONFIG_KEYS];

struct config {
	const char *profile;
	bool profile_given; /* and not only the default: a file that names another is refused */
	json_t *value[CONFIG_KEYS];
	enum config_source source[CONFIG_KEYS];
};

/* The number of a key, or -1. */
int config_find(const char *name);

/* Whether a value is as the key asks. ERR_USAGE says what it asks for: "miniBatchSize takes a whole number from 1 to 4096, not \"many\"". */
int config_check(const struct config_key *, const json_t *value) MUST_CHECK;

/* ERR_USAGE for a name that is not a key, with the nearest one. */
int config_unknown(const char *name);

/* The key's value at one scale: a borrowed reference, with schedulers and lists per scale looked up. NULL, error set: a list without an entry for the scale.
 * source: where it came from; may be NULL. */
json_t *config_at(const struct config *, const char *name, int scale, enum config_source *source);

#endif
