/* The shape of the two networks at one scale: profiles, layers, parameters.
 *
 * Karras et al., "Progressive growing of GANs", ICLR 2018, table 2, with the widths of pytorch_GAN_zoo. Parameter names and shapes are the reference's. */
#ifndef PGAN_ARCH_H
#define PGAN_ARCH_H

#include "attributes.h"
#include "backend.h"

#define MAX_SCALES 9 /* 4x4 … 1024x1024 */
#define STDDEV_GROUP 4 /* samples of a group of the minibatch standard deviation, where it divides the batch */
#define MAX_LAYERS (3 + 3 * MAX_SCALES)

/* The table of differences between the sources: one network, three profiles. */
struct profile {
	const char *name;
	bool bias_scaled;          /* y = (conv + b) * gain; otherwise y = conv * gain + b */
	bool dense_fan_out;        /* dense layers are scaled by their fan_out */
	float format_gain;         /* gain of G's dense layer; every gain is divided by sqrt(fan) */
	float linear_gain;         /* of the layers without activation: toRGB and the decision */
	bool format_bias_map;      /* G's dense layer has a bias per value; otherwise per channel */
	bool fade_d_at_scale_1;    /* D merges its two paths at scale 1 too */
	bool stddev_strided, stddev_biased; /* as in struct stddev_groups */
	bool pool_before_bias;     /* D's second convolution of a scale: pool, then bias and activation */
	bool mean_losses;          /* every loss is a mean over the batch; otherwise some are sums (step.h) */
};

/* "zoo", "paddle" or "karras"; NULL when there is none of that name. */
const struct profile *profile_find(const char *name);
extern const char profile_names[]; /* "zoo|paddle|karras" */

struct arch {
	const struct profile *profile;
	int scale;               /* images are 4 * 2^scale pixels wide */
	int depth[MAX_SCALES];   /* channels of each scale up to `scale` */
	int latent;              /* values of a latent's noise */
	struct attributes attributes; /* what the networks are conditioned on */
	float leak;              /* slope of the leaky ReLU below 0 */
	bool pixel_norm;         /* after every layer of G but toRGB */
	bool stddev;             /* D has the minibatch standard deviation */
	bool equalized;          /* layers are scaled by their fans, weights start from N(0,1) */
	bool squash;             /* G's images go through tanh (the losses MSE and DCGAN) */
};

/* Channels and latents that a network can have. Fewer would be planar to the backends, like an image, and not features. */
enum { ARCH_MIN_DEPTH = PLANAR_CHANNELS + 1, ARCH_MAX_DEPTH = 8192, ARCH_MIN_LATENT = PLANAR_CHANNELS + 1, ARCH_MAX_LATENT = 8192 };

/* Checks the channels and the latent of an arch that was read from the file `name` and has one of MAX_SCALES scales: ERR_INPUT, with the attribute, outside of
 * these limits. */
int arch_check(const struct arch *, const char *name) MUST_CHECK;

static inline int arch_side(const struct arch *a) { return 4 << a->scale; }
static inline int arch_code(const struct arch *a) { return label_values(&a->attributes.groups); } /* values of a label's code; 0 without labels */
static inline int arch_inputs(const struct arch *a) { return a->latent + arch_code(a); }          /* values that G reads: noise, then a code */
static inline int arch_scores(const struct arch *a) { return 1 + arch_code(a); }                  /* values that D gives: the score, then a logit for each of a code */

/* One linear map with its bias and what follows. Offsets are in floats from the start of the network's parameters. */
struct layer {
	char name[32]; /* "scaleLayers.0.1"; parameters are name.module.weight and name.module.bias */
	struct param_shape weight, bias;
	size_t weight_at, bias_at;
	struct activation act;
};

struct layers {
	struct layer item[MAX_LAYERS];
	int n;
	size_t size; /* floats of all parameters in the backend's layout */
};

/* The layers of G or D up to the arch's scale, at their places in one array of parameters in the backend's layout. Set as a whole. */
void arch_generator(const struct arch *, struct backend *, struct layers *);
void arch_discriminator(const struct arch *, struct backend *, struct layers *);

/* Where a layer stands in `item`. */
enum { G_FORMAT = 0, G_FIRST = 1, D_CONV = 0, D_DENSE = 1, D_DECISION = 2 };
static inline int g_to_rgb(int scale) { return 2 + 3 * scale; }
static inline int g_block(int scale, int i) { return 3 * scale + i; } /* scale >= 1; i = 0, 1 */
static inline int d_from_rgb(int scale) { return 3 + 3 * scale; }
static inline int d_block(int scale, int i) { return 1 + 3 * scale + i; }

/* Whether D merges the old path when the scale fades. */
static inline bool arch_d_fades(const struct arch *a) { return a->scale > 1 || (a->scale == 1 && a->profile->fade_d_at_scale_1); }
/* Whether a layer takes part in a step (and has gradients): the RGB layers of older scales do not, but for the one below while fading. */
bool arch_g_active(const struct arch *, int layer, bool fading);
bool arch_d_active(const struct arch *, int layer, bool fading);

/* Values of a parameter in the reference's layout. */
size_t param_values(struct param_shape);
/* Its dimensions there, 1 to 4 of them; returns their number. */
int param_dims(struct param_shape, int64_t dim[4]);

#endif
