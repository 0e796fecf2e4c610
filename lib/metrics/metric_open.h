/* Where the metrics are computed. */
#ifndef PGAN_METRIC_OPEN_H
#define PGAN_METRIC_OPEN_H

#include "metric_device.h"

#define METRIC_DEVICES "cpu, cuda[:N], or auto: a GPU where one works"

/* device: "cpu", "cuda", "cuda:N", or "auto": cuda where that can be opened, else cpu. Unknown or unusable: ERR_USAGE or ERR_FAILED with the reason. */
int metric_open(struct metric_device **, const char *device) MUST_CHECK;
void metric_close(struct metric_device *); /* NULL is fine */

/* The processor's table, with as many threads as OpenMP has now. */
int metric_open_cpu(struct metric_device **) MUST_CHECK;

/* Line i for --version: "NAME: usable", or why it is not. False when there is no such line. */
bool metric_describe(int i, char *line, size_t size);

#endif
