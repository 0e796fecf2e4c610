/* Times the 3x3 convolution of a backend, forward, backward by data and backward by weights, on random inputs.
 *
 *   bench_conv KEY=VALUE…    n=48 in=64 out=64 side=32 iters=20 threads=0 device=cpu
 *
 * One line on stdout: the shape, then for each direction the least of `iters` times in microseconds and the effective rate in GFLOP/s (multiplications and additions
 * that a direct convolution would make). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "clock.h"

struct settings {
	const char *device;
	int64_t n;
	int in, out, side, iters, threads;
};

static void die(const char *why)
{
	fprintf(stderr, "bench_conv: %s\n", why);
	exit(1);
}

/* Memory of the backend with numbers in it; the same bytes are a tensor in one layout or another. */
static float *random_floats(struct backend *b, size_t count)
{
	float *p = b->alloc(b, count), *values = malloc(count * sizeof *values);
	struct tensor t = { p, 1, 1, 1, (int)count, count };
	if (!p || !values)
		die("out of memory");
	for (size_t i = 0; i < count; i++)
		values[i] = (float)rand() / (float)RAND_MAX - .5f;
	b->upload(b, t, values);
	free(values);
	return p;
}

/* The least time of a call in seconds, after one to warm up. */
#define LEAST(call, iters)                                                                  \
	({                                                                                  \
		double least_ = 1e9;                                                        \
		for (int i_ = -1; i_ < (iters); i_++) {                                     \
			const double start_ = clock_seconds();                                        \
			call;                                                               \
			if (i_ >= 0 && clock_seconds() - start_ < least_)                             \
				least_ = clock_seconds() - start_;                                    \
		}                                                                           \
		least_;                                                                     \
	})

static void run(const struct settings *s)
{
	struct backend *b;
	if (backend_open(&b, s->device, s->threads))
		die(error_text());
	struct tensor x = b->shape(b, s->n, s->in, s->side, s->side), y = b->shape(b, s->n, s->out, s->side, s->side);
	const struct param_shape shape = { PARAM_CONV, s->out, 1, s->in, 1 };
	x.data = random_floats(b, (size_t)x.n * x.sample_size);
	y.data = random_floats(b, (size_t)y.n * y.sample_size);
	float *w = random_floats(b, b->param_size(b, shape)), *dw = random_floats(b, b->param_size(b, shape));
	const double flop = 18. * (double)s->n * s->side * s->side * s->in * s->out;
	const double forward = LEAST(b->conv(b, y, x, w), s->iters), data = LEAST(b->conv_backward_data(b, x, y, w), s->iters),
	             weights = LEAST(b->conv_backward_weights(b, dw, x, y), s->iters);
	if (b->check(b))
		die(error_text());
	printf("%3d, %3d -> %3d, %3d: us %8.0f %8.0f %8.0f  GFLOP/s %4.0f %4.0f %4.0f\n", (int)s->n, s->in, s->out, s->side, forward * 1e6, data * 1e6, weights * 1e6,
	       flop / forward / 1e9, flop / data / 1e9, flop / weights / 1e9);
	b->release(b, x.data);
	b->release(b, y.data);
	b->release(b, w);
	b->release(b, dw);
	backend_close(b);
}

static void set(struct settings *s, const char *key, const char *value)
{
	if (!strcmp(key, "device"))
		s->device = value;
	else if (!strcmp(key, "n"))
		s->n = atoi(value);
	else if (!strcmp(key, "in"))
		s->in = atoi(value);
	else if (!strcmp(key, "out"))
		s->out = atoi(value);
	else if (!strcmp(key, "side"))
		s->side = atoi(value);
	else if (!strcmp(key, "iters"))
		s->iters = atoi(value);
	else if (!strcmp(key, "threads"))
		s->threads = atoi(value);
	else
		die("unknown key");
}

int main(int argc, char **argv)
{
	struct settings s = { .device = "cpu", .n = 48, .in = 64, .out = 64, .side = 32, .iters = 20 };
	for (int i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		if (!value)
			die("expected KEY=VALUE");
		*value = 0;
		set(&s, argv[i], value + 1);
	}
	if (s.n < 1 || s.in < 5 || s.out < 5 || s.side < 4 || s.iters < 1)
		die("a value makes no sense");
	run(&s);
	return 0;
}
