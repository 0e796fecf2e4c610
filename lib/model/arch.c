#include "arch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SQRT2 1.41421356237309504880

const char profile_names[] = "zoo|paddle|karras";

static const struct profile profiles[] = {
	{ .name = "zoo", .bias_scaled = true, .format_gain = SQRT2, .linear_gain = SQRT2, .format_bias_map = true },
	{ .name = "paddle", .bias_scaled = true, .dense_fan_out = true, .format_gain = SQRT2, .linear_gain = SQRT2, .format_bias_map = true },
	{ .name = "karras", .format_gain = SQRT2 / 4, .linear_gain = 1, .fade_d_at_scale_1 = true, .stddev_strided = true,
	  .stddev_biased = true, .pool_before_bias = true, .mean_losses = true },
};

const struct profile *profile_find(const char *name)
{
	for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
		if (!strcmp(profiles[i].name, name))
			return &profiles[i];
	return NULL;
}

int arch_check(const struct arch *a, const char *name)
{
	for (int s = 0; s <= a->scale; s++)
		if (a->depth[s] < ARCH_MIN_DEPTH || a->depth[s] > ARCH_MAX_DEPTH)
			return error_set(ERR_INPUT, "'%s': the attribute 'depths' has %d channels at scale %d, but %d to %d are possible", name, a->depth[s], s,
			                 ARCH_MIN_DEPTH, ARCH_MAX_DEPTH);
	if (a->latent < ARCH_MIN_LATENT || a->latent > ARCH_MAX_LATENT)
		return error_set(ERR_INPUT, "'%s': the attribute 'dim_latent' is %d, but %d to %d are possible", name, a->latent, ARCH_MIN_LATENT, ARCH_MAX_LATENT);
	return 0;
}

size_t param_values(struct param_shape p)
{
	const size_t out = (size_t)p.out * (size_t)p.out_pixels, in = (size_t)p.in * (size_t)p.in_pixels;
	return p.kind == PARAM_BIAS ? out : p.kind == PARAM_CONV ? out * in * 9 : out * in;
}

int param_dims(struct param_shape p, int64_t dim[4])
{
	dim[0] = (int64_t)p.out * p.out_pixels;
	dim[1] = (int64_t)p.in * p.in_pixels;
	dim[2] = dim[3] = p.kind == PARAM_CONV ? 3 : 1;
	return p.kind == PARAM_BIAS ? 1 : p.kind == PARAM_DENSE ? 2 : 4;
}

/* The gain of a layer from its fans; see struct profile. */
static float layer_gain(const struct arch *a, struct param_shape w, double gain)
{
	if (!a->equalized)
		return 1;
	const int taps = w.kind == PARAM_CONV ? 9 : 1;
	const double fan_in = (double)w.in * w.in_pixels * taps, fan_out = (double)w.out * w.out_pixels;
	const bool by_out = w.kind == PARAM_DENSE && a->profile->dense_fan_out;
	return (float)(gain / sqrt(by_out ? fan_out : fan_in));
}

static void add(const struct arch *a, struct backend *be, struct layers *l, const char *name, struct param_shape weight, double gain, bool linear)
{
	struct layer *y = &l->item[l->n++];
	const bool map = weight.out_pixels > 1;
	snprintf(y->name, sizeof y->name, "%s", name);
	y->weight = weight;
	y->bias = (struct param_shape){ PARAM_BIAS, weight.out, map && a->profile->format_bias_map ? weight.out_pixels : 1, 1, 1 };
	y->act.weight_gain = layer_gain(a, weight, gain);
	y->act.bias_gain = a->profile->bias_scaled ? y->act.weight_gain : 1;
	y->act.leak = linear ? 1 : a->leak;
	y->act.bias_map = y->bias.out_pixels > 1;
	y->weight_at = l->size;
	l->size += be->param_size(be, y->weight);
	y->bias_at = l->size;
	l->size += be->param_size(be, y->bias);
}

static void add_block(const struct arch *a, struct backend *be, struct layers *l, int scale, int i, int out, int in)
{
	char name[32];
	snprintf(name, sizeof name, "scaleLayers.%d.%d", scale - 1, i);
	add(a, be, l, name, (struct param_shape){ PARAM_CONV, out, 1, in, 1 }, SQRT2, false);
}

void arch_generator(const struct arch *a, struct backend *be, struct layers *l)
{
	const int d0 = a->depth[0];
	memset(l, 0, sizeof *l);
	add(a, be, l, "formatLayer", (struct param_shape){ PARAM_DENSE, d0, 16, arch_inputs(a), 1 }, a->profile->format_gain, false);
	add(a, be, l, "groupScale0.0", (struct param_shape){ PARAM_CONV, d0, 1, d0, 1 }, SQRT2, false);
	for (int s = 0; s <= a->scale; s++) {
		const int d = a->depth[s];
		char name[32];
		if (s) {
			add_block(a, be, l, s, 0, d, a->depth[s - 1]);
			add_block(a, be, l, s, 1, d, d);
		}
		snprintf(name, sizeof name, "toRGBLayers.%d", s);
		add(a, be, l, name, (struct param_shape){ PARAM_TO_RGB, 3, 1, d, 1 }, a->profile->linear_gain, true);
	}
}

void arch_discriminator(const struct arch *a, struct backend *be, struct layers *l)
{
	const int d0 = a->depth[0];
	memset(l, 0, sizeof *l);
	add(a, be, l, "groupScaleZero.0", (struct param_shape){ PARAM_CONV, d0, 1, d0 + a->stddev, 1 }, SQRT2, false);
	add(a, be, l, "groupScaleZero.1", (struct param_shape){ PARAM_DENSE, d0, 1, d0, 16 }, SQRT2, false);
	add(a, be, l, "decisionLayer", (struct param_shape){ PARAM_DENSE, arch_scores(a), 1, d0, 1 }, a->profile->linear_gain, true);
	for (int s = 0; s <= a->scale; s++) {
		const int d = a->depth[s];
		char name[32];
		if (s) {
			add_block(a, be, l, s, 0, d, d);
			add_block(a, be, l, s, 1, a->depth[s - 1], d);
		}
		snprintf(name, sizeof name, "fromRGBLayers.%d", s);
		add(a, be, l, name, (struct param_shape){ PARAM_FROM_RGB, d, 1, 3, 1 }, SQRT2, false);
	}
}

/* Of the RGB layers only the newest works, and the one below while the paths are mixed. */
static bool rgb_active(int layer, int newest, bool below)
{
	return layer >= newest || (below && layer == newest - 3);
}

bool arch_g_active(const struct arch *a, int layer, bool fading)
{
	const bool rgb = layer >= 2 && (layer - 2) % 3 == 0;
	return !rgb || rgb_active(layer, g_to_rgb(a->scale), fading);
}

bool arch_d_active(const struct arch *a, int layer, bool fading)
{
	const bool rgb = layer >= 3 && layer % 3 == 0;
	return !rgb || rgb_active(layer, d_from_rgb(a->scale), fading && arch_d_fades(a));
}
