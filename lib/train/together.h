/* What the ranks of a run do together besides training steps (ranks.h). With ranks NULL the process is alone, and there is nothing to do. */
#ifndef PGAN_TOGETHER_H
#define PGAN_TOGETHER_H

#include "checkpoint.h"
#include "grow.h"

/* Whether this process is the one that writes, and speaks. */
static inline bool together_leads(const struct ranks *ranks)
{
	return !ranks || !ranks->rank;
}

/* Replaces *decision by that of rank 0. */
int together_decide(struct ranks *, int *decision) MUST_CHECK;

/* Checks that all were given the same settings, inputs and kind of device: ERR_USAGE at a rank where something is other than at rank 0, with what it is. */
int together_compare(struct ranks *, const struct grow *, const struct origin *, const struct backend *) MUST_CHECK;

/* Checks that all go on from the same checkpoint: ERR_USAGE at a rank whose file is another than that of rank 0. */
int together_compare_checkpoint(struct ranks *, const char *path) MUST_CHECK;

/* Whether to stop after this iteration, the same at all: when a signal came to one of them. *number: 0 or the signal, SIGTERM where it came to others. */
int together_stop(struct ranks *, int *number) MUST_CHECK;

/* Returns when all have come here. */
int together_wait(struct ranks *) MUST_CHECK;

#endif
