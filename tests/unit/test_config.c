/* Keys: what each changes, which of several values holds, and what is refused by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "config.h"

/* The settings of a scale after assignments; fails the test when there is an error. */
static struct settings settings_at(const char *profile, int scale, const char *const *assignments)
{
	struct config *c;
	struct settings s = { 0 };
	REQUIRE(!config_open(&c, profile));
	for (; assignments && *assignments; assignments++)
		CHECK_MSG(!config_set(c, *assignments, CONFIG_SET), "%s: %s", *assignments, error_text());
	const int rc = config_settings(c, scale, &s);
	config_close(c);
	CHECK_MSG(!rc, "%s", error_text());
	return s;
}

#define AT(s, scale, ...) struct settings s = settings_at("zoo", scale, (const char *const[]){ __VA_ARGS__, NULL })

TEST(defaults_are_the_reference_s)
{
	struct settings s = settings_at("zoo", 5, NULL);
	CHECK(s.arch.depth[0] == 512 && s.arch.depth[4] == 256 && s.arch.depth[5] == 128 && s.arch.latent == 512 && s.arch.leak == .2f);
	CHECK(s.arch.pixel_norm && s.arch.stddev && s.arch.equalized && s.bias_zero && !s.mirror);
	CHECK(s.iterations == 96000 && s.batch == 16 && s.lr == .001 && s.alpha.jumps == 600 && s.alpha.size == 32);
	CHECK(s.losses.loss == LOSS_WGAN && s.losses.penalty == PENALTY_WGAN_GP && s.penalty == 10 && s.penalty_every == 1 && s.losses.epsilon_d == .001);
	CHECK(s.ema == .999 && s.ema_half_life == 0);
	settings_free(&s);
	s = settings_at("zoo", 0, NULL);
	CHECK(s.iterations == 48000);
	settings_free(&s);
	s = settings_at("zoo", 8, NULL);
	CHECK(s.iterations == 200000 && s.arch.depth[8] == 16);
	settings_free(&s);
}

TEST(profiles)
{
	static const int64_t paddle[] = { 64, 64, 64, 64, 32, 22 }, karras[] = { 128, 128, 128, 64, 32, 16 };
	for (int i = 0; i < 6; i++) {
		struct settings p = settings_at("paddle", i, NULL), k = settings_at("karras", i, NULL);
		CHECK(p.batch == paddle[i] && p.lr == .001 && p.iterations == (i == 0 ? 48000 : i == 5 ? 160000 : 96000));
		CHECK(k.batch == karras[i] && k.lr == .001);
		CHECK(k.iterations == ((i == 0 ? 600000 : i == 5 ? 6600000 : 1200000) + karras[i] - 1) / karras[i]);
		CHECK(!strcmp(p.arch.profile->name, "paddle") && !strcmp(k.arch.profile->name, "karras"));
		settings_free(&p);
		settings_free(&k);
	}
}

TEST(every_key_of_the_network)
{
	AT(s, 2, "depthScales=8,9,10,11", "dimLatentVector=7", "leakyness=0.1", "perChannelNormalization=false", "miniBatchStdDev=false", "equalizedlR=false",
	   "initBiasToZero=false");
	CHECK(s.arch.depth[0] == 8 && s.arch.depth[1] == 9 && s.arch.depth[2] == 10 && s.arch.latent == 7 && s.arch.leak == .1f);
	CHECK(!s.arch.pixel_norm && !s.arch.stddev && !s.arch.equalized && !s.bias_zero);
	settings_free(&s);
}

TEST(every_key_of_the_losses)
{
	AT(s, 1, "lossMode=Logistic", "lambdaGP=0", "logisticGradReal=0.5", "epsilonD=0", "penaltyEvery=8", "GDPP=true");
	CHECK(s.losses.loss == LOSS_LOGISTIC && s.losses.penalty == PENALTY_R1 && s.penalty == .5 && s.losses.epsilon_d == 0 && s.penalty_every == 8);
	CHECK(s.losses.gdpp);
	settings_free(&s);
	AT(t, 1, "lossMode=DCGAN");
	CHECK(t.losses.loss == LOSS_BCE && t.arch.squash);
	settings_free(&t);
}

TEST(every_key_of_the_optimizer_and_the_data)
{
	AT(s, 1, "reduceOnPlateau=lossG", "plateauFactor=0.25", "plateauPatience=7", "plateauFloor=0.125", "baseLearningRate=0.002", "lrWarmup=100", "emaDecay=0.9", "emaHalfLife=10000", "emaRampup=0.05", "mirrorAugment=true");
	CHECK(s.watch == WATCH_G && s.plateau_factor == .25 && s.plateau_patience == 7 && s.plateau_floor == .125);
	CHECK(s.lr == .002 && s.lr_warmup == 100 && s.ema == .9 && s.ema_half_life == 10000 && s.ema_rampup == .05 && s.mirror);
	settings_free(&s);
}

TEST(every_key_of_the_reports)
{
	AT(s, 1, "saveIter=5", "evalIter=6", "previewIter=7", "previewImages=8", "checkpointMinutes=0.5");
	AT(t, 1, "evalIter=1");
	CHECK(s.save_iter == 5 && s.log_iter == 6 && s.preview_iter == 7 && s.preview_images == 8 && s.checkpoint_minutes == .5);
	CHECK(!strcmp(s.text, t.text)); /* they do not decide the result */
	settings_free(&s);
	settings_free(&t);
}

TEST(lists_and_single_values)
{
	AT(s, 2, "maxIterAtScale=1,2,3", "miniBatchSize=4", "baseLearningRate=[0.1,0.2,0.3]", "maxImagesAtScale=0");
	CHECK(s.iterations == 3 && s.batch == 4 && s.lr == .3);
	settings_free(&s);
}

/* Of --set; in a file brackets are JSON's. */
TEST(one_number_is_a_list_of_one)
{
	AT(s, 0, "depthScales=16");
	CHECK(s.arch.depth[0] == 16);
	settings_free(&s);
	AT(t, 2, "alphaJumpMode=custom", "iterAlphaJump=7", "alphaJumpVals=0.5");
	CHECK(t.alpha.n == 1 && t.alpha.at[0] == 7 && t.alpha.value[0] == .5);
	settings_free(&t);
}

TEST(schedulers_hold_from_the_largest_scale_below)
{
	static const struct { int scale; int64_t batch; double lr; } want[] = { { 0, 64, .003 }, { 3, 64, .003 }, { 4, 32, .001 }, { 5, 22, .001 }, { 8, 22, .001 } };
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		AT(s, want[i].scale, "miniBatchScheduler={\"0\":64,\"4\":32,\"5\":22}",
		   "configScheduler={\"0\":{\"baseLearningRate\":0.003,\"lambdaGP\":5},\"4\":{\"baseLearningRate\":0.001}}");
		CHECK_MSG(s.batch == want[i].batch && s.lr == want[i].lr, "scale %d: batch %lld, rate %g", want[i].scale, (long long)s.batch, s.lr);
		CHECK(s.penalty == 5); /* the entry of scale 4 says nothing of it, so that it stays */
		settings_free(&s);
	}
}

/* What assignments, one after another, come to at scale 0 (batch, learning rate) and how many iterations at scale 2. */
static const struct {
	const char *profile, *set[4];
	int64_t batch, iterations;
	double lr;
} later[] = {
	/* a key and the scheduler of it; paddle has a miniBatchScheduler */
	{ "paddle", { "miniBatchSize=8" }, 8, 96000, .001 },
	{ "paddle", { "miniBatchSize=8", "miniBatchScheduler={\"0\":9}" }, 9, 96000, .001 },
	{ "paddle", { "miniBatchScheduler={\"0\":9}", "miniBatchSize=8" }, 8, 96000, .001 },
	{ "zoo", { "baseLearningRate=0.5", "configScheduler={\"0\":{\"baseLearningRate\":0.25,\"miniBatchSize\":4}}" }, 4, 96000, .25 },
	{ "zoo", { "configScheduler={\"0\":{\"baseLearningRate\":0.25,\"miniBatchSize\":4}}", "baseLearningRate=0.5" }, 4, 96000, .5 },
	{ "paddle", { "configScheduler={\"0\":{\"miniBatchSize\":4}}" }, 4, 96000, .001 },
	/* iterations and images; karras counts images, 1,200,000 of them in batches of 128 at scale 2 */
	{ "karras", { NULL }, 128, 9375, .001 },
	{ "karras", { "maxIterAtScale=5" }, 128, 5, .001 },
	{ "karras", { "maxIterAtScale=5", "maxImagesAtScale=1000" }, 128, 8, .001 },
	{ "karras", { "maxImagesAtScale=1000", "maxIterAtScale=5" }, 128, 5, .001 },
	{ "karras", { "maxIterAtScale=5", "maxImagesAtScale=0" }, 128, 5, .001 },
	{ "zoo", { "maxImagesAtScale=40" }, 16, 3, .001 },
	{ "zoo", { "configScheduler={\"0\":{\"maxImagesAtScale\":40}}", "miniBatchSize=4" }, 4, 10, .001 },
	{ "karras", { "configScheduler={\"2\":{\"maxIterAtScale\":9}}" }, 128, 9, .001 },
	{ "karras", { "configScheduler={\"0\":{\"maxIterAtScale\":9}}", "maxImagesAtScale=1000" }, 128, 8, .001 },
	{ "zoo", { "configScheduler={\"0\":{\"maxImagesAtScale\":40},\"1\":{\"maxIterAtScale\":9}}" }, 16, 9, .001 },
	{ "zoo", { "configScheduler={\"0\":{\"maxIterAtScale\":9},\"1\":{\"maxImagesAtScale\":40}}" }, 16, 3, .001 },
	{ "zoo", { "configScheduler={\"0\":{\"maxImagesAtScale\":40}}", "maxIterAtScale=9" }, 16, 9, .001 },
};

static void open_later(size_t i, struct config **c)
{
	REQUIRE(!config_open(c, later[i].profile));
	for (int k = 0; later[i].set[k]; k++)
		CHECK_MSG(!config_set(*c, later[i].set[k], CONFIG_SET), "%s: %s", later[i].set[k], error_text());
}

TEST(the_one_set_later_holds)
{
	for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
		struct config *c;
		struct settings first, second;
		open_later(i, &c);
		REQUIRE(!config_settings(c, 0, &first) && !config_settings(c, 2, &second));
		CHECK_MSG(first.batch == later[i].batch && first.lr == later[i].lr && second.iterations == later[i].iterations, "%s %s: batch %lld, rate %g, %lld iterations",
		          later[i].profile, later[i].set[0], (long long)first.batch, first.lr, (long long)second.iterations);
		settings_free(&first);
		settings_free(&second);
		config_close(c);
	}
}

TEST(an_option_holds_over_all)
{
	struct config *c;
	struct settings s;
	REQUIRE(!config_open(&c, "paddle"));
	CHECK(!config_set(c, "miniBatchScheduler={\"0\":9}", CONFIG_SET) && !config_set(c, "miniBatchSize=10", CONFIG_OPTION));
	CHECK(!config_settings(c, 0, &s) && s.batch == 10);
	settings_free(&s);
	config_close(c);
}

/* As strtod() takes them, like the options of numbers. */
TEST(numbers_that_are_not_json)
{
	AT(s, 2, "baseLearningRate=.5", "lambdaGP=+5", "leakyness=1e-1", "miniBatchSize=8.", "maxIterAtScale=1,+2,3.", "alphaJumpMode=custom", "iterAlphaJump=+7",
	   "alphaJumpVals=.5");
	CHECK(s.lr == .5 && s.penalty == 5 && s.arch.leak == .1f && s.batch == 8 && s.iterations == 3 && s.alpha.n == 1 && s.alpha.at[0] == 7 && s.alpha.value[0] == .5);
	settings_free(&s);
}

/* -- refusals -- */

struct refusal {
	const char *assignment, *text;
};

static const struct refusal refused[] = {
	{ "depthScale=8", "unknown key 'depthScale': did you mean 'depthScales'?" },
	{ "baselearningrate=1", "did you mean 'baseLearningRate'?" },
	{ "colour=red", "unknown key 'colour'" },
	{ "miniBatchSize=many", "miniBatchSize takes a whole number from 1 to 4096" },
	{ "miniBatchSize=0", "miniBatchSize takes" },
	{ "miniBatchSize=2.5", "miniBatchSize takes" },
	{ "miniBatchSize=0x10", "miniBatchSize takes" },
	{ "maxIterAtScale=1,,2", "maxIterAtScale takes" },
	{ "maxIterAtScale=+1,2,", "maxIterAtScale takes" },
	{ "baseLearningRate=.5.", "baseLearningRate takes" },
	{ "baseLearningRate=", "baseLearningRate takes" },
	{ "lambdaGP=+1e999", "lambdaGP takes" },
	{ "depthScales=4,8", "depthScales takes a list of whole numbers from 5 to 8192" },
	{ "depthScales=wide", "depthScales takes a list" },
	{ "leakyness=2", "leakyness takes a number from 0 to 1" },
	{ "leakyness=NaN", "leakyness takes" },
	{ "leakyness=inf", "leakyness takes" },
	{ "equalizedlR=1", "equalizedlR takes true or false" },
	{ "lossMode=wgan", "lossMode takes one of WGANGP|Logistic|MSE|DCGAN, not \"wgan\"" },
	{ "alphaJumpMode=\"\"", "alphaJumpMode takes one of" },
	{ "lossMode=MSE|DCGAN", "lossMode takes one of WGANGP|Logistic|MSE|DCGAN, not \"MSE|DCGAN\"" },
	{ "reduceOnPlateau=lossD|lossG", "reduceOnPlateau takes one of" },
	{ "alphaJumpVals=[[0.5,2]]", "alphaJumpVals takes" },
	{ "miniBatchScheduler={\"zero\":1}", "miniBatchScheduler: 'zero' is not a scale" },
	{ "miniBatchScheduler={\"0\":-1}", "miniBatchSize takes" },
	{ "miniBatchScheduler=16", "miniBatchScheduler takes an object" },
	{ "configScheduler={\"0\":{\"baseLearningRat\":1}}", "did you mean 'baseLearningRate'?" },
	{ "configScheduler={\"0\":{\"depthScales\":[8]}}", "configScheduler: depthScales does not change from scale to scale" },
	{ "weightConditionD=-1", "weightConditionD takes a number from 0" },
	{ "selectedAttributes=[]", "selectedAttributes takes a list of names" },
	{ "selectedAttributes=[1]", "selectedAttributes takes a list of names" },
	{ "dimOutput=1", "dimOutput: only 3 is implemented yet" },
	{ "kInnerD=2", "kInnerD: only 1 is implemented yet" },
	{ "miniBatchSize", "'miniBatchSize' is not KEY=VALUE" },
	{ "=3", "'=3' is not KEY=VALUE" },
};

TEST(impossible_values_are_refused_by_name)
{
	struct config *c;
	REQUIRE(!config_open(&c, "zoo"));
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		const int rc = config_set(c, refused[i].assignment, CONFIG_SET);
		CHECK_MSG(rc == ERR_USAGE && strstr(error_text(), refused[i].text), "%s: code %d, '%s'", refused[i].assignment, rc, rc ? error_text() : "");
	}
	config_close(c);
	CHECK(config_open(&c, "karas") == ERR_USAGE && !c);
}

static void refuse_together(int scale, const char *a, const char *b, const char *text)
{
	struct config *c;
	struct settings s;
	REQUIRE(!config_open(&c, "zoo"));
	CHECK(!config_set(c, a, CONFIG_SET) && (!b || !config_set(c, b, CONFIG_SET)));
	const int rc = config_settings(c, scale, &s);
	CHECK_MSG(rc == ERR_USAGE && strstr(error_text(), text), "%s %s: code %d, '%s'", a, b ? b : "", rc, error_text());
	config_close(c);
}

TEST(values_that_cannot_be_together)
{
	refuse_together(2, "depthScales=8,8", NULL, "depthScales has 2 entries, so none for scale 2");
	refuse_together(2, "maxIterAtScale=8,8", NULL, "maxIterAtScale has 2 entries, so none for scale 2");
	refuse_together(1, "alphaNJumps=5", "alphaSizeJumps=0", "alphaSizeJumps is 0 at scale 1");
	refuse_together(1, "alphaJumpMode=custom", "alphaJumpVals=[[],[1,0]]", "iterAlphaJump has 3 and alphaJumpVals 2 values");
	refuse_together(4, "alphaJumpMode=custom", NULL, "has 4 entries, so none for scale 4");
	refuse_together(1, "alphaJumpMode=custom", "iterAlphaJump=[[],[0,7,7]]", "do not rise");
	refuse_together(0, "lambdaGP=10", "logisticGradReal=1", "only one of the two penalties");
}

/* -- files -- */

static int read_text(const char *text, struct config **c)
{
	char path[] = "/tmp/pgan-config-XXXXXX";
	const int fd = mkstemp(path);
	REQUIRE(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && !close(fd));
	REQUIRE(!config_open(c, "zoo"));
	const int rc = config_read(*c, path);
	unlink(path);
	return rc;
}

/* The reproduced system's config_celeba_cropped.json: facts, not code. */
static const char published[] =
	"{\"pathDB\": \"img_dataset/cropped_celeba\", \"config\": {\"miniBatchScheduler\": {\"0\": 64, \"1\": 64, \"2\": 64, \"3\": 64, \"4\": 32, \"5\": 22},"
	" \"configScheduler\": {\"0\": {\"baseLearningRate\": 0.003}, \"1\": {\"baseLearningRate\": 0.003}, \"2\": {\"baseLearningRate\": 0.003},"
	" \"3\": {\"baseLearningRate\": 0.003}, \"4\": {\"baseLearningRate\": 0.001}, \"5\": {\"baseLearningRate\": 0.001}},"
	" \"maxIterAtScale\": [48000, 96000, 96000, 96000, 96000, 160000]}}";

TEST(the_published_file)
{
	struct config *c;
	struct settings s;
	CHECK_MSG(!read_text(published, &c), "%s", error_text());
	CHECK(!config_settings(c, 5, &s) && s.batch == 22 && s.lr == .001 && s.iterations == 160000 && s.arch.depth[5] == 128);
	settings_free(&s);
	CHECK(!config_settings(c, 2, &s) && s.batch == 64 && s.lr == .003 && s.iterations == 96000);
	settings_free(&s);
	config_close(c);
}

TEST(bare_objects_and_bad_files)
{
	static const struct { const char *json, *text; } bad[] = {
		{ "{\"batch\": 3}", "unknown key 'batch'" }, { "{\"config\": 3}", "is not an object of keys" }, { "[1]", "is not an object of keys" },
		{ "{\"lambdaGP\": 3", "is not JSON: line 1" }, { "{\"config\": {\"lambdaGP\": \"x\"}}", "lambdaGP takes a number" },
		{ "{\"pathPartition\": \"a.h5\"}", "pathPartition is not implemented yet" }, { "", "is not JSON" },
	};
	struct config *c;
	struct settings s;
	CHECK(!read_text("{\"lambdaGP\": 3}", &c) && !config_settings(c, 0, &s) && s.penalty == 3);
	settings_free(&s);
	config_close(c);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const int rc = read_text(bad[i].json, &c);
		CHECK_MSG(rc == ERR_INPUT && strstr(error_text(), bad[i].text) && strstr(error_text(), "/tmp/pgan-config-"), "%s: code %d, '%s'", bad[i].json, rc,
		          error_text());
		config_close(c);
	}
	REQUIRE(!config_open(&c, "zoo"));
	CHECK(config_read(c, "/nowhere/x.json") == ERR_INPUT && !strcmp(error_text(), "cannot open '/nowhere/x.json': No such file or directory"));
	config_close(c);
}

/* Whatever the order of the keys in a file: what changes from scale to scale holds over the key itself, and images hold over iterations. */
TEST(a_file_has_no_order)
{
	static const char *const text[] = {
		"{\"miniBatchSize\": 3, \"miniBatchScheduler\": {\"1\": 5}, \"configScheduler\": {\"0\": {\"lambdaGP\": 1}}, \"lambdaGP\": 2, \"maxIterAtScale\": 7,"
		" \"maxImagesAtScale\": 20}",
		"{\"maxImagesAtScale\": 20, \"maxIterAtScale\": 7, \"lambdaGP\": 2, \"configScheduler\": {\"0\": {\"lambdaGP\": 1}}, \"miniBatchScheduler\": {\"1\": 5},"
		" \"miniBatchSize\": 3}",
	};
	for (int i = 0; i < 2; i++) {
		struct config *c;
		struct settings s;
		CHECK_MSG(!read_text(text[i], &c), "%s", error_text());
		CHECK(!config_settings(c, 0, &s) && s.batch == 3 && s.penalty == 1 && s.iterations == 7);
		settings_free(&s);
		CHECK(!config_settings(c, 1, &s) && s.batch == 5 && s.penalty == 1 && s.iterations == 4);
		settings_free(&s);
		config_close(c);
	}
}

/* A printed configuration, read again, is the same at every scale. */
TEST(printed_and_read_again)
{
	for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
		struct config *c, *again;
		struct settings before, after;
		char path[] = "/tmp/pgan-config-XXXXXX";
		const int fd = mkstemp(path);
		FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
		REQUIRE(out);
		open_later(i, &c);
		CHECK(!config_print(c, -1, true, out) && !fclose(out));
		REQUIRE(!config_open(&again, later[i].profile));
		CHECK_MSG(!config_read(again, path), "%s", error_text());
		for (int scale = 0; scale < 6; scale++) {
			REQUIRE(!config_settings(c, scale, &before) && !config_settings(again, scale, &after));
			CHECK_MSG(!strcmp(before.text, after.text), "%s %s, scale %d:\n%s\n%s", later[i].profile, later[i].set[0], scale, before.text, after.text);
			settings_free(&before);
			settings_free(&after);
		}
		config_close(c);
		config_close(again);
		unlink(path);
	}
}

/* The reference's file for labelled data; the labels themselves are the data set's. */
TEST(conditions)
{
	static const char file[] = "{\"pathDB\": \"x.h5\", \"pathAttribDict\": \"stats.json\", \"selectedAttributes\": [\"Smiling\", \"Male\"], \"imagefolderDataset\": false,"
				   " \"config\": {\"weightConditionG\": 1.0, \"weightConditionD\": [1.0, 0.5], \"configScheduler\": {\"1\": {\"weightConditionG\": 2}}}}";
	struct config *c;
	struct settings s;
	CHECK_MSG(!read_text(file, &c), "%s", error_text());
	REQUIRE(!config_settings(c, 1, &s));
	CHECK(s.conditional && s.condition_d == .5 && s.condition_g == 2 && !strcmp(s.selected, "Smiling,Male") && !s.equalize && !s.losses.shared_score);
	CHECK(settings_condition(&s, NULL) == ERR_USAGE && strstr(error_text(), "give it with --data"));
	settings_free(&s);
	config_close(c);
	AT(one, 0, "selectedAttributes=Male", "sharedScore=true", "equalizeAttributes=true");
	CHECK(one.conditional && !strcmp(one.selected, "Male") && one.losses.shared_score && one.equalize && one.condition_d == 0);
	AT(all, 0, "weightConditionD=1");
	CHECK(all.conditional && !all.selected && all.condition_d == 1 && all.condition_g == 0);
	AT(none, 0, "lambdaGP=1");
	CHECK(!none.conditional && !settings_condition(&none, NULL) && !none.arch.attributes.groups.n);
	settings_free(&one);
	settings_free(&all);
	settings_free(&none);
}

TEST(settings_say_what_differs)
{
	AT(a, 1, "baseLearningRate=0.002", "lambdaGP=10.0");
	AT(b, 1, "lambdaGP=10");
	AT(c, 1, "maxIterAtScale=[48000,96000]");
	char what[256];
	CHECK(settings_compare(a.text, b.text, "was", what, sizeof what) == 1 && !strcmp(what, "baseLearningRate is 0.002 and was 0.001"));
	CHECK(settings_compare(b.text, c.text, "was", what, sizeof what) == 0 && !what[0]); /* other scales do not matter */
	settings_free(&a);
	settings_free(&b);
	settings_free(&c);
}
