/* What a conditional network tells apart: one or more attributes of an image, each with the values that it takes (Odena et al. 2017, arXiv 1610.09585).
 *
 * A label is a value of each attribute, held as its place among that attribute's values. Its code is their one-hot vectors side by side: G reads it after the
 * noise of a latent, and D has a logit for each of its values. */
#ifndef PGAN_ATTRIBUTES_H
#define PGAN_ATTRIBUTES_H

#include "backend.h"
#include "h5file.h"
#include "philox.h"

enum { ATTRIBUTE_NAME = 32, ATTRIBUTE_VALUES = 1024 };

struct attributes {
	struct label_groups groups;   /* how many values each has, at least 2; none: not conditional */
	char name[LABEL_GROUPS][ATTRIBUTE_NAME];
	float value[ATTRIBUTE_VALUES]; /* of one attribute after another, rising */
};

bool attributes_equal(const struct attributes *, const struct attributes *);

/* Place of a value among those of attribute i; -1: it is none of them. */
int attributes_place(const struct attributes *, int i, float value);

/* "NAME=VALUE" -> label[attribute] = place; an unknown name or value is ERR_USAGE, with those that there are. */
int attributes_parse(const struct attributes *, const char *text, int *label) MUST_CHECK;

/* The place drawn for attribute i of sample k, every value as likely: a function of the arguments. */
int attributes_draw(const struct attributes *, int i, uint64_t seed, enum philox_stream, uint32_t substream, uint64_t k);

/* label: a place for each attribute -> code: label_values(&groups) floats. */
void attributes_code(const struct attributes *, const int *label, float *code);

/* In a file they are attribute_names (between commas), attribute_sizes and attribute_values, attributes of "/"; these are missing where the network is not
 * conditional. Values that cannot be are ERR_INPUT, with the name of the attribute. */
int attributes_write(struct h5file *, const struct attributes *) MUST_CHECK;
int attributes_read(struct h5file *, struct attributes *) MUST_CHECK;

/* Sets attribute i's name from `length` characters; false: too long, or empty. */
bool attributes_set_name(struct attributes *, int i, const char *name, size_t length);

#endif
