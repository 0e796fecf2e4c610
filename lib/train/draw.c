#include "draw.h"

#include <stdlib.h>

#include "images.h"
#include "latents.h"
#include "philox.h"
#include "size.h"

/* The latents of a conditional network, with their labels. */
static int draw_labelled(struct trainer *t, int64_t first, int64_t n)
{
	const struct latents latents = latents_of(&t->settings->arch, t->seed);
	const size_t inputs = (size_t)arch_inputs(&t->settings->arch);
	float *z = size_alloc((size_t)n + 2, inputs * sizeof *z);
	if (!z)
		return ERR_FAILED;
	latents_fill(&latents, first, n, z + 2 * inputs, z);
	t->be->upload(t->be, tensor_part(t->step.g.z, 0, n), z + 2 * inputs);
	free(z);
	return 0;
}

/* Images first … first + n of the latents' order, as bytes. */
static int generate(struct trainer *t, const float *w, int64_t first, int64_t n, float *values, uint8_t *bytes)
{
	struct backend *be = t->be;
	struct generator *g = &t->step.g;
	if (!t->settings->conditional)
		be->random_normal(be, tensor_part(g->z, 0, n), t->seed, STREAM_LATENT, 0, (uint64_t)first);
	else if (draw_labelled(t, first, n))
		return ERR_FAILED;
	generator_begin(g, n, w);
	generator_forward(g, 0, n, w);
	be->download(be, values, tensor_part(g->image, 0, n));
	images_to_bytes(bytes, values, (size_t)n * 3 * (size_t)g->image.h * (size_t)g->image.w);
	return 0;
}

int draw_images(struct trainer *t, const float *w, int64_t n, uint8_t *bytes)
{
	const size_t side = (size_t)arch_side(&t->settings->arch), size = 3 * side * side;
	const int64_t capacity = t->step.g.capacity;
	float *values = size_alloc((size_t)capacity, size * sizeof *values);
	int rc = values ? 0 : ERR_FAILED;
	for (int64_t first = 0; !rc && first < n; first += capacity)
		rc = generate(t, w, first, n - first < capacity ? n - first : capacity, values, bytes + (size_t)first * size);
	free(values);
	return rc ? rc : t->be->check(t->be);
}
