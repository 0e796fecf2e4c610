/* Point-wise mathematics, written once: included by the CPU loops and by device kernels. */
#ifndef PGAN_POINTWISE_H
#define PGAN_POINTWISE_H

#include <math.h>

#include "backend.h"

#ifdef __CUDACC__
#define POINTWISE static inline __host__ __device__
#else
#define POINTWISE static inline
#endif

/* Added to the mean square over the channels. */
#define PIXEL_NORM_EPS 1e-8

/* lrelu and its derivative read off the output, whose sign is the input's; the kink counts as negative. */
POINTWISE float lrelu(float z, float leak) { return z > 0 ? z : z * leak; }
POINTWISE float lrelu_slope(float y, float leak) { return y > 0 ? 1.f : leak; }

POINTWISE double softplus(double x) { return fmax(x, 0.0) + log1p(exp(-fabs(x))); }
POINTWISE double sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }

/* Value of the loss of one score; *slope is its derivative. tests/golden/losses.json has the same as means over a batch. */
POINTWISE double score_loss_value(enum score_loss kind, int real, double s, double *slope)
{
	const double sign = real ? -1 : 1;
	double p;
	switch (kind) {
	case LOSS_WGAN:
		*slope = sign;
		return sign * s;
	case LOSS_MSE:
		p = sigmoid(s);
		*slope = 2 * (p - real) * p * (1 - p);
		return (p - real) * (p - real);
	case LOSS_LOGISTIC:
	case LOSS_BCE:
		break;
	}
	*slope = sign * sigmoid(sign * s);
	return softplus(sign * s);
}

/* Cross-entropy of one softmax over `size` logits; adds its derivative to d. label: a weight at the true one, else 0. */
POINTWISE double label_loss_value(const float *logit, const float *label, int size, float *d)
{
	double top = logit[0], sum = 0, weight = 0, loss = 0;
	for (int i = 0; i < size; i++) {
		top = fmax(top, (double)logit[i]);
		weight += label[i];
	}
	for (int i = 0; i < size; i++)
		sum += exp(logit[i] - top);
	for (int i = 0; i < size; i++) {
		const double log_p = logit[i] - top - log(sum);
		loss -= label[i] * log_p;
		d[i] += (float)(weight * exp(log_p) - label[i]);
	}
	return loss;
}

/* Value of the gradient penalty of one sample with gradient norm g; *factor times the gradient vector is the derivative. */
POINTWISE double penalty_value(enum penalty_kind kind, double weight, double g, double *factor)
{
	if (kind == PENALTY_R1) {
		*factor = 2 * weight;
		return weight * g * g;
	}
	*factor = 2 * weight * (1 - 1 / fmax(g, 1e-12));
	return weight * (g - 1) * (g - 1);
}

/* One value of Adam with beta1 = 0; g is finite. */
POINTWISE float adam_moment(float v, float g, float beta2) { return beta2 * v + (1 - beta2) * g * g; }
POINTWISE float adam_value(float w, float g, float v, float lr, float correction, float eps) { return w - lr * g / (sqrtf(v * correction) + eps); }
POINTWISE float ema_value(float average, float w, float ema) { return ema * average + (1 - ema) * w; }

/* A stored byte as the networks see it. */
POINTWISE float image_value(unsigned char u) { return (float)u / 127.5f - 1; }

#endif
