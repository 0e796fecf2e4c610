/* Which samples of a batch a rank takes, when several processes train together (ranks.h).
 *
 * Sample i of a rank is sample share_index(i) of the batch, and has the image, the latents and the other random numbers of that one: so the ranks together do
 * what one process does with the whole batch. Everything but the minibatch standard deviation looks at samples one by one. Its groups stay whole: where they
 * are 4 consecutive samples, a rank takes consecutive ones; where group i is samples i, i + batch/4, … (karras), a rank takes a stretch of each quarter, and
 * its own samples i, i + size/4, … are a group again. A group that is the whole batch (which 4 does not divide) cannot be shared. */
#ifndef PGAN_SHARE_H
#define PGAN_SHARE_H

#include "arch.h"
#include "ranks.h"

struct share {
	int64_t batch, size; /* samples of the batch, and of each rank */
	int rank, ranks;
	int runs;            /* stretches of neighbouring samples that a rank takes */
};

/* ERR_USAGE when the batch cannot be divided so, with sizes that can. */
int share_open(struct share *, const struct arch *, int64_t batch, int rank, int ranks) MUST_CHECK;

static inline int64_t share_index(const struct share *s, int64_t i)
{
	const int64_t run = s->size / s->runs;
	return i / run * (s->batch / s->runs) + s->rank * run + i % run;
}

/* A tensor of one rank's samples: random numbers of its stream, sample by sample those of sample `first` + share_index() (backend.h). */
void share_random_normal(const struct share *, struct backend *, struct tensor, uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first);
void share_random_uniform(const struct share *, struct backend *, struct tensor, uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first);

/* (batch * values) of the whole batch, in place -> (size * values) of this rank's samples. */
void share_pick(const struct share *, float *, size_t values);

/* Values of this rank's samples (size * values) -> those of all (batch * values) in the batch's order, at rank 0, or with `everywhere` at each rank. */
int share_gather(const struct share *, struct ranks *, const float *mine, size_t values, float *all, bool everywhere) MUST_CHECK;

#endif
