/* MS-SSIM over many pairs of images, as they come. */
#ifndef PGAN_PAIRS_H
#define PGAN_PAIRS_H

#include <stdint.h>

#include "error.h"
#include "images.h"
#include "msssim.h"

struct pairs {
	int64_t n;     /* how many there were */
	double *value; /* (n), owned: free() */
	double mean, error; /* and its standard error; 0 for one pair */
	int64_t left;  /* images that had no partner: 1, or what the first of two sets had more in its last batch */
};

/* Images 0 and 1, 2 and 3, … of one set, or image i of both sets when `other` is not NULL (same side and channels): at most `most` pairs.
 * The same values for any number of threads. No pair, a damaged input, or values that are not finite: ERR_INPUT. */
int pairs_compute(struct pairs *, struct metric_device *, enum msssim_protocol, struct images *set, struct images *other, int64_t most,
                  void (*progress)(void *ctx, int64_t done), void *ctx) MUST_CHECK;

#endif
