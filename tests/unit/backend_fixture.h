/* What the backend's tests share: a table with its memory, random tensors, derivatives by differences, comparison. */
#ifndef PGAN_BACKEND_FIXTURE_H
#define PGAN_BACKEND_FIXTURE_H

#include "backend.h"

enum { FIXTURE_MAX = 256 };

/* A table, and what was allocated from it: released by fixture_close(). The random numbers are the same for every table. */
struct fixture {
	struct backend *b;
	float *owned[FIXTURE_MAX];
	int count;
	uint64_t seed;
	bool coarse; /* random numbers that bfloat16 has, so that what is kept in it is the same for every table */
};

/* Returns false when the machine has no such device; any other failure fails the test. */
bool fixture_open(struct fixture *, const char *device, int threads);
void fixture_close(struct fixture *);
/* Releases what was allocated and starts the random numbers anew; the table stays open. */
void fixture_reset(struct fixture *);

/* On the host: uniform in [-2,2], far from regular. Owned by the caller: free(). */
float *fixture_random(struct fixture *, size_t count);

/* In the table's memory. */
struct tensor fixture_zeros(struct fixture *, int64_t n, int c, int h, int w);
struct tensor fixture_tensor(struct fixture *, int64_t n, int c, int h, int w); /* random */
float *fixture_floats(struct fixture *, size_t count);                         /* zeros */
float *fixture_values(struct fixture *, size_t count);                         /* random, for tables without padding */
float *fixture_param(struct fixture *, struct param_shape);                    /* random */

/* Values of a parameter or a tensor, without padding. */
size_t param_count(struct param_shape);
size_t tensor_count(struct tensor);

double dot(const float *a, const float *b, size_t count);

/* A scalar function of a vector, and its derivative along coordinate i by differences of fourth order. */
typedef double function_of(const double *x, const void *context);
double derivative(function_of *, const void *context, double *x, size_t i, double step);

double worst_difference(const float *got, const float *want, size_t count);

/* Fails the test unless the error is within the tolerance. */
void expect_close(const char *what, const float *got, const double *want, size_t count, double tolerance);
void expect_number(const char *what, double got, double want, double tolerance); /* relative to max(1, |want|) */

#endif
