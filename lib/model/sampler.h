/* Many images of a generator, in order, as fast as the cores allow: each thread runs whole batches by itself while the caller writes what is done.
 *
 * An image depends on the network, its latent and the device alone: image k is always place k % B of a batch of B, on one thread (Winograd rounds
 * differently for other batch sizes and, in places, thread counts). So any part of a set, made by any number of threads or processes, has the same bytes. */
#ifndef PGAN_SAMPLER_H
#define PGAN_SAMPLER_H

#include "latents.h"
#include "netfile.h"

struct sampler;

struct sampler_plan {
	const char *device; /* as backend_open() takes it */
	int threads;        /* 0: all cores */
	const struct netfile *net;
	const char *group;  /* "/avgG" or "/G" */
	const struct latents *latents; /* borrowed until the sampler is closed */
	int64_t first, n;              /* which of them */
};

/* Reads the generator. A network that mixes two paths (net->alpha) is sampled mixed. The file, whose name is in messages, stays open as long as the sampler.
 * *out is NULL after a failure. */
int sampler_open(struct sampler **out, struct h5file *, const struct sampler_plan *) MUST_CHECK;

/* Makes all images and hands them to take() in order, on this thread, some at a time: images (n,3,R,R) float32, finite, not clamped, valid during the call. To
 * the end, or to the first failure, take()'s (negative) included, which is returned; images that are not finite are ERR_INPUT. */
int sampler_run(const struct sampler *, int (*take)(void *ctx, const float *images, int64_t n), void *ctx) MUST_CHECK;

void sampler_close(struct sampler *); /* NULL is fine */

/* Images per batch at a scale: what B above is. Part of what makes the bytes: never change it lightly. */
int sampler_batch(int scale);

#endif
