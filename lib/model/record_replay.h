/* A recorded step while it is replayed. Private to record_verify.c and record_compare.c. */
#ifndef PGAN_RECORD_REPLAY_H
#define PGAN_RECORD_REPLAY_H

#include "record.h"
#include "record_settings.h"
#include "sides.h"

/* A table that computes the step. */
struct replica {
	struct backend *be; /* NULL: there is none */
	struct network g, d;
	struct step step;
};

struct replay {
	struct h5file *file;
	struct record_settings of;
	struct replica tested, exact; /* exact: whose gradients stand for those recorded, with the sides of the one that is tested */
	struct sides sides;
	float *expected; /* gradients of exact, one parameter after another */
	size_t expected_room;
	struct record_result result;
	double *errors; /* of the gradients of one step */
	size_t count;
	char group[16]; /* of the step: "iter0" */
};

/* record_compare.c: each adds what it finds to the result. expected: what each gradient is held against in place of that recorded, one parameter after another;
 * NULL: nothing. */
int replay_compare_outputs(struct replay *) MUST_CHECK;
int replay_compare_gradients(struct replay *, const struct network *, const char *group, const float *expected) MUST_CHECK;
int replay_compare_losses(struct replay *) MUST_CHECK;
/* *largest: so far, of all that is compared with it. */
int replay_compare_values(struct replay *, const struct network *, const float *array, const char *group, double *largest) MUST_CHECK;

#endif
