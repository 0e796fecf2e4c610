/* Cropping: pictures or images in, one box out of each, by several threads in bounded memory. What celeba-crop does. */
#ifndef PGAN_CROPPER_H
#define PGAN_CROPPER_H

#include <stdio.h>

#include "inputs.h"
#include "rejects.h"

struct crop_settings {
	int x, y, w, h;        /* the box: column and row of its upper left corner, which may lie outside of a picture; width and height */
	bool pad;              /* take pictures that the box leads out of, and fill up with the background */
	uint8_t background[3]; /* also of named pictures with transparent pixels */
	const char *dir;       /* the folder in which every picture becomes a PNG file, made if it is missing (outnames.h). NULL: there is a */
	FILE *stream;          /* to which .npy records of uint8 (n,3,h,w) go, 64 pictures or 256 MiB each; borrowed, as are dir and */
	const char *name;      /* the stream's, for messages */
	int threads;           /* the bytes of the output do not depend on it */
	void (*progress)(void *ctx, int64_t done); /* pictures, good or not */
	void *progress_ctx;
};

/* rejects: owned by the caller, rejects_free(). */
struct crop_result {
	int64_t good; /* pictures cropped */
	struct rejects rejects;
};

/* Crops all that there is. Named pictures become DIR/PATH.png, PATH being what source_member() says without its ending; image number i DIR/NNNNNN.png.
 * Pictures that cannot be used are rejects. Something wrong with images (a truncated stream, none at all) is ERR_INPUT. A stream
 * that has begun when it fails ends inside a record. *result is set in any case. */
int crop(struct crop_result *result, const struct crop_settings *, struct inputs *) MUST_CHECK;

#endif
