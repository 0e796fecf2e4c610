/* The generator at one scale: latents -> images, and gradients back to its parameters. */
#ifndef PGAN_GENERATOR_H
#define PGAN_GENERATOR_H

#include "arch.h"

struct generator {
	struct backend *be; /* borrowed */
	struct arch arch;
	struct layers layers;
	bool fading;
	int64_t capacity; /* samples that the tensors hold */

	struct tensor z;     /* (capacity,arch_inputs(),1,1): fill before generator_forward() */
	struct tensor image; /* (capacity,3,R,R): the result */

	/* What the forward pass leaves for the backward pass. norm: of the tensor of the same place, (n,1,h,w). */
	struct tensor zn, format, format_norm, x[MAX_SCALES], x_norm[MAX_SCALES]; /* output of each scale */
	struct tensor up[MAX_SCALES], mid[MAX_SCALES], mid_norm[MAX_SCALES];      /* of scale s >= 1: 2x input, output of the first convolution */
	struct tensor old_image, old_up;                                          /* fading: the scale below, and enlarged */

	/* Gradients on their way down: of x[s] and mid[s], of up[s], of the images. NULL data without training. */
	struct tensor dx[MAX_SCALES], dmid[MAX_SCALES], dup[MAX_SCALES], dformat, dimage, dold_image;
};

/* Plans the memory of `capacity` samples, and of the gradients of `backward` of them; 0: not for training. */
int generator_open(struct generator *, struct backend *, const struct arch *, int64_t capacity, bool fading, int64_t backward) MUST_CHECK;
void generator_close(struct generator *);

/* Samples 0 … n of z -> image, with parameters w (layers.size floats in the backend's layout). Fading mixes by the backend's alpha. */
void generator_forward(struct generator *, int64_t n, const float *w);

/* dimage (n,3,R,R), n at most `backward`: gradient at samples first … first + n of the last forward pass -> dw, the gradients of all active parameters (set, not added).
 * dimage is overwritten. */
void generator_backward(struct generator *, int64_t first, struct tensor dimage, const float *w, float *dw);

#endif
