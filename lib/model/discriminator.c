#include "discriminator.h"

#include <stdlib.h>
#include <string.h>

#include "size.h"
#include "tensors.h"

/* The input of scale s: of its first convolution, or of the 4x4 end for s = 0. */
static struct d_pair *input(struct discriminator *d, int s)
{
	if (s == d->arch.scale)
		return &d->rgb;
	return d->fading && s == d->arch.scale - 1 ? &d->faded : &d->pooled[s + 1];
}

static struct d_pair *end_input(struct discriminator *d)
{
	return d->arch.stddev ? &d->stddev : input(d, 0);
}

static struct d_pair pair_make(struct tensors *t, int64_t batch, int c, int side)
{
	return (struct d_pair){ tensors_make(t, D_SLOTS * batch, c, side), tensors_make(t, D_SLOTS * batch, c, side) };
}

static struct d_pair image_make(struct tensors *t, int64_t batch, int side)
{
	/* Only slots 0 and 1 ever have gradients of images. */
	return (struct d_pair){ tensors_make(t, D_SLOTS * batch, 3, side), tensors_make(t, 2 * batch, 3, side) };
}

/* Groups of 4, or the whole batch when 4 does not divide it. */
static struct stddev_groups stddev_rule(const struct profile *p, int64_t batch)
{
	const int group = batch % STDDEV_GROUP == 0 ? STDDEV_GROUP : (int)batch;
	return (struct stddev_groups){ batch, group, p->stddev_strided, p->stddev_biased };
}

int discriminator_open(struct discriminator *d, struct backend *be, const struct arch *a, int64_t batch, bool fading)
{
	memset(d, 0, sizeof *d);
	d->be = be;
	d->arch = *a;
	d->batch = batch;
	d->fading = fading && arch_d_fades(a);
	d->groups = stddev_rule(a->profile, batch);
	arch_discriminator(a, be, &d->layers);

	struct tensors t = { be, 0 };
	const int top = a->scale, side = arch_side(a), d0 = a->depth[0];
	d->image = image_make(&t, batch, side);
	d->rgb = pair_make(&t, batch, a->depth[top], side);
	for (int s = top; s >= 1; s--) {
		d->mid[s] = pair_make(&t, batch, a->depth[s], 4 << s);
		if (!a->profile->pool_before_bias)
			d->full[s] = tensors_make(&t, D_SLOTS * batch, a->depth[s - 1], 4 << s);
		d->pooled[s] = pair_make(&t, batch, a->depth[s - 1], 2 << s);
	}
	d->full_tangent = tensors_make_largest(&t, batch, d->full, MAX_SCALES);
	if (d->fading) {
		d->old_image = image_make(&t, batch, side / 2);
		d->old = pair_make(&t, batch, a->depth[top - 1], side / 2);
		d->faded = pair_make(&t, batch, a->depth[top - 1], side / 2);
	}
	if (a->stddev)
		d->stddev = pair_make(&t, batch, d0 + 1, 4);
	d->conv = pair_make(&t, batch, d0, 4);
	d->dense = pair_make(&t, batch, d0, 1);
	d->score = pair_make(&t, batch, arch_scores(a), 1);
	if (!t.rc && !(d->host = size_alloc((size_t)batch, (size_t)d0 * sizeof *d->host)))
		t.rc = ERR_FAILED;
	if (t.rc)
		discriminator_close(d);
	return t.rc;
}

static void pairs_free(struct backend *be, struct d_pair *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		tensors_free(be, &p[i].x, 1);
		tensors_free(be, &p[i].b, 1);
	}
}

void discriminator_close(struct discriminator *d)
{
	struct d_pair *single[] = { &d->image, &d->old_image, &d->old, &d->rgb, &d->faded, &d->stddev, &d->conv, &d->dense, &d->score };
	if (!d->be)
		return;
	for (size_t i = 0; i < sizeof single / sizeof *single; i++)
		pairs_free(d->be, single[i], 1);
	free(d->host);
	pairs_free(d->be, d->mid, MAX_SCALES);
	tensors_free(d->be, d->full, MAX_SCALES);
	tensors_free(d->be, &d->full_tangent, 1);
	pairs_free(d->be, d->pooled, MAX_SCALES);
	d->be = NULL;
}

struct tensor discriminator_slots(const struct discriminator *d, struct tensor t, enum d_slot slot, int count)
{
	return tensor_part(t, (int64_t)slot * d->batch, count * d->batch);
}

/* -- forward -- */

void discriminator_forward(struct discriminator *d, enum d_slot slot, int count, const float *w)
{
#define X(pair) discriminator_slots(d, (pair).x, slot, count)
	struct backend *be = d->be;
	const int top = d->arch.scale;
	const bool pool_first = d->arch.profile->pool_before_bias;
	const struct tensor no_norm = { 0 };
	const struct layer *l = &d->layers.item[d_from_rgb(top)];

	be->from_rgb(be, X(d->rgb), X(d->image), w + l->weight_at, w + l->bias_at, l->act);
	for (int s = top; s >= 1; s--) {
		l = &d->layers.item[d_block(s, 0)];
		be->conv(be, X(d->mid[s]), X(*input(d, s)), w + l->weight_at);
		be->activate(be, X(d->mid[s]), w + l->bias_at, l->act, no_norm);
		l = &d->layers.item[d_block(s, 1)];
		if (pool_first) {
			be->conv_down(be, X(d->pooled[s]), X(d->mid[s]), w + l->weight_at);
			be->activate(be, X(d->pooled[s]), w + l->bias_at, l->act, no_norm);
		} else {
			const struct tensor full = discriminator_slots(d, d->full[s], slot, count);
			be->conv(be, full, X(d->mid[s]), w + l->weight_at);
			be->activate_pool(be, X(d->pooled[s]), full, w + l->bias_at, l->act);
		}
		if (d->fading && s == top) {
			l = &d->layers.item[d_from_rgb(top - 1)];
			be->pool(be, X(d->old_image), X(d->image));
			be->from_rgb(be, X(d->old), X(d->old_image), w + l->weight_at, w + l->bias_at, l->act);
			be->fade(be, X(d->faded), X(d->old), X(d->pooled[s]));
		}
	}
	if (d->arch.stddev)
		be->stddev(be, X(d->stddev), X(*input(d, 0)), d->groups);
	l = &d->layers.item[D_CONV];
	be->conv(be, X(d->conv), X(*end_input(d)), w + l->weight_at);
	be->activate(be, X(d->conv), w + l->bias_at, l->act, no_norm);
	l = &d->layers.item[D_DENSE];
	be->dense(be, X(d->dense), X(d->conv), w + l->weight_at);
	be->activate(be, X(d->dense), w + l->bias_at, l->act, no_norm);
	l = &d->layers.item[D_DECISION];
	be->dense(be, X(d->score), X(d->dense), w + l->weight_at);
	be->activate(be, X(d->score), w + l->bias_at, l->act, no_norm);
#undef X
}

/* -- backward -- */

/* Which slots of b a backward sweep covers, where their masks stand in x, and what becomes of the bias gradients. */
enum bias_use { BIAS_NONE, BIAS_SET, BIAS_ADD };

struct span {
	enum d_slot b, x;
	int count;
	enum bias_use bias;
};

struct sweep {
	enum d_slot b; /* all spans together, in one run */
	int count;
	struct span span[2];
	int spans;
};

static const struct sweep sweep_losses = { SLOT_REAL, 2, { { SLOT_REAL, SLOT_REAL, 2, BIAS_SET } }, 1 };
static const struct sweep sweep_all = { SLOT_PENALTY_B, 3, { { SLOT_PENALTY_B, SLOT_PENALTY_X, 1, BIAS_NONE }, { SLOT_REAL, SLOT_REAL, 2, BIAS_SET } }, 2 };
static const struct sweep sweep_hessian = { SLOT_HESSIAN, 1, { { SLOT_HESSIAN, SLOT_PENALTY_X, 1, BIAS_ADD } }, 1 };
static const struct sweep sweep_images = { SLOT_REAL, 1, { { SLOT_REAL, SLOT_REAL, 1, BIAS_NONE } }, 1 };

static struct tensor sweep_b(const struct discriminator *d, const struct sweep *w, struct tensor b)
{
	return discriminator_slots(d, b, w->b, w->count);
}

/* dL/dy -> dL/dz in p's b, with the masks of p's x. */
static void activate_backward(struct discriminator *d, const struct sweep *sweep, const struct d_pair *p, const struct layer *l, float *dw)
{
	for (int i = 0; i < sweep->spans; i++) {
		const struct span *s = &sweep->span[i];
		d->be->activate_backward(d->be, discriminator_slots(d, p->b, s->b, s->count), discriminator_slots(d, p->x, s->x, s->count), (struct tensor){ 0 },
		                         l->act, s->bias == BIAS_NONE ? NULL : dw + l->bias_at, s->bias == BIAS_ADD);
	}
}

/* The second convolution of scale s: dL/dpooled -> dL/dz and dL/dmid. */
static void second_conv_backward(struct discriminator *d, const struct sweep *sweep, int s, const float *w, float *dw)
{
	struct backend *be = d->be;
	const struct layer *l = &d->layers.item[d_block(s, 1)];
	const struct tensor dmid = sweep_b(d, sweep, d->mid[s].b);
	if (d->arch.profile->pool_before_bias) {
		activate_backward(d, sweep, &d->pooled[s], l, dw);
		be->conv_down_backward_data(be, dmid, sweep_b(d, sweep, d->pooled[s].b), w + l->weight_at);
		return;
	}
	for (int i = 0; i < sweep->spans; i++) {
		const struct span *p = &sweep->span[i];
		be->activate_pool_backward(be, discriminator_slots(d, d->full[s], p->b, p->count), discriminator_slots(d, d->pooled[s].b, p->b, p->count),
		                           discriminator_slots(d, d->full[s], p->x, p->count), l->act, p->bias == BIAS_NONE ? NULL : dw + l->bias_at,
		                           p->bias == BIAS_ADD);
	}
	be->conv_backward_data(be, dmid, sweep_b(d, sweep, d->full[s]), w + l->weight_at);
}

/* From dL/d(input of scale 0) in b down to dL/dz of fromRGB. */
static void scales_backward(struct discriminator *d, const struct sweep *sweep, const float *w, float *dw)
{
#define B(pair) sweep_b(d, sweep, (pair).b)
	struct backend *be = d->be;
	const int top = d->arch.scale;
	for (int s = 1; s <= top; s++) {
		if (d->fading && s == top) {
			be->fade_backward(be, B(d->old), B(d->pooled[s]), B(d->faded));
			activate_backward(d, sweep, &d->old, &d->layers.item[d_from_rgb(top - 1)], dw);
		}
		second_conv_backward(d, sweep, s, w, dw);
		const struct layer *l = &d->layers.item[d_block(s, 0)];
		activate_backward(d, sweep, &d->mid[s], l, dw);
		be->conv_backward_data(be, B(*input(d, s)), B(d->mid[s]), w + l->weight_at);
	}
	activate_backward(d, sweep, &d->rgb, &d->layers.item[d_from_rgb(top)], dw);
#undef B
}

/* Adds dfeature to slot 1 of the gradients of the last hidden layer. */
static void add_feature_gradient(struct discriminator *d, const float *dfeature)
{
	struct backend *be = d->be;
	const struct tensor t = discriminator_slots(d, d->dense.b, SLOT_REAL, 1);
	const size_t values = (size_t)t.n * (size_t)t.c;
	be->download(be, d->host, t);
	for (size_t i = 0; i < values; i++)
		d->host[i] += dfeature[i];
	be->upload(be, t, d->host);
}

/* From dL/dscore down to dL/dz of fromRGB. dfeature: NULL, or what is added on the way. */
static void backward(struct discriminator *d, const struct sweep *sweep, const float *w, float *dw, const float *dfeature)
{
#define B(pair) sweep_b(d, sweep, (pair).b)
	struct backend *be = d->be;
	const struct layer *l = &d->layers.item[D_DECISION];
	activate_backward(d, sweep, &d->score, l, dw);
	be->dense_backward_data(be, B(d->dense), B(d->score), w + l->weight_at);
	if (dfeature)
		add_feature_gradient(d, dfeature);
	l = &d->layers.item[D_DENSE];
	activate_backward(d, sweep, &d->dense, l, dw);
	be->dense_backward_data(be, B(d->conv), B(d->dense), w + l->weight_at);
	l = &d->layers.item[D_CONV];
	activate_backward(d, sweep, &d->conv, l, dw);
	be->conv_backward_data(be, B(*end_input(d)), B(d->conv), w + l->weight_at);
	for (int i = 0; d->arch.stddev && i < sweep->spans; i++) {
		const struct span *s = &sweep->span[i];
		be->stddev_backward(be, discriminator_slots(d, input(d, 0)->b, s->b, s->count), discriminator_slots(d, d->stddev.b, s->b, s->count),
		                    discriminator_slots(d, input(d, 0)->x, s->x, s->count), d->groups);
	}
	scales_backward(d, sweep, w, dw);
#undef B
}

/* dL/dz of fromRGB -> gradient at the images of one slot of b. */
static void images_backward(struct discriminator *d, enum d_slot slot, const float *w)
{
#define B(pair) discriminator_slots(d, (pair).b, slot, 1)
	struct backend *be = d->be;
	const int top = d->arch.scale;
	if (d->fading) {
		be->from_rgb_backward_data(be, B(d->old_image), B(d->old), w + d->layers.item[d_from_rgb(top - 1)].weight_at, false);
		be->pool_backward(be, B(d->image), B(d->old_image));
	}
	be->from_rgb_backward_data(be, B(d->image), B(d->rgb), w + d->layers.item[d_from_rgb(top)].weight_at, d->fading);
#undef B
}

void discriminator_backward(struct discriminator *d, bool penalty, const float *w, float *dw)
{
	backward(d, penalty ? &sweep_all : &sweep_losses, w, dw, NULL);
	if (penalty)
		images_backward(d, SLOT_PENALTY_B, w);
}

void discriminator_backward_images(struct discriminator *d, const float *w, const float *dfeature)
{
	backward(d, &sweep_images, w, NULL, dfeature);
	images_backward(d, SLOT_REAL, w);
}

/* -- the gradient penalty -- */

/* The tangent t of an activation y of slot 3, from its linear part: times the mask and the gain. */
static void tangent(struct discriminator *d, struct tensor t, struct tensor y, const struct layer *l)
{
	d->be->activate_backward(d->be, t, y, (struct tensor){ 0 }, l->act, NULL, false);
}

/* t_0 = v in image.x slot 0, up to the input of the decision layer. */
static void tangent_pass(struct discriminator *d, const float *w)
{
#define T(pair) discriminator_slots(d, (pair).x, SLOT_TANGENT, 1)
#define X(pair) discriminator_slots(d, (pair).x, SLOT_PENALTY_X, 1)
	struct backend *be = d->be;
	const int top = d->arch.scale;
	const bool pool_first = d->arch.profile->pool_before_bias;
	const struct layer *l = &d->layers.item[d_from_rgb(top)];

	be->from_rgb_tangent(be, T(d->rgb), T(d->image), w + l->weight_at, X(d->rgb), l->act);
	for (int s = top; s >= 1; s--) {
		l = &d->layers.item[d_block(s, 0)];
		be->conv(be, T(d->mid[s]), T(*input(d, s)), w + l->weight_at);
		tangent(d, T(d->mid[s]), X(d->mid[s]), l);
		l = &d->layers.item[d_block(s, 1)];
		if (pool_first) {
			be->conv_down(be, T(d->pooled[s]), T(d->mid[s]), w + l->weight_at);
			tangent(d, T(d->pooled[s]), X(d->pooled[s]), l);
		} else {
			const struct tensor masks = discriminator_slots(d, d->full[s], SLOT_PENALTY_X, 1), full = tensor_in_place(d->full_tangent.data, masks);
			be->conv(be, full, T(d->mid[s]), w + l->weight_at);
			tangent(d, full, masks, l);
			be->pool(be, T(d->pooled[s]), full);
		}
		if (d->fading && s == top) {
			l = &d->layers.item[d_from_rgb(top - 1)];
			be->pool(be, T(d->old_image), T(d->image));
			be->from_rgb_tangent(be, T(d->old), T(d->old_image), w + l->weight_at, X(d->old), l->act);
			be->fade(be, T(d->faded), T(d->old), T(d->pooled[s]));
		}
	}
	if (d->arch.stddev)
		be->stddev_tangent(be, T(d->stddev), T(*input(d, 0)), X(*input(d, 0)), d->groups);
	l = &d->layers.item[D_CONV];
	be->conv(be, T(d->conv), T(*end_input(d)), w + l->weight_at);
	tangent(d, T(d->conv), X(d->conv), l);
	l = &d->layers.item[D_DENSE];
	be->dense(be, T(d->dense), T(d->conv), w + l->weight_at);
	tangent(d, T(d->dense), X(d->dense), l);
#undef T
#undef X
}

static bool has_hessian(const struct discriminator *d)
{
	return d->arch.stddev && d->groups.group > 1;
}

void discriminator_penalty(struct discriminator *d, const float *w, float *dw)
{
	tangent_pass(d, w);
	if (!has_hessian(d))
		return;
	const struct d_pair *in = input(d, 0);
	d->be->stddev_hessian(d->be, discriminator_slots(d, in->b, SLOT_HESSIAN, 1), discriminator_slots(d, d->stddev.b, SLOT_PENALTY_B, 1),
	                     discriminator_slots(d, in->x, SLOT_PENALTY_X, 1), discriminator_slots(d, in->x, SLOT_TANGENT, 1), d->groups);
	scales_backward(d, &sweep_hessian, w, dw);
}

/* -- gradients of the weights -- */

void discriminator_weights(struct discriminator *d, bool penalty, float *dw)
{
	struct backend *be = d->be;
	const int top = d->arch.scale;
	const enum d_slot first = penalty ? SLOT_TANGENT : SLOT_REAL;
	const int end = penalty ? 3 : 2;                         /* slots at the 4x4 end, above the Hessian */
	const int count = penalty && has_hessian(d) ? D_SLOTS : end; /* and below */
#define X(pair, n) discriminator_slots(d, (pair).x, first, n)
#define B(pair, n) discriminator_slots(d, (pair).b, first, n)
#define DW(index) (dw + d->layers.item[index].weight_at)
	be->dense_backward_weights(be, DW(D_DECISION), X(d->dense, end), B(d->score, end));
	be->dense_backward_weights(be, DW(D_DENSE), X(d->conv, end), B(d->dense, end));
	be->conv_backward_weights(be, DW(D_CONV), X(*end_input(d), end), B(d->conv, end));
	for (int s = 1; s <= top; s++) {
		if (d->arch.profile->pool_before_bias)
			be->conv_down_backward_weights(be, DW(d_block(s, 1)), X(d->mid[s], count), B(d->pooled[s], count));
		else
			be->conv_backward_weights(be, DW(d_block(s, 1)), X(d->mid[s], count), discriminator_slots(d, d->full[s], first, count));
		be->conv_backward_weights(be, DW(d_block(s, 0)), X(*input(d, s), count), B(d->mid[s], count));
	}
	be->from_rgb_backward_weights(be, DW(d_from_rgb(top)), X(d->image, count), B(d->rgb, count));
	if (d->fading)
		be->from_rgb_backward_weights(be, DW(d_from_rgb(top - 1)), X(d->old_image, count), B(d->old, count));
#undef X
#undef B
#undef DW
}
