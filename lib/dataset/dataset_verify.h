/* Checking a data set: that everything in it can be read, labels included (HDF5's checksums are compared on the way), and that the smaller resolutions are the
 * full one made smaller. */
#ifndef PGAN_DATASET_VERIFY_H
#define PGAN_DATASET_VERIFY_H

#include "dataset.h"

struct verify_result {
	int64_t n;
	int side;
	int labels;        /* numbers that every picture has; 0: there are no labels */
	int levels;        /* resolutions below the full one that were compared; those that are missing are not */
	const char *filter; /* the name of the one that made them; NULL when it was neither (another program's file): then nothing was compared */
};

/* Reads and compares all pictures. Which filter made the smaller resolutions is found by trying both on the first picture; those of a file that says that
 * pack-h5 made it have to agree with one. Damaged data, labels that are not a row for every picture, and pictures whose resolutions disagree are ERR_INPUT, the
 * first of them named. threads: at least 1. progress: pictures done; may be NULL. */
int dataset_verify(struct verify_result *, const char *path, int threads, void (*progress)(void *ctx, int64_t done), void *progress_ctx) MUST_CHECK;

#endif
