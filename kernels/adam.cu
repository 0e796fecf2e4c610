/* Adam and the running average: all parameters of a network in one launch, with the norm of the gradient and the count of its non-finite values. */
#include "device.cuh"

enum { ADAM_BLOCKS = 1024 }; /* fixed, so that the sums do not depend on the device */

/* partial: norm of each block, then non-finite values of each block. average may be NULL. */
__global__ static void adam_kernel(float *w, const float *g, float *v, float *average, int64_t count, const struct step_scalars *scalars, double *partial)
{
	const struct step_scalars s = *scalars;
	double norm = 0, nonfinite = 0;
	for (int64_t i = thread_index(); i < count; i += (int64_t)ADAM_BLOCKS * BLOCK) {
		const bool finite = isfinite(g[i]);
		const float gi = finite ? g[i] : 0, vi = adam_moment(v[i], gi, s.beta2), wi = adam_value(w[i], gi, vi, s.lr, s.correction, s.eps);
		v[i] = vi;
		w[i] = wi;
		if (average)
			average[i] = ema_value(average[i], wi, s.ema);
		norm += (double)gi * gi;
		nonfinite += finite ? 0 : 1;
	}
	norm = block_sum(norm);
	nonfinite = block_sum(nonfinite);
	if (threadIdx.x == 0) {
		partial[blockIdx.x] = norm;
		partial[ADAM_BLOCKS + blockIdx.x] = nonfinite;
	}
}

static void cuda_adam(struct backend *b, float *w, const float *g, float *v, float *average, size_t count, enum step_sum norm, enum step_sum nonfinite)
{
	struct cuda *c = cuda_of(b);
	double *partial = (double *)cuda_scratch(c, 2 * ADAM_BLOCKS * sizeof *partial);
	if (!partial)
		return;
	launch(c, "update parameters", dim3(ADAM_BLOCKS), BLOCK, adam_kernel, w, g, v, average, (int64_t)count, c->scalars, partial);
	finish_sum(c, norm, partial, ADAM_BLOCKS);
	finish_sum(c, nonfinite, partial + ADAM_BLOCKS, ADAM_BLOCKS);
}

void cuda_adam_table(struct backend *b)
{
	b->adam = cuda_adam;
}
