/* Execution plans for convolutions, through cuDNN's backend graph API: a graph of one operation, the engines that the library's heuristic ranks for
 * it, and of these the first that give the same bytes on every run and keep the wanted precision.
 *
 * Plans are made for a handle (a device that is there), or for the description of a device that is not, as JSON: so that the choices for a
 * device can be tested on a machine without one. */
#ifndef PGAN_CUDNN_PLAN_H
#define PGAN_CUDNN_PLAN_H

#include <cudnn.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"

enum cuda_precision {
	CUDA_FP32, /* no tensor cores */
	CUDA_TF32, /* float32 in memory, 10 bits of mantissa in products, sums in float32 */
	CUDA_BF16  /* bfloat16 operands and results (7 bits of mantissa), sums in float32 */
};

enum conv_direction { CONV_FORWARD, CONV_BACKWARD_DATA, CONV_BACKWARD_WEIGHTS };

/* x (n,in,h,w) -> y (n,out,h,w), or with a kernel of 4 (n,out,h/2,w/2). Everything NHWC: weights are (out,kernel,kernel,in) in memory.
 * in and out are multiples of 8. */
struct conv_shape {
	int64_t n;
	int in, out, h, w;
	int kernel; /* 3; 1: dense layers; 4, with stride 2: resized_conv.cu */
};

static inline int conv_stride(const struct conv_shape *s) { return s->kernel == 4 ? 2 : 1; }
static inline int conv_padding(const struct conv_shape *s) { return (s->kernel - 1) / 2; } /* zeros, on every side */

static inline bool conv_shape_equal(const struct conv_shape *a, const struct conv_shape *b)
{
	return a->n == b->n && a->in == b->in && a->out == b->out && a->h == b->h && a->w == b->w && a->kernel == b->kernel;
}

/* Where a plan is to run: a handle, or a described device and no handle. */
struct cudnn_target {
	cudnnHandle_t handle;
	cudnnBackendDescriptor_t device;
};

struct cudnn_plan {
	cudnnBackendDescriptor_t plan; /* owned */
	int64_t workspace;             /* bytes */
	int64_t engine;                /* the library's number for it, and */
	uint64_t settings;             /* a digest of how it is set: tiles, splitting, …; 0: cuDNN does not tell */
};

/* What a convolution's plan is chosen from: so many, with so much workspace. On an H200 the fastest of some shapes ranked 14th and took 10 to 27 % less time than
 * the best of the first four; more than sixteen were not looked at. What layers ask for: tests/gpu/test_cudnn_plans.c. */
enum { PLAN_CANDIDATES = 16 };
static const int64_t PLAN_WORKSPACE = (int64_t)2 << 30; /* bytes */

/* The names of the tensors in a graph. */
enum { CONV_X = 'x', CONV_Y = 'y', CONV_W = 'w' };

/* plans: the first `most` that suit, best ranked first; returns how many, at least one. The same library and GPU give the same list every time.
 * None: ERR_FAILED, with the shape in the message. */
int cudnn_plan_list(struct cudnn_plan *plans, int most, struct cudnn_target, const struct conv_shape *, enum conv_direction, enum cuda_precision,
	int64_t workspace_limit) MUST_CHECK;
void cudnn_plan_free(struct cudnn_plan *);

/* Runs it on the handle's stream. x, y and w: device memory, 16-byte aligned, float32 or bfloat16 by the plan's precision. */
int cudnn_plan_run(const struct cudnn_plan *, cudnnHandle_t, void *x, void *y, void *w, void *workspace) MUST_CHECK;

/* A target from the JSON description of a device; free with cudnnBackendDestroyDescriptor(target.device). */
int cudnn_target_described(struct cudnn_target *, const char *json) MUST_CHECK;

#endif
