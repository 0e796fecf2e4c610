#include "growth.h"

#include <stdlib.h>

#include "grid.h"
#include "images.h"
#include "sampler.h"
#include "size.h"

enum { C = 3, TILE = 96 };

/* (n,C,from,from) -> (n,C,to,to), every pixel repeated. */
static void enlarge(uint8_t *out, int to, const uint8_t *in, int from, int64_t n)
{
	const int scale = to / from;
	for (int64_t plane = 0; plane < n * C; plane++, in += (size_t)from * (size_t)from)
		for (int y = 0; y < to; y++)
			for (int x = 0; x < to; x++)
				*out++ = in[y / scale * from + x / scale];
}

struct row {
	uint8_t *out;
	size_t image; /* values of one */
};

static int take_row(void *ctx, const float *images, int64_t n)
{
	struct row *r = ctx;
	images_to_bytes(r->out, images, (size_t)n * r->image);
	r->out += (size_t)n * r->image;
	return 0;
}

/* The images of one network, as bytes at its own side. */
static int row_images(struct h5file *f, const struct netfile *net, const struct growth_plan *plan, uint8_t *out)
{
	struct row r = { .out = out, .image = (size_t)C * (size_t)arch_side(&net->arch) * (size_t)arch_side(&net->arch) };
	struct latents latents = latents_of(&net->arch, plan->seed);
	const struct sampler_plan sample = { .device = plan->device, .threads = plan->threads, .net = net, .group = plan->group, .latents = &latents,
		                             .first = plan->first, .n = plan->columns };
	struct sampler *sampler = NULL;
	int rc = latents_set_labels(&latents, plan->label, plan->labels, h5_name(f));
	if (!rc && !(rc = sampler_open(&sampler, f, &sample)))
		rc = sampler_run(sampler, take_row, &r);
	sampler_close(sampler);
	return rc;
}

static int row(const char *path, const struct growth_plan *plan, uint8_t *out, int side, uint8_t *scratch)
{
	struct netfile net = { 0 };
	struct h5file *f = NULL;
	int rc = h5_open(&f, path);
	if (!rc && !(rc = netfile_read(f, &net)) && !(rc = row_images(f, &net, plan, scratch)))
		enlarge(out, side, scratch, arch_side(&net.arch), plan->columns);
	netfile_free(&net);
	h5_release(&f);
	return rc;
}

static int largest_side(char *const *path, int networks, int *side)
{
	int rc = 0;
	*side = 0;
	for (int i = 0; !rc && i < networks; i++) {
		struct netfile net = { 0 };
		struct h5file *f = NULL;
		if (!(rc = h5_open(&f, path[i])) && !(rc = netfile_read(f, &net)) && arch_side(&net.arch) > *side)
			*side = arch_side(&net.arch);
		netfile_free(&net);
		h5_release(&f);
	}
	return rc;
}

int growth_picture(struct picture *p, char *const *path, int networks, const struct growth_plan *plan)
{
	const int64_t n = (int64_t)networks * plan->columns;
	int side, rc = largest_side(path, networks, &side);
	if (rc || (rc = grid_check(n, side, plan->columns, grid_scale(side, TILE))))
		return rc;
	const size_t row_size = (size_t)plan->columns * C * (size_t)side * (size_t)side;
	uint8_t *images = size_alloc((size_t)networks, row_size), *scratch = size_alloc(row_size, 1);
	if (!images || !scratch)
		rc = ERR_FAILED;
	for (int i = 0; !rc && i < networks; i++)
		rc = row(path[i], plan, images + (size_t)i * row_size, side, scratch);
	if (!rc)
		rc = grid_picture(p, images, n, C, side, plan->columns, grid_scale(side, TILE));
	free(images);
	free(scratch);
	return rc;
}
