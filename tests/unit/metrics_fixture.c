#include "metrics_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "h5file.h"
#include "size.h"

static bool whole;

void golden_whole(void)
{
	if (!getenv("PGAN_SHARED"))
		SKIP("PGAN_SHARED is not set");
	whole = true;
}

void golden_small(void)
{
	whole = false;
}

static void *golden(const char *name, enum h5_type type, size_t size, size_t n)
{
	const char *folder = getenv(whole ? "PGAN_SHARED" : "PGAN_TESTS");
	char path[4096];
	struct h5file *f = NULL;
	void *out = size_alloc(n, size);
	snprintf(path, sizeof path, "%s/golden/metrics.h5", folder ? folder : "tests");
	int rc = out ? h5_open(&f, path) : ERR_FAILED;
	if (!rc) {
		rc = h5_read(f, name, type, out, n);
		const int closed = h5_close(&f);
		rc = rc ? rc : closed;
	}
	CHECK_MSG(!rc, "%s: %s", name, error_text());
	if (!rc)
		return out;
	free(out);
	return NULL;
}

float *golden_floats(const char *name, size_t n)
{
	return golden(name, H5_F32, sizeof(float), n);
}

double *golden_doubles(const char *name, size_t n)
{
	return golden(name, H5_F64, sizeof(double), n);
}

double largest_difference(const float *a, const float *b, size_t n)
{
	double largest = 0;
	for (size_t i = 0; i < n; i++)
		largest = check_worse(largest, fabs((double)a[i] - (double)b[i]));
	return largest;
}

int metric_tables(const struct metric_kernels *out[METRIC_TABLES])
{
	int n = 0;
	out[n++] = &metric_loops;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		out[n++] = &metric_loops_avx2;
	if (metric_kernels() == &metric_loops_avx512)
		out[n++] = &metric_loops_avx512;
	return n;
}
