/* Several processes that work on one thing together: rank 0 … n - 1, of which 0 has a connection to each of the others.
 *
 * Sums are taken in the order of the ranks, whenever the numbers come: the same inputs give the same bytes. Every rank calls the same operations in the same
 * order. A rank that fails tells the others why (ranks_fail()), one that dies is missed, one that does not answer is waited for until the time-out: in each
 * case every operation of the others returns ERR_FAILED from then on, with one line of text that names the rank and the cause. */
#ifndef PGAN_RANKS_H
#define PGAN_RANKS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum { RANKS_MAX = 1024 };

/* Where a process stands among the others, and how it finds them. */
struct ranks_place {
	int n;                  /* how many; 1: alone */
	int rank;               /* -1: this process makes the others, as copies of itself, and is rank 0 */
	int local;              /* how many lower ranks are on this machine; -1: to be counted */
	const char *rendezvous; /* "HOST:PORT" where rank 0 listens, or a file in which it writes down where; borrowed */
	double timeout;         /* seconds to wait for an answer */
};

struct ranks {
	int rank, n, local;
	double timeout;
	/* the module's own */
	int *socket;    /* rank 0: (n) to each of the others; the others: (1) to rank 0; -1: none */
	int *child;     /* (n) processes made by this one; 0: none */
	void *scratch;  /* rank 0: a piece of a sum */
	int failed;     /* the first failure, which every later operation returns; 0: none */
	char text[512]; /* its message */
	bool failure_received; /* it was reported by another rank */
	bool failure_own;      /* it was reported by ranks_fail() here, and is none of the connections */
	bool made;             /* rank 0 made this process */
};

/* Finds all others, or makes them: then they return from here as well, each with its own rank. ERR_FAILED when one does not come, or does not fit. */
int ranks_open(struct ranks **, const struct ranks_place *) MUST_CHECK;
void ranks_close(struct ranks **); /* waits for processes that it made; NULL inside is fine */

/* In place: the sum over all ranks, at all of them. */
int ranks_sum_f32(struct ranks *, float *, size_t count) MUST_CHECK;
int ranks_sum_f64(struct ranks *, double *, size_t count) MUST_CHECK;
/* `size` bytes of each rank, one after another, into `all` at rank 0 (n * size bytes; NULL elsewhere). */
int ranks_gather(struct ranks *, const void *mine, size_t size, void *all) MUST_CHECK;
/* Rank 0's bytes to all. */
int ranks_broadcast(struct ranks *, void *, size_t size) MUST_CHECK;
/* Returns when all have come here. */
int ranks_barrier(struct ranks *) MUST_CHECK;

/* For one who waits for the others by other means, and has done so for `waited` seconds: fails when a rank is gone or has failed, or the time is over. */
int ranks_watch(struct ranks *, double waited) MUST_CHECK;

/* Reports to the others that this rank ends, with the message of error_text(), which gets this rank's name. Returns code. */
int ranks_fail(struct ranks *, int code);

/* After ranks_fail(): whether rank 0, which made this process, ends with the same cause, so that one message is enough. Waits for rank 0's report. */
bool ranks_reported_by_root(struct ranks *);

#endif
