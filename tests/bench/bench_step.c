/* Times the training step and the generator on random inputs: what `make bench` prints of pgan.
 *
 *   bench_step KEY=VALUE…    depths=64,64,64 batch=16 alpha=0.5 iters=5 threads=0 device=auto profile=zoo what=step|sample
 *
 * One JSON object on stdout: medians over `iters` after two runs to warm up, on a processor the share of the time that is spent in linear maps (convolutions
 * and dense layers), their effective rate (multiplications and additions that a direct convolution would make, over the time of a whole step), and the peak of
 * the resident memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "philox.h"
#include "step.h"
#include "threads.h"

struct settings {
	struct arch arch;
	const char *device, *what;
	int64_t batch;
	int iters, threads;
	double alpha;
};

static double clock_of(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const char *why)
{
	fprintf(stderr, "bench_step: %s\n", why);
	exit(1);
}

/* -- the linear maps, counted and timed -- */

static struct backend inner; /* the table as it was */
static double linear_seconds, linear_flop;

/* What the call itself times and counts, by the table's other operations, is in this already. */
#define TIMED(call, operations)                                                             \
	do {                                                                                \
		const double start = clock_of(CLOCK_MONOTONIC), seconds = linear_seconds, flop = linear_flop; \
		call;                                                                       \
		linear_seconds = seconds + clock_of(CLOCK_MONOTONIC) - start;               \
		linear_flop = flop + (operations);                                          \
	} while (0)

static double conv_flop(struct tensor x, struct tensor y)
{
	return 18. * (double)x.n * x.h * x.w * x.c * y.c;
}

static double dense_flop(struct tensor x, struct tensor y)
{
	return 2. * (double)x.n * x.c * x.h * x.w * y.c * y.h * y.w;
}

static void conv(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	TIMED(inner.conv(b, y, x, w), conv_flop(x, y));
}

static void conv_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w)
{
	TIMED(inner.conv_backward_data(b, dx, dy, w), conv_flop(dx, dy));
}

static void conv_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	TIMED(inner.conv_backward_weights(b, dw, x, dy), conv_flop(x, dy));
}

static void conv_up(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	TIMED(inner.conv_up(b, y, x, w), 4 * conv_flop(x, y));
}

static void conv_up_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w, bool accumulate)
{
	TIMED(inner.conv_up_backward_data(b, dx, dy, w, accumulate), 4 * conv_flop(dx, dy));
}

static void conv_up_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	TIMED(inner.conv_up_backward_weights(b, dw, x, dy), 4 * conv_flop(x, dy));
}

static void conv_down(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	TIMED(inner.conv_down(b, y, x, w), conv_flop(x, y));
}

static void conv_down_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w)
{
	TIMED(inner.conv_down_backward_data(b, dx, dy, w), conv_flop(dx, dy));
}

static void conv_down_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	TIMED(inner.conv_down_backward_weights(b, dw, x, dy), conv_flop(x, dy));
}

static void dense(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	TIMED(inner.dense(b, y, x, w), dense_flop(x, y));
}

static void dense_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w)
{
	TIMED(inner.dense_backward_data(b, dx, dy, w), dense_flop(dx, dy));
}

static void dense_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	TIMED(inner.dense_backward_weights(b, dw, x, dy), dense_flop(x, dy));
}

static void time_linear_maps(struct backend *b)
{
	inner = *b;
	b->conv = conv;
	b->conv_backward_data = conv_backward_data;
	b->conv_backward_weights = conv_backward_weights;
	b->conv_up = conv_up;
	b->conv_up_backward_data = conv_up_backward_data;
	b->conv_up_backward_weights = conv_up_backward_weights;
	b->conv_down = conv_down;
	b->conv_down_backward_data = conv_down_backward_data;
	b->conv_down_backward_weights = conv_down_backward_weights;
	b->dense = dense;
	b->dense_backward_data = dense_backward_data;
	b->dense_backward_weights = dense_backward_weights;
}

/* -- what is timed -- */

struct bench {
	const struct settings *settings;
	struct backend *be;
	struct network g, d;
	struct step step;
	struct generator generator;
	uint8_t *bytes; /* of real images */
	int64_t done;
};

/* The same bytes for every step: drawing them takes longer than a small step on a fast device. */
static void random_images(struct bench *b)
{
	const struct tensor real = step_real(&b->step);
	const size_t count = (size_t)real.n * real.sample_size;
	if (!b->bytes) {
		if (!(b->bytes = malloc(count)))
			die("out of memory");
		srand(1);
		for (size_t i = 0; i < count; i++)
			b->bytes[i] = (uint8_t)(rand() >> 7);
	}
	b->be->load_images(b->be, real, b->bytes, NULL, b->step.g.fading);
}

static void run_step(struct bench *b)
{
	struct backend *be = b->be;
	const uint64_t first = (uint64_t)(b->done++ * b->settings->batch);
	random_images(b);
	be->random_normal(be, step_z_d(&b->step), 1, STREAM_LATENT_D, 0, first);
	be->random_normal(be, step_z_g(&b->step), 1, STREAM_LATENT_G, 0, first);
	be->random_uniform(be, b->step.mix, 1, STREAM_MIX, 0, first);
	step_run(&b->step, true);
}

static void run_sample(struct bench *b)
{
	struct backend *be = b->be;
	be->random_normal(be, b->generator.z, 1, 1, 0, (uint64_t)(b->done++ * b->settings->batch));
	generator_begin(&b->generator, b->settings->batch, b->g.w);
	generator_forward(&b->generator, 0, b->settings->batch, b->g.w);
}

static int open_step(struct bench *b)
{
	const struct settings *s = b->settings;
	const struct step_losses losses = { .loss = LOSS_WGAN, .penalty = PENALTY_WGAN_GP, .epsilon_d = 1e-3 };
	int rc;
	if ((rc = network_open(&b->g, b->be, &s->arch, NETWORK_G, true)) || (rc = network_open(&b->d, b->be, &s->arch, NETWORK_D, true)) ||
	    (rc = network_init(&b->g, &s->arch, 0, 1, true)) || (rc = network_init(&b->d, &s->arch, 0, 2, true)))
		return rc;
	return step_open(&b->step, b->be, &s->arch, &losses, &b->g, &b->d, s->batch, s->alpha > 0);
}

static int open_sample(struct bench *b)
{
	const struct settings *s = b->settings;
	int rc;
	if ((rc = network_open(&b->g, b->be, &s->arch, NETWORK_G, false)) || (rc = network_init(&b->g, &s->arch, 0, 1, true)))
		return rc;
	return generator_open(&b->generator, b->be, &s->arch, s->batch, s->batch, s->alpha > 0, false);
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *x, int n)
{
	qsort(x, (size_t)n, sizeof *x, by_value);
	return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* flop: of one step. */
static void report(const struct settings *s, struct backend *be, double wall, double cpu, double flop)
{
	struct rusage use;
	getrusage(RUSAGE_SELF, &use);
	printf("{\"what\": \"%s\", \"device\": \"%s\", \"details\": \"%s\", \"threads\": %d, \"depths\": [", s->what, be->name, be->details, be->threads);
	for (int i = 0; i <= s->arch.scale; i++)
		printf("%s%d", i ? ", " : "", s->arch.depth[i]);
	printf("], \"resolution\": %d, \"batch\": %d, \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"images_per_second\": %.3f, \"gflop\": %.4f, \"gflops\": %.2f, ",
	       arch_side(&s->arch), (int)s->batch, wall, cpu, (double)s->batch / wall, flop / 1e9, flop / 1e9 / wall);
	if (be->in_host_memory) /* elsewhere operations are queued, and take their time later */
		printf("\"linear_share\": %.4f, ", linear_seconds / s->iters / wall);
	printf("\"peak_mib\": %.1f}\n", (double)use.ru_maxrss / 1024);
}

static void run(const struct settings *s)
{
	const bool sample = !strcmp(s->what, "sample");
	struct bench b = { .settings = s };
	double wall[1000], cpu[1000], flop = 0;
	if (backend_open(&b.be, s->device, s->threads) || (sample ? open_sample(&b) : open_step(&b)))
		die(error_text());
	time_linear_maps(b.be);
	for (int i = -2; i < s->iters; i++) {
		if (i == -1)
			flop = linear_flop; /* of the first run: later ones may be recorded and call no operation */
		if (i == 0)
			linear_seconds = 0;
		b.be->set_scalars(b.be, &(struct step_scalars){ .alpha = (float)s->alpha, .lr = .001f, .beta2 = .99f, .eps = 1e-8f, .correction = 1, .ema = .999f, .penalty = 10 });
		const double wall_start = clock_of(CLOCK_MONOTONIC), cpu_start = clock_of(CLOCK_PROCESS_CPUTIME_ID);
		(sample ? run_sample : run_step)(&b);
		if (b.be->check(b.be))
			die(error_text());
		if (i >= 0) {
			wall[i] = clock_of(CLOCK_MONOTONIC) - wall_start;
			cpu[i] = clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
		}
	}
	report(s, b.be, median(wall, s->iters), median(cpu, s->iters), flop);
	free(b.bytes);
	step_close(&b.step);
	generator_close(&b.generator);
	network_close(&b.g);
	network_close(&b.d);
	backend_close(b.be);
}

static void set(struct settings *s, const char *key, char *value)
{
	if (!strcmp(key, "depths")) {
		s->arch.scale = -1;
		for (char *p = strtok(value, ","); p && s->arch.scale < MAX_SCALES - 1; p = strtok(NULL, ","))
			s->arch.depth[++s->arch.scale] = atoi(p);
		s->arch.latent = s->arch.depth[0];
	} else if (!strcmp(key, "batch")) {
		s->batch = atoi(value);
	} else if (!strcmp(key, "alpha")) {
		s->alpha = atof(value);
	} else if (!strcmp(key, "iters")) {
		s->iters = atoi(value);
	} else if (!strcmp(key, "threads")) {
		s->threads = atoi(value);
	} else if (!strcmp(key, "device")) {
		s->device = value;
	} else if (!strcmp(key, "profile")) {
		s->arch.profile = profile_find(value);
	} else if (!strcmp(key, "what")) {
		s->what = value;
	} else {
		die("unknown key");
	}
}

int main(int argc, char **argv)
{
	threads_spin_briefly(argv); /* as pgan-grow does */
	struct settings s = { .arch = { .profile = profile_find("zoo"), .depth = { 64, 64, 64 }, .scale = 2, .latent = 64, .leak = .2f, .pixel_norm = true,
	                                .stddev = true, .equalized = true }, .device = "auto", .what = "step", .batch = 16, .iters = 5, .alpha = .5 };
	for (int i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		if (!value)
			die("expected KEY=VALUE");
		*value = 0;
		set(&s, argv[i], value + 1);
	}
	if (!s.arch.profile || s.arch.scale < 0 || s.batch < 1 || s.iters < 1 || s.iters > 1000)
		die("a value makes no sense");
	run(&s);
	return 0;
}
