/* Work on a row of items by several threads, with the results taken in the order in which the items came: the same output for any number of threads.
 *
 * feed() fills the next item, work() does what takes time, drain() uses the result. feed() is called by one thread at a time and in order; so is drain(), on
 * the caller's thread; work() by any number of threads, each with its own number. Memory is bounded: there are only so many items, used again and again. */
#ifndef PGAN_ORDERED_H
#define PGAN_ORDERED_H

#include <stddef.h>

#include "error.h"

struct ordered {
	int threads;      /* at least 1, of which each does the work on one item at a time */
	void *item;       /* items of item_size bytes, borrowed; their contents are the caller's to make and to free */
	size_t items;     /* such as ordered_items(threads); with 1 everything happens on the caller's thread */
	size_t item_size;
	void *ctx;                                       /* handed to the functions */
	int (*feed)(void *ctx, void *item);             /* 1: filled, 0: there are no more, negative: failed */
	int (*work)(void *ctx, int thread, void *item); /* 0 or negative: failed */
	int (*drain)(void *ctx, void *item);            /* 0, 1: that is enough, or negative: failed */
};

/* Several for each thread, to keep all of them busy. */
static inline size_t ordered_items(int threads) { return threads > 1 ? 4 * (size_t)threads : 1; }

/* Runs until feed() has no more and everything is drained, or drain() has enough (then 0), or to the first failure, which is returned with its message. */
int ordered_run(const struct ordered *) MUST_CHECK;

#endif
