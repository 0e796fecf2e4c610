/* What the h5*.c files share, and no other file includes. */
#ifndef PGAN_H5INTERNAL_H
#define PGAN_H5INTERNAL_H

#include <hdf5.h>

#include "h5file.h"

struct h5file {
	hid_t id;
	char *name; /* for messages */
};

/* Before every piece of work, and not when a file is opened: HDF5 is told to be silent for each thread by itself, and a file may be read by another thread. */
void h5_begin(void);

/* Sets the error "cannot VERB 'OBJECT' in 'FILE': CAUSE" with HDF5's own cause, or the system's, and returns code. object: NULL is the file. */
int h5_failed(int code, const struct h5file *, const char *verb, const char *object);

/* Positive: it is there; 0: it is not; negative: the file is damaged where that is written, or has a link to nothing instead. */
htri_t h5_look_up(struct h5file *, const char *object);

hid_t h5_native_type(enum h5_type);

/* ERR_INPUT: the data lie elsewhere, as parts of other data sets of which one cannot be opened, or as bytes of other files. (h5elsewhere.c) */
int h5_check_elsewhere(const struct h5file *, const char *data, hid_t id) MUST_CHECK;

#endif
