/* Alpha is the reference's to the last bit, at any iteration: tests/golden/README.md says where alpha_schedule.json comes from. */
#include <jansson.h>

#include "check.h"
#include "config.h"

static json_t *golden;

/* The settings of a scale with some assignments. */
static struct settings settings_of(const char *profile, int scale, const char *const *assignments)
{
	struct config *c;
	struct settings s;
	REQUIRE(!config_open(&c, profile));
	for (; assignments && *assignments; assignments++)
		CHECK_MSG(!config_set(c, *assignments, CONFIG_SET), "%s: %s", *assignments, error_text());
	const int rc = config_settings(c, scale, &s);
	config_close(c);
	CHECK_MSG(!rc, "%s", error_text());
	REQUIRE(!rc);
	return s;
}

/* Every iteration of a scale, last to first, against the list of changes. */
static void compare(const json_t *iterations, const json_t *values, const struct schedule *s)
{
	size_t i = json_array_size(iterations);
	REQUIRE(i > 0 && i == json_array_size(values));
	for (int64_t k = json_integer_value(json_array_get(iterations, --i)) + 100; k >= 0; k--) {
		while (json_integer_value(json_array_get(iterations, i)) > k)
			i--;
		const double want = json_number_value(json_array_get(values, i)), got = schedule_alpha(s, k);
		if (got != want) {
			CHECK_MSG(false, "iteration %lld: %.17g, the reference has %.17g", (long long)k, got, want);
			return;
		}
	}
	CHECK(i == 0);
}

static void compare_configuration(const char *name, const char *const *assignments)
{
	json_error_t error;
	size_t scale;
	json_t *iterations;
	if (!golden)
		golden = json_load_file("tests/golden/alpha_schedule.json", 0, &error);
	REQUIRE(golden);
	const json_t *one = json_object_get(golden, name);
	REQUIRE(json_array_size(json_object_get(one, "iter")) > 1);
	json_array_foreach(json_object_get(one, "iter"), scale, iterations) {
		struct settings s = settings_of("zoo", (int)scale, assignments);
		compare(iterations, json_array_get(json_object_get(one, "alpha"), scale), &s.alpha);
		settings_free(&s);
	}
}

TEST(the_reference_s_defaults)
{
	compare_configuration("default", NULL);
}

TEST(short_fades)
{
	static const char *const small[] = { "alphaNJumps=0,8,5,3", "alphaSizeJumps=[0,4,10,7]", NULL };
	compare_configuration("small", small);
}

TEST(custom_jumps)
{
	static const char *const custom[] = { "alphaJumpMode=custom", "iterAlphaJump=[[],[5,20,30]]", "alphaJumpVals=[[],[1,0.25,0]]", NULL };
	struct settings s = settings_of("zoo", 1, custom);
	CHECK(schedule_alpha(&s.alpha, 4) == 0 && schedule_alpha(&s.alpha, 5) == 1 && schedule_alpha(&s.alpha, 19) == 1);
	CHECK(schedule_alpha(&s.alpha, 20) == .25 && schedule_alpha(&s.alpha, 29) == .25 && schedule_alpha(&s.alpha, 30) == 0 && schedule_alpha(&s.alpha, 1000000) == 0);
	settings_free(&s);
}

TEST(fading_by_images)
{
	struct settings s = settings_of("karras", 3, NULL); /* 600,000 images in batches of 64, of 1,200,000 */
	CHECK(s.batch == 64 && s.iterations == 18750);
	CHECK(schedule_alpha(&s.alpha, 0) == 1 && schedule_alpha(&s.alpha, 1) == 1 - 64 / 600000. && schedule_alpha(&s.alpha, 9374) > 0);
	CHECK(schedule_alpha(&s.alpha, 9375) == 0);
	settings_free(&s);
}

TEST(nothing_fades_at_scale_0)
{
	static const char *const profiles[] = { "zoo", "paddle", "karras" };
	for (int i = 0; i < 3; i++) {
		struct settings s = settings_of(profiles[i], 0, NULL);
		CHECK(schedule_alpha(&s.alpha, 0) == 0);
		settings_free(&s);
	}
}
