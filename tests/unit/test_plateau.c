/* The learning rate that falls on a plateau. */
#include <math.h>

#include "check.h"
#include "plateau.h"

static struct plateau start(int64_t patience)
{
	return (struct plateau){ .factor = .5, .floor = 3e-4, .patience = patience, .rate = 1e-3, .best = NAN };
}

TEST(falls_after_more_than_patience_steps)
{
	struct plateau p = start(3);
	plateau_step(&p, 1);
	for (int i = 0; i < 3; i++)
		plateau_step(&p, 1);
	CHECK(p.rate == 1e-3);
	plateau_step(&p, 1);
	CHECK(p.rate == 5e-4);
	for (int i = 0; i < 4; i++)
		plateau_step(&p, 2);
	CHECK(p.rate == 3e-4);
	for (int i = 0; i < 40; i++)
		plateau_step(&p, 2);
	CHECK(p.rate == 3e-4);
}

TEST(a_lower_loss_starts_the_count_again)
{
	struct plateau p = start(3);
	for (int i = 0; i < 100; i++)
		plateau_step(&p, 100 - i);
	CHECK(p.rate == 1e-3 && p.best == 1 && p.bad == 0);
	for (int i = 0; i < 3; i++)
		plateau_step(&p, .99995); /* within the threshold: not lower */
	CHECK(p.rate == 1e-3 && p.bad == 3 && p.best == 1);
	plateau_step(&p, .9);
	CHECK(p.rate == 1e-3 && p.bad == 0 && p.best == .9);
}

TEST(losses_that_are_not_finite_are_not_better)
{
	struct plateau p = start(1);
	plateau_step(&p, NAN);
	CHECK(isnan(p.best) && p.bad == 1);
	plateau_step(&p, -INFINITY);
	CHECK(isnan(p.best) && p.rate == 5e-4);
	plateau_step(&p, 7);
	CHECK(p.best == 7);
}

TEST(a_rate_that_would_fall_by_next_to_nothing_stays)
{
	struct plateau p = { .factor = .5, .rate = 3e-8, .best = NAN };
	plateau_step(&p, 1);
	plateau_step(&p, 1);
	CHECK(p.rate == 1.5e-8);
	plateau_step(&p, 1);
	CHECK(p.rate == 1.5e-8); /* by 7.5e-9: PyTorch's least fall is 1e-8 */
}
