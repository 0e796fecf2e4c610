/* The plain table's memory, losses, inputs and updates: against the reference's recorded losses, formulas in double, and differences. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend_fixture.h"
#include "check.h"
#include "host_ops.h"
#include "philox.h"
#include "pointwise.h"

static const double ROUNDING = 3e-7; /* one or two float roundings */
static const double GOLDEN = 2e-6;   /* the recorded values were computed in float32 */

/* -- opening, memory, layout -- */

TEST(open_by_name)
{
	struct backend *b;
	REQUIRE(backend_open(&b, "plain", 0) == 0);
	CHECK(!strcmp(b->name, "plain") && b->details[0] && b->threads >= 1);
	backend_close(b);
	backend_close(NULL);
	CHECK(backend_open(&b, "abacus", 0) == ERR_USAGE);
	CHECK(strstr(error_text(), "'abacus'") && strstr(error_text(), "auto") && strstr(error_text(), "cpu") && strstr(error_text(), "plain"));
}

TEST(memory)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 1));
	struct tensor t, part;
	CHECK(backend_tensor(f.b, &t, INT64_MAX, 512, 128, 128) == ERR_FAILED);
	CHECK(error_text()[0]);
	t = fixture_zeros(&f, 3, 5, 4, 2);
	CHECK((uintptr_t)t.data % 64 == 0 && t.n == 3 && t.c == 5 && t.h == 4 && t.w == 2);
	for (size_t i = 0; i < tensor_count(t); i++)
		CHECK(t.data[i] == 0);
	part = tensor_part(t, 1, 2);
	CHECK(part.data == t.data + t.sample_size && part.n == 2 && part.sample_size == t.sample_size);
	fixture_close(&f);
}

TEST(the_first_failure_is_kept)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 1));
	struct host *host = (struct host *)f.b;
	host_fail(host, 0);
	CHECK(f.b->check(f.b) == 0);
	host_fail(host, error_set(ERR_INPUT, "the first"));
	host_fail(host, error_set(ERR_FAILED, "the second"));
	(void)error_set(ERR_USAGE, "something else");
	CHECK(f.b->check(f.b) == ERR_INPUT && !strcmp(error_text(), "the first"));
	CHECK(f.b->check(f.b) == 0);
	fixture_close(&f);
}

/* Sizes that no memory has, whose product is 0 modulo 2^64. Nothing is read of the tensors. */
TEST(too_much_scratch_memory_is_a_failure)
{
	struct fixture f;
	if (!fixture_open(&f, "cpu", 1)) /* without AVX2 */
		return;
	const struct tensor large = f.b->shape(f.b, (int64_t)1 << 32, 16, 1, 1 << 26);
	f.b->dense(f.b, large, large, NULL);
	(void)error_set(ERR_USAGE, "something else");
	CHECK(f.b->check(f.b) == ERR_FAILED && strstr(error_text(), "out of memory"));
	f.b->conv_up(f.b, large, f.b->shape(f.b, (int64_t)1 << 32, 16, 1 << 15, 1 << 15), NULL);
	CHECK(f.b->check(f.b) == ERR_FAILED && strstr(error_text(), "out of memory"));
	CHECK(f.b->check(f.b) == 0);
	fixture_close(&f);
}

TEST(upload_download)
{
	enum { COUNT = 3 * 5 * 4 * 2 };
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 1));
	struct tensor t = fixture_zeros(&f, 3, 5, 4, 2);
	float *host = fixture_random(&f, COUNT), back[COUNT];
	f.b->upload(f.b, t, host);
	CHECK(t.data[(1 * 5 + 2) * 8 + 3] == host[(1 * 5 + 2) * 8 + 3]);
	f.b->download(f.b, back, t);
	CHECK(!memcmp(back, host, sizeof back));
	free(host);
	fixture_close(&f);
}

TEST(params)
{
	static const struct param_shape shapes[] = {
		{ PARAM_CONV, 5, 1, 3, 1 }, { PARAM_DENSE, 5, 16, 3, 1 }, { PARAM_DENSE, 5, 1, 3, 16 },
		{ PARAM_FROM_RGB, 5, 1, 3, 1 }, { PARAM_TO_RGB, 3, 1, 5, 1 }, { PARAM_BIAS, 5, 16, 0, 0 },
	};
	static const size_t sizes[] = { 135, 240, 240, 15, 15, 80 };
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 1));
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		float *host = fixture_random(&f, sizes[i]), *packed = fixture_floats(&f, sizes[i]), back[240];
		CHECK(f.b->param_size(f.b, shapes[i]) == sizes[i]);
		f.b->param_pack(f.b, shapes[i], packed, host);
		f.b->param_unpack(f.b, shapes[i], back, packed);
		CHECK(!memcmp(packed, host, sizes[i] * sizeof *host) && !memcmp(back, host, sizes[i] * sizeof *host));
		free(host);
	}
	fixture_close(&f);
}

TEST(scalars_reset_sums)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 1));
	double sums[STEP_SUMS];
	struct tensor s = fixture_tensor(&f, 2, 1, 1, 1), d = fixture_zeros(&f, 2, 1, 1, 1);
	f.b->score_loss(f.b, d, s, LOSS_LOGISTIC, true, 1, SUM_D_REAL);
	f.b->read_sums(f.b, sums);
	CHECK(sums[SUM_D_REAL] > 0 && sums[SUM_D_FAKE] == 0);
	f.b->set_scalars(f.b, &(struct step_scalars){ .alpha = .25f, .lr = .5f });
	CHECK(f.b->scalars.alpha == .25f && f.b->scalars.lr == .5f);
	f.b->read_sums(f.b, sums);
	for (int i = 0; i < STEP_SUMS; i++)
		CHECK(sums[i] == 0);
	fixture_close(&f);
}

/* -- losses -- */

/* The reference's values are means (scale 1/n) but for WGAN, whose are sums. */
TEST(score_loss_recorded)
{
	static const struct {
		const char *name;
		enum score_loss kind;
		bool real;
	} losses[] = {
		{ "WGANGP/real", LOSS_WGAN, true }, { "WGANGP/fake", LOSS_WGAN, false }, { "MSE/real", LOSS_MSE, true }, { "MSE/fake", LOSS_MSE, false },
		{ "Logistic/real", LOSS_LOGISTIC, true }, { "Logistic/fake", LOSS_LOGISTIC, false },
		{ "Logistic/real", LOSS_BCE, true }, { "Logistic/fake", LOSS_BCE, false },
	};
	enum { K = 2, MAX_SCORES = 16 };
	json_t *root = json_load_file("tests/golden/losses.json", 0, NULL), *scores = json_object_get(root, "scores");
	const size_t n = json_array_size(scores);
	REQUIRE(n > 0 && n <= MAX_SCORES);
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 1));
	struct tensor s = fixture_tensor(&f, (int64_t)n, K, 1, 1), d = fixture_tensor(&f, (int64_t)n, K, 1, 1);
	for (size_t i = 0; i < n; i++)
		s.data[i * K] = (float)json_real_value(json_array_get(scores, i));
	for (size_t j = 0; j < sizeof losses / sizeof *losses; j++) {
		json_t *loss = json_object_get(json_object_get(root, "losses"), losses[j].name);
		const float scale = losses[j].kind == LOSS_WGAN ? 1 : 1 / (float)n;
		double sums[STEP_SUMS];
		f.b->set_scalars(f.b, &(struct step_scalars){ 0 });
		f.b->score_loss(f.b, d, s, losses[j].kind, losses[j].real, scale, SUM_G_FAKE);
		f.b->read_sums(f.b, sums);
		expect_number(losses[j].name, sums[SUM_G_FAKE], json_number_value(json_object_get(loss, "value")), GOLDEN);
		for (size_t i = 0; i < n; i++) {
			expect_number(losses[j].name, d.data[i * K], json_number_value(json_array_get(json_object_get(loss, "grad"), i)), GOLDEN);
			CHECK(d.data[i * K + 1] == 0);
		}
	}
	json_decref(root);
	fixture_close(&f);
}

/* Far from 0 nothing overflows, and the sum counts both calls. */
TEST(score_loss_extremes)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 1));
	struct tensor s = fixture_zeros(&f, 2, 1, 1, 1), d = fixture_zeros(&f, 2, 1, 1, 1);
	double sums[STEP_SUMS];
	s.data[0] = 1e4f;
	s.data[1] = -1e4f;
	f.b->score_loss(f.b, d, s, LOSS_LOGISTIC, true, .5f, SUM_D_REAL);
	CHECK(d.data[0] == 0 && d.data[1] == -.5f);
	f.b->score_loss(f.b, d, s, LOSS_BCE, false, .5f, SUM_D_REAL);
	CHECK(d.data[0] == .5f && d.data[1] == 0);
	f.b->read_sums(f.b, sums);
	expect_number("sum", sums[SUM_D_REAL], 1e4, 1e-12);
	f.b->score_loss(f.b, d, s, LOSS_MSE, true, 1, SUM_D_FAKE);
	f.b->read_sums(f.b, sums);
	CHECK(d.data[0] == 0 && d.data[1] == 0);
	expect_number("sum", sums[SUM_D_FAKE], 1, 1e-12);
	fixture_close(&f);
}

TEST(score_drift_and_fill)
{
	enum { N = 5, K = 3 };
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 1));
	struct tensor s = fixture_tensor(&f, N, K, 1, 1), d = fixture_tensor(&f, N, K, 1, 1);
	double want[N], sum = 0, sums[STEP_SUMS];
	f.b->score_fill(f.b, d, 3.5f);
	for (int i = 0; i < N; i++) {
		CHECK(d.data[i * K] == 3.5f && d.data[i * K + 1] == 0 && d.data[i * K + 2] == 0);
		sum += .25 * s.data[i * K] * s.data[i * K];
		want[i] = 3.5 + .5 * s.data[i * K];
	}
	f.b->score_drift(f.b, d, s, .25f, SUM_D_EPSILON);
	f.b->read_sums(f.b, sums);
	expect_number("sum", sums[SUM_D_EPSILON], sum, 1e-12);
	for (int i = 0; i < N; i++) {
		expect_number("slope", d.data[i * K], want[i], ROUNDING);
		CHECK(d.data[i * K + 1] == 0 && d.data[i * K + 2] == 0);
	}
	fixture_close(&f);
}

enum { IMAGES = 3, IMAGE = 3 * 4 * 4 };

struct penalty_case {
	enum penalty_kind kind;
	double weight;
};

/* weight * sum over samples of (|g| - 1)^2 or |g|^2 */
static double penalty_loss(const double *g, const void *context)
{
	const struct penalty_case *k = context;
	double sum = 0;
	for (int i = 0; i < IMAGES; i++) {
		double square = 0;
		for (int j = 0; j < IMAGE; j++)
			square += g[i * IMAGE + j] * g[i * IMAGE + j];
		sum += k->kind == PENALTY_R1 ? square : (sqrt(square) - 1) * (sqrt(square) - 1);
	}
	return k->weight * sum;
}

TEST(gradient_penalty)
{
	for (int kind = PENALTY_WGAN_GP; kind <= PENALTY_R1; kind++) {
		struct fixture f;
		REQUIRE(fixture_open(&f, "plain", 1));
		struct tensor g = fixture_tensor(&f, IMAGES, 3, 4, 4), v = fixture_tensor(&f, IMAGES, 3, 4, 4);
		const struct penalty_case k = { (enum penalty_kind)kind, 10 * .125 };
		double x[IMAGES * IMAGE], want[IMAGES * IMAGE], norms = 0, sums[STEP_SUMS];
		for (int j = 0; j < IMAGE; j++)
			g.data[j] *= .02f; /* one norm below 1 */
		for (int j = 0; j < IMAGES * IMAGE; j++)
			x[j] = g.data[j];
		for (int j = 0; j < IMAGES * IMAGE; j++)
			want[j] = derivative(penalty_loss, &k, x, (size_t)j, 1e-4);
		for (int i = 0; i < IMAGES; i++)
			norms += sqrt(dot(g.data + i * IMAGE, g.data + i * IMAGE, IMAGE));
		f.b->set_scalars(f.b, &(struct step_scalars){ .penalty = 10 });
		f.b->gradient_penalty(f.b, v, g, k.kind, .125f);
		expect_close("gradient_penalty", v.data, want, IMAGES * IMAGE, ROUNDING);
		f.b->read_sums(f.b, sums);
		expect_number("penalty", sums[SUM_D_GRAD], penalty_loss(x, &k), 1e-12);
		expect_number("norms", sums[SUM_GRADIENT_NORM], norms, 1e-12);
		f.b->gradient_penalty(f.b, g, g, k.kind, .125f);
		CHECK(!memcmp(g.data, v.data, sizeof(float) * IMAGES * IMAGE));
		fixture_close(&f);
	}
}

TEST(gradient_penalty_of_zero)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 1));
	struct tensor g = fixture_zeros(&f, 2, 3, 4, 4), v = fixture_tensor(&f, 2, 3, 4, 4);
	double sums[STEP_SUMS];
	g.data[0] = 1e-14f; /* counts as 1e-12 in v */
	f.b->set_scalars(f.b, &(struct step_scalars){ .penalty = 10 });
	f.b->gradient_penalty(f.b, v, g, PENALTY_WGAN_GP, 1);
	expect_number("v", v.data[0], -20 * 1e-2, 1e-6);
	for (size_t j = 1; j < tensor_count(v); j++)
		CHECK(v.data[j] == 0);
	f.b->read_sums(f.b, sums);
	expect_number("penalty", sums[SUM_D_GRAD], 20, 1e-12);
	fixture_close(&f);
}

TEST(interpolate)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 1));
	struct tensor real = fixture_tensor(&f, IMAGES, 3, 4, 4), fake = fixture_tensor(&f, IMAGES, 3, 4, 4);
	struct tensor mix = fixture_tensor(&f, IMAGES, 1, 1, 1), x = fixture_tensor(&f, IMAGES, 3, 4, 4);
	double want[IMAGES * IMAGE];
	for (int j = 0; j < IMAGES * IMAGE; j++)
		want[j] = (double)mix.data[j / IMAGE] * real.data[j] + (1 - (double)mix.data[j / IMAGE]) * fake.data[j];
	f.b->interpolate(f.b, x, real, fake, mix);
	expect_close("interpolate", x.data, want, IMAGES * IMAGE, ROUNDING);
	fixture_close(&f);
}

/* -- inputs -- */

/* As written in backend.h: first mirrored, then faded. */
static void loaded(double *x, const uint8_t *host, bool mirror, double alpha, int side)
{
	double plain[64 * 64];
	for (int c = 0; c < 3; c++, x += side * side, host += side * side) {
		for (int j = 0; j < side * side; j++)
			plain[j] = host[mirror ? j / side * side + side - 1 - j % side : j] / 127.5 - 1;
		for (int j = 0; j < side * side; j++) {
			const double *block = plain + j / side / 2 * 2 * side + j % side / 2 * 2;
			x[j] = alpha * (block[0] + block[1] + block[side] + block[side + 1]) / 4 + (1 - alpha) * plain[j];
		}
	}
}

TEST(load_images)
{
	enum { SIDE = 8, COUNT = 3 * SIDE * SIDE };
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 2));
	struct tensor x = fixture_tensor(&f, 3, 3, SIDE, SIDE);
	uint8_t bytes[3 * COUNT];
	static const uint8_t mirror[3] = { 0, 1, 255 };
	double want[3 * COUNT];
	for (int j = 0; j < 3 * COUNT; j++)
		bytes[j] = (uint8_t)(j * 37 + j / 256);
	f.b->set_scalars(f.b, &(struct step_scalars){ .alpha = .3f });
	for (int k = 0; k < 4; k++) {
		for (int i = 0; i < 3; i++)
			loaded(want + i * COUNT, bytes + i * COUNT, k & 1 && mirror[i], k & 2 ? .3f : 0, SIDE);
		f.b->load_images(f.b, x, bytes, k & 1 ? mirror : NULL, k & 2);
		expect_close("load_images", x.data, want, 3 * COUNT, ROUNDING);
	}
	fixture_close(&f);
}

TEST(random_numbers)
{
	enum { N = 5, DIM = 7 };
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", 1));
	struct tensor whole = fixture_zeros(&f, N, DIM, 1, 1), part = fixture_zeros(&f, 2, DIM, 1, 1);
	float want[N * DIM];
	f.b->random_normal(f.b, whole, 12345, STREAM_LATENT_D, 6, 0);
	philox_normal(12345, STREAM_LATENT_D, 6, 0, N * DIM, want);
	CHECK(!memcmp(whole.data, want, sizeof want));
	f.b->random_normal(f.b, part, 12345, STREAM_LATENT_D, 6, 3);
	CHECK(!memcmp(part.data, want + 3 * DIM, 2 * DIM * sizeof *want));
	f.b->random_uniform(f.b, whole, 12345, STREAM_MIX, 6, 0);
	philox_uniform(12345, STREAM_MIX, 6, 0, N * DIM, want);
	CHECK(!memcmp(whole.data, want, sizeof want));
	f.b->random_uniform(f.b, part, 12345, STREAM_MIX, 6, 3);
	CHECK(!memcmp(part.data, want + 3 * DIM, 2 * DIM * sizeof *want));
	fixture_close(&f);
}

/* -- updates -- */

/* Two steps of Adam and the running average in double, from the same float inputs. */
static void adam_count(size_t count, bool with_average, int threads)
{
	struct fixture f;
	REQUIRE(fixture_open(&f, "plain", threads));
	const struct step_scalars s = { .lr = .01f, .beta2 = .99f, .eps = 1e-8f, .correction = 1 / (1 - .99f * .99f), .ema = .9f };
	const size_t room = count + 1;
	float *w = fixture_values(&f, room), *g = fixture_values(&f, room), *v = fixture_values(&f, room), *average = fixture_values(&f, room);
	double *want = calloc(3 * room, sizeof *want), *want_v = want + room, *want_average = want_v + room, norm = 0, nonfinite = 0, sums[STEP_SUMS];
	REQUIRE(want);
	for (size_t i = 0; i < room; i++)
		v[i] = fabsf(v[i]);
	if (count > 3) {
		g[0] = NAN;
		g[1] = INFINITY;
		g[count - 1] = -INFINITY;
		g[2] = 0;
	}
	for (size_t i = 0; i < count; i++) {
		const double gi = isfinite(g[i]) ? g[i] : 0;
		nonfinite += !isfinite(g[i]);
		norm += gi * gi;
		want_v[i] = s.beta2 * (double)v[i] + (1 - (double)s.beta2) * gi * gi;
		want[i] = w[i] - s.lr * gi / (sqrt(want_v[i] * s.correction) + s.eps);
		want_average[i] = s.ema * (double)average[i] + (1 - (double)s.ema) * want[i];
	}
	const float after[4] = { w[count], v[count], average[count], average[0] };
	f.b->set_scalars(f.b, &s);
	f.b->adam(f.b, w, g, v, with_average ? average : NULL, count, SUM_D_GRADIENT, SUM_D_NONFINITE);
	if (count) {
		expect_close("adam, v", v, want_v, count, ROUNDING);
		expect_close("adam, w", w, want, count, ROUNDING);
		if (with_average)
			expect_close("adam, average", average, want_average, count, ROUNDING);
	}
	CHECK(w[count] == after[0] && v[count] == after[1] && average[count] == after[2] && (with_average || average[0] == after[3]));
	f.b->adam(f.b, w, g, v, NULL, count, SUM_D_GRADIENT, SUM_D_NONFINITE);
	f.b->read_sums(f.b, sums);
	expect_number("adam, sum of squares", sums[SUM_D_GRADIENT], 2 * norm, 1e-12);
	CHECK(sums[SUM_D_NONFINITE] == 2 * nonfinite && sums[SUM_G_GRADIENT] == 0 && sums[SUM_G_NONFINITE] == 0);
	free(want);
	fixture_close(&f);
}

TEST(adam)
{
	static const size_t counts[] = { 0, 1, 5, 63, 64, 65, 1000, 4097 };
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		adam_count(counts[i], i % 2, 1 + (int)i % 3);
}

TEST(adam_threads_do_not_matter)
{
	enum { COUNT = 3001 };
	double sums[2][STEP_SUMS];
	for (int k = 0; k < 2; k++) {
		struct fixture f;
		REQUIRE(fixture_open(&f, "plain", k ? 3 : 1));
		float *w = fixture_values(&f, COUNT), *g = fixture_values(&f, COUNT), *v = fixture_floats(&f, COUNT);
		f.b->set_scalars(f.b, &(struct step_scalars){ .beta2 = .99f, .eps = 1e-8f, .correction = 1 });
		f.b->adam(f.b, w, g, v, NULL, COUNT, SUM_G_GRADIENT, SUM_G_NONFINITE);
		f.b->read_sums(f.b, sums[k]);
		fixture_close(&f);
	}
	CHECK(sums[0][SUM_G_GRADIENT] > 0 && !memcmp(sums[0], sums[1], sizeof sums[0]));
}
