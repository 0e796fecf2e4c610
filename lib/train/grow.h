/* The growing of one scale from beginning to end: inputs, checkpoint, steps, log, previews, result. */
#ifndef PGAN_GROW_H
#define PGAN_GROW_H

#include "ranks.h"
#include "trainer.h"

/* A step to be recorded: the one that takes the networks from `iteration` to the next. */
struct grow_record {
	int64_t iteration;
	const char *path;
};

struct grow {
	const char *data, *out;
	const char *from;              /* the network of the scale before, or with `init` one of the same scale; NULL: scale 0 from nothing */
	bool init;                     /* start from the weights of `from` alone */
	const char *device;
	const struct settings *settings;
	uint64_t seed;                 /* below 2^63 */
	int threads;                   /* 0: all cores, shared by the processes that this one makes */
	struct ranks_place place;      /* this process among those that train together; n 1: alone */
	bool force;                    /* go on from a checkpoint of other settings too */
	int64_t keep;                  /* saves, counted from the last, whose network files stay; -1: all */
	bool restart;                  /* begin anew, whatever checkpoint or result is there */
	bool replace;                  /* begin anew where a checkpoint or result is of other settings */
	const struct grow_record *records;
	size_t n_records;
	/* Called on the way, with ctx. */
	void *ctx;
	void (*note)(void *ctx, const char *text);   /* a line for the user */
	void (*detail)(void *ctx, const char *text); /* a line for a user who asks for more */
	void (*reading)(void *ctx, int64_t done, int64_t total);                      /* after every image that is read before the first step */
	void (*progress)(void *ctx, int64_t done, int64_t total, const char *losses); /* after every step */
};

/* Trains until the scale is done and out is written. Beside OUT.h5 stand OUT.ckpt (until it is done), OUT.log and OUT.previews/.
 * Goes on from a checkpoint of the same settings, seed and inputs; does nothing when out is already the result of just these. A checkpoint or result of others
 * is ERR_USAGE with what differs, unless `restart`, `replace` or, for a checkpoint, `force` is set; one that is further than the settings go is so with
 * `force`, too. Every saveIter iterations the networks of that moment are kept as OUT_iNNN.h5; those of an earlier run are removed when one begins anew.
 * SIGINT, SIGTERM and SIGHUP save a checkpoint and return the signal's number; before the images have been read they have their own effect.
 *
 * Of several ranks (ranks.h), each of which calls this for the same data and out, 0 alone writes and calls note, reading and progress. Batch, iterations and
 * images are those of all ranks together. The others return when rank 0 is done; a rank that fails ends all. With place.rank -1 this makes the others, which
 * return from here, too, and with error_text() empty where rank 0 has the same to say. */
int grow_scale(const struct grow *) MUST_CHECK;

#endif
