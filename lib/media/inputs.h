/* What a tool that prepares pictures was given: named pictures of any shape (source.h), or images of one size, one after another (images.h). */
#ifndef PGAN_INPUTS_H
#define PGAN_INPUTS_H

#include "images.h"
#include "source.h"

struct inputs {
	struct source *source; /* named pictures; NULL: there are images */
	struct images images;
	bool hdf5;             /* images out of an HDF5 file: the library cannot read and write in two threads */
	bool npy;              /* images out of a .npy file, not out of a pipe */
};

/* inputs: n names, borrowed for the call:
 *   none, or "-"       stdin: an image stream or a list of file names; the first byte tells which
 *   one HDF5 or .npy file
 *   one pipe by name   an image stream or a picture
 *   anything else      what source_open() takes
 * An empty stdin, and what source_open() and images_open() refuse: ERR_INPUT. */
int inputs_open(struct inputs *, const char *const *inputs, size_t n) MUST_CHECK;
void inputs_close(struct inputs *); /* a zeroed struct is fine */

/* The number of pictures or images; 0 while it is not known (streams). */
int64_t inputs_count(const struct inputs *);

/* The name of picture i, for messages: the source's, or in `buffer` "faces.h5, image 17" (counted from 0). */
enum { INPUT_NAME = 1024 };
const char *inputs_name(const struct inputs *, int64_t i, char buffer[INPUT_NAME]);

#endif
