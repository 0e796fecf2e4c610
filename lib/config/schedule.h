/* Alpha, the weight of the old, low-resolution path, at every iteration of a scale. */
#ifndef PGAN_SCHEDULE_H
#define PGAN_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

enum schedule_mode {
	SCHEDULE_LINEAR, /* falls from 1 to 0 in `jumps` equal jumps, one every `size` iterations; no jumps: always 0 */
	SCHEDULE_CUSTOM, /* takes value[i] from iteration at[i] on; 0 before the first */
	SCHEDULE_IMAGES  /* falls from 1 to 0 over `images` real images, at every iteration */
};

struct schedule {
	enum schedule_mode mode;
	int64_t jumps, size;
	int64_t images, batch;
	size_t n;
	int64_t *at;   /* n iterations, rising; owned */
	double *value; /* n values in [0,1]; owned */
};

/* Alpha in [0,1]. In the modes `linear` and `custom` it is equal to the last bit to what the reference's loop of additions gives. A function of the
 * iteration alone. */
double schedule_alpha(const struct schedule *, int64_t iteration);

#endif
