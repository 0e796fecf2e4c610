/* The sides of leaky ReLUs: noted on one table, forced upon another. */
#include <math.h>
#include <string.h>

#include "backend_fixture.h"
#include "check.h"
#include "sides.h"

enum { N = 2, C = 8, SIDE = 4, COUNT = N * C * SIDE * SIDE };

static const struct activation rectified = { .weight_gain = 1, .bias_gain = 1, .leak = .2f }, linear = { .weight_gain = 1, .bias_gain = 1, .leak = 1 };

/* One operation that activates, of the fixture's random numbers plus `more`: y as it leaves that. One value is 0 if nothing is added. */
typedef struct tensor operation(struct fixture *, const float *bias, struct activation);

static struct tensor start(struct fixture *f)
{
	float host[COUNT];
	const struct tensor y = fixture_tensor(f, N, C, SIDE, SIDE);
	f->b->download(f->b, host, y);
	host[COUNT / 2] = 0;
	f->b->upload(f->b, y, host);
	return y;
}

static struct tensor plainly(struct fixture *f, const float *bias, struct activation act)
{
	const struct tensor y = start(f);
	f->b->activate(f->b, y, bias, act, (struct tensor){ .data = NULL });
	return y;
}

static struct tensor with_norm(struct fixture *f, const float *bias, struct activation act)
{
	const struct tensor y = start(f);
	f->b->activate(f->b, y, bias, act, fixture_zeros(f, N, 1, SIDE, SIDE));
	return y;
}

static struct tensor with_pool(struct fixture *f, const float *bias, struct activation act)
{
	const struct tensor y = start(f);
	f->b->activate_pool(f->b, fixture_zeros(f, N, C, SIDE / 2, SIDE / 2), y, bias, act);
	return y;
}

static struct tensor of_image(struct fixture *f, const float *bias, struct activation act)
{
	const struct tensor image = fixture_tensor(f, N, 3, SIDE, SIDE), y = fixture_zeros(f, N, C, SIDE, SIDE);
	f->b->from_rgb(f->b, y, image, fixture_param(f, (struct param_shape){ PARAM_FROM_RGB, C, 1, 3, 1 }), bias, act);
	return y;
}

static operation *const operations[] = { plainly, with_norm, with_pool, of_image };
enum { OPERATIONS = sizeof operations / sizeof *operations };

/* The first `n` operations, one after another; y[i]: what operation i left. */
static void run(struct fixture *f, float more, struct activation act, int n, float y[][COUNT])
{
	const struct param_shape shape = { PARAM_BIAS, C, 1, 1, 1 };
	float host[C];
	fixture_reset(f);
	float *const bias = fixture_param(f, shape);
	for (int i = 0; i < C; i++)
		host[i] = more;
	f->b->param_pack(f->b, shape, bias, host);
	for (int i = 0; i < n; i++)
		f->b->download(f->b, y[i], operations[i](f, bias, act));
	CHECK(!f->b->check(f->b));
}

/* What one table leaves, and another, all of whose sums are less by `apart`: by itself, and with the sides of the first. */
static void two(const char *first, const char *second, struct activation act, float apart, float noted[][COUNT], float own[][COUNT], float forced[][COUNT])
{
	struct fixture one, other;
	struct sides sides = { .bits = NULL };
	REQUIRE(fixture_open(&one, first, 1) && fixture_open(&other, second, 1));
	sides_note(&sides, one.b);
	run(&one, 0, act, OPERATIONS, noted);
	CHECK(!sides_end(&sides, one.b));
	run(&other, -apart, act, OPERATIONS, own);
	sides_force(&sides, other.b);
	run(&other, -apart, act, OPERATIONS, forced);
	CHECK_MSG(!sides_end(&sides, other.b), "%s", error_text());
	sides_free(&sides);
	fixture_close(&one);
	fixture_close(&other);
}

static void expect_sides(const char *first, const char *second)
{
	float noted[OPERATIONS][COUNT], own[OPERATIONS][COUNT], forced[OPERATIONS][COUNT];
	two(first, second, rectified, .2f, noted, own, forced);
	for (int k = 0; k < OPERATIONS; k++) {
		int moved = 0;
		for (int i = 0; i < COUNT; i++) {
			CHECK((forced[k][i] > 0) == (noted[k][i] > 0));
			const bool same = (own[k][i] > 0) == (noted[k][i] > 0);
			CHECK(same ? forced[k][i] == own[k][i] : fabsf(forced[k][i]) < 1e-30f);
			moved += !same;
		}
		CHECK_MSG(moved > 0 && moved < COUNT / 4, "operation %d: %d of %d", k, moved, COUNT);
	}
	CHECK(noted[0][COUNT / 2] == 0);
}

/* The plain table's activate_pool() calls its activate(); the other's does not. */
TEST(sides_are_taken_over)
{
	expect_sides("cpu", "plain");
	expect_sides("plain", "cpu");
}

TEST(what_is_linear_has_no_sides)
{
	float noted[OPERATIONS][COUNT], own[OPERATIONS][COUNT], forced[OPERATIONS][COUNT];
	two("cpu", "plain", linear, .2f, noted, own, forced);
	CHECK(!memcmp(own, forced, sizeof own));
}

TEST(a_step_of_other_operations_is_refused)
{
	struct fixture f;
	float y[OPERATIONS][COUNT];
	struct sides sides = { .bits = NULL };
	REQUIRE(fixture_open(&f, "cpu", 1));
	sides_note(&sides, f.b);
	run(&f, 0, rectified, 2, y);
	CHECK(!sides_end(&sides, f.b));
	for (int n = 1; n <= 3; n++) {
		sides_force(&sides, f.b);
		run(&f, 0, rectified, n, y);
		CHECK(sides_end(&sides, f.b) == (n == 2 ? 0 : ERR_FAILED));
	}
	sides_free(&sides);
	fixture_close(&f);
}
