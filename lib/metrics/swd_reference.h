/* Statistics of a reference set, saved for later comparisons: an HDF5 file (docs/formats.md). */
#ifndef PGAN_SWD_REFERENCE_H
#define PGAN_SWD_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "swd.h"

struct swd_reference {
	enum swd_protocol protocol;
	int64_t n;       /* images */
	uint64_t seed;
	int c, side, levels;
	char *source;    /* the set's full path, "" when it has none; owned */
	uint64_t digest; /* of the images */
	float *low, *scale; /* (levels, SWD_ALL_DIRECTIONS): of the summaries (w1.h), owned */
	uint64_t *bucket;   /* (levels, SWD_ALL_DIRECTIONS, W1_SUMMARY), owned */
};

enum { SWD_REFERENCE_MAX = W1_SUMMARY_MAX / SWD_PATCHES }; /* images */

/* Room for the statistics of n images, (c,side,side) each. source: where they are, copied; NULL: a stream. More than SWD_REFERENCE_MAX images: ERR_USAGE. */
int swd_reference_alloc(struct swd_reference *, enum swd_protocol, int64_t n, uint64_t seed, int c, int side, const char *source) MUST_CHECK;
void swd_reference_free(struct swd_reference *); /* a zeroed struct is fine */

/* The summary along a direction; its buckets are borrowed. */
struct w1_summary swd_reference_summary(const struct swd_reference *, int level, int direction);

/* Whether a file is one of these; a missing or foreign file is none. */
bool swd_reference_is(const char *path);

/* A damaged file, or one of another version, is ERR_INPUT. */
int swd_reference_read(struct swd_reference *, const char *path) MUST_CHECK;
int swd_reference_write(const struct swd_reference *, const char *path) MUST_CHECK; /* whole or not at all */

/* Compares the set that the statistics come from with what they were made of: 1 the same, 0 the set is not there any more, or ERR_INPUT: it changed. */
int swd_reference_verify(const struct swd_reference *, const char *path) MUST_CHECK;

#endif
