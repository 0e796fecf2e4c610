/* The generator at one scale: latents -> images, and gradients back to its parameters. */
#ifndef PGAN_GENERATOR_H
#define PGAN_GENERATOR_H

#include "arch.h"

struct generator {
	struct backend *be; /* borrowed */
	struct arch arch;
	struct layers layers;
	bool fading;
	int64_t latents;  /* samples of z, and of what the dense layer makes of them */
	int64_t capacity; /* samples of everything after that */

	struct tensor z;     /* (latents,arch_inputs(),1,1): fill before generator_begin() */
	struct tensor image; /* (capacity,3,R,R): the result */

	/* What the forward pass leaves for the backward pass. zn: z after pixel norm. NAME_norm: the factor of each pixel of NAME, (n,1,h,w) (backend.h,
	 * activate()). */
	struct tensor zn, format, format_norm, x[MAX_SCALES], x_norm[MAX_SCALES]; /* output of each scale */
	struct tensor mid[MAX_SCALES], mid_norm[MAX_SCALES];                      /* of scale s >= 1: output of the first convolution, of x[s - 1] enlarged */
	struct tensor old_image, old_up;                                          /* fading: the scale below, and enlarged */

	/* Gradients on their way down: of x[s] and mid[s], of the images. NULL data without training. Those of all x share one piece of memory, those of all mid
	 * another; `below` is that of x[scale - 1], which fading fills in before its turn. */
	struct tensor dx[MAX_SCALES], dmid[MAX_SCALES], dformat, dimage, dold_image;
	struct tensor shared_dx, shared_dmid, below;
};

/* Plans the memory of `latents` latents and of `capacity` images at a time, and, for training, of the gradients of these. */
int generator_open(struct generator *, struct backend *, const struct arch *, int64_t latents, int64_t capacity, bool fading, bool training) MUST_CHECK;
void generator_close(struct generator *); /* a zeroed struct is fine */

/* w: parameters (layers.size floats in the backend's layout). The dense layer reads more of them than all others at 4x4, for few operations, so it runs over
 * samples 0 … n of z at once; then samples first … first + n become images 0 … n. Fading mixes by the backend's alpha. */
void generator_begin(struct generator *, int64_t n, const float *w);
void generator_forward(struct generator *, int64_t first, int64_t n, const float *w);

/* dimage (n,3,R,R): gradient at the images of the last forward pass, with the same first and n -> dw, the gradients of all active parameters (set, not added).
 * dimage is overwritten. */
void generator_backward(struct generator *, int64_t first, struct tensor dimage, const float *w, float *dw);

#endif
