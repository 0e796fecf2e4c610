#include "ssim.h"

#include <stdlib.h>
#include <string.h>

#include "metric_kernels.h"
#include "size.h"

struct ssim {
	struct ssim_plan plan;
	double *a, *b;    /* (c,side,side): the images at the current scale */
	double *planes;   /* what metric_kernels wants */
	double *scratch;
};

static size_t pitch_of(int side)
{
	return ((size_t)side + SSIM_PADDING - 1) / SSIM_PADDING * SSIM_PADDING;
}

int ssim_open(struct ssim **out, const struct ssim_plan *plan)
{
	struct ssim *m = size_zalloc(1, sizeof *m);
	const size_t s = (size_t)plan->side, c = (size_t)plan->c, pitch = pitch_of(plan->side);
	*out = m;
	if (!m)
		return ERR_FAILED;
	m->plan = *plan;
	m->a = size_alloc(c * s * s, sizeof(double));
	m->b = size_alloc(c * s * s, sizeof(double));
	m->planes = size_alloc(SSIM_PLANES * s * pitch, sizeof(double));
	m->scratch = size_alloc(SSIM_PLANES * (pitch + SSIM_PADDING), sizeof(double));
	if (m->a && m->b && m->planes && m->scratch)
		return 0;
	ssim_close(out);
	return ERR_FAILED;
}

void ssim_close(struct ssim **m)
{
	if (*m) {
		free((*m)->a);
		free((*m)->b);
		free((*m)->planes);
		free((*m)->scratch);
		free(*m);
	}
	*m = NULL;
}

static void load(const struct ssim_plan *p, double *out, bool bytes, const void *in)
{
	const size_t n = (size_t)p->c * (size_t)p->side * (size_t)p->side;
	if (bytes)
		for (size_t i = 0; i < n; i++)
			out[i] = ((const uint8_t *)in)[i] * p->gain + p->offset;
	else
		for (size_t i = 0; i < n; i++)
			out[i] = (((const float *)in)[i] + 1.0) * 127.5 * p->gain + p->offset;
}

/* Means per channel over the places of the window: means (c, 2). */
static void scale_means(struct ssim *m, const struct ssim_scale *scale, double *means)
{
	const struct metric_kernels *const kernels = metric_kernels();
	const struct ssim_plan *const p = &m->plan;
	const struct ssim_window window = { scale->weight, scale->window, p->c1, p->c2, p->clip };
	const int side = scale->side, places = (side - scale->window + 1) * (side - scale->window + 1);
	const size_t pitch = pitch_of(side), plane = (size_t)side * pitch;
	double sums[2];

	memset(m->planes, 0, SSIM_PLANES * plane * sizeof(double));
	memset(m->scratch, 0, SSIM_PLANES * (pitch + SSIM_PADDING) * sizeof(double));
	for (int c = 0; c < p->c; c++) {
		for (int y = 0; y < side; y++) {
			const size_t from = ((size_t)c * (size_t)side + (size_t)y) * (size_t)side;
			const double *const a = m->a + from, *const b = m->b + from;
			double *const out = m->planes + (size_t)y * pitch;
			for (int x = 0; x < side; x++) {
				out[x] = a[x];
				out[plane + (size_t)x] = b[x];
				out[2 * plane + (size_t)x] = a[x] * a[x] + b[x] * b[x];
				out[3 * plane + (size_t)x] = a[x] * b[x];
			}
		}
		kernels->ssim(sums, m->planes, side, pitch, &window, m->scratch);
		means[2 * c] = sums[0] / places;
		means[2 * c + 1] = sums[1] / places;
	}
}

/* Halves all channels of an even side in place by 2x2 averages. */
static void halve_even(int channels, double *x, int side)
{
	double *out = x;
	for (int row = 0; row < channels * side; row += 2) {
		const double *const above = x + (size_t)row * (size_t)side, *const below = above + side;
		for (int j = 0; j < side; j += 2)
			*out++ = (above[j] + above[j + 1] + below[j] + below[j + 1]) / 4;
	}
}

/* Halves all channels in place by 2x2 averages; the new side is rounded up. An odd side's last row and column are averaged by themselves; with zeros before
 * the first are, with zeros. */
static void halve(const struct ssim_plan *p, double *x, int side)
{
	const int half = (side + 1) / 2, origin = p->zeros_before && side % 2 ? -1 : 0;
	double *out = x;
	if (side % 2 == 0) {
		halve_even(p->c, x, side);
		return;
	}
	for (int c = 0; c < p->c; c++) {
		const double *const in = x + (size_t)c * (size_t)side * (size_t)side;
		for (int i = 0; i < half; i++)
			for (int j = 0; j < half; j++) {
				double sum = 0;
				for (int k = 0; k < 4; k++) {
					int r = 2 * i + origin + k / 2, s = 2 * j + origin + k % 2;
					if (r < 0 || s < 0)
						continue;
					r = r < side ? r : side - 1;
					s = s < side ? s : side - 1;
					sum += in[(size_t)r * (size_t)side + (size_t)s];
				}
				*out++ = sum / 4;
			}
	}
}

void ssim_pair(struct ssim *m, double *means, const struct ssim_pairs *pairs, int64_t i)
{
	const struct ssim_plan *const p = &m->plan;
	load(p, m->a, pairs->bytes_a, pairs->a + (size_t)i * pairs->step_a);
	load(p, m->b, pairs->bytes_b, pairs->b + (size_t)i * pairs->step_b);
	for (int k = 0; k < SSIM_SCALES; k++, means += 2 * p->c) {
		scale_means(m, &p->scale[k], means);
		if (p->scale[k].halved) {
			halve(p, m->a, p->scale[k].side);
			halve(p, m->b, p->scale[k].side);
		}
	}
}
