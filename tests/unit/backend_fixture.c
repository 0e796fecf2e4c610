#include "backend_fixture.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"

bool fixture_open(struct fixture *f, const char *device, int threads)
{
	*f = (struct fixture){ .seed = 1 };
	int rc = backend_open(&f->b, device, threads);
	if (rc == ERR_FAILED)
		return false;
	REQUIRE(rc == 0);
	return true;
}

void fixture_reset(struct fixture *f)
{
	CHECK(f->b->check(f->b) == 0);
	for (int i = 0; i < f->count; i++)
		f->b->release(f->b, f->owned[i]);
	f->count = 0;
	f->seed = 1;
}

void fixture_close(struct fixture *f)
{
	fixture_reset(f);
	backend_close(f->b);
	*f = (struct fixture){ 0 };
}

static float *own(struct fixture *f, float *data)
{
	REQUIRE(data && f->count < FIXTURE_MAX);
	return f->owned[f->count++] = data;
}

/* splitmix64 (Steele et al. 2014), its upper bits as a number in [-2,2]. */
static float next_random(struct fixture *f)
{
	uint64_t z = f->seed += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	const int64_t number = (int64_t)((z ^ (z >> 31)) >> 40);
	return f->coarse ? (float)(number >> 16) / 64 - 2 : (float)((double)number / (1 << 22) - 2);
}

float *fixture_random(struct fixture *f, size_t count)
{
	float *x = malloc((count ? count : 1) * sizeof *x);
	REQUIRE(x);
	for (size_t i = 0; i < count; i++)
		x[i] = next_random(f);
	return x;
}

struct tensor fixture_zeros(struct fixture *f, int64_t n, int c, int h, int w)
{
	struct tensor t;
	REQUIRE(backend_tensor(f->b, &t, n, c, h, w) == 0);
	own(f, t.data);
	return t;
}

struct tensor fixture_tensor(struct fixture *f, int64_t n, int c, int h, int w)
{
	struct tensor t = fixture_zeros(f, n, c, h, w);
	float *host = fixture_random(f, tensor_count(t));
	f->b->upload(f->b, t, host);
	free(host);
	return t;
}

float *fixture_floats(struct fixture *f, size_t count)
{
	return own(f, f->b->alloc(f->b, count));
}

float *fixture_values(struct fixture *f, size_t count)
{
	float *host = fixture_random(f, count), *values = fixture_floats(f, count);
	f->b->copy(f->b, values, host, count);
	free(host);
	return values;
}

float *fixture_param(struct fixture *f, struct param_shape shape)
{
	float *host = fixture_random(f, param_count(shape)), *packed = fixture_floats(f, f->b->param_size(f->b, shape));
	f->b->param_pack(f->b, shape, packed, host);
	free(host);
	return packed;
}

size_t param_count(struct param_shape p)
{
	const size_t out = (size_t)p.out, in = (size_t)p.in;
	switch (p.kind) {
	case PARAM_CONV:
		return out * in * 9;
	case PARAM_DENSE:
		return out * (size_t)p.out_pixels * in * (size_t)p.in_pixels;
	case PARAM_FROM_RGB:
	case PARAM_TO_RGB:
		return out * in;
	case PARAM_BIAS:
		return out * (size_t)p.out_pixels;
	}
	return 0;
}

size_t tensor_count(struct tensor t)
{
	return (size_t)t.n * (size_t)t.c * (size_t)t.h * (size_t)t.w;
}

double dot(const float *a, const float *b, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += (double)a[i] * b[i];
	return sum;
}

double derivative(function_of *f, const void *context, double *x, size_t i, double step)
{
	const double at = x[i];
	double side[2];
	for (int k = 0; k < 2; k++) {
		x[i] = at + (k + 1) * step;
		side[k] = f(x, context);
		x[i] = at - (k + 1) * step;
		side[k] -= f(x, context);
	}
	x[i] = at;
	return (8 * side[0] - side[1]) / (12 * step);
}

static void add_error(double got, double want, double *worst, double *largest)
{
	*worst = check_worse(*worst, fabs(got - want));
	*largest = fmax(*largest, fabs(want));
}

/* Largest |got - want| over the largest |want|; not a number when a difference is not. */
static double worst_error(const float *got, const double *want, size_t count)
{
	double worst = 0, largest = 1e-30;
	for (size_t i = 0; i < count; i++)
		add_error(got[i], want[i], &worst, &largest);
	return worst / largest;
}

double worst_difference(const float *got, const float *want, size_t count)
{
	double worst = 0, largest = 1e-30;
	for (size_t i = 0; i < count; i++)
		add_error(got[i], want[i], &worst, &largest);
	return worst / largest;
}

void expect_close(const char *what, const float *got, const double *want, size_t count, double tolerance)
{
	const double error = worst_error(got, want, count);
	CHECK_MSG(error <= tolerance, "%s: error %.3g, allowed %.3g", what, error, tolerance);
}

void expect_number(const char *what, double got, double want, double tolerance)
{
	const double error = fabs(got - want) / fmax(1, fabs(want));
	CHECK_MSG(error <= tolerance, "%s: %.9g, expected %.9g, error %.3g, allowed %.3g", what, got, want, error, tolerance);
}
