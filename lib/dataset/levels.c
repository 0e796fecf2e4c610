#include "dataset.h"

#include <stdlib.h>
#include <string.h>

#include "resize.h"
#include "size.h"

const char *const level_filter_names[] = { "bilinear", "box", NULL };

enum { C = 3 };

struct levels {
	int side;
	enum level_filter filter;
	struct resizer *resizer[DATASET_MAX_LEVELS]; /* from the full size to each smaller one; bilinear */
	float *value[2];                             /* the picture at two levels; box */
};

size_t level_size(int side)
{
	return (size_t)C * (size_t)side * (size_t)side;
}

size_t levels_size(int side)
{
	size_t size = 0;
	for (int r = DATASET_MIN_SIDE; r <= side; r *= 2)
		size += level_size(r);
	return size;
}

int levels_new(struct levels **out, int side, enum level_filter filter)
{
	*out = NULL;
	if (side < DATASET_MIN_SIDE || side > DATASET_MAX_SIDE || (side & (side - 1)))
		return error_set(ERR_USAGE, "the side of a data set's pictures is a power of two from %d to %d, not %d", DATASET_MIN_SIDE, DATASET_MAX_SIDE,
				 side);
	struct levels *l = size_zalloc(1, sizeof *l);
	int rc = l ? 0 : ERR_FAILED, i = 0;
	if (l)
		*l = (struct levels){ .side = side, .filter = filter };
	if (filter == LEVELS_BOX) {
		for (int k = 0; k < 2 && !rc; k++)
			if (!(l->value[k] = size_alloc(level_size(side), sizeof(float))))
				rc = ERR_FAILED;
	} else {
		for (int r = DATASET_MIN_SIDE; r < side && !rc; r *= 2)
			rc = resizer_new(&l->resizer[i++], side, side, r, r);
	}
	if (rc)
		levels_free(&l);
	*out = l;
	return rc;
}

void levels_free(struct levels **l)
{
	if (!*l)
		return;
	for (int i = 0; i < DATASET_MAX_LEVELS; i++)
		resizer_free(&(*l)->resizer[i]);
	free((*l)->value[0]);
	free((*l)->value[1]);
	free(*l);
	*l = NULL;
}

static void make_box(struct levels *l, uint8_t *end, const uint8_t *in)
{
	int from = 0;
	for (size_t i = 0; i < level_size(l->side); i++)
		l->value[0][i] = in[i];
	for (int r = l->side / 2; r >= DATASET_MIN_SIDE; r /= 2, from = !from) {
		end -= level_size(r);
		box_halve(l->value[!from], l->value[from], C, 2 * r);
		box_round(end, l->value[!from], level_size(r));
	}
}

void levels_make(struct levels *l, uint8_t *out, const uint8_t *in)
{
	uint8_t *const full = out + levels_size(l->side / 2);
	memcpy(full, in, level_size(l->side));
	if (l->filter == LEVELS_BOX) {
		make_box(l, full, in);
		return;
	}
	int i = 0;
	for (int r = DATASET_MIN_SIDE; r < l->side; out += level_size(r), r *= 2)
		resizer_run(l->resizer[i++], out, in, C);
}
