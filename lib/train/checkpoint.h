/* The state of a run at one scale, from which it goes on exactly. The format is the network file's with more in it (docs/formats.md):
 *
 *   /adam_v/G, /adam_v/D   Adam's second moments
 *   /log                   the log so far, bytes
 *   device                 attribute of "/": what it was computed on
 *   plateau, log_sums      attributes of "/": the learning rate's state (rate, lowest loss, steps since); the sums of the log's next row
 *   data_digest, from_digest   attributes that the network file has too: what it was made from */
#ifndef PGAN_CHECKPOINT_H
#define PGAN_CHECKPOINT_H

#include "trainlog.h"

/* What a run was made from: digests of the training images and of the network of the scale before ("" at scale 0). */
struct origin {
	char data[LOADER_DIGEST], from[DIGEST_TEXT];
	char sampled[DIGEST_TEXT]; /* of the images, as pgan 0.1.0 has it in its files; never written */
};

/* Written whole or not at all. The log NULL: the network file alone. */
int checkpoint_save(const char *path, struct trainer *, const struct trainlog *, const struct origin *) MUST_CHECK;

/* Whether a network file or checkpoint was made with the same settings, seed and inputs: 0, or 1 with the differences in words in `what`. If 0, `what` is "" or
 * names what could not be checked. *iterations: that it has done. A file that is neither is ERR_INPUT. */
int checkpoint_compare(const char *path, const struct settings *, uint64_t seed, const struct origin *, int64_t *iterations, char *what, size_t size) MUST_CHECK;

/* What the last digits of a run depend on, in words: library, instruction set, threads, processes. */
enum { CHECKPOINT_DEVICE = 512 };
void checkpoint_device(const struct backend *, char text[CHECKPOINT_DEVICE]);

/* Takes up the state. The trainer was opened with the same settings, the log is open; its file is written anew. The log may be NULL: it is left out. device:
 * that of the state; "": pgan 0.1.0 does not say. */
int checkpoint_load(const char *path, struct trainer *, struct trainlog *, char device[CHECKPOINT_DEVICE]) MUST_CHECK;

#endif
