/* Statistics of a reference set, saved for later comparisons: an HDF5 file (docs/formats.md). */
#ifndef PGAN_SWD_REFERENCE_H
#define PGAN_SWD_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "swd.h"
#include "w1.h"

struct swd_reference {
	enum swd_protocol protocol;
	int64_t n;       /* images */
	uint64_t seed;
	int c, side, levels;
	char *source;    /* the set's full path, "" when it has none; owned */
	uint64_t digest; /* of the images */
	float *low, *scale; /* (levels, directions): of the summaries, owned */
	uint64_t *bucket;   /* (levels, directions, W1_SUMMARY), owned */
};

/* Room for the statistics of n images at a side. source may be NULL. */
int swd_reference_alloc(struct swd_reference *, enum swd_protocol, int64_t n, uint64_t seed, int c, int side, const char *source) MUST_CHECK;
void swd_reference_free(struct swd_reference *); /* a zeroed struct is fine */

struct w1_summary swd_reference_summary(const struct swd_reference *, int level, int direction);

/* Whether a file is one of these; a missing or foreign file is none. */
bool swd_reference_is(const char *path);

int swd_reference_read(struct swd_reference *, const char *path) MUST_CHECK;
int swd_reference_write(const struct swd_reference *, const char *path) MUST_CHECK; /* whole or not at all */

/* Compares the set that the statistics come from with what they were made of: 1 the same, 0 the set is not there any more, or ERR_INPUT: it changed. */
int swd_reference_verify(const struct swd_reference *, const char *path) MUST_CHECK;

#endif
