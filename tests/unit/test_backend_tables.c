/* Every operation of every table against the plain one, on the same inputs, over odd shapes; tolerances in backend_cases.c. */
#include <stdlib.h>
#include <string.h>

#include "backend_cases.h"
#include "check.h"

static const struct {
	int64_t n;
	int in, out, side;
} shapes[] = {
	{ 1, 5, 5, 4 }, { 3, 5, 17, 4 }, { 8, 8, 16, 8 }, { 12, 16, 16, 4 }, { 3, 12, 8, 16 }, { 1, 17, 48, 8 }, { 8, 48, 17, 4 },
	{ 12, 48, 48, 8 }, { 3, 16, 5, 16 }, { 1, 48, 12, 16 }, { 8, 17, 12, 16 }, { 12, 8, 5, 4 }, { 3, 48, 16, 16 }, { 12, 5, 48, 16 },
	/* Convolutions too slow for the plain table: threads together on one chunk of tiles and on several; each thread on its own. */
	{ 12, 256, 240, 8 }, { 40, 256, 240, 8 }, { 40, 96, 80, 16 },
};
enum { SHAPES = sizeof shapes / sizeof *shapes, LARGE = SHAPES - 3 };

/* What a device adds to the tolerance. TF32 cuts the operands of linear maps to 11 bits of precision, which takes up to 2^-10 from each of two.
 * With bfloat16 pictures have 8 bits: a value that is only moved is rounded once, others are made of rounded ones and rounded again. */
static double rounding(const char *device, const struct backend_case *c, bool moved)
{
	if (strncmp(device, "cuda", 4) || strstr(device, "fp32"))
		return 0;
	if (strstr(device, "bf16"))
		return moved ? 0x1p-8 : 0x1p-6;
	return c->linear && !moved ? 0x1p-9 : 0;
}

static void compare(const char *device, const struct backend_case *c, const struct run *plain, const struct run *r)
{
	REQUIRE(plain->outputs == r->outputs);
	for (int i = 0; i < r->outputs; i++) {
		const struct run_output *want = &plain->output[i], *got = &r->output[i];
		REQUIRE(want->count == got->count);
		const double error = worst_difference(got->values, want->values, got->count);
		const double allowed = (got->guard ? 0 : c->tolerance) + rounding(device, c, got->guard || c->tolerance == 0);
		CHECK_MSG(error <= allowed, "%s, %s of %s, n %d, channels %d to %d, side %d: error %.3g, allowed %.3g (%s)", device, got->name,
			c->name, (int)r->n, r->in, r->out, r->side, error, allowed, got->guard ? "a sample beside the tensor" : c->reason);
		CHECK_MSG(!got->padded, "%s, %s of %s, n %d, channels %d to %d, side %d: padding is not zero", device, got->name, c->name,
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

/* Every shape, or under PGAN_QUICK=1 (sanitizers) every third: the plain table is slow there. */
static void compare_all(const char *const *devices, int count)
{
	enum { DEVICES = 2 };
	const size_t stride = getenv("PGAN_QUICK") ? 3 : 1;
	struct run plain = { 0 }, run[DEVICES] = { 0 };
	REQUIRE(count <= DEVICES && fixture_open(&plain.f, "plain", 2));
	for (int d = 0; d < count; d++) {
		REQUIRE(fixture_open(&run[d].f, devices[d], 2));
		run[d].f.coarse = plain.f.coarse = strstr(devices[d], "bf16") || plain.f.coarse;
	}
	for (size_t i = 0; i < backend_case_count; i++)
		for (size_t k = 0; k < LARGE; k += stride) {
			start(&plain, k);
			backend_cases[i].run(&plain);
			for (int d = 0; d < count; d++) {
				start(&run[d], k);
				backend_cases[i].run(&run[d]);
				if (run[d].f.b->check(run[d].f.b)) {
					CHECK_MSG(false, "%s, %s: %s", devices[d], backend_cases[i].name, error_text());
					return;
				}
				compare(devices[d], &backend_cases[i], &plain, &run[d]);
				run_reset(&run[d]);
			}
			run_reset(&plain);
		}
	fixture_close(&plain.f);
	for (int d = 0; d < count; d++)
		fixture_close(&run[d].f);
}

TEST(tables_agree)
{
	static const char *const devices[] = { "cpu", "cpu:direct" };
	compare_all(devices, 2);
}

/* A device that not every machine has: PGAN_TEST_DEVICE=cuda:fp32, say. */
TEST(the_table_of_a_device_agrees)
{
	const char *const device = getenv("PGAN_TEST_DEVICE");
	if (!device)
		SKIP("PGAN_TEST_DEVICE is not set");
	compare_all(&device, 1);
}

/* The cases whose name begins with `cases`, over the large shapes, against another table. */
static void compare_large(const char *cases, const char *other, int threads)
{
	struct run want = { 0 }, r = { 0 };
	REQUIRE(fixture_open(&want.f, other, 2));
	REQUIRE(fixture_open(&r.f, "cpu", threads));
	for (size_t i = 0; i < backend_case_count; i++)
		for (size_t k = LARGE; k < SHAPES && !strncmp(backend_cases[i].name, cases, strlen(cases)); k++) {
			start(&want, k);
			start(&r, k);
			backend_cases[i].run(&want);
			backend_cases[i].run(&r);
			compare("cpu", &backend_cases[i], &want, &r);
			run_reset(&want);
			run_reset(&r);
		}
	fixture_close(&want.f);
	fixture_close(&r.f);
}

TEST(large_convolutions_agree)
{
	for (int threads = 1; threads <= 3; threads++)
		compare_large("conv", "cpu:direct", threads);
}

TEST(large_dense_layers_agree)
{
	for (int threads = 1; threads <= 3; threads++)
		compare_large("dense", "plain", threads);
}

/* The same on the narrower vectors of older processors: oneDNN reads its limit once, so in a process of its own. */
TEST(tables_agree_on_avx2)
{
	if (getenv("DNNL_MAX_CPU_ISA"))
		SKIP("DNNL_MAX_CPU_ISA is set");
	CHECK(system("out=$(DNNL_MAX_CPU_ISA=AVX2 PGAN_QUICK=1 /proc/$PPID/exe tables_agree) || { echo \"$out\" | sed 's/^/# /'; exit 1; }") == 0);
}
