#include "msssim.h"

#include <math.h>

static const double exponent[SSIM_SCALES] = { 0.0448, 0.2856, 0.3001, 0.2363, 0.1333 };
static const double SIGMA = 1.5;

enum { PADDLE_SMALLEST = 32 };

const char *const msssim_protocol_names[] = { [MSSSIM_KARRAS] = "karras", [MSSSIM_PADDLE] = "paddle", [MSSSIM_VAINF] = "vainf" };

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
	if (p == MSSSIM_VAINF && side <= (SSIM_WINDOW - 1) * 16)
		return error_set(ERR_INPUT, "'%s': images of side %d; protocol vainf needs more than 160, for its window of 11 at the fifth scale", name, side);
	return 0;
}

/* A normalized Gaussian; returns its size, which is the side of smaller images under karras. */
static int make_window(double *w, enum msssim_protocol protocol, int side)
{
	const int size = protocol == MSSSIM_KARRAS && side < SSIM_WINDOW ? side : SSIM_WINDOW;
	const double sigma = SIGMA * size / SSIM_WINDOW;
	double sum = 0;
	for (int i = 0; i < size; i++) {
		const double x = i - (size - 1) / 2.0;
		sum += w[i] = exp(-x * x / (2 * sigma * sigma));
	}
	for (int i = 0; i < size; i++)
		w[i] /= sum;
	return size;
}

void msssim_plan(struct ssim_plan *p, enum msssim_protocol protocol, int c, int side)
{
	const bool paddle = protocol == MSSSIM_PADDLE;
	const double peak = paddle ? 1 : 255, k1 = paddle ? 0.1 : 0.01, k2 = paddle ? 0.3 : 0.03;
	*p = (struct ssim_plan){ .c = c, .side = side, .gain = paddle ? 1 / 127.5 : 1, .offset = paddle ? -1 : 0, .c1 = k1 * peak * k1 * peak,
		                 .c2 = k2 * peak * k2 * peak, .clip = paddle, .zeros_before = protocol == MSSSIM_VAINF };
	for (int k = 0; k < SSIM_SCALES; k++) {
		struct ssim_scale *const s = &p->scale[k];
		s->side = side;
		s->window = make_window(s->weight, protocol, side);
		s->halved = k + 1 < SSIM_SCALES && (!paddle || side >= PADDLE_SMALLEST);
		if (s->halved)
			side = (side + 1) / 2;
	}
}

enum part { SIMILARITY, STRUCTURE }; /* of the two means per scale and channel */

static double mean_of(const struct ssim_plan *p, const double *means, int scale, int channel, enum part part)
{
	return means[2 * (scale * p->c + channel) + (int)part];
}

/* The mean over channels. */
static double mean(const struct ssim_plan *p, const double *means, int scale, enum part part)
{
	double sum = 0;
	for (int c = 0; c < p->c; c++)
		sum += mean_of(p, means, scale, c, part);
	return sum / p->c;
}

double msssim_combine(enum msssim_protocol protocol, const struct ssim_plan *p, const double *means)
{
	const int last = SSIM_SCALES - 1;
	double product = 1, sum = 0;
	switch (protocol) {
	case MSSSIM_KARRAS:
		for (int k = 0; k <= last; k++)
			product *= pow(fmax(0, mean(p, means, k, k < last ? STRUCTURE : SIMILARITY)), exponent[k]);
		return product;
	case MSSSIM_PADDLE: {
		const double final = pow(fmax(1e-8, mean(p, means, last, SIMILARITY)), exponent[last]);
		for (int k = 0; k < last; k++)
			product *= pow(fmax(1e-8, mean(p, means, k, p->scale[k].halved ? STRUCTURE : SIMILARITY)), exponent[k]) * final;
		return product;
	}
	case MSSSIM_VAINF:
		break;
	}
	for (int c = 0; c < p->c; c++) {
		product = 1;
		for (int k = 0; k <= last; k++)
			product *= pow(fmax(0, mean_of(p, means, k, c, k < last ? STRUCTURE : SIMILARITY)), exponent[k]);
		sum += product;
	}
	return sum / p->c;
}
