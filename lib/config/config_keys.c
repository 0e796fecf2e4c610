#include "config_keys.h"

#include <math.h>
#include <string.h>

#include "spelling.h"

#define ANY 1e15

/* What the profiles have of their own: paddle's batches are those of the reproduced system's config_celeba_cropped.json, whose learning rates it reads and
 * ignores; karras's are config.py's preset-v2-1gpu for images of 128x128, whose last scale takes what is left of 12 million images. */
const struct config_key config_keys[CONFIG_KEYS] = {
	/* the networks */
	{ "depthScales", KIND_INTS, .value = "[512,512,512,512,256,128,64,32,16]", .min = ARCH_MIN_DEPTH, .max = ARCH_MAX_DEPTH, .doc = "channels of each scale" },
	{ "dimLatentVector", KIND_INT, .value = "512", .min = ARCH_MIN_LATENT, .max = ARCH_MAX_LATENT, .doc = "values of a latent" },
	{ "dimOutput", KIND_INT, .value = "3", .min = 1, .max = 3, .only = "3", .doc = "channels of an image" },
	{ "leakyness", KIND_REAL, .value = "0.2", .min = 0, .max = 1, .doc = "slope of the leaky ReLU below 0" },
	{ "perChannelNormalization", KIND_BOOL, .value = "true", .doc = "pixel norm after every layer of G" },
	{ "miniBatchStdDev", KIND_BOOL, .value = "true", .doc = "the minibatch standard deviation as a further channel in D" },
	{ "equalizedlR", KIND_BOOL, .value = "true", .doc = "weights from N(0,1), scaled by each layer's fan; otherwise uniform in 1/sqrt(fan_in)" },
	{ "initBiasToZero", KIND_BOOL, .value = "true", .doc = "biases start at 0; otherwise, without equalizedlR, uniform in 1/sqrt(fan_in)" },
	/* the schedule */
	{ "maxIterAtScale", KIND_INT, true, .value = "[48000,96000,96000,96000,96000,96000,96000,96000,200000]", .paddle = "[48000,96000,96000,96000,96000,160000]",
	  .min = 0, .max = ANY, .doc = "iterations at each scale" },
	{ "maxImagesAtScale", KIND_INT, true, .value = "0", .karras = "[600000,1200000,1200000,1200000,1200000,6600000]", .min = 0, .max = ANY,
	  .doc = "real images at each scale, rounded up to batches; a maxIterAtScale set later, or from a larger scale on, sets it to 0; 0: maxIterAtScale holds" },
	{ "alphaJumpMode", KIND_WORD, .value = "\"linear\"", .karras = "\"images\"", .words = "linear|custom|images", .doc = "how the new layers are faded in" },
	{ "alphaNJumps", KIND_INT, true, .value = "[0,600,600,600,600,600,600,600,600]", .min = 0, .max = 1e6, .doc = "linear: jumps of alpha from 1 to 0; 0: no fading" },
	{ "alphaSizeJumps", KIND_INT, true, .value = "[0,32,32,32,32,32,32,32,32,32]", .min = 0, .max = 1e9, .doc = "linear: iterations from one jump to the next" },
	{ "iterAlphaJump", KIND_INTS, true, .value = "[[],[0,1000,2000],[0,1000,4000,8000,16000],[0,2000,4000,8000]]", .min = 0, .max = ANY,
	  .doc = "custom: iterations at which alpha changes, a list for each scale" },
	{ "alphaJumpVals", KIND_REALS, true, .value = "[[],[1,0.5,0],[1,0.75,0.5,0.25,0],[1,0.75,0.5,0]]", .min = 0, .max = 1,
	  .doc = "custom: the new values of alpha, a list for each scale" },
	{ "fadeImages", KIND_INT, true, .value = "600000", .min = 0, .max = ANY, .doc = "images: real images over which alpha falls from 1 to 0" },
	{ "miniBatchSize", KIND_INT, true, .value = "16", .paddle = "64", .min = 1, .max = 4096, .doc = "images of a batch" },
	/* losses */
	{ "lossMode", KIND_WORD, .value = "\"WGANGP\"", .words = "WGANGP|Logistic|MSE|DCGAN", .doc = "the loss of a score" },
	{ "lambdaGP", KIND_REAL, true, .value = "10", .min = 0, .max = 1e9, .doc = "weight of the gradient penalty (|grad D| - 1)^2 at interpolates; 0: none" },
	{ "logisticGradReal", KIND_REAL, true, .value = "0", .min = 0, .max = 1e9, .doc = "weight of the gradient penalty |grad D|^2 at real images (R1; half the gamma of its paper); 0: none" },
	{ "epsilonD", KIND_REAL, true, .value = "0.001", .min = 0, .max = 1e9, .doc = "weight of the drift term D(real)^2; 0: none" },
	{ "penaltyEvery", KIND_INT, true, .value = "1", .min = 1, .max = 1e6, .doc = "the gradient penalty is computed at every N-th iteration, multiplied by N" },
	{ "GDPP", KIND_BOOL, .value = "false", .doc = "the GDPP loss, added to that of G; eigenvectors are taken with the sign that makes their product positive" },
	/* labels */
	{ "weightConditionD", KIND_REAL, true, .value = "0", .min = 0, .max = 1e9,
	  .doc = "weight of the cross-entropy of the labels of real images, in D's loss; above 0 the networks are conditional" },
	{ "weightConditionG", KIND_REAL, true, .value = "0", .min = 0, .max = 1e9,
	  .doc = "weight of the cross-entropy of the labels that G's images were made for, in G's loss; above 0 the networks are conditional" },
	{ "selectedAttributes", KIND_NAMES, .value = "null", .doc = "names of the labels to use; given, the networks are conditional; null: all, if they are" },
	{ "equalizeAttributes", KIND_BOOL, .value = "false", .doc = "a label's value that c of n images have weighs min(10, n / (c + 1)) in the cross-entropy; otherwise 1" },
	{ "sharedScore", KIND_BOOL, .value = "false",
	  .doc = "as in the reference, D's logits of the labels begin with the score itself, which is then the first of them, too, and the last output is not used" },
	{ "attribKeysOrder", KIND_NULL, .value = "null", .doc = "filled in by the reference itself" },
	{ "kInnerD", KIND_INT, .value = "1", .min = 1, .max = 1000, .only = "1", .doc = "updates of D in an iteration" },
	{ "kInnerG", KIND_INT, .value = "1", .min = 1, .max = 1000, .only = "1", .doc = "updates of G in an iteration" },
	/* the optimizer */
	{ "baseLearningRate", KIND_REAL, true, .value = "0.001", .min = 0, .max = 1, .doc = "Adam's learning rate" },
	{ "lrWarmup", KIND_INT, true, .value = "0", .min = 0, .max = ANY, .doc = "iterations over which the learning rate rises from 0, at each scale" },
	{ "reduceOnPlateau", KIND_WORD, .value = "\"none\"", .words = "none|lossD|lossG",
	  .doc = "the learning rate of both networks falls when this loss has not for plateauPatience iterations" },
	{ "plateauFactor", KIND_REAL, .value = "0.5", .min = 0, .max = 1, .doc = "what it is multiplied by then" },
	{ "plateauPatience", KIND_INT, .value = "400", .min = 0, .max = ANY, .doc = "iterations without a lower loss before it falls" },
	{ "plateauFloor", KIND_REAL, .value = "0.0003", .min = 0, .max = 1, .doc = "the learning rate does not fall below" },
	/* the running average of G */
	{ "emaDecay", KIND_REAL, true, .value = "0.999", .min = 0, .max = 1, .doc = "weight of the old average at each iteration" },
	{ "emaHalfLife", KIND_REAL, true, .value = "0", .min = 0, .max = 1e12, .doc = "half-life of the average in images, instead of emaDecay; 0: off" },
	{ "emaRampup", KIND_REAL, true, .value = "0", .min = 0, .max = 1, .doc = "emaHalfLife is at most this share of the images seen at the scale; 0: off" },
	/* the data */
	{ "mirrorAugment", KIND_BOOL, .value = "false", .doc = "every image is mirrored left to right with probability 1/2" },
	/* how often something is written; these can change on the way */
	{ "saveIter", KIND_INT, .report = true, .value = "16000", .min = 1, .max = ANY, .doc = "iterations from one save to the next: a checkpoint, and a network file that is kept" },
	{ "checkpointMinutes", KIND_REAL, .report = true, .value = "10", .min = 0, .max = 1e6, .doc = "a checkpoint also after so many minutes; 0: off" },
	{ "evalIter", KIND_INT, .report = true, .value = "100", .min = 1, .max = ANY, .doc = "iterations from one row of the log to the next" },
	{ "previewIter", KIND_INT, .report = true, .value = "0", .min = 0, .max = ANY, .doc = "iterations from one preview to the next; 0: ten of them at each scale" },
	{ "swdEvery", KIND_INT, .report = true, .value = "0", .min = 0, .max = ANY,
	  .doc = "every N-th save, and the end, is judged by SWD and MS-SSIM (columns of the log), and the best one's network is kept; 0: none" },
	{ "swdImages", KIND_INT, .report = true, .value = "4096", .min = 2, .max = 1e6, .doc = "images that are judged, or as many as the data set has" },
	{ "previewImages", KIND_INT, .report = true, .value = "64", .min = 0, .max = 1024, .doc = "images of a preview; 0: no previews" },
	/* other values from some scale on; after the keys that they are of, so that they hold in a file that has both */
	{ "miniBatchScheduler", KIND_ENTRIES, .value = "{}", .paddle = "{\"0\":64,\"4\":32,\"5\":22}", .karras = "{\"0\":128,\"3\":64,\"4\":32,\"5\":16,\"6\":8,\"7\":4}",
	  .words = "miniBatchSize", .doc = "miniBatchSize from a scale on, as {\"0\": 64, \"4\": 32}; a miniBatchSize set later empties it" },
	{ "configScheduler", KIND_OBJECTS, .value = "{}",
	  .doc = "any keys from a scale on, as {\"0\": {\"baseLearningRate\": 0.003}, \"4\": {\"lambdaGP\": 5}}: each holds until a larger scale has it again; a key set later is taken out; "
	         "in the reference baseLearningRate has no effect here" },
};

int config_find(const char *name)
{
	for (int i = 0; i < CONFIG_KEYS; i++)
		if (!strcmp(config_keys[i].name, name))
			return i;
	return -1;
}

int config_unknown(const char *name)
{
	const char *meant = NULL;
	for (int i = 0; i < CONFIG_KEYS; i++)
		spelling_guess(&meant, name, strlen(name), config_keys[i].name);
	if (meant)
		return error_set(ERR_USAGE, "unknown key '%s': did you mean '%s'?", name, meant);
	return error_set(ERR_USAGE, "unknown key '%s': --print-config lists them", name);
}

/* -- checking -- */

static bool in_range(const struct config_key *k, const json_t *value)
{
	const double x = json_number_value(value);
	return json_is_number(value) && isfinite(x) && x >= k->min && x <= k->max;
}

static bool is_whole(const struct config_key *k, const json_t *value)
{
	return in_range(k, value) && floor(json_number_value(value)) == json_number_value(value);
}

static bool is_list(const struct config_key *k, const json_t *value, bool (*each)(const struct config_key *, const json_t *))
{
	size_t i;
	json_t *item;
	if (!json_is_array(value))
		return false;
	json_array_foreach(value, i, item)
		if (!each(k, item))
			return false;
	return true;
}

static bool is_name(const struct config_key *k, const json_t *value)
{
	(void)k;
	return json_string_length(value) > 0;
}

/* A single value, not a list per scale. */
static bool is_one(const struct config_key *k, const json_t *value)
{
	switch (k->kind) {
	case KIND_BOOL:
		return json_is_boolean(value);
	case KIND_NAMES:
		return json_is_null(value) || is_name(k, value) || (json_array_size(value) > 0 && is_list(k, value, is_name));
	case KIND_INT:
		return is_whole(k, value);
	case KIND_REAL:
		return in_range(k, value);
	case KIND_WORD:
		return json_is_string(value) && spelling_place(k->words, json_string_value(value)) >= 0;
	case KIND_INTS:
		return is_list(k, value, is_whole);
	case KIND_REALS:
		return is_list(k, value, in_range);
	case KIND_ENTRIES:
	case KIND_OBJECTS:
		return json_is_object(value);
	case KIND_NULL:
		break;
	}
	return json_is_null(value);
}

static int refuse(const struct config_key *k, const json_t *value)
{
	static const char *const what[] = { "true or false", "a list of names", "a whole number", "a number", "one of ", "a list of whole numbers", "a list of numbers",
		                            "an object with an entry per scale", "an object with an object per scale", "null" };
	char range[96] = "", *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	if (k->kind == KIND_WORD)
		snprintf(range, sizeof range, "%s", k->words);
	else if (k->kind >= KIND_INT && k->kind <= KIND_REALS && k->max < ANY)
		snprintf(range, sizeof range, " from %.10g to %.10g", k->min, k->max);
	else if (k->kind >= KIND_INT && k->kind <= KIND_REALS)
		snprintf(range, sizeof range, " of at least %.10g", k->min);
	error_set(ERR_USAGE, "%s takes %s%s%s, not %.60s", k->name, what[k->kind], range, k->per_scale ? ", or a list with one per scale" : "", text ? text : "this");
	free(text);
	return ERR_USAGE;
}

/* The number of a scale as the key of an entry; -1: it is none. */
static int entry_scale(const char *text)
{
	return text[0] >= '0' && text[0] <= '8' && !text[1] ? text[0] - '0' : -1;
}

static int check_object(const json_t *object)
{
	const char *name;
	json_t *value;
	int rc;
	json_object_foreach((json_t *)object, name, value) {
		const int i = config_find(name);
		if (i < 0)
			return config_unknown(name);
		if (config_keys[i].kind >= KIND_ENTRIES || config_keys[i].report || !strcmp(name, "depthScales"))
			return error_set(ERR_USAGE, "configScheduler: %s does not change from scale to scale", name);
		if ((rc = config_check(&config_keys[i], value)))
			return rc;
	}
	return 0;
}

static int check_entries(const struct config_key *k, const json_t *value)
{
	const char *scale;
	json_t *entry;
	int rc;
	json_object_foreach((json_t *)value, scale, entry) {
		if (entry_scale(scale) < 0)
			return error_set(ERR_USAGE, "%s: '%s' is not a scale from 0 to %d", k->name, scale, MAX_SCALES - 1);
		if (k->kind == KIND_OBJECTS && !json_is_object(entry))
			return refuse(k, value);
		if ((rc = k->kind == KIND_OBJECTS ? check_object(entry) : config_check(&config_keys[config_find(k->words)], entry)))
			return rc;
	}
	return 0;
}

int config_check(const struct config_key *k, const json_t *value)
{
	if (!is_one(k, value) && !(k->per_scale && is_list(k, value, is_one)))
		return refuse(k, value);
	if (k->kind == KIND_ENTRIES || k->kind == KIND_OBJECTS)
		return check_entries(k, value);
	if (k->only) {
		json_t *only = json_loads(k->only, JSON_DECODE_ANY, NULL);
		const bool same = json_is_number(only) ? json_number_value(only) == json_number_value(value) : json_equal(only, value);
		json_decref(only);
		if (!same)
			return error_set(ERR_USAGE, "%s: only %s is implemented yet (%s)", k->name, k->only, k->doc);
	}
	return 0;
}

/* -- values at a scale -- */

/* The value that the entry of the largest scale not above has: itself, or its `name`, looked for in the entries before where it has none. NULL: none. */
static json_t *value_at(const json_t *entries, int scale, const char *name)
{
	json_t *value = NULL;
	for (; !value && scale >= 0; scale--) {
		const char key[2] = { (char)('0' + scale), 0 };
		value = json_object_get(entries, key);
		if (name)
			value = json_object_get(value, name);
	}
	return value;
}

/* A list per scale is told from a single value by its elements. */
static bool is_per_scale(const struct config_key *k, const json_t *value)
{
	return k->per_scale && json_is_array(value) && (k->kind < KIND_INTS || json_is_array(json_array_get(value, 0)));
}

json_t *config_at(const struct config *c, const char *name, int scale, enum config_source *source)
{
	const int i = config_find(name), batches = config_find("miniBatchScheduler"), all = config_find("configScheduler");
	const struct config_key *k = &config_keys[i];
	json_t *value = c->value[i], *entry;
	enum config_source from = c->source[i];

	if (!strcmp(config_keys[batches].words, name) && (entry = value_at(c->value[batches], scale, NULL))) {
		value = entry;
		from = c->source[batches];
	}
	if ((entry = value_at(c->value[all], scale, name))) {
		value = entry;
		from = c->source[all];
	}
	if (source)
		*source = from;
	if (!is_per_scale(k, value))
		return value;
	entry = json_array_get(value, (size_t)scale);
	if (!entry)
		(void)error_set(ERR_USAGE, "%s has %zu entries, so none for scale %d", name, json_array_size(value), scale);
	return entry;
}
