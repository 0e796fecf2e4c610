/* What the files of convolutions share: the plans made so far (conv_plans.c), weights as convolutions read them (conv_weights.c), and what runs them
 * (cudnn_conv.c). */
#ifndef PGAN_CUDA_CONV_H
#define PGAN_CUDA_CONV_H

#include "cuda.h"
#include "plan_cache.h"

struct planned {
	struct plan_key key;
	struct cudnn_plan plan;
};

/* A convolution's weights as it reads them: rounded to bfloat16, or as one with stride 2 wants them, which does what one with resizing does
 * (resized_conv.cu). */
enum weight_form { WEIGHTS_ROUNDED, WEIGHTS_UP, WEIGHTS_DOWN };

struct prepared {
	const float *w;
	enum weight_form form;
	int out, in;
	void *memory;
	bool fresh; /* made in this step, of weights that have not changed since */
};

struct cuda_conv {
	cudnnHandle_t handle;
	struct plan_cache cache;
	cudaEvent_t begin, end;
	void *workspace;
	size_t workspace_size;
	struct planned *item;
	size_t count, room;
	struct prepared *weights;
	size_t n_weights, weights_room;
	bool in_step;
};

/* Device memory of a convolution: float32 or bfloat16 by its precision. */
struct operands {
	void *x, *y, *w;
};

/* Queues a convolution, by a plan that is made and, with a plan cache, chosen by measuring at its first use. Failures are noted. */
void conv_execute(struct cuda *, const struct plan_key *, const struct operands *);

/* Weights w (out,3,3,in), channels with padding, in another form; NULL (noted): there is no memory. Of the table's precision, but for WEIGHTS_ROUNDED. */
void *conv_weights(struct cuda *, enum weight_form, const float *w, int out, int in);
void conv_weights_free(struct cuda_conv *);

/* Bytes of a value of a convolution. */
static inline size_t conv_value_size(const struct cuda *c)
{
	return c->precision == CUDA_BF16 ? sizeof(uint16_t) : sizeof(float);
}

#endif
