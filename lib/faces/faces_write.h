/* Drawn faces as PNG files: 000001.png, 000002.png, … in a folder or a zip archive. What toy-faces does. */
#ifndef PGAN_FACES_WRITE_H
#define PGAN_FACES_WRITE_H

#include <stdint.h>
#include <stdio.h>

#include "error.h"

enum { FACES_MAX = 999999 }; /* six digits of a name */

/* File k + 1 is face k of the seed (faces.h), for k in [0,count): the same file whatever the count and the number of threads. */
struct faces_plan {
	int64_t count; /* 1 … FACES_MAX */
	uint64_t seed;
	int threads; /* at least 1 */
	void (*progress)(void *ctx, int64_t done);
	void *progress_ctx;
};

/* Into a folder, made if it is missing (its parents are not): each file whole or not at all, in place of one of the same name. */
int faces_write_folder(const struct faces_plan *, const char *dir) MUST_CHECK;

/* Into an archive: an open stream, flushed by whoever closes it (name: for messages), or a file, whole or not at all. */
int faces_write_zip(const struct faces_plan *, FILE *, const char *name) MUST_CHECK;
int faces_write_zip_file(const struct faces_plan *, const char *path) MUST_CHECK;

#endif
