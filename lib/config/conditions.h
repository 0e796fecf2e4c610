/* Conditional training: the labels of a data set, and what a step takes from them and from those that are drawn for G's images. */
#ifndef PGAN_CONDITIONS_H
#define PGAN_CONDITIONS_H

#include "attributes.h"

/* The labels of n images, and the weight of each value. */
struct conditions {
	int64_t n;
	uint16_t *place; /* (n, attributes): places among the values; owned */
	float weight[ATTRIBUTE_VALUES];
};

/* The attributes that the labels of a data set have: its columns, or those of `names` (between commas; NULL: all), each with all values that it takes. Labels
 * that are missing or not finite, a column that is not there or has one value only, and more than an attribute can hold are ERR_INPUT. */
int conditions_attributes(struct attributes *, const char *data, const char *names) MUST_CHECK;

/* Reads the labels of all images. equalize: a value that c of them have weighs min(10, n / (c + 1)), as pytorch_GAN_zoo's equalization; otherwise all 1. */
int conditions_open(struct conditions *, const char *data, const struct attributes *, bool equalize) MUST_CHECK;
/* Whether the attributes are the columns of a one-hot code: at least three of 0 and 1, of which every image has one that is 1. Drawn apart for G's images, they
 * make codes that no image has. */
bool conditions_one_hot(const struct conditions *, const struct attributes *);

void conditions_close(struct conditions *); /* a zeroed struct is fine */

/* label: places (n,attributes) -> target (n,values): 0, but at the place of each attribute's label `factor` times its weight over the sum of these in the n
 * samples, so that the cross-entropy is their weighted mean. */
void conditions_target(const struct conditions *, const struct attributes *, const int *label, int64_t n, double factor, float *target);

#endif
