/* Step records: one or more training steps with inputs, losses, gradients and results, in the layout described in docs/formats.md.
 * Written by one program and replayed by another (or another device), they show that both compute the same step. */
#ifndef PGAN_RECORD_H
#define PGAN_RECORD_H

#include "step.h"

/* Runs one step as step_run() does and writes it to `path` (whole or not at all; of several ranks 0 writes the whole batch, and all have to call
 * this). The step's inputs and the backend's scalars are set.
 * adam_step: 1 for the first step of a scale. */
int record_step(struct step *, bool penalty, int64_t adam_step, const char *path) MUST_CHECK;

/* What replaying one recorded step gave. All errors are relative, as tests/golden/README.md defines them, but adam and ema: largest absolute difference.
 * grad_median and grad_worst are those of single gradients; grad_all is the worse network's, all of its gradients as one vector, against the record's.
 * output: the worst of G(z_d), of D's scores and of its last features, as many (`outputs`) as were recorded; of none there is no error. */
struct record_result {
	int iteration, outputs;
	double loss, output, grad_median, grad_worst, grad_all, adam, ema;
	char grad_worst_tensor[128]; /* "D/scaleLayers.0.1.module.weight" */
	bool pass;
};

/* The largest errors that pass. */
struct record_tolerance {
	double loss, output, grad_median, grad_worst, grad_all, update;
	bool rounds; /* the device rounds operands: its gradients are held against another table's (record_verify()) */
	double grad_worst_exact; /* instead of grad_worst, up to scale exact_scale: no unit of the records there sits at the kink. 0: grad_worst */
	int exact_scale;
};

/* What a device has to reach. One table, with a reason for each number, in record_verify.c. */
struct record_tolerance record_tolerance_of(const char *device);

/* Replays every step of a file, each from its own recorded state.
 * exact: NULL; or, for a device that rounds, a table in float32 that computes every step, too, with each unit on the side of its leaky ReLU's kink where the
 * first table had it (sides.h): single gradients are compared with this table's, everything else with what is recorded. */
int record_verify(struct backend *, struct backend *exact, const char *path, const struct record_tolerance *, void (*each)(void *ctx, const struct record_result *),
	void *ctx) MUST_CHECK;

#endif
