/* The memory layout of the cuda table, shared by the plug-in and the CPU's tests (no CUDA header here).
 *
 * Activations: up to PLANAR_CHANNELS channels planar; above, NHWC with channels padded to a multiple of 8 by zeros, as tensor cores want them (513 -> 520). In
 * the precision bf16 the features of pictures are bfloat16, two to a float of memory; all else is float32.
 * Parameters: convolutions (out,3,3,in), dense layers (values of an output sample, values of an input sample), from RGB (3,out), to RGB (3,in),
 * biases as a sample; each ends on a multiple of 16 floats, so that the next one is aligned. */
#ifndef PGAN_CUDA_LAYOUT_H
#define PGAN_CUDA_LAYOUT_H

#include "backend.h"

/* Channels with their padding. */
static inline size_t layout_channels(int channels)
{
	return channels <= PLANAR_CHANNELS ? (size_t)channels : ((size_t)channels + 7) / 8 * 8;
}

/* Values of a sample with their padding. */
static inline size_t layout_values(struct tensor t)
{
	return layout_channels(t.c) * (size_t)t.h * (size_t)t.w;
}

/* Whether a tensor of this shape is kept as bfloat16 where pictures are; and whether this one is. */
static inline bool layout_may_be_half(int channels, int h, int w)
{
	return channels > PLANAR_CHANNELS && h * w > 1;
}

static inline bool layout_is_half(struct tensor t)
{
	return t.sample_size < layout_values(t);
}

/* Where pixel p of channel c stands in a sample. */
static inline size_t layout_place(int channels, size_t pixels, size_t c, size_t p)
{
	return channels <= PLANAR_CHANNELS ? c * pixels + p : p * layout_channels(channels) + c;
}

/* Floats of a parameter. */
static inline size_t layout_param_size(struct param_shape p)
{
	const size_t out = layout_channels(p.out) * (size_t)p.out_pixels, in = layout_channels(p.in) * (size_t)p.in_pixels;
	size_t size = out;
	switch (p.kind) {
	case PARAM_CONV:
		size = out * 9 * in;
		break;
	case PARAM_DENSE:
		size = out * in;
		break;
	case PARAM_FROM_RGB:
		size = 3 * out;
		break;
	case PARAM_TO_RGB:
		size = 3 * in;
		break;
	case PARAM_BIAS:
		break;
	}
	return (size + 15) / 16 * 16;
}

/* Where a value of a parameter stands: output channel o and its pixel po; input channel i and its pixel, or the tap, t. */
static inline size_t layout_param_place(struct param_shape p, size_t o, size_t po, size_t i, size_t t)
{
	const size_t out = layout_channels(p.out), in = layout_channels(p.in);
	switch (p.kind) {
	case PARAM_CONV:
		return (o * 9 + t) * in + i;
	case PARAM_DENSE:
		return layout_place(p.out, (size_t)p.out_pixels, o, po) * in * (size_t)p.in_pixels + layout_place(p.in, (size_t)p.in_pixels, i, t);
	case PARAM_FROM_RGB:
		return i * out + o;
	case PARAM_TO_RGB:
		return o * in + i;
	case PARAM_BIAS:
		break;
	}
	return layout_place(p.out, (size_t)p.out_pixels, o, po);
}

/* Calls move(value in `packed`, value in `host`) for every value of a parameter, in the reference's order. */
static inline void layout_param_each(struct param_shape p, float *packed, float *host, void (*move)(float *packed, float *host))
{
	const size_t ins = p.kind == PARAM_BIAS ? 1 : (size_t)p.in;
	const size_t taps = p.kind == PARAM_CONV ? 9 : p.kind == PARAM_BIAS ? 1 : (size_t)p.in_pixels;
	for (size_t o = 0; o < (size_t)p.out; o++)
		for (size_t po = 0; po < (size_t)p.out_pixels; po++)
			for (size_t i = 0; i < ins; i++)
				for (size_t t = 0; t < taps; t++)
					move(packed + layout_param_place(p, o, po, i, t), host++);
}

/* The same for the values of one sample. */
static inline void layout_sample_each(struct tensor t, float *sample, float *host, void (*move)(float *sample, float *host))
{
	const size_t pixels = (size_t)t.h * (size_t)t.w;
	for (size_t c = 0; c < (size_t)t.c; c++)
		for (size_t p = 0; p < pixels; p++)
			move(sample + layout_place(t.c, pixels, c, p), host++);
}

static inline void layout_pack_value(float *packed, float *host) { *packed = *host; }
static inline void layout_unpack_value(float *packed, float *host) { *host = *packed; }

#endif
