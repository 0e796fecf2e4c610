/* Adam and the running average: all parameters of a network in one launch, with the norm of the gradient and the count of its non-finite values. */
#include "device.cuh"

enum { ADAM_BLOCKS = 528, ADAM_PACK = 4 }; /* fixed, so that the sums do not depend on the device: four blocks for each of 132 multiprocessors */

/* partial: norm of each block, then non-finite values of each block. average may be NULL. */
__global__ static void adam_kernel(float *w, const float *g, float *v, float *average, int64_t count, const struct step_scalars *scalars, double *partial)
{
	const struct step_scalars s = *scalars;
	double norm = 0, nonfinite = 0;
	for (int64_t i = (int64_t)thread_index() * ADAM_PACK; i < count; i += (int64_t)ADAM_BLOCKS * BLOCK * ADAM_PACK) {
		const pack<ADAM_PACK> gradient = load<ADAM_PACK>(g + i);
		pack<ADAM_PACK> moment = load<ADAM_PACK>(v + i), value = load<ADAM_PACK>(w + i), mean = average ? load<ADAM_PACK>(average + i) : value;
		for (int k = 0; k < ADAM_PACK; k++) {
			const bool finite = isfinite(gradient.v[k]);
			const float gk = finite ? gradient.v[k] : 0;
			moment.v[k] = adam_moment(moment.v[k], gk, s.beta2);
			value.v[k] = adam_value(value.v[k], gk, moment.v[k], s.lr, s.correction, s.eps);
			mean.v[k] = ema_value(mean.v[k], value.v[k], s.ema);
			norm += (double)gk * gk;
			nonfinite += finite ? 0 : 1;
		}
		store<ADAM_PACK>(v + i, moment);
		store<ADAM_PACK>(w + i, value);
		if (average)
			store<ADAM_PACK>(average + i, mean);
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
	assert(count % ADAM_PACK == 0); /* parameters end on multiples of 16 floats: cuda_layout.h */
	if (!partial)
		return;
	launch(c, "update parameters", dim3(ADAM_BLOCKS), BLOCK, adam_kernel, w, g, v, average, (int64_t)count, c->scalars, partial);
	finish_sum(c, norm, partial, ADAM_BLOCKS);
	finish_sum(c, nonfinite, partial + ADAM_BLOCKS, ADAM_BLOCKS);
	cuda_conv_changed(c, w, count);
}

void cuda_adam_table(struct backend *b)
{
	b->adam = cuda_adam;
}
