/* config_settings(): what a configuration comes to at one scale. */
#include <stdlib.h>
#include <string.h>

#include "conditions.h"
#include "config_keys.h"
#include "size.h"
#include "spelling.h"

/* Values at a scale; after the first failure there are none, so that the reading is a list. */
struct reader {
	const struct config *c;
	int scale, rc;
};

static const json_t *get(struct reader *r, const char *name)
{
	const json_t *value = r->rc ? NULL : config_at(r->c, name, r->scale, NULL);
	if (!value)
		r->rc = ERR_USAGE;
	return value;
}

static double real(struct reader *r, const char *name) { return json_number_value(get(r, name)); }
static int64_t whole(struct reader *r, const char *name) { return (int64_t)real(r, name); }
static bool flag(struct reader *r, const char *name) { return json_is_true(get(r, name)); }

/* The place of a word among those of its key, which is that of its enumeration. */
static int word(struct reader *r, const char *name)
{
	const char *value = json_string_value(get(r, name));
	return value ? spelling_place(config_keys[config_find(name)].words, value) : 0;
}

static void read_arch(struct reader *r, struct arch *a)
{
	const json_t *depths = get(r, "depthScales");
	*a = (struct arch){ .profile = profile_find(r->c->profile), .scale = r->scale, .latent = (int)whole(r, "dimLatentVector"), .leak = (float)real(r, "leakyness"),
		            .pixel_norm = flag(r, "perChannelNormalization"), .stddev = flag(r, "miniBatchStdDev"), .equalized = flag(r, "equalizedlR") };
	if (!r->rc && json_array_size(depths) <= (size_t)r->scale) {
		r->rc = error_set(ERR_USAGE, "depthScales has %zu entries, so none for scale %d", json_array_size(depths), r->scale);
		return;
	}
	for (int s = 0; s <= r->scale; s++)
		a->depth[s] = (int)json_number_value(json_array_get(depths, (size_t)s));
}

static void read_losses(struct reader *r, struct settings *s)
{
	const double gp = real(r, "lambdaGP"), r1 = real(r, "logisticGradReal");
	s->losses = (struct step_losses){ (enum score_loss)word(r, "lossMode"), r1 > 0 ? PENALTY_R1 : PENALTY_WGAN_GP, real(r, "epsilonD"),
		                        flag(r, "GDPP"), flag(r, "sharedScore") };
	s->arch.squash = loss_squashes(s->losses.loss);
	s->penalty = r1 > 0 ? r1 : gp;
	s->penalty_every = whole(r, "penaltyEvery");
	if (gp > 0 && r1 > 0)
		r->rc = error_set(ERR_USAGE, "lambdaGP and logisticGradReal: only one of the two penalties is implemented yet at a time; set the other to 0");
}

/* The names of a list between commas; NULL: none, or out of memory. */
static char *join(const json_t *names)
{
	char *text = NULL;
	size_t size, i;
	json_t *name;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	json_array_foreach(names, i, name)
		fprintf(out, "%s%s", i ? "," : "", json_string_value(name));
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static void read_conditions(struct reader *r, struct settings *s)
{
	const json_t *names = get(r, "selectedAttributes");
	s->condition_d = real(r, "weightConditionD");
	s->condition_g = real(r, "weightConditionG");
	s->equalize = flag(r, "equalizeAttributes");
	s->conditional = !json_is_null(names) || s->condition_d > 0 || s->condition_g > 0;
	if (!r->rc && !json_is_null(names) && !(s->selected = json_is_string(names) ? strdup(json_string_value(names)) : join(names)))
		r->rc = error_set(ERR_FAILED, "out of memory");
}

int settings_condition(struct settings *s, const char *data)
{
	if (!s->conditional)
		return 0;
	if (!data)
		return error_set(ERR_USAGE, "weightConditionD, weightConditionG, selectedAttributes: the networks depend on the labels of the data set: give it with --data");
	return conditions_attributes(&s->arch.attributes, data, s->selected);
}

static void read_custom(struct reader *r, struct schedule *s)
{
	const json_t *at = get(r, "iterAlphaJump"), *values = get(r, "alphaJumpVals");
	s->n = json_array_size(at);
	if (r->rc)
		return;
	if (json_array_size(values) != s->n) {
		r->rc = error_set(ERR_USAGE, "iterAlphaJump has %zu and alphaJumpVals %zu values for scale %d", s->n, json_array_size(values), r->scale);
		return;
	}
	if (!(s->at = size_alloc(s->n, sizeof *s->at)) || !(s->value = size_alloc(s->n, sizeof *s->value))) {
		r->rc = ERR_FAILED;
		return;
	}
	for (size_t i = 0; i < s->n; i++) {
		s->at[i] = (int64_t)json_number_value(json_array_get(at, i));
		s->value[i] = json_number_value(json_array_get(values, i));
		if (i && s->at[i] <= s->at[i - 1])
			r->rc = error_set(ERR_USAGE, "iterAlphaJump: the iterations of scale %d do not rise", r->scale);
	}
}

static void read_schedule(struct reader *r, struct schedule *s, int64_t batch)
{
	s->mode = (enum schedule_mode)word(r, "alphaJumpMode");
	s->batch = batch;
	if (!r->scale || r->rc) { /* nothing to fade in */
		s->mode = SCHEDULE_LINEAR;
	} else if (s->mode == SCHEDULE_CUSTOM) {
		read_custom(r, s);
	} else if (s->mode == SCHEDULE_IMAGES) {
		s->images = whole(r, "fadeImages");
	} else {
		s->jumps = whole(r, "alphaNJumps");
		s->size = whole(r, "alphaSizeJumps");
		if (!r->rc && s->jumps > 0 && s->size < 1)
			r->rc = error_set(ERR_USAGE, "alphaSizeJumps is 0 at scale %d, where alphaNJumps is %lld", r->scale, (long long)s->jumps);
	}
}

static void read_length(struct reader *r, struct settings *s)
{
	const int64_t images = whole(r, "maxImagesAtScale");
	s->iterations = images > 0 && s->batch > 0 ? (images + s->batch - 1) / s->batch : whole(r, "maxIterAtScale");
}

static void read_rest(struct reader *r, struct settings *s)
{
	s->lr = real(r, "baseLearningRate");
	s->lr_warmup = whole(r, "lrWarmup");
	s->watch = (enum watched_loss)word(r, "reduceOnPlateau");
	s->plateau_factor = real(r, "plateauFactor");
	s->plateau_floor = real(r, "plateauFloor");
	s->plateau_patience = whole(r, "plateauPatience");
	s->ema = real(r, "emaDecay");
	s->ema_half_life = real(r, "emaHalfLife");
	s->ema_rampup = real(r, "emaRampup");
	s->bias_zero = flag(r, "initBiasToZero");
	s->mirror = flag(r, "mirrorAugment");
	s->save_iter = whole(r, "saveIter");
	s->log_iter = whole(r, "evalIter");
	s->preview_iter = whole(r, "previewIter");
	s->preview_images = whole(r, "previewImages");
	s->swd_every = whole(r, "swdEvery");
	s->swd_images = whole(r, "swdImages");
	s->checkpoint_minutes = real(r, "checkpointMinutes");
	if (!s->preview_iter)
		s->preview_iter = (s->iterations + 9) / 10;
}

/* Numbers as one type, so that 10 and 10.0 are equal texts. */
static json_t *normal(const struct config_key *k, const json_t *value)
{
	if (k->kind == KIND_REAL)
		return json_real(json_number_value(value));
	if (k->kind == KIND_INT)
		return json_integer((json_int_t)json_number_value(value));
	return json_deep_copy(value);
}

static char *describe(const struct config *c, const struct settings *s)
{
	json_t *all = json_pack("{s:s}", "profile", c->profile);
	bool ok = all != NULL;
	for (int i = 0; ok && i < CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];
		if (k->report || k->kind >= KIND_ENTRIES)
			continue;
		const json_t *value = config_at(c, k->name, s->arch.scale, NULL);
		if (value) /* no list entry: a key that this schedule does not need */
			ok = !json_object_set_new(all, k->name, normal(k, value));
	}
	json_t *depths = ok ? json_object_get(all, "depthScales") : NULL;
	while (json_array_size(depths) > (size_t)s->arch.scale + 1)
		json_array_remove(depths, json_array_size(depths) - 1);
	ok = ok && !json_object_set_new(all, "iterations", json_integer(s->iterations));
	char *text = ok ? json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15)) : NULL;
	json_decref(all);
	return text;
}

int config_settings(const struct config *c, int scale, struct settings *s)
{
	struct reader r = { .c = c, .scale = scale };
	memset(s, 0, sizeof *s);
	read_arch(&r, &s->arch);
	read_losses(&r, s);
	read_conditions(&r, s);
	s->batch = whole(&r, "miniBatchSize");
	read_schedule(&r, &s->alpha, s->batch);
	read_length(&r, s);
	read_rest(&r, s);
	if (!r.rc && !(s->text = describe(c, s)))
		r.rc = error_set(ERR_FAILED, "out of memory");
	if (r.rc)
		settings_free(s);
	return r.rc;
}

void settings_free(struct settings *s)
{
	free(s->alpha.at);
	free(s->alpha.value);
	free(s->text);
	free(s->selected);
	memset(s, 0, sizeof *s);
}

int settings_compare(const char *mine, const char *other, const char *was, char *what, size_t size)
{
	json_t *a = json_loads(mine, 0, NULL), *b = json_loads(other, 0, NULL), *value;
	const char *name;
	size_t used = 0;
	int differ = 0;
	what[0] = 0;
	json_object_foreach(a, name, value) {
		const json_t *theirs = json_object_get(b, name);
		if (theirs && json_equal(value, theirs))
			continue;
		char *x = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
		char *y = theirs ? json_dumps(theirs, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
		if (used < size)
			used += (size_t)snprintf(what + used, size - used, "%s%s is %.60s and %s %.60s", differ ? "; " : "", name, x ? x : "?", was, y ? y : "not known");
		free(x);
		free(y);
		differ = 1;
	}
	if (!differ && !json_equal(a, b)) {
		snprintf(what, size, "it was made with other keys");
		differ = 1;
	}
	json_decref(a);
	json_decref(b);
	return differ;
}
