/* What images.c and the readers of each kind of input share. */
#ifndef PGAN_IMAGES_INPUT_H
#define PGAN_IMAGES_INPUT_H

#include "images.h"

/* What every kind of input has. The functions get images that images_start() was called for. */
struct images_kind {
	int64_t (*left)(struct images *);                          /* as images_left(); NULL where the number n is known: what has not been read of it */
	int64_t (*read)(struct images *, void *data, int64_t max); /* as images_read(), but for the check of floats; without `left`, for max <= what is left */
	void (*close)(struct images *);                            /* gives up what is the kind's own, and leaves the struct's memory */
	bool decodes;                                              /* as images_decodes() */
};

/* What images->source points to begins with this. */
struct images_input {
	const struct images_kind *kind;
	char *name;      /* what images->name points to; owned */
	int64_t next;    /* images read so far; of read()'s first one, the index */
	/* Of the floats that were read: one was below 0; how many there were, and how many of them beyond [-1,1]. */
	bool negative;
	uint64_t floats, beyond;
};

/* Begins an input: allocates its struct of `size` bytes, zeroed, as images->source, and sets the name. From then on images_close() frees it. NULL with
 * ERR_FAILED when out of memory. */
void *images_start(struct images *, size_t size, const struct images_kind *, const char *name);

/* The kinds. Each calls images_start() and fills in type, channels, side and number; after a failure the caller closes. */
int images_open_npy(struct images *, FILE *, bool owned, const char *name) MUST_CHECK; /* owned: closed with the images, at once if nothing could be begun */
int images_open_h5(struct images *, const char *path, int side) MUST_CHECK;
int images_open_pictures(struct images *, const char *path) MUST_CHECK;

#endif
