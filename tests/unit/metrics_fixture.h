/* What the tests of the metrics share. */
#ifndef PGAN_METRICS_FIXTURE_H
#define PGAN_METRICS_FIXTURE_H

#include <stddef.h>

#include "metric_kernels.h"

/* A data set of tests/golden/metrics.h5 as floats or doubles, owned by the caller; NULL (and a failed check) when it is missing or has not n values. */
float *golden_floats(const char *name, size_t n);
double *golden_doubles(const char *name, size_t n);

/* Makes the two above read the whole golden file, $PGAN_SHARED/golden/metrics.h5, for the rest of the test; ends the test as skipped when it is not there.
 * golden_small() goes back to the part in tests/golden. */
void golden_whole(void);
void golden_small(void);

double largest_difference(const float *a, const float *b, size_t n);

enum { METRIC_TABLES = 3 };

/* The tables of inner loops that this processor can run; returns how many. */
int metric_tables(const struct metric_kernels *out[METRIC_TABLES]);

#endif
