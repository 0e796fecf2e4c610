#include "share.h"

#include <stdlib.h>
#include <string.h>

#include "size.h"

int share_open(struct share *s, const struct arch *a, int64_t batch, int rank, int ranks)
{
	const int64_t unit = a->stddev ? (int64_t)STDDEV_GROUP * ranks : ranks, below = batch / unit * unit;
	const bool strided = a->stddev && a->profile->stddev_strided && ranks > 1;
	*s = (struct share){ .batch = batch, .size = batch / ranks, .rank = rank, .ranks = ranks, .runs = strided ? STDDEV_GROUP : 1 };
	if (ranks == 1 || batch % unit == 0)
		return 0;
	const char *whole = a->stddev ? ", each with whole groups of 4 for the minibatch standard deviation" : "";
	if (!below)
		return error_set(ERR_USAGE, "a batch of %lld images cannot be shared by %d ranks%s: give a miniBatchSize of %lld", (long long)batch, ranks, whole,
		                 (long long)unit);
	return error_set(ERR_USAGE, "a batch of %lld images cannot be shared by %d ranks%s: give a miniBatchSize of %lld or %lld", (long long)batch, ranks, whole,
	                 (long long)(below + unit), (long long)below);
}

typedef void random_fill(struct backend *, struct tensor, uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first);

static void fill(const struct share *s, struct backend *be, random_fill *random, struct tensor t, uint64_t seed, uint32_t stream, uint32_t substream,
                 uint64_t first)
{
	const int64_t run = s->size / s->runs;
	for (int i = 0; i < s->runs; i++)
		random(be, tensor_part(t, i * run, run), seed, stream, substream, first + (uint64_t)share_index(s, i * run));
}

void share_random_normal(const struct share *s, struct backend *be, struct tensor t, uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first)
{
	fill(s, be, be->random_normal, t, seed, stream, substream, first);
}

void share_random_uniform(const struct share *s, struct backend *be, struct tensor t, uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first)
{
	fill(s, be, be->random_uniform, t, seed, stream, substream, first);
}

void share_pick(const struct share *s, float *x, size_t values)
{
	for (int64_t i = 0; i < s->size; i++)
		memmove(x + (size_t)i * values, x + (size_t)share_index(s, i) * values, values * sizeof *x);
}

int share_gather(const struct share *s, struct ranks *ranks, const float *mine, size_t values, float *all, bool everywhere)
{
	const size_t sample = values * sizeof *mine, part = (size_t)s->size * sample;
	float *parts = s->rank ? NULL : size_alloc((size_t)s->batch, sample);
	int rc = s->rank || parts ? ranks_gather(ranks, mine, part, parts) : ERR_FAILED;
	for (struct share of = *s; !rc && parts && of.rank < of.ranks; of.rank++)
		for (int64_t i = 0; i < s->size; i++)
			memcpy(all + (size_t)share_index(&of, i) * values, parts + (size_t)(of.rank * s->size + i) * values, sample);
	free(parts);
	return rc || !everywhere ? rc : ranks_broadcast(ranks, all, (size_t)s->batch * sample);
}
