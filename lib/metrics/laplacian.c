#include "laplacian.h"

#include <stdlib.h>
#include <string.h>

#include "metric_kernels.h"
#include "size.h"

int laplacian_levels(int side)
{
	int levels = 1;
	while (side > 16 && side % 2 == 0) {
		side /= 2;
		levels++;
	}
	return side == 16 && levels <= LAPLACIAN_LEVELS ? levels : 0;
}

int laplacian_alloc(struct laplacian *l, int c, int side, int levels)
{
	*l = (struct laplacian){ .c = c, .side = side, .levels = levels };
	if (levels < 1 || levels > LAPLACIAN_LEVELS || side % (1 << (levels - 1)) || side >> (levels - 1) < 2)
		return error_set(ERR_USAGE, "images of side %d have no pyramid of %d levels", side, levels);
	for (int k = 0; k < levels; k++) {
		const size_t s = (size_t)(side >> k);
		if (!(l->level[k] = size_alloc((size_t)c * s * s, sizeof(float))))
			goto fail;
	}
	if ((l->row = size_alloc((size_t)side + 4, sizeof(float))))
		return 0;
fail:
	laplacian_free(l);
	return ERR_FAILED;
}

void laplacian_free(struct laplacian *l)
{
	for (int k = 0; k < LAPLACIAN_LEVELS; k++)
		free(l->level[k]);
	free(l->row);
	*l = (struct laplacian){ 0 };
}

void laplacian_build(struct laplacian *l, const float *image, int first, int last)
{
	const struct metric_kernels *const kernels = metric_kernels();
	if (image != l->level[0])
		memcpy(l->level[0], image, (size_t)l->c * (size_t)l->side * (size_t)l->side * sizeof(float));
	for (int k = 0; k <= last && k + 1 < l->levels; k++) {
		const int side = l->side >> k;
		const size_t area = (size_t)side * (size_t)side;
		for (int c = 0; c < l->c; c++) {
			float *const fine = l->level[k] + (size_t)c * area, *const coarse = l->level[k + 1] + (size_t)c * (area / 4);
			kernels->down(coarse, fine, side, l->row);
			if (k >= first)
				kernels->up(fine, coarse, side, -1, l->row);
		}
	}
}

void laplacian_collapse(struct laplacian *l)
{
	const struct metric_kernels *const kernels = metric_kernels();
	for (int k = l->levels - 2; k >= 0; k--) {
		const int side = l->side >> k;
		const size_t area = (size_t)side * (size_t)side;
		for (int c = 0; c < l->c; c++)
			kernels->up(l->level[k] + (size_t)c * area, l->level[k + 1] + (size_t)c * (area / 4), side, 1, l->row);
	}
}
