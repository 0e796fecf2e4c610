/* The network file: G, D and avgG of one scale, and what made them. docs/formats.md describes it for other programs.
 *
 * An HDF5 file with the groups /G, /D and /avgG (parameters under the reference's names) and the facts below as attributes of "/". A checkpoint is the
 * same file with more in it, so whatever samples a network also samples a checkpoint, in the middle of a fade too. Nothing in it depends on the time or
 * the place of writing. */
#ifndef PGAN_NETFILE_H
#define PGAN_NETFILE_H

#include "network.h"

#define NETFILE_VERSION 1

struct netfile {
	struct arch arch;
	double alpha;       /* weight of the old path in the saved state, 0 … 1: above 0 the networks were saved while fading and G mixes accordingly */
	int64_t seed;       /* of the run, >= 0 */
	int64_t iterations; /* steps done at this scale */
	int64_t images;     /* real images seen at this scale */
	char *config;       /* the effective configuration, JSON; owned. NULL is written as "{}" */
	char *tool_version; /* of the program that wrote the file; owned. Set by netfile_read() and ignored by netfile_write() */
};

static inline bool netfile_fading(const struct netfile *n) { return n->alpha > 0 && n->arch.scale > 0; }

/* Writes the facts as attributes of "/". */
int netfile_write(struct h5file *, const struct netfile *) MUST_CHECK;

/* Writes /G, /D and /avgG. g: with its running average. */
int netfile_write_networks(struct h5file *, struct network *g, struct network *d) MUST_CHECK;

/* Reads the facts. A foreign HDF5 file, an unknown version and every value that cannot be are ERR_INPUT with the value's name; so is an arch that is not that
 * of the parameters in the file, whose sizes may be relied on afterwards. Free with netfile_free(), after a failure too. */
int netfile_read(struct h5file *, struct netfile *) MUST_CHECK;

/* Whether a generator's parameters in a group ("/avgG") are as wide as `arch` says. Every width and the latent stand in a small parameter of their own: that
 * bounds the memory which a damaged attribute could ask for. */
int netfile_check_widths(struct h5file *, const char *group, const struct arch *) MUST_CHECK;
void netfile_free(struct netfile *); /* a zeroed struct is fine */

/* "<dir>/scaleN.h5" of the highest N in a folder, to be freed; NULL when there is none. */
char *netfile_highest(const char *dir);

#endif
