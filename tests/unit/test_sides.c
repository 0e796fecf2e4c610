/* The sides of leaky ReLUs: noted on one table, forced upon another. */
#include <math.h>
#include <stdlib.h>

#include "backend_fixture.h"
#include "check.h"
#include "sides.h"

enum { N = 2, C = 8, SIDE = 3, COUNT = N * C * SIDE * SIDE };

static const struct activation rectified = { .weight_gain = 1, .bias_gain = 1, .leak = .2f }, linear = { .weight_gain = 1, .bias_gain = 1, .leak = 1 };

/* Three activations of 0.001 more than the values of the fixture's random numbers, or of less; `last` of these. */
static void activate(struct fixture *f, float more, struct activation act, int operations, float last[COUNT])
{
	struct backend *b = f->b;
	const struct param_shape shape = { PARAM_BIAS, C, 1, 0, 0 };
	float bias[C];
	fixture_reset(f);
	const struct tensor y = fixture_tensor(f, N, C, SIDE, SIDE), start = fixture_tensor(f, N, C, SIDE, SIDE);
	float *const packed = fixture_param(f, shape);
	for (int i = 0; i < C; i++)
		bias[i] = more;
	b->param_pack(b, shape, packed, bias);
	for (int i = 0; i < operations; i++) {
		b->copy(b, y.data, start.data, (size_t)start.n * start.sample_size);
		b->activate(b, y, packed, act, (struct tensor){ .data = NULL });
	}
	b->download(b, last, y);
	CHECK(!b->check(b));
}

/* Activations of one table, and with these sides of another, all of whose values are less by 2 * apart; how many are on another side. */
static void two(struct activation act, float apart, float noted[COUNT], float own[COUNT], float forced[COUNT])
{
	struct fixture one, other;
	struct sides sides = { .bits = NULL };
	REQUIRE(fixture_open(&one, "cpu", 1) && fixture_open(&other, "plain", 1));
	sides_note(&sides, one.b);
	activate(&one, apart, act, 3, noted);
	CHECK(!sides_end(&sides, one.b));
	activate(&other, -apart, act, 3, own);
	sides_force(&sides, other.b);
	activate(&other, -apart, act, 3, forced);
	CHECK_MSG(!sides_end(&sides, other.b), "%s", error_text());
	sides_free(&sides);
	fixture_close(&one);
	fixture_close(&other);
}

TEST(sides_are_taken_over)
{
	float noted[COUNT], own[COUNT], forced[COUNT];
	int moved = 0;
	two(rectified, .1f, noted, own, forced);
	for (int i = 0; i < COUNT; i++) {
		CHECK((forced[i] > 0) == (noted[i] > 0));
		if ((own[i] > 0) == (noted[i] > 0)) {
			CHECK(forced[i] == own[i]);
			continue;
		}
		CHECK(fabsf(forced[i]) < 1e-30f);
		moved++;
	}
	CHECK_MSG(moved > 0 && moved < COUNT / 4, "%d of %d", moved, COUNT);
}

TEST(what_is_linear_has_no_sides)
{
	float noted[COUNT], own[COUNT], forced[COUNT];
	two(linear, .1f, noted, own, forced);
	for (int i = 0; i < COUNT; i++)
		CHECK(forced[i] == own[i]);
}

TEST(a_step_of_other_operations_is_refused)
{
	struct fixture f;
	float last[COUNT];
	struct sides sides = { .bits = NULL };
	REQUIRE(fixture_open(&f, "cpu", 1));
	sides_note(&sides, f.b);
	activate(&f, 0, rectified, 2, last);
	CHECK(!sides_end(&sides, f.b));
	for (int operations = 1; operations <= 3; operations++) {
		sides.failure = 0;
		sides_force(&sides, f.b);
		activate(&f, 0, rectified, operations, last);
		CHECK(sides_end(&sides, f.b) == (operations == 2 ? 0 : ERR_FAILED));
	}
	sides_free(&sides);
	fixture_close(&f);
}
