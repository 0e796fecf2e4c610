#include "host_ops.h"

#include <assert.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "philox.h"
#include "pointwise.h"
#include "ranks.h"
#include "size.h"

static double *host_sum(struct backend *b, enum step_sum which)
{
	assert(which >= 0 && which < STEP_SUMS);
	return &((struct host *)b)->sums[which];
}

/* -- memory and bookkeeping -- */

static float *host_alloc(struct backend *b, size_t count)
{
	(void)b;
	return size_zalloc(count, sizeof(float));
}

static void host_release(struct backend *b, float *data)
{
	(void)b;
	free(data);
}

static void host_copy(struct backend *b, float *to, const float *from, size_t count)
{
	(void)b;
	memcpy(to, from, count * sizeof *to);
}

void host_fail(struct host *host, int rc)
{
	if (!rc || host->failure)
		return;
	host->failure = rc;
	snprintf(host->failure_text, sizeof host->failure_text, "%s", error_text());
}

/* check(): the failure that was kept, with its text, and none from now on. */
static int host_check(struct backend *b)
{
	struct host *host = (struct host *)b;
	const int failure = host->failure;
	host->failure = 0;
	return failure ? error_set(failure, "%s", host->failure_text) : 0;
}

static int host_join(struct backend *b, const struct rank_calls *calls)
{
	(void)b, (void)calls;
	return 0;
}

static void host_all_reduce(struct backend *b, float *data, size_t count)
{
	host_fail((struct host *)b, ranks_sum_f32(b->ranks, data, count));
}

static void host_set_scalars(struct backend *b, const struct step_scalars *scalars)
{
	b->scalars = *scalars;
	memset(((struct host *)b)->sums, 0, sizeof ((struct host *)b)->sums);
}

static void host_read_sums(struct backend *b, double out[STEP_SUMS])
{
	memcpy(out, ((struct host *)b)->sums, sizeof ((struct host *)b)->sums);
}

/* -- fading: float by float, so the layout does not matter -- */

static void host_fade(struct backend *b, struct tensor y, struct tensor old, struct tensor fresh)
{
	const float alpha = b->scalars.alpha;
	assert(tensor_same(y, old) && tensor_same(y, fresh));
#pragma omp parallel for num_threads(b->threads)
	for (int64_t i = 0; i < y.n; i++) {
		float *to = tensor_sample(y, i);
		const float *o = tensor_sample(old, i), *f = tensor_sample(fresh, i);
		for (size_t j = 0; j < y.sample_size; j++)
			to[j] = alpha * o[j] + (1 - alpha) * f[j];
	}
}

static void host_fade_backward(struct backend *b, struct tensor dold, struct tensor dfresh, struct tensor dy)
{
	const float alpha = b->scalars.alpha;
	assert(tensor_same(dy, dold) && tensor_same(dy, dfresh));
#pragma omp parallel for num_threads(b->threads)
	for (int64_t i = 0; i < dy.n; i++) {
		float *o = tensor_sample(dold, i), *f = tensor_sample(dfresh, i);
		const float *from = tensor_sample(dy, i);
		for (size_t j = 0; j < dy.sample_size; j++) {
			const float d = from[j];
			o[j] = alpha * d;
			f[j] = (1 - alpha) * d;
		}
	}
}

/* -- tanh: padding stays 0 -- */

static void host_squash(struct backend *b, struct tensor y)
{
#pragma omp parallel for num_threads(b->threads)
	for (int64_t i = 0; i < y.n; i++)
		for (size_t j = 0; j < y.sample_size; j++)
			tensor_sample(y, i)[j] = tanhf(tensor_sample(y, i)[j]);
}

static void host_squash_backward(struct backend *b, struct tensor dx, struct tensor y)
{
	assert(tensor_same(dx, y));
#pragma omp parallel for num_threads(b->threads)
	for (int64_t i = 0; i < y.n; i++) {
		const float *value = tensor_sample(y, i);
		for (size_t j = 0; j < y.sample_size; j++)
			tensor_sample(dx, i)[j] *= 1 - value[j] * value[j];
	}
}

/* -- losses -- */

static void host_score_fill(struct backend *b, struct tensor dscore, float value)
{
	(void)b;
	assert(tensor_area(dscore) == 1);
	for (int64_t i = 0; i < dscore.n; i++) {
		float *d = tensor_sample(dscore, i);
		memset(d, 0, dscore.sample_size * sizeof *d);
		d[0] = value;
	}
}

static void host_score_loss(struct backend *b, struct tensor dscore, struct tensor score, enum score_loss kind, bool real, float scale,
	enum step_sum which)
{
	double sum = 0;
	assert(tensor_same(dscore, score) && tensor_area(score) == 1);
	host_score_fill(b, dscore, 0);
	for (int64_t i = 0; i < score.n; i++) {
		double slope;
		sum += score_loss_value(kind, real, tensor_sample(score, i)[0], &slope);
		tensor_sample(dscore, i)[0] = (float)(scale * slope);
	}
	*host_sum(b, which) += scale * sum;
}

static void host_score_drift(struct backend *b, struct tensor dscore, struct tensor score, float scale, enum step_sum which)
{
	double sum = 0;
	assert(tensor_same(dscore, score) && tensor_area(score) == 1);
	for (int64_t i = 0; i < score.n; i++) {
		const double s = tensor_sample(score, i)[0];
		sum += s * s;
		tensor_sample(dscore, i)[0] += (float)(2 * scale * s);
	}
	*host_sum(b, which) += scale * sum;
}

static void host_label_loss(struct backend *b, struct tensor dscore, struct tensor score, struct tensor label, const struct label_groups *groups, int first,
	enum step_sum which)
{
	double sum = 0;
	assert(tensor_same(dscore, score) && tensor_area(score) == 1 && label.n == score.n && label.c == label_values(groups) && first + label.c <= score.c);
	for (int64_t i = 0; i < score.n; i++) {
		const float *logit = tensor_sample(score, i) + first, *weight = tensor_sample(label, i);
		float *d = tensor_sample(dscore, i) + first;
		for (int g = 0; g < groups->n; logit += groups->size[g], weight += groups->size[g], d += groups->size[g], g++)
			sum += label_loss_value(logit, weight, groups->size[g], d);
	}
	*host_sum(b, which) += sum;
}

static double squared_norm(const float *x, size_t count)
{
	double sum = 0;
#pragma omp simd reduction(+ : sum)
	for (size_t j = 0; j < count; j++)
		sum += (double)x[j] * x[j];
	return sum;
}

static void host_gradient_penalty(struct backend *b, struct tensor v, struct tensor g, enum penalty_kind kind, float scale)
{
	double penalty = 0, norms = 0;
	assert(tensor_same(v, g));
	for (int64_t i = 0; i < g.n; i++) {
		const float *from = tensor_sample(g, i);
		float *to = tensor_sample(v, i);
		const double norm = sqrt(squared_norm(from, g.sample_size));
		double factor;
		penalty += penalty_value(kind, b->scalars.penalty, norm, &factor);
		norms += norm;
		for (size_t j = 0; j < g.sample_size; j++)
			to[j] = (float)(scale * factor * from[j]);
	}
	*host_sum(b, SUM_D_GRAD) += scale * penalty;
	*host_sum(b, SUM_GRADIENT_NORM) += norms;
}

static void host_interpolate(struct backend *b, struct tensor x, struct tensor real, struct tensor fake, struct tensor mix)
{
	(void)b;
	assert(tensor_same(x, real) && tensor_same(x, fake) && mix.n == x.n);
	for (int64_t i = 0; i < x.n; i++) {
		const float m = tensor_sample(mix, i)[0], *r = tensor_sample(real, i), *f = tensor_sample(fake, i);
		float *to = tensor_sample(x, i);
		for (size_t j = 0; j < x.sample_size; j++)
			to[j] = m * r[j] + (1 - m) * f[j];
	}
}

/* -- inputs -- */

/* One plane, in place: x = alpha * (average of its 2x2 block) + (1 - alpha) * x. */
static void fade_plane(float *x, int h, int w, float alpha)
{
	for (int r = 0; r < h; r += 2)
		for (int c = 0; c < w; c += 2) {
			float *top = x + (size_t)r * (size_t)w + c, *bottom = top + w;
			const float old = alpha * ((top[0] + top[1] + bottom[0] + bottom[1]) / 4);
			for (int k = 0; k < 2; k++) {
				top[k] = old + (1 - alpha) * top[k];
				bottom[k] = old + (1 - alpha) * bottom[k];
			}
		}
}

static void host_load_images(struct backend *b, struct tensor x, const uint8_t *host, const uint8_t *mirror, bool fading)
{
	const size_t rows = (size_t)x.c * (size_t)x.h, width = (size_t)x.w;
	assert(tensor_is_planar(x) && (!fading || (x.h % 2 == 0 && x.w % 2 == 0)));
#pragma omp parallel for num_threads(b->threads)
	for (int64_t i = 0; i < x.n; i++) {
		const uint8_t *from = host + (size_t)i * x.sample_size;
		float *to = tensor_sample(x, i);
		const bool flip = mirror && mirror[i];
		for (size_t r = 0; r < rows; r++)
			for (size_t c = 0; c < width; c++)
				to[r * width + c] = image_value(from[r * width + (flip ? width - 1 - c : c)]);
		for (int k = 0; fading && k < x.c; k++)
			fade_plane(to + (size_t)k * tensor_area(x), x.h, x.w, b->scalars.alpha);
	}
}

static void host_random_normal(struct backend *b, struct tensor x, uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first)
{
	const uint64_t c = (uint64_t)x.c;
	(void)b;
	assert(tensor_area(x) == 1);
	for (int64_t i = 0; i < x.n; i++)
		philox_normal(seed, stream, substream, (first + (uint64_t)i) * c, c, tensor_sample(x, i));
}

static void host_random_uniform(struct backend *b, struct tensor x, uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first)
{
	const uint64_t c = (uint64_t)x.c;
	(void)b;
	assert(tensor_area(x) == 1);
	for (int64_t i = 0; i < x.n; i++)
		philox_uniform(seed, stream, substream, (first + (uint64_t)i) * c, c, tensor_sample(x, i));
}

/* -- updates -- */

/* The sums are taken over a fixed number of parts, so that they do not depend on the number of threads. */
enum { ADAM_PARTS = 64 };

struct adam_part {
	double norm, nonfinite;
};

static float finite_or_zero(float g)
{
	return fabsf(g) <= FLT_MAX ? g : 0;
}

static struct adam_part adam_part(const struct step_scalars *s, float *restrict w, const float *restrict g, float *restrict v,
	float *restrict average, size_t begin, size_t end)
{
	const float beta2 = s->beta2, lr = s->lr, correction = s->correction, eps = s->eps, ema = s->ema;
	double norm = 0, nonfinite = 0;
	for (size_t j = begin; j < end; j++) {
		const float gj = finite_or_zero(g[j]);
		v[j] = adam_moment(v[j], gj, beta2);
		w[j] = adam_value(w[j], gj, v[j], lr, correction, eps);
	}
	for (size_t j = begin; average && j < end; j++)
		average[j] = ema_value(average[j], w[j], ema);
#pragma omp simd reduction(+ : norm, nonfinite)
	for (size_t j = begin; j < end; j++) {
		const double gj = finite_or_zero(g[j]);
		norm += gj * gj;
		nonfinite += fabsf(g[j]) <= FLT_MAX ? 0 : 1;
	}
	return (struct adam_part){ norm, nonfinite };
}

static void host_adam(struct backend *b, float *w, const float *g, float *v, float *average, size_t count, enum step_sum norm,
	enum step_sum nonfinite)
{
	struct adam_part part[ADAM_PARTS];
	const size_t step = (count + ADAM_PARTS - 1) / ADAM_PARTS;
#pragma omp parallel for num_threads(b->threads)
	for (size_t p = 0; p < ADAM_PARTS; p++) {
		const size_t begin = p * step < count ? p * step : count, end = begin + step < count ? begin + step : count;
		part[p] = adam_part(&b->scalars, w, g, v, average, begin, end);
	}
	for (size_t p = 0; p < ADAM_PARTS; p++) {
		*host_sum(b, norm) += part[p].norm;
		*host_sum(b, nonfinite) += part[p].nonfinite;
	}
}

void host_close(struct host *host)
{
	free(host->large);
}

void host_table(struct backend *b)
{
	b->notes = "";
	b->in_host_memory = true;
	b->check = host_check;
	b->join = host_join;
	b->all_reduce = host_all_reduce;
	b->alloc = host_alloc;
	b->release = host_release;
	b->copy = host_copy;
	host_conv_table(b);
	b->set_scalars = host_set_scalars;
	b->read_sums = host_read_sums;
	b->fade = host_fade;
	b->fade_backward = host_fade_backward;
	b->squash = host_squash;
	b->squash_backward = host_squash_backward;
	b->score_loss = host_score_loss;
	b->score_drift = host_score_drift;
	b->label_loss = host_label_loss;
	b->score_fill = host_score_fill;
	b->gradient_penalty = host_gradient_penalty;
	b->interpolate = host_interpolate;
	b->load_images = host_load_images;
	b->random_normal = host_random_normal;
	b->random_uniform = host_random_uniform;
	b->adam = host_adam;
}
