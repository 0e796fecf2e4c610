/* Bringing pictures of any shape and size to squares of one size. */
#ifndef PGAN_FIT_H
#define PGAN_FIT_H

#include "picture.h"

enum fit_mode {
	FIT_NONE,   /* only squares */
	FIT_CROP,   /* the largest square in the middle */
	FIT_PAD,    /* the smallest square around it, filled up with the background */
	FIT_STRETCH /* everything, width and height made smaller each by itself */
};
#define FIT_MODES "none|crop|pad|stretch" /* their names */

/* What makes squares of side x side; scratch for one thread. Sizes are changed by Pillow's bilinear filter (resize.h); a picture is never enlarged. */
struct fitter;
int fitter_new(struct fitter **, int side, enum fit_mode, const uint8_t background[3]) MUST_CHECK;
void fitter_free(struct fitter **); /* NULL is fine */

/* out: (3,side,side). ERR_INPUT when the picture is not square and the mode is FIT_NONE, or too small. name: for messages. */
int fitter_run(struct fitter *, uint8_t *out, const struct picture *, const char *name) MUST_CHECK;

/* The same for three planes (3,from,from). */
int fitter_run_planes(struct fitter *, uint8_t *out, const uint8_t *planes, int from, const char *name) MUST_CHECK;

/* The largest side that a data set of pictures like this one can have: a power of two not above its shorter side; 0 when it is too small for any. */
int fit_side(const struct picture *);

#endif
