#include "backend_cases.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "philox.h"

/* -- inputs and outputs -- */

/* A sample before and one after, so that operations run on parts, and writing beside them shows. */
static struct tensor make(struct run *r, int64_t n, int c, int side)
{
	return tensor_part(fixture_tensor(&r->f, n + 2, c, side, side), 1, n);
}

static struct tensor features(struct run *r, int c, int side)
{
	return make(r, r->n, c, side);
}

static void emit_host(struct run *r, const char *name, float *values, size_t count, bool guard, bool padded)
{
	REQUIRE(values && r->outputs < RUN_OUTPUTS);
	r->output[r->outputs++] = (struct run_output){ name, values, count, guard, padded };
}

/* `count` values of the table's memory, on the host. */
static float *fetch(struct run *r, const float *memory, size_t count)
{
	float *values = malloc((count ? count : 1) * sizeof *values);
	REQUIRE(values);
	r->f.b->copy(r->f.b, values, memory, count);
	CHECK(r->f.b->check(r->f.b) == 0);
	return values;
}

/* Padding is zero exactly if unpacked and packed again the memory is the same. */
static bool same_memory(struct run *r, const float *a, const float *b, size_t count)
{
	float *va = fetch(r, a, count), *vb = fetch(r, b, count);
	bool same = true;
	for (size_t i = 0; same && i < count; i++)
		same = va[i] == vb[i] || (isnan(va[i]) && isnan(vb[i]));
	free(va);
	free(vb);
	return same;
}

static void emit_part(struct run *r, const char *name, struct tensor t, bool guard)
{
	float *values = malloc(tensor_count(t) * sizeof *values);
	REQUIRE(values);
	r->f.b->download(r->f.b, values, t);
	struct tensor again = fixture_zeros(&r->f, t.n, t.c, t.h, t.w);
	r->f.b->upload(r->f.b, again, values);
	emit_host(r, name, values, tensor_count(t), guard, !same_memory(r, again.data, t.data, (size_t)t.n * t.sample_size));
}

static void emit(struct run *r, const char *name, struct tensor t)
{
	emit_part(r, name, t, false);
	emit_part(r, name, tensor_part(t, -1, 1), true);
	emit_part(r, name, tensor_part(t, t.n, 1), true);
}

static void emit_param(struct run *r, const char *name, struct param_shape shape, const float *packed)
{
	struct backend *b = r->f.b;
	float *values = malloc(param_count(shape) * sizeof *values), *again = fixture_floats(&r->f, b->param_size(b, shape));
	REQUIRE(values);
	b->param_unpack(b, shape, values, packed);
	b->param_pack(b, shape, again, values);
	emit_host(r, name, values, param_count(shape), false, !same_memory(r, again, packed, b->param_size(b, shape)));
}

static void emit_sums(struct run *r)
{
	double sums[STEP_SUMS];
	float *values = malloc(sizeof *values * STEP_SUMS);
	REQUIRE(values);
	r->f.b->read_sums(r->f.b, sums);
	for (int i = 0; i < STEP_SUMS; i++)
		values[i] = (float)sums[i];
	emit_host(r, "sums", values, STEP_SUMS, false, false);
}

void run_reset(struct run *r)
{
	for (int i = 0; i < r->outputs; i++)
		free(r->output[i].values);
	r->outputs = 0;
	fixture_reset(&r->f);
}

/* Products of the gains with the coarse inputs of bfloat16 are exact: a device that adds without rounding them first has no sums on the other side of the
 * kink. */
static const struct activation leaky = { .weight_gain = .75f, .bias_gain = 1.25f, .leak = .2f };
static const struct tensor none;

static struct param_shape conv_shape(const struct run *r)
{
	return (struct param_shape){ PARAM_CONV, r->out, 1, r->in, 1 };
}

static struct param_shape bias_shape(int channels, int pixels)
{
	return (struct param_shape){ PARAM_BIAS, channels, pixels, 1, 1 };
}

/* -- memory -- */

static void run_layout(struct run *r)
{
	const struct param_shape shapes[] = {
		conv_shape(r), { PARAM_DENSE, r->out, 16, r->in, 1 }, { PARAM_DENSE, r->out, 1, r->in, 16 }, { PARAM_DENSE, 1, 1, r->in, 1 },
		{ PARAM_FROM_RGB, r->out, 1, 3, 1 }, { PARAM_TO_RGB, 3, 1, r->in, 1 }, bias_shape(r->out, 1), bias_shape(r->out, 16),
	};
	emit(r, "tensor", features(r, r->in, r->side));
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
		emit_param(r, "parameter", shapes[i], fixture_param(&r->f, shapes[i]));
}

/* -- linear maps -- */

static void run_conv(struct run *r)
{
	struct tensor x = features(r, r->in, r->side), y = features(r, r->out, r->side);
	r->f.b->conv(r->f.b, y, x, fixture_param(&r->f, conv_shape(r)));
	emit(r, "y", y);
}

static void run_conv_backward_data(struct run *r)
{
	struct tensor dx = features(r, r->in, r->side), dy = features(r, r->out, r->side);
	r->f.b->conv_backward_data(r->f.b, dx, dy, fixture_param(&r->f, conv_shape(r)));
	emit(r, "dx", dx);
}

static void run_conv_backward_weights(struct run *r)
{
	struct tensor x = features(r, r->in, r->side), dy = features(r, r->out, r->side);
	float *dw = fixture_param(&r->f, conv_shape(r));
	r->f.b->conv_backward_weights(r->f.b, dw, x, dy);
	emit_param(r, "dw", conv_shape(r), dw);
}

static void run_conv_up(struct run *r)
{
	struct backend *b = r->f.b;
	struct tensor x = features(r, r->in, r->side), y = features(r, r->out, 2 * r->side), dy = features(r, r->out, 2 * r->side);
	struct tensor dx = features(r, r->in, r->side), total = features(r, r->in, r->side);
	float *w = fixture_param(&r->f, conv_shape(r)), *dw = fixture_param(&r->f, conv_shape(r));
	b->conv_up(b, y, x, w);
	emit(r, "y", y);
	b->conv_up_backward_data(b, dx, dy, w, false);
	emit(r, "dx", dx);
	b->conv_up_backward_data(b, total, dy, w, true);
	emit(r, "accumulated dx", total);
	b->conv_up_backward_weights(b, dw, x, dy);
	emit_param(r, "dw", conv_shape(r), dw);
}

static void run_conv_down(struct run *r)
{
	struct backend *b = r->f.b;
	struct tensor x = features(r, r->in, 2 * r->side), dx = features(r, r->in, 2 * r->side);
	struct tensor y = features(r, r->out, r->side), dy = features(r, r->out, r->side);
	float *w = fixture_param(&r->f, conv_shape(r)), *dw = fixture_param(&r->f, conv_shape(r));
	b->conv_down(b, y, x, w);
	emit(r, "y", y);
	b->conv_down_backward_data(b, dx, dy, w);
	emit(r, "dx", dx);
	b->conv_down_backward_weights(b, dw, x, dy);
	emit_param(r, "dw", conv_shape(r), dw);
}

static void dense(struct run *r, int out, int out_side, int in, int in_side)
{
	struct backend *b = r->f.b;
	const struct param_shape shape = { PARAM_DENSE, out, out_side * out_side, in, in_side * in_side };
	struct tensor x = features(r, in, in_side), dx = features(r, in, in_side);
	struct tensor y = features(r, out, out_side), dy = features(r, out, out_side);
	float *w = fixture_param(&r->f, shape), *dw = fixture_param(&r->f, shape);
	b->dense(b, y, x, w);
	b->dense_backward_data(b, dx, dy, w);
	b->dense_backward_weights(b, dw, x, dy);
	emit(r, "y", y);
	emit(r, "dx", dx);
	emit_param(r, "dw", shape, dw);
}

static void run_dense_to_picture(struct run *r)
{
	dense(r, r->out, 4, r->in, 1);
}

static void run_dense_of_picture(struct run *r)
{
	dense(r, r->out, 1, r->in, 4);
}

static void run_dense_decision(struct run *r)
{
	dense(r, 1, 1, r->in, 1);
}

static void run_dense_labels(struct run *r)
{
	dense(r, 3, 1, r->in, 1);
	dense(r, 21, 1, r->in, 1);
}

/* -- activation, pixel norm -- */

static void activate(struct run *r, struct activation act, bool with_norm)
{
	struct backend *b = r->f.b;
	const int pixels = act.bias_map ? r->side * r->side : 1;
	struct tensor y = features(r, r->out, r->side), dz = features(r, r->out, r->side), t = features(r, r->out, r->side);
	struct tensor norm = with_norm ? features(r, 1, r->side) : none;
	float *bias = fixture_param(&r->f, bias_shape(r->out, pixels)), *dbias = fixture_param(&r->f, bias_shape(r->out, pixels));
	float *total = fixture_param(&r->f, bias_shape(r->out, pixels));
	b->activate(b, y, bias, act, norm);
	emit(r, "y", y);
	if (with_norm)
		emit(r, "norm", norm);
	b->activate_backward(b, t, y, norm, act, NULL, false);
	b->activate_backward(b, dz, y, norm, act, dbias, false);
	emit(r, "dz", dz);
	b->activate_backward(b, dz, y, norm, act, total, true);
	emit(r, "tangent", t);
	emit_param(r, "dbias", bias_shape(r->out, pixels), dbias);
	emit_param(r, "accumulated dbias", bias_shape(r->out, pixels), total);
}

static void run_activate(struct run *r)
{
	activate(r, leaky, false);
}

static void run_activate_norm(struct run *r)
{
	activate(r, leaky, true);
}

static void run_activate_map(struct run *r)
{
	struct activation act = leaky;
	act.bias_map = true;
	activate(r, act, true);
}

static void run_activate_linear(struct run *r)
{
	struct activation act = leaky;
	act.leak = 1;
	activate(r, act, false);
}

static void run_activate_pool(struct run *r)
{
	struct backend *b = r->f.b;
	if (r->side < 2)
		return;
	struct tensor y = features(r, r->out, r->side), dz = features(r, r->out, r->side);
	struct tensor pooled = features(r, r->out, r->side / 2), dpooled = features(r, r->out, r->side / 2);
	float *bias = fixture_param(&r->f, bias_shape(r->out, 1)), *dbias = fixture_param(&r->f, bias_shape(r->out, 1));
	float *total = fixture_param(&r->f, bias_shape(r->out, 1));
	b->activate_pool(b, pooled, y, bias, leaky);
	b->activate_pool_backward(b, dz, dpooled, y, leaky, dbias, false);
	b->activate_pool_backward(b, dz, dpooled, y, leaky, total, true);
	emit(r, "y", y);
	emit(r, "pooled", pooled);
	emit(r, "dz", dz);
	emit_param(r, "dbias", bias_shape(r->out, 1), dbias);
	emit_param(r, "accumulated dbias", bias_shape(r->out, 1), total);
	b->activate_pool_backward(b, dz, dpooled, y, leaky, NULL, false);
	emit(r, "dz without bias", dz);
	b->activate_pool_backward(b, y, dpooled, y, leaky, NULL, false);
	emit(r, "dz in place of y", y);
}

static void run_pixel_norm(struct run *r)
{
	struct backend *b = r->f.b;
	struct tensor x = features(r, r->in, r->side), y = features(r, r->in, r->side);
	b->pixel_norm(b, y, x);
	b->pixel_norm(b, x, x);
	emit(r, "y", y);
	emit(r, "in place", x);
}

/* -- RGB -- */

static void run_from_rgb(struct run *r)
{
	struct backend *b = r->f.b;
	const struct param_shape shape = { PARAM_FROM_RGB, r->out, 1, 3, 1 };
	struct tensor image = features(r, 3, r->side), timage = features(r, 3, r->side), dimage = features(r, 3, r->side);
	struct tensor y = features(r, r->out, r->side), t = features(r, r->out, r->side), dz = features(r, r->out, r->side);
	float *w = fixture_param(&r->f, shape), *dw = fixture_param(&r->f, shape), *bias = fixture_param(&r->f, bias_shape(r->out, 1));
	b->from_rgb(b, y, image, w, bias, leaky);
	emit(r, "y", y);
	b->from_rgb_tangent(b, t, timage, w, y, leaky);
	emit(r, "tangent", t);
	b->from_rgb_backward_weights(b, dw, image, dz);
	emit_param(r, "dw", shape, dw);
	b->from_rgb_backward_data(b, dimage, dz, w, false);
	emit(r, "dimage", dimage);
	b->from_rgb_backward_data(b, timage, dz, w, true);
	emit(r, "accumulated dimage", timage);
}

static void run_to_rgb(struct run *r)
{
	struct backend *b = r->f.b;
	const struct param_shape shape = { PARAM_TO_RGB, 3, 1, r->in, 1 };
	const struct activation act = { .weight_gain = .7f, .bias_gain = 1.3f, .leak = 1 };
	struct tensor image = features(r, 3, r->side), dimage = features(r, 3, r->side);
	struct tensor x = features(r, r->in, r->side), dx = features(r, r->in, r->side);
	float *w = fixture_param(&r->f, shape), *dw = fixture_param(&r->f, shape);
	float *bias = fixture_param(&r->f, bias_shape(3, 1)), *dbias = fixture_param(&r->f, bias_shape(3, 1));
	b->to_rgb(b, image, x, w, bias, act);
	b->to_rgb_backward(b, dx, dw, dbias, dimage, x, w, act);
	emit(r, "image", image);
	emit(r, "dx", dx);
	emit_param(r, "dw", shape, dw);
	emit_param(r, "dbias", bias_shape(3, 1), dbias);
}

/* -- resizing and fading -- */

static void resize(struct run *r, int c)
{
	struct backend *b = r->f.b;
	struct tensor large = features(r, c, 2 * r->side), small = features(r, c, r->side);
	struct tensor dlarge = features(r, c, 2 * r->side), dsmall = features(r, c, r->side), total = features(r, c, r->side);
	b->upsample_backward(b, total, large, true);
	b->upsample_backward(b, dsmall, large, false);
	emit(r, "accumulated upsample_backward", total);
	emit(r, "upsample_backward", dsmall);
	b->upsample(b, dlarge, dsmall);
	emit(r, "upsample", dlarge);
	b->pool(b, small, large);
	emit(r, "pool", small);
	b->pool_backward(b, dlarge, small);
	emit(r, "pool_backward", dlarge);
}

static void run_resize(struct run *r)
{
	resize(r, r->in);
}

static void run_resize_planar(struct run *r)
{
	resize(r, 3);
}

static void fade(struct run *r, int c)
{
	struct backend *b = r->f.b;
	struct tensor old = features(r, c, r->side), fresh = features(r, c, r->side), y = features(r, c, r->side), d = features(r, c, r->side);
	b->fade(b, y, old, fresh);
	emit(r, "y", y);
	b->fade(b, fresh, old, fresh);
	emit(r, "in place", fresh);
	b->fade_backward(b, old, d, y);
	emit(r, "dold", old);
	emit(r, "dfresh", d);
	b->fade_backward(b, old, y, y);
	emit(r, "dold, in place", old);
	emit(r, "dfresh, in place", y);
}

static void run_squash(struct run *r)
{
	struct tensor y = features(r, 3, 6), d = features(r, 3, 6);
	r->f.b->squash(r->f.b, y);
	emit(r, "y", y);
	r->f.b->squash_backward(r->f.b, d, y);
	emit(r, "dx", d);
}

static void run_fade(struct run *r)
{
	fade(r, r->in);
}

static void run_fade_planar(struct run *r)
{
	fade(r, 3);
}

/* -- minibatch standard deviation -- */

static void stddev(struct run *r, struct stddev_groups groups)
{
	struct backend *b = r->f.b;
	struct tensor x = features(r, r->in, r->side), tx = features(r, r->in, r->side), y = features(r, r->in + 1, r->side);
	struct tensor dx = features(r, r->in, r->side), dy = features(r, r->in + 1, r->side), ty = features(r, r->in + 1, r->side);
	b->stddev(b, y, x, groups);
	emit(r, "y", y);
	b->stddev_tangent(b, ty, tx, x, groups);
	emit(r, "tangent", ty);
	b->stddev_backward(b, dx, dy, x, groups);
	emit(r, "dx", dx);
}

static void stddev_hessian(struct run *r, struct stddev_groups groups)
{
	struct tensor x = features(r, r->in, r->side), tx = features(r, r->in, r->side);
	struct tensor e = features(r, r->in, r->side), dy = features(r, r->in + 1, r->side);
	r->f.b->stddev_hessian(r->f.b, e, dy, x, tx, groups);
	emit(r, "e", e);
}

/* Groups of 4 where that divides the batch, else the whole batch. */
static int group_size(int64_t batch)
{
	return batch % 4 ? (int)batch : 4;
}

static void run_stddev(struct run *r)
{
	stddev(r, (struct stddev_groups){ r->n, group_size(r->n), false, false });
}

static void run_stddev_strided(struct run *r)
{
	stddev(r, (struct stddev_groups){ r->n, group_size(r->n), true, true });
}

static void run_stddev_batches(struct run *r)
{
	const int64_t batch = r->n % 4 ? r->n : r->n / (r->n % 3 ? 2 : 3); /* 8: two batches, 12: three */
	stddev(r, (struct stddev_groups){ batch, group_size(batch), false, false });
}

static void run_stddev_single(struct run *r)
{
	stddev(r, (struct stddev_groups){ r->n, 1, false, false });
	stddev_hessian(r, (struct stddev_groups){ r->n, 1, false, false });
}

static void run_stddev_hessian(struct run *r)
{
	stddev_hessian(r, (struct stddev_groups){ r->n, group_size(r->n), false, false });
	stddev_hessian(r, (struct stddev_groups){ r->n, group_size(r->n), true, true });
}

/* -- losses -- */

static void run_score(struct run *r)
{
	static const enum score_loss kinds[] = { LOSS_WGAN, LOSS_LOGISTIC, LOSS_MSE, LOSS_BCE };
	struct backend *b = r->f.b;
	struct tensor score = features(r, 1, 1);
	for (int k = 0; k < 4; k++) {
		struct tensor d = features(r, 1, 1);
		b->score_loss(b, d, score, kinds[k], k % 2, .5f, (enum step_sum)k);
		b->score_drift(b, d, score, .25f, SUM_G_FAKE);
		emit(r, "dscore", d);
	}
	struct tensor d = features(r, 1, 1);
	b->score_fill(b, d, 1.5f);
	emit(r, "filled", d);
	emit_sums(r);
}

/* One group of labels (planar) and several; the logits behind the score, or beginning with it. */
static void run_labels(struct run *r)
{
	static const struct label_groups few = { 1, { 3 } }, many = { 4, { 2, 7, 3, 8 } };
	struct backend *b = r->f.b;
	for (int k = 0; k < 4; k++) {
		const struct label_groups *groups = k % 2 ? &many : &few;
		const int values = label_values(groups);
		struct tensor score = features(r, 1 + values, 1), d = features(r, 1 + values, 1), label = features(r, values, 1);
		b->label_loss(b, d, score, label, groups, k / 2, SUM_D_CLASSIF);
		emit(r, "dscore", d);
	}
	emit_sums(r);
}

static void run_gradient_penalty(struct run *r)
{
	struct backend *b = r->f.b;
	struct tensor g = features(r, 3, r->side), v = features(r, 3, r->side);
	b->gradient_penalty(b, v, g, PENALTY_WGAN_GP, .125f);
	emit(r, "v", v);
	b->gradient_penalty(b, g, g, PENALTY_R1, .125f);
	emit(r, "in place", g);
	emit_sums(r);
}

static void run_interpolate(struct run *r)
{
	struct tensor real = features(r, 3, r->side), fake = features(r, 3, r->side), x = features(r, 3, r->side), mix = features(r, 1, 1);
	r->f.b->interpolate(r->f.b, x, real, fake, mix);
	emit(r, "x", x);
}

/* -- inputs and updates -- */

static void run_load_images(struct run *r)
{
	struct backend *b = r->f.b;
	const int side = 2 * r->side;
	struct tensor x = features(r, 3, side), faded = features(r, 3, side);
	uint8_t *bytes = malloc(tensor_count(x)), mirror[16];
	REQUIRE(bytes && r->n <= 16);
	for (size_t i = 0; i < tensor_count(x); i++)
		bytes[i] = (uint8_t)(i * 37 + i / 256);
	for (int i = 0; i < 16; i++)
		mirror[i] = (uint8_t)(i % 3);
	b->load_images(b, x, bytes, NULL, false);
	b->load_images(b, faded, bytes, mirror, true);
	free(bytes);
	emit(r, "x", x);
	emit(r, "mirrored, faded", faded);
}

static void run_random(struct run *r)
{
	struct tensor normal = features(r, r->in, 1), uniform = features(r, 1, 1);
	r->f.b->random_normal(r->f.b, normal, 12345, STREAM_LATENT_D, 6, 7);
	r->f.b->random_uniform(r->f.b, uniform, 12345, STREAM_MIX, 6, 7);
	emit(r, "normal", normal);
	emit(r, "uniform", uniform);
}

static void run_adam(struct run *r)
{
	struct backend *b = r->f.b;
	const struct param_shape shape = conv_shape(r);
	const size_t count = param_count(shape);
	float *w = fixture_param(&r->f, shape), *average = fixture_param(&r->f, shape);
	float *g = fixture_floats(&r->f, b->param_size(b, shape)), *v = fixture_floats(&r->f, b->param_size(b, shape));
	float *host_g = fixture_random(&r->f, count), *host_v = fixture_random(&r->f, count);
	for (size_t i = 0; i < count; i++)
		host_v[i] = fabsf(host_v[i]);
	host_g[0] = NAN;
	host_g[count - 1] = -INFINITY;
	b->param_pack(b, shape, g, host_g);
	b->param_pack(b, shape, v, host_v);
	b->adam(b, w, g, v, average, b->param_size(b, shape), SUM_D_GRADIENT, SUM_D_NONFINITE);
	emit_param(r, "w", shape, w);
	emit_param(r, "v", shape, v);
	emit_param(r, "average", shape, average);
	b->adam(b, w, g, v, NULL, b->param_size(b, shape), SUM_G_GRADIENT, SUM_G_NONFINITE);
	emit_param(r, "w without average", shape, w);
	emit_sums(r);
	free(host_g);
	free(host_v);
}

/* The one table of tolerances. */
#define ROUNDING 5e-7, "a few float roundings", false
#define SUMS 3e-6, "float sums of up to 12 * 16 * 16 or 9 * 48 terms, in another order", false
#define PRODUCTS 3e-6, "as sums", true
#define WINOGRAD 1e-5, "as sums, and Winograd F(4x3) transforms", true

const struct backend_case backend_cases[] = {
	{ "layout", run_layout, 0, "only moved", false },
	{ "conv", run_conv, WINOGRAD },
	{ "conv_backward_data", run_conv_backward_data, WINOGRAD },
	{ "conv_backward_weights", run_conv_backward_weights, WINOGRAD },
	{ "conv_up", run_conv_up, WINOGRAD },
	{ "conv_down", run_conv_down, WINOGRAD },
	{ "dense to a picture", run_dense_to_picture, PRODUCTS },
	{ "dense of a picture", run_dense_of_picture, PRODUCTS },
	{ "dense to a score", run_dense_decision, SUMS },
	{ "dense to a score and labels", run_dense_labels, PRODUCTS },
	{ "activate", run_activate, SUMS },
	{ "activate, norm", run_activate_norm, SUMS },
	{ "activate, bias map", run_activate_map, SUMS },
	{ "activate, linear", run_activate_linear, SUMS },
	{ "activate_pool", run_activate_pool, SUMS },
	{ "pixel_norm", run_pixel_norm, ROUNDING },
	{ "from_rgb", run_from_rgb, SUMS },
	{ "to_rgb", run_to_rgb, SUMS },
	{ "resize", run_resize, ROUNDING },
	{ "resize, planar", run_resize_planar, ROUNDING },
	{ "fade", run_fade, ROUNDING },
	{ "tanh", run_squash, ROUNDING },
	{ "fade, planar", run_fade_planar, ROUNDING },
	{ "stddev", run_stddev, SUMS },
	{ "stddev, strided, biased", run_stddev_strided, SUMS },
	{ "stddev, batches", run_stddev_batches, SUMS },
	{ "stddev, groups of one", run_stddev_single, 0, "only moved", false },
	{ "stddev_hessian", run_stddev_hessian, 2e-5, "largest where a group's samples differ least: there the roundings of x weigh most", false },
	{ "score", run_score, ROUNDING },
	{ "labels", run_labels, ROUNDING },
	{ "gradient_penalty", run_gradient_penalty, ROUNDING },
	{ "interpolate", run_interpolate, ROUNDING },
	{ "load_images", run_load_images, ROUNDING },
	{ "random", run_random, ROUNDING },
	{ "adam", run_adam, ROUNDING },
};
const size_t backend_case_count = sizeof backend_cases / sizeof *backend_cases;
