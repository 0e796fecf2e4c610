/* Every operation of every table against the plain one, on the same inputs, over odd shapes; tolerances in backend_cases.c. */
#include <string.h>

#include "backend_cases.h"
#include "check.h"

static const struct {
	int64_t n;
	int in, out, side;
} shapes[] = {
	{ 1, 5, 5, 4 }, { 3, 5, 17, 4 }, { 8, 8, 16, 8 }, { 12, 16, 16, 4 }, { 3, 12, 8, 16 }, { 1, 17, 48, 8 }, { 8, 48, 17, 4 },
	{ 12, 48, 48, 8 }, { 3, 16, 5, 16 }, { 1, 48, 12, 16 }, { 8, 17, 12, 16 }, { 12, 8, 5, 4 }, { 3, 48, 16, 16 }, { 12, 5, 48, 16 },
};

static void compare(const struct backend_case *c, const struct run *plain, const struct run *r)
{
	REQUIRE(plain->outputs == r->outputs);
	for (int i = 0; i < r->outputs; i++) {
		const struct run_output *want = &plain->output[i], *got = &r->output[i];
		REQUIRE(want->count == got->count);
		const double error = worst_difference(got->values, want->values, got->count), allowed = got->guard ? 0 : c->tolerance;
		CHECK_MSG(error <= allowed, "%s, %s of %s, n %d, channels %d to %d, side %d: error %.3g, allowed %.3g (%s)", r->f.b->name, got->name,
			c->name, (int)r->n, r->in, r->out, r->side, error, allowed, got->guard ? "a sample beside the tensor" : c->reason);
		CHECK_MSG(!got->padded, "%s, %s of %s, n %d, channels %d to %d, side %d: padding is not zero", r->f.b->name, got->name, c->name,
			(int)r->n, r->in, r->out, r->side);
	}
}

static void start(struct run *r, size_t shape)
{
	static const struct step_scalars scalars = {
		.alpha = .3f, .lr = .01f, .beta2 = .99f, .eps = 1e-8f, .correction = 1.5f, .ema = .9f, .penalty = 10,
	};
	r->n = shapes[shape].n;
	r->in = shapes[shape].in;
	r->out = shapes[shape].out;
	r->side = shapes[shape].side;
	r->f.b->set_scalars(r->f.b, &scalars);
}

static void compare_table(const char *device)
{
	struct run plain = { 0 }, r = { 0 };
	REQUIRE(fixture_open(&plain.f, "plain", 2));
	REQUIRE(fixture_open(&r.f, device, 2));
	for (size_t i = 0; i < backend_case_count; i++)
		for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
			start(&plain, k);
			start(&r, k);
			backend_cases[i].run(&plain);
			backend_cases[i].run(&r);
			compare(&backend_cases[i], &plain, &r);
			run_reset(&plain);
			run_reset(&r);
		}
	fixture_close(&plain.f);
	fixture_close(&r.f);
}

TEST(cpu)
{
	compare_table("cpu");
}

TEST(cpu_direct)
{
	compare_table("cpu:direct");
}
