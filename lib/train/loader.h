/* The training images, batch by batch: a function of (seed, iteration) alone, so that a run that goes on needs to remember nothing.
 *
 * Epoch e takes the images in the order philox_permutation(seed, STREAM_ORDER, e). A batch goes on into the next epoch where one ends, so none is short; a
 * data set smaller than a batch comes several times in it. */
#ifndef PGAN_LOADER_H
#define PGAN_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "conditions.h"
#include "dataset.h"
#include "digest.h"
#include "share.h"

struct loader {
	struct dataset *data;
	uint64_t seed;
	int scale, side;
	int64_t count;        /* images of the data set */
	struct share share;   /* which images of a batch are ours */
	uint32_t *order;      /* of epoch `epoch` */
	int64_t epoch;
	int64_t *row;         /* rows of the data set: of the whole batch, then of our share */
	uint8_t *images;      /* (share.size,3,side,side): what loader_batch() read */
	uint8_t *mirror;      /* share.size flags, 1: to be mirrored; NULL without mirroring */
	struct conditions conditions;
	int attributes;
	int *label;           /* (share.batch,attributes): the whole batch's labels, as places; NULL without labels */
};

/* A data set without the scale's resolution is ERR_INPUT. */
int loader_open(struct loader *, const char *path, int scale, uint64_t seed, const struct share *, bool mirror) MUST_CHECK;
void loader_close(struct loader *); /* a zeroed struct is fine */

/* Has every batch come with the labels of these attributes, which the same file has. */
int loader_condition(struct loader *, const struct attributes *, bool equalize) MUST_CHECK;

/* Reads the batch of step `iteration`: ->images and ->mirror of our share, ->label of the whole batch. An image that cannot be read is ERR_INPUT. */
int loader_batch(struct loader *, int64_t iteration) MUST_CHECK;

/* Digests of the images: of their number, all of them and all labels, "all:" and 16 hexadecimal digits; and `sampled`, as pgan 0.1.0 wrote it, which looked at
 * up to 64 images spread over the set: 16 digits. Reads the whole resolution, and calls progress after every image. */
enum { LOADER_DIGEST = 21 };
int loader_digest(struct loader *, char all[LOADER_DIGEST], char sampled[DIGEST_TEXT], void (*progress)(void *ctx, int64_t done, int64_t total),
                  void *ctx) MUST_CHECK;

#endif
