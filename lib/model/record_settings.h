/* What a step record says of its step beside tensors: the attributes of the file, and the losses (docs/formats.md). Private to record.c and record_verify.c. */
#ifndef PGAN_RECORD_SETTINGS_H
#define PGAN_RECORD_SETTINGS_H

#include "h5file.h"
#include "step.h"

struct record_settings {
	struct arch arch;
	struct step_losses losses;
	struct step_scalars scalars; /* but for Adam's correction, which each step has its own of */
	int64_t batch;
	bool fading;
};

/* penalty: whether this step has one. */
int record_settings_write(struct h5file *, const struct step *, bool penalty) MUST_CHECK;

/* What makes no sense is ERR_INPUT. Attributes that older records lack have the values of the zoo profile. */
int record_settings_read(struct h5file *, struct record_settings *) MUST_CHECK;

enum { RECORD_LOSSES = 10 };
struct record_loss {
	const char *name;
	double value;
	enum { LOSS_ALWAYS, LOSS_OF_LABELS, LOSS_GDPP, LOSS_WHOLE } kind; /* a term, perhaps only of steps with labels or GDPP; or a sum of terms */
};

/* All losses of a step. */
void record_losses(struct record_loss[RECORD_LOSSES], const double sums[STEP_SUMS]);

#endif
