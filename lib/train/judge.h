/* How good the images of a network in training are: their distance to real ones, and how much they differ among themselves. */
#ifndef PGAN_JUDGE_H
#define PGAN_JUDGE_H

#include "trainer.h"

/* The smallest side for which both scores are defined. */
enum { JUDGE_SIDE = 16 };

struct judgement {
	double swd;    /* protocol karras, x 1e3, mean over the levels */
	double msssim; /* protocol karras: mean over the pairs (0,1), (2,3) … of the images */
	int64_t n;     /* images, of each of the sets that are compared */
};

/* Compares the first images that G's running average makes with the first of the data set: `most`, or as many as the set has. Up to single bytes that round
 * differently, this is `pgan-sample -n N --seed SEED NET.h5 | swd --ref DATA.h5 -n N` with the seed of the run, and msssim of the same. The processor computes
 * it. Changes nothing of the training. Images that are all the same have no distance: ERR_INPUT. */
int judge(struct judgement *, struct trainer *, const char *data, int64_t most) MUST_CHECK;

#endif
