/* The sliced Wasserstein distance of two sets of images over the levels of their Laplacian pyramids (Karras et al. 2018, section 5). */
#ifndef PGAN_SWD_H
#define PGAN_SWD_H

#include <stdint.h>

#include "error.h"
#include "image_set.h"
#include "laplacian.h"
#include "metric_device.h"
#include "w1.h"

enum swd_protocol {
	SWD_KARRAS, /* the paper's: 128 patches of every image, levels down to 16, images as bytes */
	SWD_PADDLE  /* the reproduced system's: batches of 16, whose 16 * 128 patches are all cut from the first image; corners leave out the last row
	               and column; at most 4 levels, at most log2(side) - 2; images as they are */
};

enum { SWD_REPEATS = 4, SWD_DIRECTIONS = 128, SWD_ALL_DIRECTIONS = SWD_REPEATS * SWD_DIRECTIONS, SWD_PATCHES = 128, SWD_BATCH = 16 };
enum { SWD_MAX_IMAGES = W1_MAX / SWD_PATCHES }; /* of a part */

/* Images that the protocol compares: 16,384, or 1,001 batches of 16. */
int64_t swd_protocol_images(enum swd_protocol);

#define SWD_PROTOCOLS "karras|paddle" /* the same as words, for an option; and one by one */
extern const char *const swd_protocol_names[];

/* Levels at this side, or ERR_INPUT with the reason (`name`: the input) where the protocol has none. */
int swd_levels(enum swd_protocol, int side, const char *name) MUST_CHECK;

/* Opens a set as the protocol wants it. */
int swd_open_set(struct image_set *, const char *input, int side, int64_t limit, enum swd_protocol) MUST_CHECK;

struct swd_reference; /* swd_reference.h */

/* A digest of the first n images of a set, as far as the protocol looks at them. */
int swd_digest(struct image_set *, int64_t n, enum swd_protocol, uint64_t *digest) MUST_CHECK;

struct swd_settings {
	enum swd_protocol protocol;
	uint64_t seed;
	size_t memory; /* bytes for projections; 0: what the device says, or half a GiB */
	void (*progress)(void *ctx, int64_t done, int64_t total); /* images; may be NULL */
	void *ctx;
	const struct swd_reference *saved; /* what part a was, or NULL */
	struct swd_reference *save;        /* allocated for part a: filled in; or NULL */
};

/* Images first … first + n of a set, counted as the input has them (under SWD_PADDLE first is a multiple of 16). */
struct swd_part {
	struct image_set *set;
	int64_t first, n;
	uint32_t stream_id; /* one of its own for each set, so that the patches of two are drawn independently */
};

/* Values and standard errors over the repeats, both times 1,000. The errors tell the spread by the directions, not by the images and patches. */
struct swd_result {
	int levels;
	int side[LAPLACIAN_LEVELS];
	double value[LAPLACIAN_LEVELS], error[LAPLACIAN_LEVELS];
	double average, average_error;
};

/* The mean of the repeats; *error: its standard error, by their sample variance. */
double swd_mean(const double repeat[SWD_REPEATS], double *error);

/* Both parts have the same n, side and channels. a may be NULL with settings.saved, and b (and the result) with settings.save. Constant sets are ERR_INPUT. */
int swd_compute(struct swd_result *, struct metric_device *, const struct swd_part *a, const struct swd_part *b, const struct swd_settings *) MUST_CHECK;

#endif
