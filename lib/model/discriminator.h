/* The discriminator at one scale: scores of images, gradients of its parameters and of its images, and the gradient penalty in closed form.
 *
 * Everything is kept for four slots of N samples, so that each layer runs once over several of them:
 *
 *   slot    x (activations)          b (adjoints)
 *   0       t: tangents              adjoints of sum D(interpolates)
 *   1       real images              of the loss
 *   2       fake images              of the loss
 *   3       interpolates             e: of the Hessian of the minibatch standard deviation
 *
 * Forward runs over slots 1-3 of x, backward over 0-2 of b (slot 0 with the masks of x's slot 3), the tangent pass fills x's slot 0, the e pass b's
 * slot 3; then x and b of equal slots belong together, and the weight gradients are one call over 4N. docs/design.md ("The training step") derives this. */
#ifndef PGAN_DISCRIMINATOR_H
#define PGAN_DISCRIMINATOR_H

#include "arch.h"

enum d_slot { SLOT_PENALTY_B = 0, SLOT_TANGENT = 0, SLOT_REAL = 1, SLOT_FAKE = 2, SLOT_PENALTY_X = 3, SLOT_HESSIAN = 3, D_SLOTS = 4 };

/* x and b of one activation: 4N samples each. */
struct d_pair {
	struct tensor x, b;
};

struct discriminator {
	struct backend *be; /* borrowed */
	struct arch arch;
	struct layers layers;
	int64_t batch; /* N */
	bool fading;
	struct stddev_groups groups;

	struct d_pair image;                        /* x: (4N,3,R,R), fill slots 1-3; b: gradients of the images */
	struct d_pair old_image, old;               /* fading: images halved; their fromRGB */
	struct d_pair rgb;                          /* output of fromRGB at the newest scale */
	struct d_pair mid[MAX_SCALES];              /* of scale s >= 1: after the first convolution */
	struct tensor full[MAX_SCALES];             /* after the second, where bias and activation come before pooling, 4N. One tensor serves as x and b: b overwrites x of
	                                               the same slot once x's sign has been used. The tangents (x's slot 0) are therefore kept apart: */
	struct tensor full_tangent;                 /* N samples, one scale after the other */
	struct d_pair pooled[MAX_SCALES];           /* after pooling: the input of scale s - 1 unless that is faded in */
	struct d_pair faded;                        /* fading: the mix of old and pooled */
	struct d_pair stddev, conv, dense, score;   /* the 4x4 end */
	float *host;                                /* (N,d_0): scratch */
};

/* Plans the memory of 4N activations and adjoints, for N = `batch`. fading: with the path of the scale below, in an arch that has one (arch_d_fades()). After a
 * failure nothing is left to close. */
int discriminator_open(struct discriminator *, struct backend *, const struct arch *, int64_t batch, bool fading) MUST_CHECK;
void discriminator_close(struct discriminator *); /* a zeroed struct is fine */

/* `count` slots of a tensor from `slot` on. */
struct tensor discriminator_slots(const struct discriminator *, struct tensor, enum d_slot, int count);

/* Scores of the images in `count` slots from `slot` on: score.x. */
void discriminator_forward(struct discriminator *, enum d_slot slot, int count, const float *w);

/* A step's backward work, after score.b was filled in with dL/dscore (for a penalty: 1 in slot 0).
 * For losses alone:          discriminator_backward(d, false, w, dw), then discriminator_weights(d, false, dw).
 * With a gradient penalty:   discriminator_backward(d, true, w, dw); gradients at the images of slot 3 are now in image.b slot 0; put the vector v = dP/dg into
 *                            image.x slot 0; discriminator_penalty(d, w, dw); discriminator_weights(d, true, dw).
 * dw: gradients of all active parameters, set. */
void discriminator_backward(struct discriminator *, bool penalty, const float *w, float *dw);
void discriminator_penalty(struct discriminator *, const float *w, float *dw);
void discriminator_weights(struct discriminator *, bool penalty, float *dw);

/* For the generator's step: from score.b slot 1 to image.b slot 1, no parameter gradients. dfeature: NULL, or (N,d_0) on the host, which is added to the
 * gradient at the layer before the decision. */
void discriminator_backward_images(struct discriminator *, const float *w, const float *dfeature);

#endif
