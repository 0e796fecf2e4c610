#include "resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

#define FRACTION 22 /* bits of a weight; 8 for the byte and 2 to spare make 32 */

/* How n_in values along one side become n_out: value i is the sum of weight[i * most + k] * in[first[i] + k] for k < count[i]. */
struct taps {
	int n_in, n_out, most;
	int *first, *count;
	int32_t *weight;
};

struct resizer {
	struct taps x, y;
	uint8_t *turned, *narrow, *rows; /* scratch: (w,h) transposed, (out_w,h) after the first pass, (h,out_w) transposed back */
	int32_t *sum;                    /* one row */
};

static double triangle(double x)
{
	x = fabs(x);
	return x < 1 ? 1 - x : 0;
}

static int taps_new(struct taps *t, int n_in, int n_out)
{
	const double scale = (double)n_in / n_out, width = scale < 1 ? 1 : scale; /* half the triangle's base, in values of the input */

	*t = (struct taps){ .n_in = n_in, .n_out = n_out, .most = 2 * (int)ceil(width) + 1 };
	t->first = size_alloc((size_t)n_out, sizeof *t->first);
	t->count = size_alloc((size_t)n_out, sizeof *t->count);
	t->weight = size_zalloc((size_t)n_out * (size_t)t->most, sizeof *t->weight);
	double *exact = size_alloc((size_t)t->most, sizeof *exact);
	if (!t->first || !t->count || !t->weight || !exact) {
		free(exact);
		return ERR_FAILED;
	}
	for (int i = 0; i < n_out; i++) {
		const double centre = (i + 0.5) * scale;
		const int low = (int)(centre - width + 0.5), high = (int)(centre + width + 0.5);
		const int first = low < 0 ? 0 : low, count = (high > n_in ? n_in : high) - first;
		double sum = 0;
		for (int k = 0; k < count; k++)
			sum += exact[k] = triangle((first + k - centre + 0.5) * (1 / width));
		for (int k = 0; k < count; k++)
			t->weight[i * t->most + k] = (int32_t)((sum != 0 ? exact[k] / sum : exact[k]) * (1 << FRACTION) + 0.5);
		t->first[i] = first;
		t->count[i] = count;
	}
	free(exact);
	return 0;
}

static void taps_free(struct taps *t)
{
	free(t->first);
	free(t->count);
	free(t->weight);
}

int resizer_new(struct resizer **out, int w, int h, int out_w, int out_h)
{
	struct resizer *r = size_zalloc(1, sizeof *r);

	*out = r;
	if (!r)
		return ERR_FAILED;
	const size_t wide = (size_t)(w > out_w ? w : out_w), high = (size_t)(h > out_h ? h : out_h);
	r->turned = size_alloc((size_t)w, (size_t)h);
	r->narrow = size_alloc((size_t)out_w, (size_t)h);
	r->rows = size_alloc((size_t)out_w, (size_t)h);
	r->sum = size_alloc(wide > high ? wide : high, sizeof *r->sum);
	if (!taps_new(&r->x, w, out_w) && !taps_new(&r->y, h, out_h) && r->turned && r->narrow && r->rows && r->sum)
		return 0;
	resizer_free(out);
	return ERR_FAILED;
}

void resizer_free(struct resizer **r)
{
	if (!*r)
		return;
	taps_free(&(*r)->x);
	taps_free(&(*r)->y);
	free((*r)->turned);
	free((*r)->narrow);
	free((*r)->rows);
	free((*r)->sum);
	free(*r);
	*r = NULL;
}

/* (n_in,width) -> (n_out,width): weighted sums of rows, rounded and clamped to bytes. */
static void sum_rows(uint8_t *restrict out, const uint8_t *restrict in, const struct taps *t, int width, int32_t *restrict sum)
{
	for (int i = 0; i < t->n_out; i++, out += width) {
		for (int x = 0; x < width; x++)
			sum[x] = 1 << (FRACTION - 1);
		for (int k = 0; k < t->count[i]; k++) {
			const uint8_t *restrict row = in + (size_t)(t->first[i] + k) * (size_t)width;
			const int32_t weight = t->weight[i * t->most + k];
			for (int x = 0; x < width; x++)
				sum[x] += weight * row[x];
		}
		for (int x = 0; x < width; x++) {
			const int32_t v = sum[x] >> FRACTION;
			out[x] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
		}
	}
}

/* (h,w) -> (w,h), in tiles that stay in the cache. */
static void transpose(uint8_t *restrict out, const uint8_t *restrict in, int h, int w)
{
	enum { TILE = 16 };
	for (int y0 = 0; y0 < h; y0 += TILE)
		for (int x0 = 0; x0 < w; x0 += TILE)
			for (int y = y0; y < y0 + TILE && y < h; y++)
				for (int x = x0; x < x0 + TILE && x < w; x++)
					out[(size_t)x * (size_t)h + (size_t)y] = in[(size_t)y * (size_t)w + (size_t)x];
}

void resizer_run(struct resizer *r, uint8_t *out, const uint8_t *in, int c)
{
	const int w = r->x.n_in, h = r->y.n_in, out_w = r->x.n_out, out_h = r->y.n_out;

	/* Both passes add up whole rows, which is what vector units are good at; so the picture lies on its side for the first. */
	for (int k = 0; k < c; k++, in += (size_t)w * (size_t)h, out += (size_t)out_w * (size_t)out_h) {
		const uint8_t *rows = in;
		if (w != out_w) {
			transpose(r->turned, in, h, w);
			sum_rows(r->narrow, r->turned, &r->x, h, r->sum);
			transpose(r->rows, r->narrow, out_w, h);
			rows = r->rows;
		}
		if (h != out_h)
			sum_rows(out, rows, &r->y, out_w, r->sum);
		else
			memcpy(out, rows, (size_t)out_w * (size_t)out_h);
	}
}

void box_halve(float *restrict out, const float *restrict in, size_t planes, int side)
{
	const size_t w = (size_t)side, half = w / 2;
	for (size_t row = 0; row < planes * half; row++, in += 2 * w, out += half)
		for (size_t x = 0; x < half; x++)
			out[x] = ((in[2 * x] + in[2 * x + 1]) + (in[w + 2 * x] + in[w + 2 * x + 1])) * 0.25f;
}

void box_round(uint8_t *out, const float *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)rintf(in[i]);
}
