/* The heavy parts of the metrics as one table of operations: the processor fills it in (lib/metrics/metric_cpu.c), and so may a plug-in (plugin.h).
 *
 * What the operations compute is said here, and where it comes from in lib/metrics; which images and directions, what is done with the results, and everything
 * that is said to the user is decided there. Functions return 0 or a negative code, with error_set(). A table belongs to the thread that opened it. Sums are
 * taken in an order that depends on neither threads nor batches, so one device gives the same bytes every time; two devices differ by rounding. */
#ifndef PGAN_METRIC_DEVICE_H
#define PGAN_METRIC_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum {
	PATCH_SIDE = 7,
	PATCH_AREA = PATCH_SIDE * PATCH_SIDE,
	LAPLACIAN_LEVELS = 12, /* at most */
	SLICED_CHANNELS = 3,   /* at most */
	SLICED_SETS = 2,       /* that are compared */
	SSIM_SCALES = 5,
	SSIM_WINDOW = 11       /* at most */
};

/* -- sliced Wasserstein distance -- */

/* A comparison of two sets of as many descriptors: patches of 7x7 pixels of all channels, cut from a level of the images' Laplacian pyramids (laplacian.h). */
struct sliced_plan {
	int c, side, levels; /* of the images, in pixels; side: that of level 0 */
	int patches;        /* of every image but the last, which has what is missing; both are multiples of 64 */
	size_t descriptors; /* per set */
	int directions;     /* projected on at once, at most; a multiple of the table's `tile` */
	bool last_corner;   /* corners are uniform in [0, s - 7] at a level of side s; otherwise in [0, s - 7) */
	uint64_t seed;
	bool wanted[SLICED_SETS]; /* whether there will be images of it */
};

/* Images of a set, (n,c,side,side), on the host. */
struct sliced_images {
	const void *data;
	bool bytes;     /* uint8; otherwise float32. Taken as they are */
	int64_t first, n; /* which of the set: patch j of image i is number i * patches + j */
	int which;      /* of the two sets: 0 or 1 */
	uint32_t stream_id; /* tells the corners of sets apart: philox.h, substream stream_id * LAPLACIAN_LEVELS + level */
};

/* Sums over the values of patches, per channel. */
struct patch_sums {
	double sum[SLICED_CHANNELS], squares[SLICED_CHANNELS];
};

/* -- structural similarity -- */

struct ssim_scale {
	int side, window;
	double weight[SSIM_WINDOW]; /* (window), applied along both axes where it fits whole */
	bool halved;                /* the next scale has 2x2 averages of this one; otherwise it is the same again */
};

/* What is computed of a pair of pictures at five scales (msssim_protocol.c has them). */
struct ssim_plan {
	int c, side;
	double gain, offset; /* of values 0 … 255 */
	double c1, c2;       /* the two constants of the similarity */
	bool clip;           /* negative contrast-structure terms count 0 */
	bool zeros_before;   /* odd sides are halved beginning with a row and column of zeros; otherwise the last ones are repeated */
	struct ssim_scale scale[SSIM_SCALES];
};

/* n pairs on the host: the first of pair i at a + i * step_a bytes, (c,side,side), uint8 in 0 … 255, or float32 in [-1,1] for the same values. */
struct ssim_pairs {
	const char *a, *b;
	size_t step_a, step_b;
	bool bytes_a, bytes_b;
	int64_t n;
};

struct metric_device {
	const char *name;
	int tile;      /* directions come in multiples of it */
	size_t memory; /* bytes of projections that it has room for; 0: it does not say */
	void (*close)(struct metric_device *);

	/* Memory for one comparison; what was open before is closed. */
	int (*sliced_open)(struct metric_device *, const struct sliced_plan *) MUST_CHECK;
	/* sums (n, levels): over the patches of each image. */
	int (*sliced_sums)(struct metric_device *, struct patch_sums *sums, const struct sliced_images *) MUST_CHECK;
	/* Directions for what follows: u (n, c * 49) and offset (n), on the host. */
	int (*sliced_aim)(struct metric_device *, const float *u, const float *offset, int n) MUST_CHECK;
	/* Projects the images' patches of a level: offset + u . patch; kept, descriptor by descriptor, until the next ones. */
	int (*sliced_project)(struct metric_device *, const struct sliced_images *, int level) MUST_CHECK;
	/* out[d]: the 1-D Wasserstein distance of the two sets along direction d of n (w1.h). */
	int (*sliced_distances)(struct metric_device *, double *out, int n) MUST_CHECK;
	/* The projections of a set on the host: (directions, descriptors), borrowed until the next call. */
	int (*sliced_rows)(struct metric_device *, int which, const float **rows) MUST_CHECK;

	/* Memory for pairs of one kind; what was open before is closed. */
	int (*ssim_open)(struct metric_device *, const struct ssim_plan *) MUST_CHECK;
	/* means (n, SSIM_SCALES, c, 2): over the places of the window, the similarity and its contrast-structure part. */
	int (*ssim)(struct metric_device *, double *means, const struct ssim_pairs *) MUST_CHECK;
};

#endif
