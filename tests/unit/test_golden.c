/* Recorded training steps of the reference, replayed on every host table: tests/golden/README.md says where they come from. And the other way round:
 * a step with one thing wrong has to fail, and to show where. */
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "record.h"

static const char *const devices[] = { "cpu", "cpu:direct", "plain" };
enum { DEVICES = sizeof devices / sizeof *devices };

/* -- verification passes -- */

struct outcome {
	const char *device, *path;
	int steps;
};

static void expect_pass(void *ctx, const struct record_result *r)
{
	struct outcome *o = ctx;
	o->steps++;
	CHECK_MSG(r->pass, "%s, %s, step %d: loss %.1e, outputs %.1e, gradients: median %.1e, worst %.1e (%s), Adam %.1e, average %.1e", o->device, o->path, r->iteration,
	          r->loss, r->output, r->grad_median, r->grad_worst, r->grad_worst_tensor, r->adam, r->ema);
}

static void verify_files(const char *pattern)
{
	glob_t files;
	REQUIRE(glob(pattern, 0, NULL, &files) == 0);
	for (int d = 0; d < DEVICES; d++) {
		const struct record_tolerance tolerance = record_tolerance_of(devices[d]);
		struct backend *be;
		REQUIRE(backend_open(&be, devices[d], 2) == 0);
		for (size_t i = 0; i < files.gl_pathc; i++) {
			struct outcome o = { devices[d], files.gl_pathv[i], 0 };
			const int rc = record_verify(be, NULL, o.path, &tolerance, expect_pass, &o);
			CHECK_MSG(rc == 0 && o.steps > 0, "%s, %s: %s", o.device, o.path, rc ? error_text() : "no step");
		}
		backend_close(be);
	}
	globfree(&files);
}

TEST(recorded_steps)
{
	verify_files("tests/golden/step_*.h5");
}

TEST(more_recorded_steps)
{
	const char *shared = getenv("PGAN_SHARED");
	char pattern[4096];
	if (!shared)
		SKIP("PGAN_SHARED is not set");
	if (getenv("PGAN_QUICK"))
		SKIP("PGAN_QUICK is set");
	snprintf(pattern, sizeof pattern, "%s/golden/step_*.h5", shared);
	verify_files(pattern);
}

/* -- a table with one thing wrong -- */

static struct backend right; /* the table before it was changed */

static struct activation own_bias_gain(struct activation a)
{
	a.bias_gain = 1;
	return a;
}

static void activate_wrong(struct backend *b, struct tensor y, const float *bias, struct activation a, struct tensor norm)
{
	right.activate(b, y, bias, own_bias_gain(a), norm);
}

static void activate_pool_wrong(struct backend *b, struct tensor pooled, struct tensor y, const float *bias, struct activation a)
{
	right.activate_pool(b, pooled, y, bias, own_bias_gain(a));
}

static void from_rgb_wrong(struct backend *b, struct tensor y, struct tensor image, const float *w, const float *bias, struct activation a)
{
	right.from_rgb(b, y, image, w, bias, own_bias_gain(a));
}

static void wrong_bias_gain(struct backend *b)
{
	b->activate = activate_wrong;
	b->activate_pool = activate_pool_wrong;
	b->from_rgb = from_rgb_wrong;
}

static struct stddev_groups (*regroup)(struct stddev_groups);

static struct stddev_groups flip_strided(struct stddev_groups s)
{
	s.strided = !s.strided;
	return s;
}

static struct stddev_groups flip_biased(struct stddev_groups s)
{
	s.biased = !s.biased;
	return s;
}

static void stddev_wrong(struct backend *b, struct tensor y, struct tensor x, struct stddev_groups s)
{
	right.stddev(b, y, x, regroup(s));
}

static void stddev_backward_wrong(struct backend *b, struct tensor dx, struct tensor dy, struct tensor x, struct stddev_groups s)
{
	right.stddev_backward(b, dx, dy, x, regroup(s));
}

static void stddev_tangent_wrong(struct backend *b, struct tensor ty, struct tensor tx, struct tensor x, struct stddev_groups s)
{
	right.stddev_tangent(b, ty, tx, x, regroup(s));
}

static void stddev_hessian_wrong(struct backend *b, struct tensor e, struct tensor dy, struct tensor x, struct tensor tx, struct stddev_groups s)
{
	right.stddev_hessian(b, e, dy, x, tx, regroup(s));
}

static void wrong_groups(struct backend *b, struct stddev_groups (*how)(struct stddev_groups))
{
	regroup = how;
	b->stddev = stddev_wrong;
	b->stddev_backward = stddev_backward_wrong;
	b->stddev_tangent = stddev_tangent_wrong;
	b->stddev_hessian = stddev_hessian_wrong;
}

static void wrong_stride(struct backend *b)
{
	wrong_groups(b, flip_strided);
}

static void wrong_bias(struct backend *b)
{
	wrong_groups(b, flip_biased);
}

static void stddev_hessian_dropped(struct backend *b, struct tensor e, struct tensor dy, struct tensor x, struct tensor tx, struct stddev_groups s)
{
	right.stddev_hessian(b, e, dy, x, tx, s);
	for (size_t j = 0; j < (size_t)e.n * e.sample_size; j++)
		e.data[j] = 0;
}

static void dropped_second_derivative(struct backend *b)
{
	b->stddev_hessian = stddev_hessian_dropped;
}

/* -- verification fails -- */

enum { LOSS = 1, MEDIAN = 2, WORST = 4, UPDATE = 8, OUTPUT = 16 };

struct failure {
	struct record_tolerance tolerance;
	int steps, exceeded; /* by any step */
	char tensor[128];
};

static void note_failure(void *ctx, const struct record_result *r)
{
	struct failure *f = ctx;
	const struct record_tolerance *t = &f->tolerance;
	f->exceeded |= (r->loss > t->loss) * LOSS | (r->grad_median > t->grad_median) * MEDIAN | (r->grad_worst > t->grad_worst) * WORST |
	               (r->adam > t->update || r->ema > t->update) * UPDATE | (r->output > t->output) * OUTPUT;
	f->steps++;
	CHECK_MSG(!r->pass, "step %d passed", r->iteration);
	snprintf(f->tensor, sizeof f->tensor, "%s", r->grad_worst_tensor);
}

/* The change makes every step of the files fail, by these errors and no others; worst: the network with the worst tensor, or NULL. */
static void expect_failure(void (*change)(struct backend *), const char *const *paths, int exceeded, const char *worst)
{
	for (int d = 0; d < DEVICES; d++)
		for (const char *const *path = paths; *path; path++) {
			struct failure f = { .tolerance = record_tolerance_of(devices[d]) };
			struct backend *be;
			REQUIRE(backend_open(&be, devices[d], 1) == 0);
			right = *be;
			change(be);
			const int rc = record_verify(be, NULL, *path, &f.tolerance, note_failure, &f);
			backend_close(be);
			CHECK_MSG(rc == 0 && f.steps > 0, "%s, %s: %s", devices[d], *path, rc ? error_text() : "no step");
			CHECK_MSG(f.exceeded == exceeded, "%s, %s: errors exceeded %d, expected %d", devices[d], *path, f.exceeded, exceeded);
			CHECK_MSG(!worst || !strncmp(f.tensor, worst, strlen(worst)), "%s, %s: worst gradient %s", devices[d], *path, f.tensor);
		}
}

static const char *const zoo[] = { "tests/golden/step_s1_b8_a060.h5", NULL };
static const char *const both[] = { "tests/golden/step_s1_b8_a060.h5", "tests/golden/step_karras_s1_b8_a060.h5", NULL };

TEST(wrong_bias_gain_fails)
{
	expect_failure(wrong_bias_gain, zoo, LOSS | OUTPUT | MEDIAN | WORST, NULL);
}

TEST(wrong_stddev_groups_fail)
{
	expect_failure(wrong_stride, both, LOSS | OUTPUT | MEDIAN | WORST, NULL);
}

TEST(wrong_stddev_variance_fails)
{
	expect_failure(wrong_bias, both, LOSS | OUTPUT | MEDIAN | WORST, NULL);
}

/* Only the layers of D below the standard deviation see it: not the losses, not the half of all gradients. */
TEST(dropped_second_derivative_fails)
{
	expect_failure(dropped_second_derivative, both, WORST, "D/fromRGBLayers.1.");
}

/* -- a table that rounds: some of its units fall on another side of the kink than the records' -- */

static void round_to_bf16(struct tensor y)
{
	for (size_t i = 0; i < (size_t)y.n * y.sample_size; i++) {
		uint32_t bits;
		memcpy(&bits, &y.data[i], sizeof bits);
		bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
		memcpy(&y.data[i], &bits, sizeof bits);
	}
}

static void conv_rounding(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	right.conv(b, y, x, w);
	round_to_bf16(y);
}

static void conv_up_rounding(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	right.conv_up(b, y, x, w);
	round_to_bf16(y);
}

static void rounding(struct backend *b)
{
	b->conv = conv_rounding;
	b->conv_up = conv_up_rounding;
}

static void rounding_and_wrong(struct backend *b)
{
	rounding(b);
	dropped_second_derivative(b);
}

struct worst {
	double gradient;
	int passed;
};

static void note_worst(void *ctx, const struct record_result *r)
{
	struct worst *worst = ctx;
	worst->gradient = fmax(worst->gradient, r->grad_worst);
	worst->passed += r->pass;
}

/* The worst gradient of a record's steps, and how many pass as steps in bfloat16 do; with the table's own sides of the kink, or these forced upon an exact one. */
static struct worst worst_of(void (*change)(struct backend *), bool forced, const char *path)
{
	struct record_tolerance tolerance = record_tolerance_of("cuda:bf16");
	struct backend *be, *exact;
	struct worst worst = { 0 };
	tolerance.rounds = forced;
	REQUIRE(!backend_open(&be, "plain", 1) && !backend_open(&exact, "cpu", 1));
	right = *be;
	change(be);
	CHECK_MSG(!record_verify(be, forced ? exact : NULL, path, &tolerance, note_worst, &worst), "%s", error_text());
	backend_close(be);
	backend_close(exact);
	return worst;
}

TEST(rounding_is_told_from_mistakes)
{
	for (size_t i = 0; i < sizeof both / sizeof *both - 1; i++) {
		const struct worst own = worst_of(rounding, false, both[i]), forced = worst_of(rounding, true, both[i]);
		CHECK_MSG(forced.passed == 2 && forced.gradient < 4e-3 && own.gradient > 10 * forced.gradient, "%s: forced sides %.1e, own %.1e", both[i], forced.gradient,
		          own.gradient);
	}
	const struct worst wrong = worst_of(rounding_and_wrong, true, both[0]);
	CHECK_MSG(!wrong.passed && wrong.gradient > 5e-2, "with a mistake %.1e", wrong.gradient);
}
