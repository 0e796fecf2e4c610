#include "gdpp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

/* One set: rows of features normalized, their products, and what those are made of. All in double. */
struct kernel {
	size_t n, c;
	double *row;    /* (n,c), of length 1 */
	double *length; /* n, before */
	double *value;  /* n eigenvalues, rising */
	double *vector; /* (n,n): column k is the eigenvector of value k */
};

/* -- eigenvectors: Jacobi's method, which is exact enough and short for the size of a batch -- */

static void rotate(double *s, double *v, size_t n, size_t p, size_t q)
{
	const double theta = (s[q * n + q] - s[p * n + p]) / (2 * s[p * n + q]);
	const double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1)), cosine = 1 / sqrt(t * t + 1), sine = t * cosine;
	for (size_t k = 0; k < n; k++) {
		const double a = s[k * n + p], b = s[k * n + q];
		s[k * n + p] = cosine * a - sine * b;
		s[k * n + q] = sine * a + cosine * b;
	}
	for (size_t k = 0; k < n; k++) {
		const double a = s[p * n + k], b = s[q * n + k];
		s[p * n + k] = cosine * a - sine * b;
		s[q * n + k] = sine * a + cosine * b;
	}
	for (size_t k = 0; k < n; k++) {
		const double a = v[k * n + p], b = v[k * n + q];
		v[k * n + p] = cosine * a - sine * b;
		v[k * n + q] = sine * a + cosine * b;
	}
}

static void swap_columns(double *v, size_t n, size_t p, size_t q)
{
	for (size_t k = 0; k < n; k++) {
		const double t = v[k * n + p];
		v[k * n + p] = v[k * n + q];
		v[k * n + q] = t;
	}
}

/* s (n,n), symmetric and overwritten -> k's values and vectors. */
static void decompose(struct kernel *k, double *s)
{
	const size_t n = k->n;
	enum { SWEEPS = 30 };
	memset(k->vector, 0, n * n * sizeof *k->vector);
	for (size_t i = 0; i < n; i++)
		k->vector[i * n + i] = 1;
	for (int sweep = 0; sweep < SWEEPS; sweep++)
		for (size_t p = 0; p < n; p++)
			for (size_t q = p + 1; q < n; q++)
				if (fabs(s[p * n + q]) > 1e-16 * (double)n)
					rotate(s, k->vector, n, p, q);
	for (size_t i = 0; i < n; i++)
		k->value[i] = s[i * n + i];
	for (size_t i = 0; i < n; i++) {
		size_t least = i;
		for (size_t j = i + 1; j < n; j++)
			if (k->value[j] < k->value[least])
				least = j;
		const double t = k->value[i];
		k->value[i] = k->value[least];
		k->value[least] = t;
		swap_columns(k->vector, n, i, least);
	}
}

/* -- kernels -- */

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static void kernel_close(struct kernel *k)
{
	free(k->row);
	free(k->length);
	free(k->value);
	free(k->vector);
}

static int kernel_open(struct kernel *k, const float *x, size_t n, size_t c)
{
	double *s = size_alloc(n * n, sizeof *s);
	*k = (struct kernel){ n, c, size_alloc(n * c, sizeof(double)), size_alloc(n, sizeof(double)), size_alloc(n, sizeof(double)), size_alloc(n * n, sizeof(double)) };
	const int rc = s && k->row && k->length && k->value && k->vector ? 0 : ERR_FAILED;
	for (size_t i = 0; !rc && i < n; i++) {
		double *row = k->row + i * c;
		for (size_t j = 0; j < c; j++)
			row[j] = x[i * c + j];
		k->length[i] = fmax(sqrt(dot(row, row, c)), 1e-12);
		for (size_t j = 0; j < c; j++)
			row[j] /= k->length[i];
		for (size_t j = 0; j <= i; j++)
			s[i * n + j] = s[j * n + i] = dot(row, k->row + j * c, c);
	}
	if (!rc)
		decompose(k, s);
	free(s);
	return rc;
}

/* -- the loss and its derivative -- */

/* dvalue (n): derivatives at b's eigenvalues; dvector (n,n): columns at its eigenvectors. */
static double compare(const struct kernel *a, const struct kernel *b, double *dvalue, double *dvector)
{
	const size_t n = a->n;
	const double least = b->value[0], range = b->value[n - 1] - least;
	double loss = 0;
	memset(dvalue, 0, n * sizeof *dvalue);
	for (size_t k = 0; k < n; k++) {
		const double d = b->value[k] - a->value[k], weight = range > 0 ? (b->value[k] - least) / range : 0;
		double product = 0;
		for (size_t i = 0; i < n; i++)
			product += a->vector[i * n + k] * b->vector[i * n + k];
		loss += 1e-4 * d * d / (double)n - weight * fabs(product);
		dvalue[k] += 2e-4 * d / (double)n;
		if (range > 0) {
			dvalue[k] -= fabs(product) / range;
			dvalue[0] += fabs(product) * (1 - weight) / range;
			dvalue[n - 1] += fabs(product) * weight / range;
		}
		for (size_t i = 0; i < n; i++)
			dvector[i * n + k] = -weight * (product < 0 ? -1 : 1) * a->vector[i * n + k];
	}
	return loss;
}

/* From the eigenvalues and eigenvectors back to the products: ds (n,n) = V (diag(dvalue) + (V^T dvector) / (value_k - value_j)) V^T. */
static void products_backward(const struct kernel *b, const double *dvalue, const double *dvector, double *inner, double *ds)
{
	const size_t n = b->n;
	const double *v = b->vector;
	for (size_t j = 0; j < n; j++)
		for (size_t k = 0; k < n; k++) {
			const double gap = b->value[k] - b->value[j];
			double sum = 0;
			for (size_t i = 0; i < n; i++)
				sum += v[i * n + j] * dvector[i * n + k];
			inner[j * n + k] = j == k ? dvalue[k] : fabs(gap) > 1e-9 * (double)n ? sum / gap : 0;
		}
	memset(ds, 0, n * n * sizeof *ds);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			double sum = 0;
			for (size_t j = 0; j < n; j++)
				sum += v[i * n + j] * inner[j * n + k];
			for (size_t m = 0; m < n; m++)
				ds[i * n + m] += sum * v[m * n + k];
		}
}

/* From the products back to the features before they were normalized. */
static void features_backward(const struct kernel *b, const double *ds, float *dfake)
{
	const size_t n = b->n, c = b->c;
	for (size_t i = 0; i < n; i++) {
		const double *row = b->row + i * c;
		double along = 0;
		for (int pass = 0; pass < 2; pass++)
			for (size_t j = 0; j < c; j++) {
				double d = 0;
				for (size_t m = 0; m < n; m++)
					d += (ds[i * n + m] + ds[m * n + i]) * b->row[m * c + j];
				if (pass == 0)
					along += d * row[j];
				else
					dfake[i * c + j] = (float)((d - along * row[j]) / b->length[i]);
			}
	}
}

int gdpp_loss(const float *real, const float *fake, size_t n, size_t c, double *loss, float *dfake)
{
	struct kernel a = { 0 }, b = { 0 };
	double *dvalue = size_alloc(n, sizeof *dvalue), *square = size_alloc(3 * n * n, sizeof *square);
	int rc = dvalue && square ? 0 : ERR_FAILED;
	if (!rc && !(rc = kernel_open(&a, real, n, c)) && !(rc = kernel_open(&b, fake, n, c))) {
		double *dvector = square, *inner = square + n * n, *ds = square + 2 * n * n;
		*loss = compare(&a, &b, dvalue, dvector);
		products_backward(&b, dvalue, dvector, inner, ds);
		features_backward(&b, ds, dfake);
	}
	kernel_close(&a);
	kernel_close(&b);
	free(dvalue);
	free(square);
	return rc;
}
