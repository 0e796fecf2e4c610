/* Outputs that appear whole or not at all: a temporary file beside the target, fsync, rename.
 *
 *   struct outfile out;
 *   if ((rc = outfile_open(&out, "data.h5"))) return rc;
 *   … write to the path out.temp (HDF5) or to outfile_stream(&out) …
 *   rc = outfile_commit(&out);      or outfile_discard(&out) on failure
 *
 * What becomes of the temporary file when the process ends before: tempfile.h. */
#ifndef PGAN_OUTFILE_H
#define PGAN_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>

#include "tempfile.h"

struct outfile {
	char *path;       /* owned */
	const char *temp; /* borrowed until the end; a device or pipe is its own */
	FILE *stream;
	struct tempfile file; /* the module's own; of a device or pipe there is none */
	bool one_of_many;
};

int outfile_open(struct outfile *, const char *path) MUST_CHECK;
FILE *outfile_stream(struct outfile *); /* opened for writing on first use; NULL on failure, error set */
int outfile_commit(struct outfile *) MUST_CHECK; /* also ends the outfile on failure */
void outfile_discard(struct outfile *);          /* does nothing after a commit or on a zeroed struct */

/* For outputs that are opened only when much is done. What outfile_open() refuses wherever it is: inputs, folders, "-", links to nothing. */
int outfile_check(const char *path) MUST_CHECK;
/* The same, and what it refuses here and now: an outfile is opened and discarded. */
int outfile_try(const char *path) MUST_CHECK;

/* All of it for what is written in one go: opens, lets `write` write, and commits if it returns 0, otherwise discards and returns what it did. name: the path,
 * for messages. Writes that fail are noticed here. */
int outfile_write(const char *path, int (*write)(void *ctx, FILE *, const char *name), void *ctx) MUST_CHECK;

/* The same for one of very many files of a folder: neither looks for what dead processes left, which outfile_folder() does once, nor waits until the disk has
 * the file, which would take longer than making it. Killing the process still leaves whole files only. */
int outfile_write_one_of_many(const char *path, int (*write)(void *ctx, FILE *, const char *name), void *ctx) MUST_CHECK;

/* ERR_USAGE: a folder of this name is not there, and was hardly meant: it ends as files do, such as "x.zip" ("x.zip/" is taken). */
int outfile_folder_meant(const char *path) MUST_CHECK;

/* Makes a folder, but not its parents, unless it is there, and removes what dead processes left in it. A folder that is read is refused. */
int outfile_folder(const char *path) MUST_CHECK;

#endif
