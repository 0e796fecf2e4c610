#include "loader.h"

#include <stdlib.h>
#include <string.h>

#include "philox.h"
#include "size.h"

static const size_t MEMORY = (size_t)1 << 30; /* data sets up to this size are kept in memory */

int loader_open(struct loader *l, const char *path, int scale, uint64_t seed, const struct share *share, bool mirror)
{
	const int64_t size = share->size;
	int rc;
	memset(l, 0, sizeof *l);
	if ((rc = dataset_open(&l->data, path)))
		return rc;
	l->seed = seed;
	l->scale = scale;
	l->side = 4 << scale;
	l->count = dataset_count(l->data);
	l->share = *share;
	l->epoch = -1;
	if (l->count > UINT32_MAX)
		rc = error_set(ERR_INPUT, "'%s' has %lld images, more than a run can number", path, (long long)l->count);
	else
		rc = dataset_select(l->data, l->side, MEMORY);
	if (!rc && (!(l->order = size_alloc((size_t)l->count, sizeof *l->order)) || !(l->row = size_alloc((size_t)(share->batch + size), sizeof *l->row)) ||
	            !(l->images = size_alloc((size_t)size, 3 * (size_t)l->side * (size_t)l->side)) || (mirror && !(l->mirror = size_alloc((size_t)size, 1)))))
		rc = ERR_FAILED;
	if (rc)
		loader_close(l);
	return rc;
}

void loader_close(struct loader *l)
{
	dataset_close(&l->data);
	free(l->order);
	free(l->row);
	free(l->images);
	free(l->mirror);
	free(l->label);
	conditions_close(&l->conditions);
	memset(l, 0, sizeof *l);
}

int loader_condition(struct loader *l, const struct attributes *a, bool equalize)
{
	l->attributes = a->groups.n;
	if (!(l->label = size_alloc((size_t)l->share.batch, (size_t)l->attributes * sizeof *l->label)))
		return ERR_FAILED;
	return conditions_open(&l->conditions, dataset_name(l->data), a, equalize);
}

int loader_batch(struct loader *l, int64_t iteration)
{
	const struct share *share = &l->share;
	const int64_t first = iteration * share->batch;
	int64_t *own = l->row + share->batch;
	for (int64_t i = 0; i < share->batch; i++) {
		const int64_t at = first + i, epoch = at / l->count;
		if (epoch != l->epoch) {
			philox_permutation(l->seed, STREAM_ORDER, (uint32_t)epoch, (size_t)l->count, l->order);
			l->epoch = epoch;
		}
		l->row[i] = l->order[at % l->count];
		for (int a = 0; a < l->attributes; a++)
			l->label[i * l->attributes + a] = l->conditions.place[l->row[i] * l->attributes + a];
	}
	for (int64_t i = 0; i < share->size; i++) {
		own[i] = l->row[share_index(share, i)];
		if (l->mirror)
			l->mirror[i] = (uint8_t)philox_below(l->seed, STREAM_MIRROR, (uint32_t)l->scale, (uint64_t)(first + share_index(share, i)), 2);
	}
	return dataset_rows(l->data, own, share->size, l->images);
}

/* As digest_add(), but eight bytes at a time, which divide the size of every image: less than half a second for a GiB, where reading it takes a whole one. */
static uint64_t add_image(uint64_t digest, const uint8_t *image, size_t size)
{
	for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
		uint64_t word;
		memcpy(&word, image + i, sizeof word);
		digest = (digest ^ word) * 0x9e3779b97f4a7c15u;
		digest ^= digest >> 32;
	}
	return digest;
}

int loader_digest(struct loader *l, char all[LOADER_DIGEST], char sampled[DIGEST_TEXT], void (*progress)(void *ctx, int64_t done, int64_t total), void *ctx)
{
	enum { SAMPLES = 64 };
	const size_t size = 3 * (size_t)l->side * (size_t)l->side;
	const int64_t samples = l->count < SAMPLES ? l->count : SAMPLES;
	uint64_t whole = digest_add(digest_start(), &l->count, sizeof l->count), some = whole;
	int rc = 0;
	uint8_t *image = size_alloc(size, 1);
	if (!image)
		return ERR_FAILED;
	for (int64_t row = 0, next = 0; !rc && row < l->count; row++) {
		if ((rc = dataset_rows(l->data, &row, 1, image)))
			break;
		whole = add_image(whole, image, size);
		if (next < samples && row == (samples > 1 ? next * (l->count - 1) / (samples - 1) : 0)) {
			some = digest_add(some, image, size);
			next++;
		}
		progress(ctx, row + 1, l->count);
	}
	if (l->attributes) {
		const size_t labels = (size_t)l->count * (size_t)l->attributes * sizeof *l->conditions.place;
		whole = digest_add(whole, l->conditions.place, labels);
		some = digest_add(some, l->conditions.place, labels);
	}
	free(image);
	memcpy(all, "all:", 4);
	digest_text(whole, all + 4);
	digest_text(some, sampled);
	return rc;
}
