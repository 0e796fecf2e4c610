#include "conditions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "labels.h"
#include "size.h"

/* -- the labels' columns -- */

static int open_labels(struct labels *l, const char *data)
{
	struct dataset *d = NULL;
	int rc = dataset_open(&d, data);
	const int64_t n = rc ? 0 : dataset_count(d);

	*l = (struct labels){ 0 };
	dataset_close(&d);
	if (!rc && !(rc = labels_of_h5(l, data, n)) && !l->columns)
		rc = error_set(ERR_INPUT, "'%s' has no labels, which conditional training asks for (pack-h5 --labels)", data);
	return rc;
}

/* The column of a name, which ends at a comma or the end; -1: there is none. */
static int find_column(const struct labels *l, const char *name)
{
	const size_t length = strcspn(name, ",");
	const char *at = l->names;
	for (int i = 0; i < l->columns; i++) {
		const size_t here = strcspn(at, ",");
		if (here == length && !strncmp(at, name, length))
			return i;
		at += here + (at[here] == ',');
	}
	return -1;
}

static int by_value(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

/* Adds the values of a column to those of attribute i. */
static int collect_values(struct attributes *a, int i, const struct labels *l, int column, const char *data)
{
	float *value = a->value + label_values(&a->groups);
	const int room = ATTRIBUTE_VALUES - label_values(&a->groups);
	int count = 0;
	for (int64_t k = 0; k < l->n; k++) {
		const float x = labels_row(l, k)[column];
		if (bsearch(&x, value, (size_t)count, sizeof x, by_value))
			continue;
		if (count == room)
			return error_set(ERR_INPUT, "'%s': the labels have more than %d values, too many to tell apart; choose some with selectedAttributes", data,
			                 ATTRIBUTE_VALUES);
		value[count++] = x;
		qsort(value, (size_t)count, sizeof *value, by_value);
	}
	if (count < 2)
		return error_set(ERR_INPUT, "'%s': all images have the same label %s; choose others with selectedAttributes", data, a->name[i]);
	a->groups.size[a->groups.n++] = count;
	return 0;
}

static bool is_chosen(const struct attributes *a, const char *name)
{
	for (int i = 0; i < a->groups.n; i++)
		if (!strcmp(a->name[i], name))
			return true;
	return false;
}

int conditions_attributes(struct attributes *a, const char *data, const char *names)
{
	struct labels l;
	int rc = open_labels(&l, data);
	memset(a, 0, sizeof *a);
	for (const char *name = names || rc ? names : l.names; !rc && name; name = strchr(name, ',') ? strchr(name, ',') + 1 : NULL) {
		const int column = find_column(&l, name), length = (int)strcspn(name, ",");
		if (column < 0)
			rc = error_set(ERR_INPUT, "'%s' has no labels called '%.*s', but %s", data, length, name, l.names);
		else if (a->groups.n == LABEL_GROUPS)
			rc = error_set(ERR_INPUT, "'%s' has more than %d labels; choose some with selectedAttributes", data, LABEL_GROUPS);
		else if (!attributes_set_name(a, a->groups.n, name, (size_t)length))
			rc = error_set(ERR_INPUT, "'%s': the name '%.*s' of a label has not 1 to %d letters; choose others with selectedAttributes", data, length, name, ATTRIBUTE_NAME - 1);
		else if (is_chosen(a, a->name[a->groups.n]))
			rc = error_set(ERR_USAGE, "selectedAttributes names '%s' twice", a->name[a->groups.n]);
		else
			rc = collect_values(a, a->groups.n, &l, column, data);
	}
	labels_free(&l);
	return rc;
}

/* -- the labels of the images -- */

static int read_places(struct conditions *c, const struct labels *l, const struct attributes *a, const char *data)
{
	for (int i = 0; i < a->groups.n; i++) {
		const int column = find_column(l, a->name[i]);
		for (int64_t k = 0; k < c->n; k++) {
			const int at = column < 0 ? -1 : attributes_place(a, i, labels_row(l, k)[column]);
			if (at < 0)
				return error_set(ERR_INPUT, "'%s' has other labels %s than the networks", data, a->name[i]);
			c->place[k * a->groups.n + i] = (uint16_t)at;
		}
	}
	return 0;
}

static void set_weights(struct conditions *c, const struct attributes *a, bool equalize)
{
	float *weight = c->weight;
	for (int i = 0; i < a->groups.n; weight += a->groups.size[i++]) {
		for (int64_t k = 0; equalize && k < c->n; k++)
			weight[c->place[k * a->groups.n + i]]++;
		for (int v = 0; v < a->groups.size[i]; v++)
			weight[v] = equalize ? (float)fmin(10, (double)c->n / ((double)weight[v] + 1)) : 1;
	}
}

int conditions_open(struct conditions *c, const char *data, const struct attributes *a, bool equalize)
{
	struct labels l;
	memset(c, 0, sizeof *c);
	int rc = open_labels(&l, data);
	c->n = l.n;
	if (!rc && !(c->place = size_alloc((size_t)c->n, (size_t)a->groups.n * sizeof *c->place)))
		rc = ERR_FAILED;
	if (!rc && !(rc = read_places(c, &l, a, data)))
		set_weights(c, a, equalize);
	labels_free(&l);
	return rc;
}

bool conditions_one_hot(const struct conditions *c, const struct attributes *a)
{
	const int attributes = a->groups.n;
	for (int i = 0; i < attributes; i++)
		if (a->groups.size[i] != 2 || a->value[2 * i] != 0 || a->value[2 * i + 1] != 1)
			return false;
	for (int64_t k = 0; k < c->n; k++) {
		int ones = 0;
		for (int i = 0; i < attributes; i++)
			ones += c->place[k * attributes + i];
		if (ones != 1)
			return false;
	}
	return attributes > 2;
}

void conditions_close(struct conditions *c)
{
	free(c->place);
	c->place = NULL;
}

/* -- what a step takes -- */

void conditions_target(const struct conditions *c, const struct attributes *a, const int *label, int64_t n, double factor, float *target)
{
	const int attributes = a->groups.n, values = label_values(&a->groups);
	memset(target, 0, (size_t)n * (size_t)values * sizeof *target);
	for (int i = 0, at = 0; i < attributes; at += a->groups.size[i++]) {
		double sum = 0;
		for (int64_t k = 0; k < n; k++)
			sum += c->weight[at + label[k * attributes + i]];
		for (int64_t k = 0; k < n; k++) {
			const int place = at + label[k * attributes + i];
			target[k * values + place] = (float)(factor * c->weight[place] / sum);
		}
	}
}
