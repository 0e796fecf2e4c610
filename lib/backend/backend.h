/* A backend: one device, its memory, and the table of operations that the models are made of.
 *
 * Tensors and parameters live in the backend's own layout, from upload() to download(): models never look inside. Tables: `cpu`
 * (channel-blocked), `plain` (slow loops over NCHW, the oracle of the tests), `cuda` (a plug-in: plugin.h); all fill in the same struct.
 *
 * Operations return nothing: the first failure is kept and reported by check(), once a step, so that a device may run behind. Outputs come
 * first. Inputs and outputs must not overlap unless "in place" is said. Shapes are the caller's contract: asserted, not reported.
 * Samples are independent in every operation but the minibatch standard deviation. All arithmetic is float32 with sums in a fixed order:
 * the same inputs, device and thread count give the same bytes. */
#ifndef PGAN_BACKEND_H
#define PGAN_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define BACKEND_ABI 10 /* counts the changes of this file and plugin.h that a plug-in has to know */

/* (n,c,h,w) float32 in the backend's memory and layout; borrowed. Sample i starts i * sample_size floats into data. Up to PLANAR_CHANNELS channels
 * (images, scores, per-pixel norms) are planar in every layout: c planes of h*w floats. With more the tensor is features, whose layout is the table's own. */
enum { PLANAR_CHANNELS = 4 };
struct tensor {
	float *data;
	int64_t n;
	int c, h, w;
	size_t sample_size; /* floats per sample, padding included; padding is zero and stays zero */
};

static inline bool tensor_is_planar(struct tensor t) { return t.c <= PLANAR_CHANNELS; }

/* Equal shape and layout. */
static inline bool tensor_same(struct tensor a, struct tensor b)
{
	return a.n == b.n && a.c == b.c && a.h == b.h && a.w == b.w && a.sample_size == b.sample_size;
}

/* Samples first … first + n of t. */
static inline struct tensor tensor_part(struct tensor t, int64_t first, int64_t n)
{
	return (struct tensor){ t.data + (size_t)first * t.sample_size, n, t.c, t.h, t.w, t.sample_size };
}

/* A parameter's shape in the reference's layout. A "channel" has out_pixels or in_pixels values where a dense layer makes or reads a
 * (channels,4,4) tensor, channel-major as view(N,C,4,4) and flatten(1) have it. */
enum param_kind {
	PARAM_CONV,     /* (out,in,3,3) */
	PARAM_DENSE,    /* (out * out_pixels, in * in_pixels) */
	PARAM_FROM_RGB, /* (out,3,1,1) */
	PARAM_TO_RGB,   /* (3,in,1,1) */
	PARAM_BIAS      /* (out * out_pixels) */
};

struct param_shape {
	enum param_kind kind;
	int out, out_pixels, in, in_pixels;
};

/* What follows a linear map z: y = lrelu(weight_gain * z + bias_gain * bias), slope `leak` below 0 (1: linear); docs/formats.md gives the gains. */
struct activation {
	float weight_gain, bias_gain, leak;
	bool bias_map; /* a bias per value of the sample, not per channel */
};

/* How the samples of a batch are grouped for the minibatch standard deviation. A tensor may hold several batches one after another. */
struct stddev_groups {
	int64_t batch; /* samples per batch */
	int group;     /* samples per group; divides batch. 1: the deviation is 0, without gradient */
	bool strided;  /* group i is samples i, i + batch/group, …; otherwise consecutive samples */
	bool biased;   /* variance over `group`; otherwise over `group` - 1 */
};

/* How the columns of a one-hot label divide: one softmax per group. */
enum { LABEL_GROUPS = 64 };
struct label_groups {
	int n; /* 0: no labels */
	int size[LABEL_GROUPS];
};

static inline int label_values(const struct label_groups *g)
{
	int sum = 0;
	for (int i = 0; i < g->n; i++)
		sum += g->size[i];
	return sum;
}

/* Values that change from step to step. A device keeps them in its memory, so that a recorded graph can be replayed. */
struct step_scalars {
	float alpha;           /* weight of the old, low-resolution path, 0 … 1 */
	float lr;              /* learning rate */
	float beta2, eps;      /* Adam; beta1 is 0 in every profile, so there is no first moment */
	float correction;      /* 1 / (1 - beta2^t) of this step */
	float ema;             /* weight of the old running average */
	float penalty;         /* factor of the gradient penalty: lambda */
};

/* Sums that a step leaves behind, in double; reset by set_scalars(), read by read_sums(). */
enum step_sum {
	SUM_D_REAL, SUM_D_FAKE, SUM_D_GRAD, SUM_D_EPSILON, SUM_G_FAKE,
	SUM_D_GRADIENT, SUM_G_GRADIENT,     /* squared 2-norm of all gradients of a network, non-finite ones left out */
	SUM_D_NONFINITE, SUM_G_NONFINITE,   /* number of non-finite gradient values, taken as 0 */
	SUM_GRADIENT_NORM,                  /* sum over samples of |grad_x D| at the penalty's images */
	SUM_D_CLASSIF, SUM_G_CLASSIF,
	SUM_G_GDPP,                         /* no operation adds to this one: step_read_sums() does */
	STEP_SUMS
};

enum { BACKEND_AHEAD = 8 }; /* steps whose sums keep_sums() may hold */

enum score_loss { /* of a score s; r: the sample should score as real */
	LOSS_WGAN,     /* r: -s, else s */
	LOSS_LOGISTIC, /* softplus(-s), softplus(s) */
	LOSS_MSE,      /* (sigmoid(s) - 1)^2, sigmoid(s)^2 */
	LOSS_BCE       /* binary cross-entropy of sigmoid(s): equals LOSS_LOGISTIC, kept under its own name (DCGAN) */
};

enum penalty_kind {
	PENALTY_WGAN_GP, /* penalty * (|g| - 1)^2 */
	PENALTY_R1       /* penalty * |g|^2 */
};

struct ranks;

/* ranks_broadcast(), ranks_sum_f64() and ranks_watch() (ranks.h), which a plug-in cannot link to. */
struct rank_calls {
	int (*broadcast)(struct ranks *, void *, size_t);
	int (*sum)(struct ranks *, double *, size_t count);
	int (*watch)(struct ranks *, double waited);
};

struct backend {
	const char *name;    /* "cpu", "plain", "cuda" */
	const char *details; /* what it is and how it computes, for --version and logs: library, version, instruction set; the same at all ranks of a run */
	const char *notes;   /* what is shown behind that, but concerns this process alone, such as the path of a cache; "" when there is nothing */
	struct step_scalars scalars;
	int threads;
	bool in_host_memory; /* alloc() gives memory of the host; then several tables of the device may also run side by side, each in a thread of its own */
	struct ranks *ranks; /* the processes that train together (ranks.h), borrowed; NULL: this one alone. Set by backend_join() */

	/* Reports the first failure since the last check(); waits for the device. */
	int (*check)(struct backend *) MUST_CHECK;
	void (*close)(struct backend *);

	/* -- memory -- */

	/* Zeroed memory of `count` floats, aligned to 64 bytes; NULL with error_set() when there is none. */
	float *(*alloc)(struct backend *, size_t count) MUST_CHECK;
	void (*release)(struct backend *, float *);
	/* The shape and sample_size of a tensor, data = NULL. */
	struct tensor (*shape)(struct backend *, int64_t n, int c, int h, int w);
	/* Between (n,c,h,w) in C order on the host and the tensor. */
	void (*upload)(struct backend *, struct tensor, const float *host);
	void (*download)(struct backend *, float *host, struct tensor);
	/* Floats that a parameter takes in this layout, and conversion from and to the reference's (host, C order). Packing is linear and keeps
	 * padding zero, so gradients, moments and averages convert the same way. */
	size_t (*param_size)(struct backend *, struct param_shape);
	void (*param_pack)(struct backend *, struct param_shape, float *packed, const float *host);
	void (*param_unpack)(struct backend *, struct param_shape, float *host, const float *packed);
	/* `count` floats within the table's memory, of tensors or parameters of one layout. */
	void (*copy)(struct backend *, float *to, const float *from, size_t count);
	/* The scalars of the operations queued from now on; sets all sums to 0. */
	void (*set_scalars)(struct backend *, const struct step_scalars *);
	/* The sums since set_scalars(), of this process alone; waits for the device. */
	void (*read_sums)(struct backend *, double out[STEP_SUMS]);
	/* Both NULL in tables that do not run behind. keep_sums() queues a copy of the current step's sums, to be fetched later by next_sums(), in order: at most
	 * BACKEND_AHEAD of them at a time. next_sums() is false when none is kept, when (unless `wait`) the first is not there yet, or after a failure, which check()
	 * reports. */
	void (*keep_sums)(struct backend *);
	bool (*next_sums)(struct backend *, double out[STEP_SUMS], bool wait);

	/* -- linear maps: no bias, no gain (see activation); w and dw packed -- */

	/* 3x3, stride 1, zero padding 1: x (n,in,h,w) -> y (n,out,h,w). */
	void (*conv)(struct backend *, struct tensor y, struct tensor x, const float *w);
	void (*conv_backward_data)(struct backend *, struct tensor dx, struct tensor dy, const float *w);
	void (*conv_backward_weights)(struct backend *, float *dw, struct tensor x, struct tensor dy);
	/* The same of x enlarged by upsample(): x (n,in,h,w) -> y (n,out,2h,2w). dx = (accumulate: +=) the gradient. */
	void (*conv_up)(struct backend *, struct tensor y, struct tensor x, const float *w);
	void (*conv_up_backward_data)(struct backend *, struct tensor dx, struct tensor dy, const float *w, bool accumulate);
	void (*conv_up_backward_weights)(struct backend *, float *dw, struct tensor x, struct tensor dy);
	/* The same with pool() behind it: x (n,in,2h,2w) -> y (n,out,h,w). */
	void (*conv_down)(struct backend *, struct tensor y, struct tensor x, const float *w);
	void (*conv_down_backward_data)(struct backend *, struct tensor dx, struct tensor dy, const float *w);
	void (*conv_down_backward_weights)(struct backend *, float *dw, struct tensor x, struct tensor dy);
	/* Dense over all values of a sample. */
	void (*dense)(struct backend *, struct tensor y, struct tensor x, const float *w);
	void (*dense_backward_data)(struct backend *, struct tensor dx, struct tensor dy, const float *w);
	void (*dense_backward_weights)(struct backend *, float *dw, struct tensor x, struct tensor dy);

	/* -- bias, gain, leaky ReLU, pixel norm: in one pass -- */

	/* In place on y: z -> activation; and with norm.data (n,1,h,w): norm = 1 / sqrt(mean_c y^2 + 1e-8), y *= norm. */
	void (*activate)(struct backend *, struct tensor y, const float *bias, struct activation, struct tensor norm);
	/* In place on dz: dL/dy -> dL/dz, given y and norm as activate() left them (the sign of y is the sign before the norm; lrelu'(0) = leak).
	 * dbias: NULL, or set to (accumulate: added to) the bias gradient. With norm.data NULL and dbias NULL this is also the tangent map. */
	void (*activate_backward)(struct backend *, struct tensor dz, struct tensor y, struct tensor norm, struct activation, float *dbias, bool accumulate);
	/* activate() without norm, then pooled = 2x2 averages of y; and back from dL/dpooled to dL/dz, which may take the place of y. */
	void (*activate_pool)(struct backend *, struct tensor pooled, struct tensor y, const float *bias, struct activation);
	void (*activate_pool_backward)(struct backend *, struct tensor dz, struct tensor dpooled, struct tensor y, struct activation, float *dbias, bool accumulate);
	/* y = x / sqrt(mean_c x^2 + 1e-8); no gradient (latents). In place allowed. */
	void (*pixel_norm)(struct backend *, struct tensor y, struct tensor x);

	/* -- RGB, 1x1 -- */

	/* y (n,out,h,w) = activation of w * image (n,3,h,w). */
	void (*from_rgb)(struct backend *, struct tensor y, struct tensor image, const float *w, const float *bias, struct activation);
	/* t = lrelu'(y) * weight_gain * (w * timage). */
	void (*from_rgb_tangent)(struct backend *, struct tensor t, struct tensor timage, const float *w, struct tensor y, struct activation);
	/* dimage = (accumulate: +=) w^T dz. */
	void (*from_rgb_backward_data)(struct backend *, struct tensor dimage, struct tensor dz, const float *w, bool accumulate);
	void (*from_rgb_backward_weights)(struct backend *, float *dw, struct tensor image, struct tensor dz);
	/* image (n,3,h,w) = weight_gain * (w * x) + bias_gain * bias. */
	void (*to_rgb)(struct backend *, struct tensor image, struct tensor x, const float *w, const float *bias, struct activation);
	/* dx, dw and dbias are set. */
	void (*to_rgb_backward)(struct backend *, struct tensor dx, float *dw, float *dbias, struct tensor dimage, struct tensor x, const float *w, struct activation);

	/* -- resizing and fading; any number of channels -- */

	void (*pool)(struct backend *, struct tensor y, struct tensor x);            /* 2x2 averages */
	void (*pool_backward)(struct backend *, struct tensor dx, struct tensor dy); /* dx = dy / 4, repeated 2x2 */
	void (*upsample)(struct backend *, struct tensor y, struct tensor x);        /* nearest, 2x */
	void (*upsample_backward)(struct backend *, struct tensor dx, struct tensor dy, bool accumulate); /* 2x2 sums */
	/* y = alpha * old + (1 - alpha) * fresh, y may be fresh; and its adjoint, dfresh may be dy. */
	void (*fade)(struct backend *, struct tensor y, struct tensor old, struct tensor fresh);
	void (*fade_backward)(struct backend *, struct tensor dold, struct tensor dfresh, struct tensor dy);

	/* In place: y = tanh(y); and dL/dy -> dL/dx, given y. */
	void (*squash)(struct backend *, struct tensor y);
	void (*squash_backward)(struct backend *, struct tensor dx, struct tensor y);

	/* -- minibatch standard deviation: x (n,c,h,w) -> y (n,c+1,h,w), the last channel the mean over (c,h,w) of sqrt(var + 1e-8) of the group -- */

	void (*stddev)(struct backend *, struct tensor y, struct tensor x, struct stddev_groups);
	void (*stddev_backward)(struct backend *, struct tensor dx, struct tensor dy, struct tensor x, struct stddev_groups);
	/* Directional derivative: ty from tx at x. */
	void (*stddev_tangent)(struct backend *, struct tensor ty, struct tensor tx, struct tensor x, struct stddev_groups);
	/* The Hessian times tx: the derivative of stddev_backward's dx with respect to x in direction tx, dy held: e = d/ds dx(x + s tx). Only dy's last channel
	 * matters. */
	void (*stddev_hessian)(struct backend *, struct tensor e, struct tensor dy, struct tensor x, struct tensor tx, struct stddev_groups);

	/* -- losses: sums over the batch times `scale` -- */

	/* First channel of score (n,k,1,1): sum += scale * f(s) and dscore = scale * f'(s), other channels 0. */
	void (*score_loss)(struct backend *, struct tensor dscore, struct tensor score, enum score_loss, bool real, float scale, enum step_sum);
	/* sum += scale * s^2 and dscore += 2 * scale * s on the first channel. */
	void (*score_drift)(struct backend *, struct tensor dscore, struct tensor score, float scale, enum step_sum);
	/* Cross-entropy of labels (n,k,1,1): channels `first` … first + k of score (n,c,1,1) are the logits, a softmax for each group. label has the sample's weight
	 * at its label in each group, else 0. sum += -label * log softmax; dscore += the derivative. */
	void (*label_loss)(struct backend *, struct tensor dscore, struct tensor score, struct tensor label, const struct label_groups *, int first, enum step_sum);
	/* The first channel of dscore = value, others 0. */
	void (*score_fill)(struct backend *, struct tensor dscore, float value);
	/* g: gradient at each image; v = dP/dg for P = scale * sum over samples of the penalty; |g| below 1e-12 counts as 1e-12 in v. v may be g. */
	void (*gradient_penalty)(struct backend *, struct tensor v, struct tensor g, enum penalty_kind, float scale);
	/* x = mix * real + (1 - mix) * fake, mix (n,1,1,1). */
	void (*interpolate)(struct backend *, struct tensor x, struct tensor real, struct tensor fake, struct tensor mix);

	/* -- inputs and updates -- */

	/* Host uint8 (n,3,h,w) -> x = u / 127.5 - 1; sample i mirrored left to right when mirror (may be NULL) has a non-zero byte i;
	 * with fading, x = alpha * upsample(pool(x)) + (1 - alpha) * x. */
	void (*load_images)(struct backend *, struct tensor x, const uint8_t *host, const uint8_t *mirror, bool fading);
	/* Value j of sample i (c values) is number (first + i) * c + j of the stream: philox.h. */
	void (*random_normal)(struct backend *, struct tensor x, uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first);
	void (*random_uniform)(struct backend *, struct tensor x, uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first);
	/* v = beta2 v + (1 - beta2) g^2; w -= lr * g / (sqrt(v * correction) + eps); and where average is not NULL,
	 * average = ema * average + (1 - ema) * w. Non-finite g count as 0. The two sums are added to. */
	void (*adam)(struct backend *, float *w, const float *g, float *v, float *average, size_t count, enum step_sum norm, enum step_sum nonfinite);

	/* -- several processes -- */

	/* Prepares all_reduce() with the others in ->ranks, all of which call this. */
	int (*join)(struct backend *, const struct rank_calls *) MUST_CHECK;
	/* In place: the sum over all ranks, the same bytes at each of them. All call it for the same arrays in the same order. */
	void (*all_reduce)(struct backend *, float *data, size_t count);

	/* -- a step as a whole; both NULL in tables that gain nothing by it -- */

	/* The operations between these two are the same for the same owner and variant: on the same memory, with the same numbers but for the scalars. A device may
	 * record them: when begin_step() is false it has queued the recording, and the caller leaves out the operations and end_step(). Uploads, downloads and random
	 * numbers stay outside. */
	bool (*begin_step)(struct backend *, const void *owner, int variant);
	void (*end_step)(struct backend *);
};

#define BACKEND_DEVICES "auto, cpu, cpu:direct, plain or cuda[:N][:fp32|tf32|bf16][:eager]"

/* device: "cpu", "cpu:direct" (without Winograd convolutions), "plain", "cuda" or "cuda:OPTIONS" (docs/gpu.md; a plug-in: plugin.h), or
 * "auto": cuda where that can be opened, else cpu. threads: 0 = all cores. Unknown or unusable: ERR_USAGE or ERR_FAILED with the reason. */
int backend_open(struct backend **, const char *device, int threads) MUST_CHECK;
/* The same for one of several processes on this machine, number `local`: where the device does not name a GPU, that GPU, counted around. */
int backend_open_local(struct backend **, const char *device, int threads, int local) MUST_CHECK;
/* Lets a table work together with those of the other ranks. The ranks have to stay until it is closed. */
int backend_join(struct backend *, struct ranks *) MUST_CHECK;
/* After backend_open("auto"): why it did not take the GPU; "" when it did. Valid until the next backend_open() of the thread. */
const char *backend_fallback(void);
/* "NAME: details, notes", for --version and logs; cut where `size` bytes do not hold it. */
void backend_title(const struct backend *, char *line, size_t size);
/* Line i for --version: "NAME: what it is", or why it cannot be used. False when there is no such line. */
bool backend_describe(int i, char *line, size_t size);
void backend_close(struct backend *); /* NULL is fine */

/* A tensor with memory of its own. */
int backend_tensor(struct backend *, struct tensor *, int64_t n, int c, int h, int w) MUST_CHECK;

/* The tables. */
int backend_open_plain(struct backend **, int threads) MUST_CHECK;
int backend_open_cpu(struct backend **, int threads, bool direct /* no Winograd convolutions */) MUST_CHECK;

#endif
