/* The step's scalars and sums, losses of scores, the gradient penalty and its interpolates. Sums in double, in a fixed order. */
#include <string.h>

#include "device.cuh"

/* -- scalars and sums: passed by value, so that no host memory has to outlive the call -- */

__global__ static void set_scalars_kernel(struct step_scalars *to, struct step_scalars from, double *sums)
{
	*to = from;
	for (int i = 0; i < STEP_SUMS; i++)
		sums[i] = 0;
}

static void cuda_set_scalars(struct backend *b, const struct step_scalars *scalars)
{
	struct cuda *c = cuda_of(b);
	b->scalars = *scalars;
	launch(c, "set the step's numbers", dim3(1), dim3(1), set_scalars_kernel, c->scalars, *scalars, c->sums);
}

static void cuda_read_sums(struct backend *b, double out[STEP_SUMS])
{
	struct cuda *c = cuda_of(b);
	for (int i = 0; i < STEP_SUMS; i++)
		out[i] = 0;
	cuda_ranks_wait(c);
	cuda_note(c, cudaMemcpyAsync(out, c->sums, STEP_SUMS * sizeof *out, cudaMemcpyDeviceToHost, c->stream), "read the step's sums");
	cuda_wait(c, "read the step's sums");
}

/* -- sums that are read later: a ring in pinned memory, each place with an event that says when its step has come to its end -- */

static void cuda_keep_sums(struct backend *b)
{
	struct cuda *c = cuda_of(b);
	struct cuda_sums *s = &c->kept[c->keep % BACKEND_AHEAD];
	assert(c->keep - c->taken < BACKEND_AHEAD);
	cuda_note(c, cudaMemcpyAsync(s->pinned, c->sums, STEP_SUMS * sizeof *s->pinned, cudaMemcpyDeviceToHost, c->stream), "read the step's sums");
	cuda_note(c, cudaEventRecord(s->there, c->stream), "read the step's sums");
	c->keep++;
}

static bool cuda_next_sums(struct backend *b, double out[STEP_SUMS], bool wait)
{
	struct cuda *c = cuda_of(b);
	struct cuda_sums *s = &c->kept[c->taken % BACKEND_AHEAD];
	if (c->taken == c->keep)
		return false;
	const cudaError_t status = wait ? cudaEventSynchronize(s->there) : cudaEventQuery(s->there);
	if (status == cudaErrorNotReady)
		return false;
	cuda_note(c, status, "read the step's sums");
	if (c->failure)
		return false;
	memcpy(out, s->pinned, STEP_SUMS * sizeof *out);
	c->taken++;
	return true;
}

/* -- scores: one block, as a batch has at most some thousands -- */

/* `size` floats a sample, of which the first is the score. */
__global__ static void score_loss_kernel(double *total, float *dscore, const float *score, int64_t n, int64_t size, enum score_loss kind, int real, float scale)
{
	double sum = 0;
	for (int64_t i = threadIdx.x; i < n; i += BLOCK) {
		double slope;
		sum += score_loss_value(kind, real, score[i * size], &slope);
		dscore[i * size] = (float)(scale * slope);
		for (int64_t j = 1; j < size; j++)
			dscore[i * size + j] = 0;
	}
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		*total += scale * sum;
}

static void cuda_score_loss(struct backend *b, struct tensor dscore, struct tensor score, enum score_loss kind, bool real, float scale, enum step_sum which)
{
	struct cuda *c = cuda_of(b);
	assert(tensor_same(dscore, score) && area_of(score) == 1 && which >= 0 && which < STEP_SUMS);
	launch(c, "score", dim3(1), BLOCK, score_loss_kernel, c->sums + which, dscore.data, score.data, score.n, (int64_t)score.sample_size, kind, real ? 1 : 0,
		scale);
}

__global__ static void score_drift_kernel(double *total, float *dscore, const float *score, int64_t n, int64_t size, float scale)
{
	double sum = 0;
	for (int64_t i = threadIdx.x; i < n; i += BLOCK) {
		const double s = score[i * size];
		sum += s * s;
		dscore[i * size] += (float)(2 * scale * s);
	}
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		*total += scale * sum;
}

static void cuda_score_drift(struct backend *b, struct tensor dscore, struct tensor score, float scale, enum step_sum which)
{
	struct cuda *c = cuda_of(b);
	assert(tensor_same(dscore, score) && area_of(score) == 1 && which >= 0 && which < STEP_SUMS);
	launch(c, "add the drift", dim3(1), BLOCK, score_drift_kernel, c->sums + which, dscore.data, score.data, score.n, (int64_t)score.sample_size, scale);
}

/* size, values: floats of a sample of scores and of labels. */
__global__ static void label_loss_kernel(double *total, float *dscore, const float *score, const float *label, int64_t n, int64_t size, int64_t values,
	struct label_groups groups, int first)
{
	double sum = 0;
	for (int64_t i = threadIdx.x; i < n; i += BLOCK) {
		int64_t at = i * size + first, weight = i * values;
		for (int g = 0; g < groups.n; g++) {
			sum += label_loss_value(score + at, label + weight, groups.size[g], dscore + at);
			at += groups.size[g];
			weight += groups.size[g];
		}
	}
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		*total += sum;
}

static void cuda_label_loss(struct backend *b, struct tensor dscore, struct tensor score, struct tensor label, const struct label_groups *groups, int first,
	enum step_sum which)
{
	struct cuda *c = cuda_of(b);
	assert(tensor_same(dscore, score) && area_of(score) == 1 && label.n == score.n && label.c == label_values(groups) && first + label.c <= score.c);
	launch(c, "compare labels", dim3(1), BLOCK, label_loss_kernel, c->sums + which, dscore.data, score.data, label.data, score.n, (int64_t)score.sample_size,
		(int64_t)label.sample_size, *groups, first);
}

__global__ static void score_fill_kernel(float *dscore, uint32_t count, uint32_t size, float value)
{
	const uint32_t i = thread_index();
	if (i < count)
		dscore[i] = i % size ? 0 : value;
}

static void cuda_score_fill(struct backend *b, struct tensor dscore, float value)
{
	const uint32_t size = (uint32_t)dscore.sample_size, count = (uint32_t)count_of(dscore);
	assert(area_of(dscore) == 1);
	launch(cuda_of(b), "fill scores", blocks_for(count), BLOCK, score_fill_kernel, dscore.data, count, size, value);
}

/* -- the gradient penalty: a block has a sample, and leaves penalty[i] and norm[i] -- */

enum { PENALTY_BLOCK = 1024 };

__global__ static void gradient_penalty_kernel(double *penalty, double *norm, float *v, const float *g, int64_t size, const struct step_scalars *scalars,
	enum penalty_kind kind, float scale)
{
	const float *from = g + blockIdx.x * size;
	float *to = v + blockIdx.x * size;
	double square = 0, factor;
	for (int64_t j = threadIdx.x; j < size; j += PENALTY_BLOCK)
		square += (double)from[j] * from[j];
	const double length = sqrt(block_sum(square)), value = penalty_value(kind, scalars->penalty, length, &factor);
	for (int64_t j = threadIdx.x; j < size; j += PENALTY_BLOCK)
		to[j] = (float)(scale * factor * from[j]);
	if (threadIdx.x == 0) {
		penalty[blockIdx.x] = scale * value;
		norm[blockIdx.x] = length;
	}
}

static void cuda_gradient_penalty(struct backend *b, struct tensor v, struct tensor g, enum penalty_kind kind, float scale)
{
	struct cuda *c = cuda_of(b);
	double *partial = (double *)cuda_scratch(c, 2 * (size_t)g.n * sizeof *partial);
	assert(tensor_same(v, g));
	if (!partial)
		return;
	launch(c, "penalize gradients", dim3((unsigned)g.n), PENALTY_BLOCK, gradient_penalty_kernel, partial, partial + g.n, v.data, g.data, (int64_t)g.sample_size,
		c->scalars, kind, scale);
	finish_sum(c, SUM_D_GRAD, partial, (int)g.n);
	finish_sum(c, SUM_GRADIENT_NORM, partial + g.n, (int)g.n);
}

__global__ static void interpolate_kernel(float *x, const float *real, const float *fake, const float *mix, uint32_t count, struct divisor size)
{
	const uint32_t i = thread_index();
	if (i >= count)
		return;
	const float m = mix[quotient(i, size)];
	x[i] = m * real[i] + (1 - m) * fake[i];
}

static void cuda_interpolate(struct backend *b, struct tensor x, struct tensor real, struct tensor fake, struct tensor mix)
{
	const uint32_t count = packs_of(x);
	assert(tensor_is_planar(x) && tensor_same(x, real) && tensor_same(x, fake) && mix.n == x.n && mix.sample_size == 1);
	launch(cuda_of(b), "interpolate", blocks_for(count), BLOCK, interpolate_kernel, x.data, real.data, fake.data, mix.data, count, divisor_of(sample_of(x)));
}

void cuda_loss_table(struct backend *b)
{
	b->set_scalars = cuda_set_scalars;
	b->read_sums = cuda_read_sums;
	b->keep_sums = cuda_keep_sums;
	b->next_sums = cuda_next_sums;
	b->score_loss = cuda_score_loss;
	b->score_drift = cuda_score_drift;
	b->label_loss = cuda_label_loss;
	b->score_fill = cuda_score_fill;
	b->gradient_penalty = cuda_gradient_penalty;
	b->interpolate = cuda_interpolate;
}
