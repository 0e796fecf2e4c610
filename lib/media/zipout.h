/* Writes a zip archive from front to back, without seeking, so that it can go to a pipe: members are stored as they are, which suits pictures.
 * Nothing but names and contents is kept: members are dated 1980-01-01, and equal members give equal bytes. A member has less than 4 GiB; above 65,535 members
 * or 4 GiB the archive is one of Zip64, which all but the oldest programs read. */
#ifndef PGAN_ZIPOUT_H
#define PGAN_ZIPOUT_H

#include <stdbool.h>
#include <stdio.h>

#include "bytes.h"

struct zipout {
	FILE *out;        /* borrowed */
	const char *name; /* of the archive, for messages; borrowed */
	uint64_t offset;  /* bytes written */
	uint64_t members;
	struct bytes directory; /* what zipout_finish() writes at the end */
};

/* Whether a name asks for an archive: NAME.zip. */
bool zipout_is_named(const char *path);

void zipout_start(struct zipout *, FILE *out, const char *name);

/* A member with these contents; its name may have folders ("00000/img.png"). Writes that fail are ERR_FAILED. */
int zipout_add(struct zipout *, const char *member, const void *bytes, size_t size) MUST_CHECK;
int zipout_finish(struct zipout *) MUST_CHECK; /* writes the directory; the stream is still to be closed */
void zipout_free(struct zipout *);             /* after finishing or failing */

const char *zipout_library(void); /* "zlib 1.2.13", for --version */

#endif
