#include "attributes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The values of attribute i. */
static const float *values_of(const struct attributes *a, int i)
{
	const float *value = a->value;
	for (int k = 0; k < i; k++)
		value += a->groups.size[k];
	return value;
}

bool attributes_equal(const struct attributes *a, const struct attributes *b)
{
	bool same = a->groups.n == b->groups.n && !memcmp(a->groups.size, b->groups.size, (size_t)a->groups.n * sizeof a->groups.size[0]);
	for (int i = 0; same && i < a->groups.n; i++)
		same = !strcmp(a->name[i], b->name[i]);
	return same && !memcmp(a->value, b->value, (size_t)label_values(&a->groups) * sizeof a->value[0]);
}

int attributes_place(const struct attributes *a, int i, float value)
{
	const float *values = values_of(a, i);
	for (int k = 0; k < a->groups.size[i]; k++)
		if (values[k] == value)
			return k;
	return -1;
}

bool attributes_set_name(struct attributes *a, int i, const char *name, size_t length)
{
	if (!length || length >= ATTRIBUTE_NAME)
		return false;
	memcpy(a->name[i], name, length);
	a->name[i][length] = 0;
	return true;
}

/* -- labels by name -- */

static int unknown_attribute(const struct attributes *a, const char *text)
{
	char list[512] = "";
	for (int i = 0; i < a->groups.n; i++)
		snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", a->name[i]);
	return error_set(ERR_USAGE, "there is no attribute to '%s', but %s", text, list);
}

/* The shortest number that is this value and no other. */
static void print_value(char out[32], float value)
{
	snprintf(out, 32, "%g", (double)value);
	if (strtof(out, NULL) != value)
		snprintf(out, 32, "%.9g", (double)value);
}

static int unknown_value(const struct attributes *a, int i, const char *value)
{
	char list[512] = "";
	for (int k = 0; k < a->groups.size[i]; k++) {
		char number[32];
		print_value(number, values_of(a, i)[k]);
		snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", k ? ", " : "", number);
	}
	return error_set(ERR_USAGE, "the attribute '%s' takes one of %s, not '%s'", a->name[i], list, value);
}

int attributes_parse(const struct attributes *a, const char *text, int *label)
{
	const char *equals = strrchr(text, '='); /* a name may have one in it */
	const size_t length = equals ? (size_t)(equals - text) : 0;
	char *end;
	int i = 0;
	if (!length || !equals[1])
		return error_set(ERR_USAGE, "'%s' is not NAME=VALUE", text);
	while (i < a->groups.n && (strlen(a->name[i]) != length || strncmp(a->name[i], text, length)))
		i++;
	if (i == a->groups.n)
		return unknown_attribute(a, text);
	const float value = strtof(equals + 1, &end);
	const int at = *end ? -1 : attributes_place(a, i, value);
	if (at < 0)
		return unknown_value(a, i, equals + 1);
	label[i] = at;
	return 0;
}

int attributes_draw(const struct attributes *a, int i, uint64_t seed, enum philox_stream stream, uint32_t substream, uint64_t k)
{
	return (int)philox_below(seed, stream, substream, k * (uint64_t)a->groups.n + (uint64_t)i, (uint32_t)a->groups.size[i]);
}

void attributes_code(const struct attributes *a, const int *label, float *code)
{
	memset(code, 0, (size_t)label_values(&a->groups) * sizeof *code);
	for (int i = 0; i < a->groups.n; code += a->groups.size[i++])
		code[label[i]] = 1;
}

/* -- in HDF5 -- */

int attributes_write(struct h5file *f, const struct attributes *a)
{
	char names[LABEL_GROUPS * (ATTRIBUTE_NAME + 1)] = "";
	int32_t size[LABEL_GROUPS];
	int rc;
	if (!a->groups.n)
		return 0;
	for (int i = 0; i < a->groups.n; i++) {
		strcat(names, i ? "," : "");
		strcat(names, a->name[i]);
		size[i] = a->groups.size[i];
	}
	if ((rc = h5_set_text(f, "/", "attribute_names", names)) || (rc = h5_set_list(f, "/", "attribute_sizes", H5_I32, size, (size_t)a->groups.n)))
		return rc;
	return h5_set_list(f, "/", "attribute_values", H5_F32, a->value, (size_t)label_values(&a->groups));
}

/* One name for each size. */
static int read_names(struct h5file *f, struct attributes *a)
{
	char *text = NULL, *rest, *word;
	int i = 0, rc = h5_get_text(f, "/", "attribute_names", &text);
	rest = text;
	while (!rc && (word = strsep(&rest, ","))) {
		if (i == a->groups.n || !attributes_set_name(a, i, word, strlen(word)))
			rc = error_set(ERR_INPUT, "'%s': the attribute 'attribute_names' is not %d names of 1 to %d letters", h5_name(f), a->groups.n, ATTRIBUTE_NAME - 1);
		i++;
	}
	if (!rc && i < a->groups.n)
		rc = error_set(ERR_INPUT, "'%s': the attribute 'attribute_names' has %d names, but 'attribute_sizes' %d numbers", h5_name(f), i, a->groups.n);
	free(text);
	return rc;
}

/* Finite and rising within each attribute. */
static bool values_rise(const struct attributes *a)
{
	for (int i = 0; i < a->groups.n; i++)
		for (int k = 0; k < a->groups.size[i]; k++) {
			const float *value = values_of(a, i) + k;
			if (!isfinite(*value) || (k && !(value[-1] < *value)))
				return false;
		}
	return true;
}

int attributes_read(struct h5file *f, struct attributes *a)
{
	int32_t size[LABEL_GROUPS];
	size_t n, values, sum = 0;
	int rc;
	memset(a, 0, sizeof *a);
	if (!h5_has_attr(f, "/", "attribute_sizes"))
		return 0;
	if ((rc = h5_get_numbers(f, "/", "attribute_sizes", H5_I32, size, LABEL_GROUPS, &n)) ||
	    (rc = h5_get_numbers(f, "/", "attribute_values", H5_F32, a->value, ATTRIBUTE_VALUES, &values)))
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (size[i] < 2 || size[i] > ATTRIBUTE_VALUES)
			return error_set(ERR_INPUT, "'%s': the attribute 'attribute_sizes' has %d, but 2 to %d are possible", h5_name(f), size[i], ATTRIBUTE_VALUES);
		sum += (size_t)(a->groups.size[i] = size[i]);
	}
	a->groups.n = (int)n;
	if (sum != values || !values_rise(a)) {
		a->groups.n = 0;
		return error_set(ERR_INPUT, "'%s': the attribute 'attribute_values' is not %zu values that rise for each attribute", h5_name(f), sum);
	}
	return read_names(f, a);
}
