#include "msssim.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "metric_kernels.h"
#include "size.h"

static const double weight[MSSSIM_SCALES] = { 0.0448, 0.2856, 0.3001, 0.2363, 0.1333 };
static const double SIGMA = 1.5;

enum { MAX_CHANNELS = 3, PADDLE_SMALLEST = 32 };

struct msssim {
	enum msssim_protocol protocol;
	int c, side;
	double *a, *b;    /* (c,side,side): the images at the current scale */
	double *planes;   /* what metric_kernels wants */
	double *scratch;
};

int64_t msssim_protocol_pairs(enum msssim_protocol p)
{
	return p == MSSSIM_PADDLE ? 16016 : 10000;
}

int msssim_check(enum msssim_protocol p, int side, const char *name)
{
	if (p == MSSSIM_KARRAS && side < 16)
		return error_set(ERR_INPUT, "'%s': images of side %d; protocol karras halves them four times, so it needs 16", name, side);
	if (p == MSSSIM_PADDLE && side < PADDLE_SMALLEST)
		return error_set(ERR_INPUT, "'%s': images of side %d; protocol paddle does not halve images below 32, so it has only one scale", name, side);
	if (p == MSSSIM_VAINF && side <= (MSSSIM_WINDOW - 1) * 16)
		return error_set(ERR_INPUT, "'%s': images of side %d; protocol vainf needs more than 160, for its window of 11 at the fifth scale", name, side);
	return 0;
}

static size_t pitch_of(int side)
{
	return ((size_t)side + SSIM_PADDING - 1) / SSIM_PADDING * SSIM_PADDING;
}

int msssim_open(struct msssim **out, enum msssim_protocol protocol, int c, int side)
{
	struct msssim *m = size_zalloc(1, sizeof *m);
	const size_t s = (size_t)side, pitch = pitch_of(side);
	*out = m;
	if (!m)
		return ERR_FAILED;
	m->protocol = protocol;
	m->c = c;
	m->side = side;
	m->a = size_alloc((size_t)c * s * s, sizeof(double));
	m->b = size_alloc((size_t)c * s * s, sizeof(double));
	m->planes = size_alloc(SSIM_PLANES * s * pitch, sizeof(double));
	m->scratch = size_alloc(SSIM_PLANES * (pitch + SSIM_PADDING), sizeof(double));
	if (m->a && m->b && m->planes && m->scratch)
		return 0;
	msssim_close(out);
	return ERR_FAILED;
}

void msssim_close(struct msssim **m)
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

static void load(const struct msssim *m, double *out, enum npy_type type, const void *in)
{
	const size_t n = (size_t)m->c * (size_t)m->side * (size_t)m->side;
	const double scale = m->protocol == MSSSIM_PADDLE ? 1 / 127.5 : 1, shift = m->protocol == MSSSIM_PADDLE ? -1 : 0;
	if (type == NPY_U8)
		for (size_t i = 0; i < n; i++)
			out[i] = ((const uint8_t *)in)[i] * scale + shift;
	else
		for (size_t i = 0; i < n; i++)
			out[i] = (((const float *)in)[i] + 1.0) * 127.5 * scale + shift;
}

/* A normalized Gaussian; returns its size, which is the side of smaller images under karras. */
static int make_window(double *w, enum msssim_protocol protocol, int side)
{
	const int size = protocol == MSSSIM_KARRAS && side < MSSSIM_WINDOW ? side : MSSSIM_WINDOW;
	const double sigma = SIGMA * size / MSSSIM_WINDOW;
	double sum = 0;
	for (int i = 0; i < size; i++) {
		const double x = i - (size - 1) / 2.0;
		sum += w[i] = exp(-x * x / (2 * sigma * sigma));
	}
	for (int i = 0; i < size; i++)
		w[i] /= sum;
	return size;
}

/* Means per channel over the places of the window: similarity[c] and its contrast-structure part[c]. */
static void scale_means(struct msssim *m, int side, double similarity[], double part[])
{
	const struct metric_kernels *const kernels = metric_kernels();
	const size_t pitch = pitch_of(side), plane = (size_t)side * pitch;
	const double peak = m->protocol == MSSSIM_PADDLE ? 1 : 255, k1 = m->protocol == MSSSIM_PADDLE ? 0.1 : 0.01, k2 = m->protocol == MSSSIM_PADDLE ? 0.3 : 0.03;
	double window[MSSSIM_WINDOW], sums[2];
	const int size = make_window(window, m->protocol, side), places = (side - size + 1) * (side - size + 1);

	memset(m->planes, 0, SSIM_PLANES * plane * sizeof(double));
	memset(m->scratch, 0, SSIM_PLANES * (pitch + SSIM_PADDING) * sizeof(double));
	for (int c = 0; c < m->c; c++) {
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
		kernels->ssim(sums, m->planes, side, pitch, window, size, k1 * peak * k1 * peak, k2 * peak * k2 * peak, m->protocol == MSSSIM_PADDLE, m->scratch);
		similarity[c] = sums[0] / places;
		part[c] = sums[1] / places;
	}
}

/* Halves all channels of an even side in place by 2x2 averages. */
static void halve_even(const struct msssim *m, double *x, int side)
{
	double *out = x;
	for (int row = 0; row < m->c * side; row += 2) {
		const double *const above = x + (size_t)row * (size_t)side, *const below = above + side;
		for (int j = 0; j < side; j += 2)
			*out++ = (above[j] + above[j + 1] + below[j] + below[j + 1]) / 4;
	}
}

/* Halves all channels in place by 2x2 averages; returns the new side, rounded up. An odd side's last row and column are averaged by themselves; under vainf
 * the first are, with zeros. */
static int halve(const struct msssim *m, double *x, int side)
{
	const int half = (side + 1) / 2, origin = m->protocol == MSSSIM_VAINF && side % 2 ? -1 : 0;
	double *out = x;
	if (side % 2 == 0) {
		halve_even(m, x, side);
		return half;
	}
	for (int c = 0; c < m->c; c++) {
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
	return half;
}

static double mean(const double *x, int n)
{
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += x[i];
	return sum / n;
}

/* From the means of all scales and channels to one number. */
static double combine(const struct msssim *m, double similarity[MSSSIM_SCALES][MAX_CHANNELS], double part[MSSSIM_SCALES][MAX_CHANNELS],
                      const bool halved[MSSSIM_SCALES])
{
	const int last = MSSSIM_SCALES - 1;
	double product = 1, sum = 0;
	switch (m->protocol) {
	case MSSSIM_KARRAS:
		for (int k = 0; k <= last; k++)
			product *= pow(fmax(0, mean(k < last ? part[k] : similarity[k], m->c)), weight[k]);
		return product;
	case MSSSIM_PADDLE: {
		const double final = pow(fmax(1e-8, mean(similarity[last], m->c)), weight[last]);
		for (int k = 0; k < last; k++)
			product *= pow(fmax(1e-8, mean(halved[k] ? part[k] : similarity[k], m->c)), weight[k]) * final;
		return product;
	}
	case MSSSIM_VAINF:
		break;
	}
	for (int c = 0; c < m->c; c++) {
		product = 1;
		for (int k = 0; k <= last; k++)
			product *= pow(fmax(0, k < last ? part[k][c] : similarity[k][c]), weight[k]);
		sum += product;
	}
	return sum / m->c;
}

double msssim_pair(struct msssim *m, enum npy_type type_a, const void *a, enum npy_type type_b, const void *b)
{
	double similarity[MSSSIM_SCALES][MAX_CHANNELS], part[MSSSIM_SCALES][MAX_CHANNELS];
	bool halved[MSSSIM_SCALES];
	int side = m->side;
	load(m, m->a, type_a, a);
	load(m, m->b, type_b, b);
	for (int k = 0; k < MSSSIM_SCALES; k++) {
		scale_means(m, side, similarity[k], part[k]);
		halved[k] = k + 1 < MSSSIM_SCALES && (m->protocol != MSSSIM_PADDLE || side >= PADDLE_SMALLEST);
		if (halved[k]) {
			halve(m, m->a, side);
			side = halve(m, m->b, side);
		}
	}
	return combine(m, similarity, part, halved);
}
