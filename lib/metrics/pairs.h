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
	double mean, error; /* of the values, and its standard error; NAN for one pair */
	int64_t left;  /* not 0 when images had no partner: one of a set, or, of two sets, those of the longer one (negative: the second) that were read in vain */
};

/* Images 0 and 1, 2 and 3, … of one set (without its mirror images), or image i of both sets when `other` is not NULL (same side and channels): at most `most`
 * pairs. The same values for any number of threads. No pair, a damaged input, or values that are not finite: ERR_INPUT. progress: pairs done; may be NULL. */
int pairs_compute(struct pairs *, struct metric_device *, enum msssim_protocol, struct images *set, struct images *other, int64_t most,
                  void (*progress)(void *ctx, int64_t done), void *ctx) MUST_CHECK;

/* How many pairs there are by the first set's number of images; -1 while that is not known. */
int64_t pairs_known(const struct images *set, const struct images *other);

#endif
