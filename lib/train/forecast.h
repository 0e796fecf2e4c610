/* What training will take, before it is begun: --dry-run. */
#ifndef PGAN_FORECAST_H
#define PGAN_FORECAST_H

#include "config.h"

struct forecast {
	const char *device;
	int threads;      /* 0: all cores */
	const char *data; /* whose labels conditional networks depend on, and of which is said where it has no pictures of a scale's size; otherwise NULL */
	double seconds;   /* of measuring, for each scale: at least one step after a first one */
	/* Before each scale is measured. */
	void *ctx;
	void (*progress)(void *ctx, int scale);
};

/* Prints a table to `out`: for each scale from `first` to the last that depthScales and the schedule have, parameters, memory, images, iterations and the time,
 * estimated from some steps on empty images; then the sums. The memory is that of the networks, their optimizers and a step; a device's own comes on top.
 * ERR_FAILED when a scale does not fit, after the table. */
int forecast_print(const struct forecast *, const struct config *, int first, FILE *out) MUST_CHECK;

#endif
