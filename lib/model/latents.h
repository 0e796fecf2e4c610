/* Latents to sample: those of a seed, those of an array, or the points of a walk between them; with the code of a label behind them for a conditional
 * network. */
#ifndef PGAN_LATENTS_H
#define PGAN_LATENTS_H

#include <stdint.h>

#include "arch.h"

struct latents {
	int dim;        /* of the noise */
	uint64_t seed;
	float *array;   /* (n,dim), owned; NULL: latent k takes the normals k * dim … of the seed (philox.h, STREAM_LATENT) */
	int64_t n;      /* of the array */
	const struct attributes *attributes; /* of the network; borrowed */
	int label[LABEL_GROUPS]; /* places of the attributes' values; -1: drawn for latent k from the seed (STREAM_LABEL) */
	int64_t frames; /* 0: latent k itself; otherwise k counts frames, this many on the way from one latent to the next */
};

/* The latents of a seed for a network, whose arch is borrowed; every label drawn. */
struct latents latents_of(const struct arch *, uint64_t seed);

/* Sets labels by n texts NAME=VALUE; attributes that none names stay drawn. ERR_USAGE: there is no such attribute or value, or the network (`name`) was trained
 * without labels. */
int latents_set_labels(struct latents *, const char *const *text, size_t n, const char *name) MUST_CHECK;

/* Latents first … first + n -> out (n,dim + code). With an array, noise outside it is 0. Any number of threads. buffer: (2,dim + code), the caller's. */
void latents_fill(const struct latents *, int64_t first, int64_t n, float *out, float *buffer);

/* Reads the array from float32 (N,dim) .npy records: a file, or "-" for stdin. Another shape or type, values that are not finite or beyond 1e15, or none are
 * ERR_INPUT. */
int latents_read(struct latents *, const char *path) MUST_CHECK;
void latents_free(struct latents *); /* a zeroed struct is fine */

#endif
