#include "generator.h"

#include <string.h>

#include "tensors.h"

/* From x[s] at the top down to x[0]: each gradient is read for the last time when the next but one is made. */
static void plan_gradients(struct tensors *t, struct generator *g)
{
	const struct arch *a = &g->arch;
	const int64_t n = g->capacity;
	g->shared_dx = tensors_make_largest(t, n, g->x, MAX_SCALES);
	g->shared_dmid = tensors_make_largest(t, n, g->mid, MAX_SCALES);
	for (int s = 0; s <= a->scale; s++) {
		g->dx[s] = tensor_in_place(g->shared_dx.data, g->x[s]);
		if (s)
			g->dmid[s] = tensor_in_place(g->shared_dmid.data, g->mid[s]);
	}
	g->dformat = tensors_make(t, n, a->depth[0], 4);
	if (!g->fading)
		return;
	g->below = tensors_make(t, n, a->depth[a->scale - 1], arch_side(a) / 2);
	g->dx[a->scale - 1] = g->below;
	g->dimage = tensors_make(t, n, 3, arch_side(a));
	g->dold_image = tensors_make(t, n, 3, arch_side(a) / 2);
}

int generator_open(struct generator *g, struct backend *be, const struct arch *a, int64_t latents, int64_t capacity, bool fading, bool training)
{
	memset(g, 0, sizeof *g);
	g->be = be;
	g->arch = *a;
	g->fading = fading && a->scale > 0;
	g->latents = latents;
	g->capacity = capacity;
	arch_generator(a, be, &g->layers);

	struct tensors t = { be, 0 };
	const int64_t n = capacity;
	g->z = tensors_make(&t, latents, arch_inputs(a), 1);
	g->zn = tensors_make(&t, latents, arch_inputs(a), 1);
	g->format = tensors_make(&t, latents, a->depth[0], 4);
	g->image = tensors_make(&t, n, 3, arch_side(a));
	if (a->pixel_norm)
		g->format_norm = tensors_make(&t, latents, 1, 4);
	for (int s = 0; s <= a->scale; s++) {
		const int side = 4 << s, d = a->depth[s];
		g->x[s] = tensors_make(&t, n, d, side);
		if (a->pixel_norm)
			g->x_norm[s] = tensors_make(&t, n, 1, side);
		if (!s)
			continue;
		g->mid[s] = tensors_make(&t, n, d, side);
		if (a->pixel_norm)
			g->mid_norm[s] = tensors_make(&t, n, 1, side);
	}
	if (g->fading) {
		g->old_image = tensors_make(&t, n, 3, arch_side(a) / 2);
		g->old_up = tensors_make(&t, n, 3, arch_side(a));
	}
	if (training)
		plan_gradients(&t, g);
	if (t.rc)
		generator_close(g);
	return t.rc;
}

void generator_close(struct generator *g)
{
	struct backend *be = g->be;
	if (!be)
		return;
	struct tensor *single[] = { &g->z, &g->zn, &g->image, &g->format, &g->format_norm, &g->old_image, &g->old_up, &g->dformat, &g->dimage, &g->dold_image,
		                    &g->shared_dx, &g->shared_dmid, &g->below };
	for (size_t i = 0; i < sizeof single / sizeof *single; i++)
		tensors_free(be, single[i], 1);
	struct tensor *each[] = { g->x, g->x_norm, g->mid, g->mid_norm };
	for (size_t i = 0; i < sizeof each / sizeof *each; i++)
		tensors_free(be, each[i], MAX_SCALES);
	g->be = NULL;
}

/* The first n samples; tensors that are not there stay so. */
static struct tensor part(struct tensor t, int64_t n)
{
	return t.data ? tensor_part(t, 0, n) : t;
}

/* A layer between x and y, which has twice the size of x where the layer is the first of a scale. */
static void conv_forward(struct generator *g, int layer, struct tensor y, struct tensor norm, struct tensor x, const float *w)
{
	const struct layer *l = &g->layers.item[layer];
	(y.h > x.h ? g->be->conv_up : g->be->conv)(g->be, y, x, w + l->weight_at);
	g->be->activate(g->be, y, w + l->bias_at, l->act, norm);
}

static void rgb_forward(struct generator *g, int scale, struct tensor image, int64_t n, const float *w)
{
	const struct layer *l = &g->layers.item[g_to_rgb(scale)];
	g->be->to_rgb(g->be, image, part(g->x[scale], n), w + l->weight_at, w + l->bias_at, l->act);
}

void generator_begin(struct generator *g, int64_t n, const float *w)
{
	struct backend *be = g->be;
	const struct layer *l = &g->layers.item[G_FORMAT];
	const struct tensor zn = part(g->zn, n), format = part(g->format, n);
	if (g->arch.pixel_norm)
		be->pixel_norm(be, zn, part(g->z, n));
	else
		be->copy(be, zn.data, g->z.data, (size_t)n * zn.sample_size);
	be->dense(be, format, zn, w + l->weight_at);
	be->activate(be, format, w + l->bias_at, l->act, part(g->format_norm, n));
}

void generator_forward(struct generator *g, int64_t first, int64_t n, const float *w)
{
	struct backend *be = g->be;
	const int top = g->arch.scale;
	const struct tensor format = tensor_part(g->format, first, n), image = part(g->image, n);

	conv_forward(g, G_FIRST, part(g->x[0], n), part(g->x_norm[0], n), format, w);
	for (int s = 1; s <= top; s++) {
		const struct tensor mid = part(g->mid[s], n);
		conv_forward(g, g_block(s, 0), mid, part(g->mid_norm[s], n), part(g->x[s - 1], n), w);
		conv_forward(g, g_block(s, 1), part(g->x[s], n), part(g->x_norm[s], n), mid, w);
	}
	rgb_forward(g, top, image, n, w);
	if (g->fading) {
		const struct tensor old_up = part(g->old_up, n);
		rgb_forward(g, top - 1, part(g->old_image, n), n, w);
		be->upsample(be, old_up, part(g->old_image, n));
		be->fade(be, image, old_up, image);
	}
	if (g->arch.squash)
		be->squash(be, image);
}

/* What the forward pass has left of a layer. */
struct output {
	struct tensor y, norm;
};

/* dy, the gradient at a layer's output, becomes that before its activation; then the layer's gradients, and those of its input. */
static void conv_backward(struct generator *g, int layer, struct tensor dx, struct tensor dy, struct output of, struct tensor x, const float *w, float *dw)
{
	struct backend *be = g->be;
	const struct layer *l = &g->layers.item[layer];
	be->activate_backward(be, dy, of.y, of.norm, l->act, dw + l->bias_at, false);
	if (dy.h > x.h) {
		const bool accumulate = g->fading && layer == g_block(g->arch.scale, 0); /* to what came down the old path */
		be->conv_up_backward_weights(be, dw + l->weight_at, x, dy);
		be->conv_up_backward_data(be, dx, dy, w + l->weight_at, accumulate);
	} else {
		be->conv_backward_weights(be, dw + l->weight_at, x, dy);
		be->conv_backward_data(be, dx, dy, w + l->weight_at);
	}
}

static void rgb_backward(struct generator *g, int scale, struct tensor dimage, const float *w, float *dw)
{
	const struct layer *l = &g->layers.item[g_to_rgb(scale)];
	const int64_t n = dimage.n;
	g->be->to_rgb_backward(g->be, part(g->dx[scale], n), dw + l->weight_at, dw + l->bias_at, dimage, part(g->x[scale], n), w + l->weight_at, l->act);
}

void generator_backward(struct generator *g, int64_t first, struct tensor dimage, const float *w, float *dw)
{
	struct backend *be = g->be;
	const int top = g->arch.scale;
	const int64_t n = dimage.n;

	if (g->arch.squash)
		be->squash_backward(be, dimage, part(g->image, n));
	if (g->fading) {
		const struct tensor dold_up = part(g->dimage, n), dold = part(g->dold_image, n);
		be->fade_backward(be, dold_up, dimage, dimage);
		be->upsample_backward(be, dold, dold_up, false);
		rgb_backward(g, top - 1, dold, w, dw);
	}
	rgb_backward(g, top, dimage, w, dw);
	for (int s = top; s >= 1; s--) {
		const struct tensor dmid = part(g->dmid[s], n);
		const struct output x = { part(g->x[s], n), part(g->x_norm[s], n) }, mid = { part(g->mid[s], n), part(g->mid_norm[s], n) };
		conv_backward(g, g_block(s, 1), dmid, part(g->dx[s], n), x, mid.y, w, dw);
		conv_backward(g, g_block(s, 0), part(g->dx[s - 1], n), dmid, mid, part(g->x[s - 1], n), w, dw);
	}

	const struct layer *l = &g->layers.item[G_FORMAT];
	const struct tensor dformat = part(g->dformat, n), format = tensor_part(g->format, first, n);
	const struct tensor norm = g->arch.pixel_norm ? tensor_part(g->format_norm, first, n) : g->format_norm;
	conv_backward(g, G_FIRST, dformat, part(g->dx[0], n), (struct output){ part(g->x[0], n), part(g->x_norm[0], n) }, format, w, dw);
	be->activate_backward(be, dformat, format, norm, l->act, dw + l->bias_at, false);
	be->dense_backward_weights(be, dw + l->weight_at, tensor_part(g->zn, first, n), dformat);
}
