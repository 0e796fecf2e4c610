/* Which of cuDNN's plans was the fastest, kept from run to run: a run that goes on takes the plans that it began with, and so comes to the same bytes.
 *
 * A text file, one line a convolution on one kind of GPU with one version of cuDNN; a line is only ever added. Processes lock it while they measure, so that
 * those that train together agree. Where: the folder $PGAN_CACHE, else $XDG_CACHE_HOME/pgan, else ~/.cache/pgan; an empty PGAN_CACHE: nowhere, and then
 * nothing is measured. */
#ifndef PGAN_PLAN_CACHE_H
#define PGAN_PLAN_CACHE_H

#include "cudnn_plan.h"

struct plan_key {
	enum cuda_precision precision;
	enum conv_direction direction;
	struct conv_shape shape;
};

static inline bool plan_key_equal(const struct plan_key *a, const struct plan_key *b)
{
	return a->precision == b->precision && a->direction == b->direction && conv_shape_equal(&a->shape, &b->shape);
}

/* A plan: its place among those that suit, best ranked first, and what cudnn_plan.h has for its engine. */
struct plan_choice {
	int place;
	int64_t engine;
	uint64_t settings;
};

struct plan_cache {
	char path[4096]; /* "" when there is none */
	char context[160]; /* GPU and version, as they begin a line */
	struct plan_line {
		struct plan_key key;
		struct plan_choice choice;
	} *line;         /* those of this GPU and version; owned */
	size_t count, room;
	int file;        /* locked for writing, or -1 */
};

/* Only settles where the file is. gpu: without tabs. A folder's name that is too long: ERR_FAILED. */
int plan_cache_open(struct plan_cache *, const char *gpu, size_t version) MUST_CHECK;
void plan_cache_close(struct plan_cache *);

/* 1: *choice is what is kept for the key; 0: nothing is. A damaged file, or one of another version of pgan: ERR_INPUT. */
int plan_cache_find(struct plan_cache *, const struct plan_key *, struct plan_choice *choice) MUST_CHECK;

/* Takes the file for writing, creating folder and file, and reads what others have added. Then keep, and unlock in any case. */
int plan_cache_lock(struct plan_cache *) MUST_CHECK;
int plan_cache_keep(struct plan_cache *, const struct plan_key *, const struct plan_choice *) MUST_CHECK;
void plan_cache_unlock(struct plan_cache *);

#endif
