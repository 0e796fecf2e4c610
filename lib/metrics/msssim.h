/* Multi-scale structural similarity of pairs of images (Wang, Simoncelli and Bovik 2003), as three published programs compute it. */
#ifndef PGAN_MSSSIM_H
#define PGAN_MSSSIM_H

#include <stdint.h>

#include "error.h"
#include "metric_device.h"

enum msssim_protocol {
	MSSSIM_KARRAS, /* the paper's: values 0..255, the window shrinks with small scales, negative scales count 0 */
	MSSSIM_PADDLE, /* the reproduced system's: values in [-1,1] with range 1, K1 0.1, K2 0.3; scales below 32 are not halved but counted again;
	                  negative places count 0; the last scale's factor is counted four times */
	MSSSIM_VAINF   /* pytorch-msssim: values 0..255, a factor per channel */
};

#define MSSSIM_PROTOCOLS "karras|paddle|vainf" /* the same as words, for an option; and one by one */
extern const char *const msssim_protocol_names[];

/* Pairs that a published value rests on. */
int64_t msssim_protocol_pairs(enum msssim_protocol);

/* 0, or ERR_INPUT with the reason (`name`: the input) where the protocol is not defined at this side. */
int msssim_check(enum msssim_protocol, int side, const char *name) MUST_CHECK;

/* What is to be computed of every pair of pictures (c,side,side). */
void msssim_plan(struct ssim_plan *, enum msssim_protocol, int c, int side);

/* From the means (SSIM_SCALES, c, 2) of a pair to one number. */
double msssim_combine(enum msssim_protocol, const struct ssim_plan *, const double *means);

#endif
