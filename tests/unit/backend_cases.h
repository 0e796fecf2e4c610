/* Every operation of a backend, run on random inputs of one shape, so that two tables can be compared. */
#ifndef PGAN_BACKEND_CASES_H
#define PGAN_BACKEND_CASES_H

#include "backend_fixture.h"

enum { RUN_OUTPUTS = 24 };

/* One result, on the host in the reference's layout. */
struct run_output {
	const char *name;
	float *values;
	size_t count;
	bool guard;  /* memory beside a tensor, which must not change */
	bool padded; /* padding that is not zero was found */
};

struct run {
	struct fixture f;
	int64_t n;
	int in, out, side; /* channels and pixels across; dense layers map 4x4 pictures and single pixels */
	struct run_output output[RUN_OUTPUTS];
	int outputs;
};

struct backend_case {
	const char *name;
	void (*run)(struct run *);
	double tolerance; /* of |difference| over the largest |value| of the plain table's result */
	const char *reason;
	bool linear; /* convolutions and dense layers, whose operands a device may round */
};

extern const struct backend_case backend_cases[];
extern const size_t backend_case_count;

/* Frees the outputs and releases the table's memory. */
void run_reset(struct run *);

#endif
