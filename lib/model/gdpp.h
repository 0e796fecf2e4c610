/* The GDPP loss: G's images are to vary as real ones do (Elfeki et al. 2019, arXiv 1812.00068), as pytorch_GAN_zoo calls it. */
#ifndef PGAN_GDPP_H
#define PGAN_GDPP_H

#include <stddef.h>

#include "error.h"

/* real, fake: (n,c) features of D. *loss: the loss; dfake (n,c): its derivative at `fake`.
 *
 * With the rows of each normalized, the eigenvalues a, b and eigenvectors A, B of their n x n products in rising order, and w = (b - min b) / (max b - min b):
 *   1e-4 * mean (a - b)^2 - sum over k of w_k * |A_k . B_k|
 * The reference leaves out the absolute value; but an eigenvector has no sign, so its loss depends on what a library happens to return. Here the sign is the
 * one that makes the product positive, which is any library's result after flipping. As in the reference the weights w are those of the generated images.
 * Between eigenvectors of equal eigenvalues no direction is defined: that part of the derivative counts as 0. */
int gdpp_loss(const float *real, const float *fake, size_t n, size_t c, double *loss, float *dfake) MUST_CHECK;

#endif
