#include "config_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "manual.h"
#include "size.h"

static int parse_default(const char *text, json_t **out)
{
	*out = json_loads(text, JSON_DECODE_ANY, NULL);
	return *out ? 0 : error_set(ERR_FAILED, "out of memory");
}

/* Sets every key to what it is under a profile. */
static int set_profile(struct config *c, const struct profile *p)
{
	int rc = 0;
	c->profile = p->name;
	for (int i = 0; !rc && i < CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];
		const char *own = !strcmp(p->name, "paddle") ? k->paddle : !strcmp(p->name, "karras") ? k->karras : NULL;
		json_decref(c->value[i]);
		c->source[i] = own ? CONFIG_PROFILE : CONFIG_DEFAULT;
		rc = parse_default(own ? own : k->value, &c->value[i]);
	}
	return rc;
}

int config_open(struct config **out, const char *profile)
{
	const struct profile *p = profile_find(profile ? profile : "zoo");
	*out = NULL;
	if (!p)
		return error_set(ERR_USAGE, "unknown profile '%s': give %s", profile, profile_names);
	struct config *c = size_zalloc(1, sizeof *c);
	if (!c)
		return ERR_FAILED;
	c->profile_given = profile != NULL;
	const int rc = set_profile(c, p);
	if (rc)
		config_close(c);
	else
		*out = c;
	return rc;
}

void config_close(struct config *c)
{
	for (int i = 0; c && i < CONFIG_KEYS; i++)
		json_decref(c->value[i]);
	free(c);
}

/* -- setting one key: what it overrules is taken out, so that the values alone say what holds -- */

/* The configScheduler's own: where an entry has iterations and no images, iterations hold from there on. */
static int switch_images_off(json_t *entries)
{
	const char *scale;
	json_t *entry;
	json_object_foreach(entries, scale, entry)
		if (json_object_get(entry, "maxIterAtScale") && !json_object_get(entry, "maxImagesAtScale") &&
		    json_object_set_new(entry, "maxImagesAtScale", json_integer(0)))
			return error_set(ERR_FAILED, "out of memory");
	return 0;
}

/* Takes out what the schedulers have for a key that is set after them. */
static void leave_schedulers(struct config *c, const char *name, enum config_source source)
{
	const int batches = config_find("miniBatchScheduler"), all = config_find("configScheduler");
	const char *scale;
	json_t *entry;
	if (!strcmp(name, config_keys[batches].words) && json_object_size(c->value[batches])) {
		json_object_clear(c->value[batches]);
		c->source[batches] = source;
	}
	json_object_foreach(c->value[all], scale, entry)
		json_object_del(entry, name);
}

static void assign(struct config *c, const char *name, json_t *value, enum config_source source)
{
	const int i = config_find(name);
	json_decref(c->value[i]);
	c->value[i] = value;
	c->source[i] = source;
	leave_schedulers(c, name, source);
}

/* Takes over the reference to value. */
static int set(struct config *c, const char *name, json_t *value, enum config_source source)
{
	const int i = config_find(name);
	int rc = i < 0 ? config_unknown(name) : config_check(&config_keys[i], value);
	if (rc) {
		json_decref(value);
		return rc;
	}
	assign(c, name, value, source);
	if (config_keys[i].kind == KIND_OBJECTS)
		return switch_images_off(value);
	if (!strcmp(name, "maxIterAtScale"))
		assign(c, "maxImagesAtScale", json_integer(0), source);
	else if (!strcmp(name, "maxImagesAtScale") && (json_is_array(value) || json_number_value(value) > 0))
		leave_schedulers(c, "maxIterAtScale", source);
	return 0;
}

/* -- files -- */

/* What the reference's files have beside keys. Where the images and their labels are is told by --data; what stands for a feature that is not there is
 * refused. */
static bool is_about_data(const char *name)
{
	return !strcmp(name, "pathDB") || !strcmp(name, "datasetProfile") || !strcmp(name, "pathAttribDict") || !strcmp(name, "imagefolderDataset");
}

/* A failure with the name of the file. */
static int of_file(const char *path, int rc)
{
	char cause[512];
	if (!rc)
		return 0;
	snprintf(cause, sizeof cause, "%s", error_text());
	return error_set(ERR_INPUT, "'%s': %s", path, cause);
}

/* What the attribute `config` of a network has besides keys: the steps that came of maxIterAtScale or maxImagesAtScale. */
static const char made_with[] = "iterations";

/* Every name is a key, or one that may stand beside them. */
static int check_names(const char *path, const json_t *object, bool nested)
{
	static const char *const missing[] = { "pathPartition", "partitionValue", "pathDBMask" };
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)object, name, value) {
		for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
			if (!strcmp(name, missing[i]))
				return error_set(ERR_INPUT, "'%s': %s is not implemented yet", path, name);
		if (!nested && (is_about_data(name) || !strcmp(name, "config") || !strcmp(name, "from") || !strcmp(name, "profile") || !strcmp(name, made_with)))
			continue;
		if (config_find(name) < 0)
			return of_file(path, config_unknown(name));
	}
	return 0;
}

/* In the order of the table: that of an object's keys says nothing. */
static int read_object(struct config *c, const char *path, const json_t *object, bool nested)
{
	json_t *const iterations = nested ? NULL : json_object_get(object, made_with);
	int rc = check_names(path, object, nested);
	for (int i = 0; !rc && i < CONFIG_KEYS; i++) {
		json_t *value = json_object_get(object, config_keys[i].name);
		if (value)
			rc = of_file(path, set(c, config_keys[i].name, json_incref(value), CONFIG_FILE));
	}
	return rc || !iterations ? rc : of_file(path, set(c, "maxIterAtScale", json_incref(iterations), CONFIG_FILE));
}

/* The profile that a file names, beside keys. */
static int read_profile(struct config *c, const char *path, const json_t *root)
{
	const json_t *named = json_object_get(root, "profile");
	const struct profile *p = json_is_string(named) ? profile_find(json_string_value(named)) : NULL;
	if (!named)
		return 0;
	if (!p)
		return error_set(ERR_INPUT, "'%s': profile is one of %s", path, profile_names);
	if (!strcmp(p->name, c->profile))
		return 0;
	return c->profile_given ? error_set(ERR_USAGE, "'%s' is of the profile %s, and --profile says %s", path, p->name, c->profile) : set_profile(c, p);
}

int config_read(struct config *c, const char *path)
{
	json_error_t error;
	errno = 0;
	FILE *f = fopen(path, "r");
	if (!f)
		return error_set(ERR_INPUT, "cannot open '%s': %s", path, strerror(errno));
	json_t *root = json_loadf(f, JSON_REJECT_DUPLICATES, &error);
	fclose(f);
	if (!root)
		return error_set(ERR_INPUT, "'%s' is not JSON: line %d: %s", path, error.line, error.text);
	const json_t *inner = json_object_get(root, "config");
	int rc;
	if (!json_is_object(root) || (inner && !json_is_object(inner)))
		rc = error_set(ERR_INPUT, "'%s' is not an object of keys, with or without a \"config\" around them", path);
	else if (!(rc = read_profile(c, path, root)) && !(rc = read_object(c, path, root, false)) && inner)
		rc = read_object(c, path, inner, true);
	json_decref(root);
	return rc;
}

/* -- assignments -- */

/* Numbers between commas as strtod() takes them, which with .5, 10. and +1 are more than JSON's: one is a number, more are a list. NULL: it is something
 * else. */
static json_t *parse_numbers(const char *text)
{
	if (text[strspn(text, "+-.0123456789eE,")]) /* strtod() also takes "nan" and "0x10" */
		return NULL;
	json_t *list = json_array(), *value;
	char *end;
	for (;; text = end + 1) {
		const double x = strtod(text, &end);
		if (end == text || (*end && *end != ',') || json_array_append_new(list, json_real(x))) {
			json_decref(list);
			return NULL;
		}
		if (!*end)
			break;
	}
	if (json_array_size(list) > 1)
		return list;
	value = json_incref(json_array_get(list, 0));
	json_decref(list);
	return value;
}

/* JSON between commas. */
static json_t *parse_list(const char *text)
{
	const size_t size = strlen(text) + 3;
	char *list = strchr(text, ',') ? size_alloc(size, 1) : NULL;
	if (!list)
		return NULL;
	snprintf(list, size, "[%s]", text);
	json_t *value = json_loads(list, 0, NULL);
	free(list);
	return value;
}

/* JSON; failing that, a list with commas; failing that, a word. For a key that takes a list a number is a list of it, for one that takes names they are
 * words. */
static json_t *parse_value(const char *text, enum config_kind kind)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	if (!value && !(value = parse_list(text)))
		value = parse_numbers(text);
	if (kind == KIND_NAMES && *text != '[' && (json_is_number(value) || json_is_number(json_array_get(value, 0)))) {
		json_decref(value);
		value = NULL;
	}
	if (!value)
		return json_string(text);
	return (kind == KIND_INTS || kind == KIND_REALS) && json_is_number(value) ? json_pack("[o]", value) : value;
}

int config_set(struct config *c, const char *assignment, enum config_source source)
{
	const char *equals = strchr(assignment, '=');
	char name[64];
	if (!equals || equals == assignment || (size_t)(equals - assignment) >= sizeof name)
		return error_set(ERR_USAGE, "'%s' is not KEY=VALUE", assignment);
	snprintf(name, sizeof name, "%.*s", (int)(equals - assignment), assignment);
	const int key = config_find(name);
	json_t *value = parse_value(equals + 1, key < 0 ? KIND_NULL : config_keys[key].kind);
	if (!value)
		return error_set(ERR_USAGE, "'%s' is not KEY=VALUE", assignment);
	return set(c, name, value, source);
}

/* -- printing -- */

static const char *source_name(const struct config *c, enum config_source source)
{
	static const char *const name[] = { "default", NULL, "file", "--set", "option" };
	return source == CONFIG_PROFILE ? c->profile : name[source];
}

static char *dump(const json_t *value)
{
	return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
}

static int print_table(const struct config *c, int scale, FILE *out)
{
	fprintf(out, "%-24s %-10s %s\n", "key", "from", scale < 0 ? "value" : "value at this scale");
	for (int i = 0; i < CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];
		const json_t *value = c->value[i];
		enum config_source source = c->source[i];
		if (scale >= 0 && (k->kind == KIND_ENTRIES || k->kind == KIND_OBJECTS))
			continue;
		if (scale >= 0 && !(value = config_at(c, k->name, scale, &source)))
			value = json_null();
		char *text = dump(value);
		if (!text)
			return error_set(ERR_FAILED, "out of memory");
		fprintf(out, "%-24s %-10s %s\n", k->name, source_name(c, source), text);
		free(text);
	}
	return 0;
}

int config_print(const struct config *c, int scale, bool json, FILE *out)
{
	if (!json)
		return print_table(c, scale, out);
	json_t *values = json_object(), *from = json_object(), *root = json_pack("{s:s,s:o,s:o}", "profile", c->profile, "config", values, "from", from);
	int rc = root ? 0 : ERR_FAILED;
	for (int i = 0; !rc && i < CONFIG_KEYS; i++)
		rc = json_object_set(values, config_keys[i].name, c->value[i]) || json_object_set_new(from, config_keys[i].name, json_string(source_name(c, c->source[i])));
	char *text = rc ? NULL : json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	json_decref(root);
	if (!text)
		return error_set(ERR_FAILED, "out of memory");
	fprintf(out, "%s\n", text);
	free(text);
	return 0;
}

static void describe_key(const struct config_key *k, char *text, size_t size)
{
	int at = snprintf(text, size, "%s", k->doc);
	if (k->kind == KIND_WORD)
		at += snprintf(text + at, size - (size_t)at, "; one of %s", k->words);
	if (k->kind != KIND_NULL)
		at += snprintf(text + at, size - (size_t)at, "; default %s", k->value);
	if (k->paddle)
		at += snprintf(text + at, size - (size_t)at, ", paddle %s", k->paddle);
	if (k->karras)
		at += snprintf(text + at, size - (size_t)at, ", karras %s", k->karras);
	if (k->only)
		snprintf(text + at, size - (size_t)at, "; no other value is implemented yet");
}

char *config_manual(void)
{
	enum { INDENT = 6 };
	char *manual = NULL;
	size_t size;
	FILE *out = open_memstream(&manual, &size);
	if (!out)
		return NULL;
	for (int i = 0; i < CONFIG_KEYS; i++) {
		char text[512];
		describe_key(&config_keys[i], text, sizeof text);
		fprintf(out, "  %s%s\n%*s", config_keys[i].name, config_keys[i].per_scale ? " (a list: one for each scale)" : "", INDENT, "");
		manual_wrap(out, text, strlen(text), INDENT, INDENT);
	}
	if (fclose(out)) {
		free(manual);
		return NULL;
	}
	return manual;
}
