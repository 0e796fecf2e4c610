/* The metrics' table on a GPU (metric_device.h): memory, and the launchers of sliced.cu, w1.cu and ssim.cu. */
#ifndef PGAN_CUDA_METRICS_H
#define PGAN_CUDA_METRICS_H

#include "cuda.h"
#include "metric_device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* -- sliced.cu: n planes or images lie one after another -- */

/* to[i] = from[i]. */
void metrics_floats(struct cuda *, float *to, const uint8_t *from, int64_t count);
/* Halves planes of an even side >= 4 (laplacian.h); and coarse doubled is taken from fine, of twice its side. */
void metrics_down(struct cuda *, float *coarse, const float *fine, int64_t planes, int side);
void metrics_subtract_up(struct cuda *, float *fine, const float *coarse, int64_t planes, int side);

/* `count` patches of images that lie one after another, `patches` of each but the last. corner[k]: of patch k, within a plane of its level. */
struct metrics_patches {
	int64_t count;
	int patches, c, side; /* of the level */
	int *corner;
};
/* Corners of patches first … of a stream of random numbers (philox.h), both coordinates below `bound`. */
void metrics_corners(struct cuda *, struct metrics_patches, uint64_t seed, uint32_t substream, uint64_t first, uint32_t bound);
/* sums[i * stride]: of image i. */
void metrics_sums(struct cuda *, struct patch_sums *sums, int stride, const float *level, struct metrics_patches);
/* out[d * pitch + k] = offset[d] + sum over values j of patch k of u[j * directions + d]; count and directions are multiples of METRICS_TILE. */
enum { METRICS_TILE = 64 };
void metrics_project(struct cuda *, float *out, size_t pitch, const float *level, struct metrics_patches, const float *u, const float *offset, int directions);

/* -- w1.cu -- */

/* Memory for W1 along `group` directions at a time, of n values a side; all of it in one block. */
size_t metrics_w1_bytes(size_t n, int group);
/* Distances of rows a and b (directions, n): sum[d] / (n * scale[d]), or 0 where scale[d] is 0. sum and scale (directions) are on the device. */
void metrics_w1(struct cuda *, void *memory, int group, int64_t *sum, float *scale, const float *a, const float *b, size_t n, int directions);

/* -- ssim.cu -- */

/* to = value * gain + offset, value 0 … 255: of bytes, or of floats in [-1,1]. */
void metrics_doubles(struct cuda *, double *to, const void *from, bool bytes, int64_t count, double gain, double offset);
void metrics_halve(struct cuda *, double *to, const double *from, int64_t planes, int side, bool zeros_before);
/* Doubles of scratch memory that metrics_ssim() wants for a plane. */
size_t metrics_ssim_partial(const struct ssim_scale *);
/* means: those of scale k of n pairs (n, SSIM_SCALES, c, 2); a, b: (n,c,side,side). */
void metrics_ssim(struct cuda *, double *means, double *partial, const double *a, const double *b, int64_t n, const struct ssim_plan *, int k);

/* -- metrics.c -- */

int cuda_open_metrics(struct metric_device **, const char *options) MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
