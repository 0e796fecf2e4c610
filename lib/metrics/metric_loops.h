/* The loops that take the time of the metrics, for one vector length: metric_loops.c and metric_loops_*.c each define
 *
 *   LANES        floats in a vector register
 *   TILE         directions that project() works on at once (accumulators: TILE * SLICED_BLOCK / LANES)
 *   LOOPS_TABLE  the name of the table
 *
 * and include this. Sums are in the same order whatever the number of threads; between vector lengths they differ by rounding. */
#include <stddef.h>
#include <stdint.h>

#include "metric_kernels.h"

enum { VECTORS = SLICED_BLOCK / LANES };

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* -- Laplacian pyramid -- */

/* out[x] = (1 4 6 4 1) / 16 over rows r-2 … r+2 of a column, mirrored at the edges. */
static void down_rows(float *out, const float *in, int side, int r)
{
	const ptrdiff_t s = side;
	const int last = side - 1;
	const float *a = in + s * (r < 2 ? 2 - r : r - 2), *b = in + s * (r < 1 ? 1 : r - 1), *c = in + s * r;
	const float *d = in + s * (r + 1 > last ? 2 * last - r - 1 : r + 1), *e = in + s * (r + 2 > last ? 2 * last - r - 2 : r + 2);
	for (int x = 0; x < side; x++)
		out[x] = ((a[x] + e[x]) + 4 * (b[x] + d[x]) + 6 * c[x]) * (1.0f / 16);
}

static void down(float *restrict out, const float *restrict in, int side, float *restrict row)
{
	const int half = side / 2;
	for (int y = 0; y < half; y++, out += half) {
		float *const t = row + 2;
		down_rows(t, in, side, 2 * y);
		t[-2] = t[2];
		t[-1] = t[1];
		t[side] = t[side - 2];
		for (int x = 0; x < half; x++)
			out[x] = ((row[2 * x] + row[2 * x + 4]) + 4 * (row[2 * x + 1] + row[2 * x + 3]) + 6 * row[2 * x + 2]) * (1.0f / 16);
	}
}

static void up(float *restrict out, const float *restrict in, int side, float sign, float *restrict row)
{
	const int half = side / 2;
	float *const t = row + 1;
	for (int y = 0; y < side; y++, out += side) {
		const float *const c = in + (ptrdiff_t)half * (y / 2), *const above = y < 2 ? c + half : c - half;
		const float *const below = y / 2 + 1 < half ? c + half : c;
		if (y % 2)
			for (int x = 0; x < half; x++)
				t[x] = (c[x] + below[x]) * (0.5f * sign);
		else
			for (int x = 0; x < half; x++)
				t[x] = (above[x] + 6 * c[x] + below[x]) * (0.125f * sign);
		t[-1] = t[1];
		t[half] = t[half - 1];
		for (int x = 0; x < half; x++) {
			out[2 * x] += (t[x - 1] + 6 * t[x] + t[x + 1]) * 0.125f;
			out[2 * x + 1] += (t[x] + t[x + 1]) * 0.5f;
		}
	}
}

/* -- projections -- */

static void project(float *out, size_t pitch, const float *restrict x, const float *restrict u, const float *restrict offset, int length, int directions)
{
	for (int d = 0; d < directions; d += TILE, u += (size_t)TILE * (size_t)length) {
		vec sum[TILE][VECTORS];
		for (int t = 0; t < TILE; t++)
			for (int v = 0; v < VECTORS; v++)
				sum[t][v] = (vec){ 0 } + offset[d + t];
		for (int k = 0; k < length; k++) {
			const vec *const in = (const vec *)(x + (size_t)k * SLICED_BLOCK);
#pragma GCC unroll 8
			for (int t = 0; t < TILE; t++)
#pragma GCC unroll 8
				for (int v = 0; v < VECTORS; v++)
					sum[t][v] += u[k * TILE + t] * in[v];
		}
		for (int t = 0; t < TILE; t++)
			for (int v = 0; v < VECTORS; v++)
				*(vec *)(out + (size_t)(d + t) * pitch + (size_t)v * LANES) = sum[t][v];
	}
}

/* -- values to integers -- */

static void range(const float *x, size_t n, float *low, float *high)
{
	const size_t whole = n / LANES * LANES;
	float l[LANES], h[LANES];
	for (int k = 0; k < LANES; k++) {
		l[k] = *low;
		h[k] = *high;
	}
	for (size_t i = 0; i < whole; i += LANES)
		for (size_t k = 0; k < LANES; k++) {
			l[k] = x[i + k] < l[k] ? x[i + k] : l[k];
			h[k] = x[i + k] > h[k] ? x[i + k] : h[k];
		}
	for (int i = 0; i < LANES; i++) {
		*low = l[i] < *low ? l[i] : *low;
		*high = h[i] > *high ? h[i] : *high;
	}
	for (size_t i = whole; i < n; i++) {
		*low = x[i] < *low ? x[i] : *low;
		*high = x[i] > *high ? x[i] : *high;
	}
}

static void fixed(int32_t *restrict out, const float *restrict x, size_t n, float low, float scale)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (int32_t)((x[i] - low) * scale);
}

/* -- structural similarity -- */

enum { DLANES = LANES / 2 };

typedef double dvec __attribute__((vector_size(8 * DLANES), aligned(8), may_alias));
typedef int64_t dmask __attribute__((vector_size(8 * DLANES)));

static inline dvec load(const double *p)
{
	return *(const dvec *)p;
}

/* Columns of a row of the four planes under the vertical window. */
static void ssim_column(double *out, const double *in, size_t pitch, const double *window, int size)
{
	for (size_t x = 0; x < pitch; x += DLANES) {
		dvec sum = window[0] * load(in + x);
		for (int k = 1; k < size; k++)
			sum += window[k] * load(in + (size_t)k * pitch + x);
		*(dvec *)(out + x) = sum;
	}
}

static inline dvec ssim_row(const double *in, const double *window, int size)
{
	dvec sum = window[0] * load(in);
	for (int k = 1; k < size; k++)
		sum += window[k] * load(in + k);
	return sum;
}

static void ssim(double sums[2], const double *planes, int side, size_t pitch, const struct ssim_window *w, double *scratch)
{
	const double *const window = w->weight;
	const double c1 = w->c1, c2 = w->c2;
	const int size = w->size, n = side - size + 1;
	const size_t plane = (size_t)side * pitch, row = pitch + SSIM_PADDING;
	dvec all = { 0 }, structure = { 0 };
	for (int y = 0; y < n; y++) {
		for (int m = 0; m < SSIM_PLANES; m++)
			ssim_column(scratch + (size_t)m * row, planes + (size_t)m * plane + (size_t)y * pitch, pitch, window, size);
		for (int x = 0; x < n; x += DLANES) {
			const dvec a = ssim_row(scratch + x, window, size), b = ssim_row(scratch + row + x, window, size);
			const dvec squares = ssim_row(scratch + 2 * row + x, window, size), product = ssim_row(scratch + 3 * row + x, window, size);
			const dvec ab = a * b, aabb = a * a + b * b;
			dvec cs = (2 * (product - ab) + c2) / (squares - aabb + c2);
			dmask keep;
			for (int i = 0; i < DLANES; i++)
				keep[i] = -(int64_t)(x + i < n);
			if (w->clip)
				keep &= cs > 0;
			cs = (dvec)((dmask)cs & keep);
			structure += cs;
			all += (2 * ab + c1) / (aabb + c1) * cs;
		}
	}
	sums[0] = sums[1] = 0;
	for (int i = 0; i < DLANES; i++) {
		sums[0] += all[i];
		sums[1] += structure[i];
	}
}

const struct metric_kernels LOOPS_TABLE = { TILE, down, up, project, range, fixed, ssim };
