/* Packing: pictures or images in, a data set out, by several threads in bounded memory. */
#ifndef PGAN_PACKER_H
#define PGAN_PACKER_H

#include "dataset.h"
#include "fit.h"
#include "images.h"
#include "label_table.h"
#include "rejects.h"
#include "source.h"

struct pack_settings {
	const char *output; /* path of the data set */
	const char *options; /* the options that shape the data set, for its attributes */
	enum level_filter filter;
	int side; /* of the pictures in the data set; 0: the first usable picture decides */
	enum fit_mode fit;
	uint8_t background[3];
	bool mirror;                 /* every picture is followed by its mirror image */
	int64_t limit;               /* at most so many good pictures, mirror images not counted; 0: all */
	const uint32_t *order;       /* a permutation of the source's pictures; NULL: as they are. Borrowed */
	const struct label_table *table; /* of a source: the labels of its pictures; NULL: none. Borrowed */
	const struct labels *labels;     /* of images: a row for each; NULL: none. Borrowed */
	int threads;                 /* the bytes of the output do not depend on it */
	void (*progress)(void *ctx, int64_t done); /* pictures, good or not */
	void *progress_ctx;
};

/* What packing gave. rejects: owned by the caller, rejects_free(). */
struct pack_result {
	int64_t good; /* pictures taken, without mirror images */
	struct rejects rejects;
};

/* Packs the pictures of `source`, or if that is NULL the rest of `images`; both borrowed. Pictures that cannot be used are rejects; when all are, there is no
 * data set. Something wrong with the images (a truncated stream) is ERR_INPUT. *result is set in any case. */
int pack(struct pack_result *result, const struct pack_settings *, struct source *source, struct images *images) MUST_CHECK;

const char *packer_library(void); /* "nettle 3.8", for --version */

#endif
