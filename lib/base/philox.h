/* Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 *
 * A number is a function of (seed, stream, index) and nothing else: no hidden state, so the same values come whatever the batch size, the
 * thread count or the device, and nothing has to be saved to resume. A stream is a purpose (below); the index counts within it. */
#ifndef PGAN_PHILOX_H
#define PGAN_PHILOX_H

#include <stddef.h>
#include <stdint.h>

enum philox_stream { /* part of the contract: never renumber */
	STREAM_LATENT = 1, /* latents of pgan-sample and of the previews: latent k takes the normals k * dim … of the seed */
	STREAM_WEIGHTS = 2,
	STREAM_LATENT_D = 3,
	STREAM_LATENT_G = 4,
	STREAM_MIX = 5,
	STREAM_ORDER = 6, /* order of the training images */
	STREAM_MIRROR = 7,
	STREAM_PATCHES = 8,
	STREAM_DIRECTIONS = 9,
	STREAM_PAIRS = 10, /* no longer drawn from */
	STREAM_FACES = 11,
	STREAM_SHUFFLE = 12,
	STREAM_LABEL = 13,   /* labels that go with STREAM_LATENT, and with the latents of D's and G's steps: sample * attributes + attribute */
	STREAM_LABEL_D = 14,
	STREAM_LABEL_G = 15
};

/* out[i] = number first + i of the stream; four numbers a block. substream tells apart e.g. training steps or parameters. */
void philox_uniform(uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first, size_t n, float *out); /* in [0,1), 24 bits */
void philox_normal(uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first, size_t n, float *out);  /* N(0,1): philox_core.h */
uint32_t philox_below(uint64_t seed, uint32_t stream, uint32_t substream, uint64_t index, uint32_t bound);     /* uniform in [0,bound), by 64-bit multiplication */

/* A pseudo-random permutation of 0..n-1 (Fisher-Yates). out: n entries. */
void philox_permutation(uint64_t seed, uint32_t stream, uint32_t substream, size_t n, uint32_t *out);

#endif
