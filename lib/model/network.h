/* The parameters of a network on a backend, and their way to and from HDF5. */
#ifndef PGAN_NETWORK_H
#define PGAN_NETWORK_H

#include "arch.h"
#include "h5file.h"

enum network_kind { NETWORK_G, NETWORK_D };

/* Arrays of layers.size floats in the backend's layout; owned. */
struct network {
	struct backend *be; /* borrowed */
	enum network_kind kind;
	struct layers layers;
	float *w;        /* parameters */
	float *gradient; /* NULL without training */
	float *moment;   /* Adam's second moments; NULL without training */
	float *average;  /* running average of w; NULL but for a generator in training */
};

/* Allocates parameters and, for training, what goes with them, all 0: network_init() or network_read() sets them. After a failure nothing is left to close. */
int network_open(struct network *, struct backend *, const struct arch *, enum network_kind, bool training) MUST_CHECK;
void network_close(struct network *); /* a zeroed struct is fine */

/* Sets every parameter of the layers from `first_layer` on (network_new_layers()): weights N(0,1) by `seed`, biases 0; with arch->equalized false
 * both uniform in ±1/sqrt(fan_in), biases 0 when bias_zero. */
int network_init(struct network *, const struct arch *, int first_layer, uint64_t seed, bool bias_zero) MUST_CHECK;

/* The first layer that scale `scale` adds: 0 for scale 0. */
int network_new_layers(enum network_kind, int scale);

/* Which layers network_read() and network_write() take; NULL: all of them. */
struct network_layers {
	const struct arch *arch;
	bool fading; /* only layers active in a step with or without fading */
};

/* Copy between one of the arrays and the data sets "<group>/<layer>.module.weight|bias". Layers from `end` on are left alone. A missing or misshapen data set
 * is ERR_INPUT, and so are values that are not finite, but for Adam's moments. */
int network_read(struct network *, float *array, struct h5file *, const char *group, int end, const struct network_layers *only) MUST_CHECK;
int network_write(struct network *, const float *array, struct h5file *, const char *group, const struct network_layers *only) MUST_CHECK;

/* Calls for both parameters of every layer, with their shapes in the reference's layout: each(ctx, "name.module.weight", shape, offset). Stops at the first
 * non-zero result. */
int network_each(const struct network *, int end, const struct network_layers *only,
                 int (*each)(void *ctx, const char *name, struct param_shape, size_t at), void *ctx) MUST_CHECK;

#endif
