/* A learning rate that falls when a loss does not: the reproduced system's ReduceOnPlateau (PaddlePaddle's, mode min, relative threshold 1e-4), which it builds
 * and never steps. */
#ifndef PGAN_PLATEAU_H
#define PGAN_PLATEAU_H

#include <stdint.h>

struct plateau {
	double factor, floor; /* of the learning rate */
	int64_t patience;     /* steps */
	/* The state: a checkpoint keeps it. */
	double rate;          /* the learning rate now */
	double best;          /* the lowest loss so far; NaN before the first */
	double bad;           /* steps since then, or since the last fall */
};

/* Takes note of the loss of a step; the rate of the next one is in ->rate. A loss that is not finite counts as no better. */
void plateau_step(struct plateau *, double loss);

#endif
