/* Writes a zip archive from front to back, without seeking, so that it can go to a pipe: members are stored as they are, which suits pictures.
 * Nothing but names and contents is kept: members are dated 1980-01-01, and equal members give equal bytes. Up to 65,535 members and 4 GiB. */
#ifndef PGAN_ZIPOUT_H
#define PGAN_ZIPOUT_H

#include <stdio.h>

#include "bytes.h"

#define ZIPOUT_MAX_MEMBERS 65535

struct zipout {
	FILE *out;        /* borrowed */
	const char *name; /* of the archive, for messages; borrowed */
	uint64_t offset;
	uint32_t members;
	struct bytes directory;
};

void zipout_start(struct zipout *, FILE *out, const char *name);
int zipout_add(struct zipout *, const char *member, const void *bytes, size_t size) MUST_CHECK;
int zipout_finish(struct zipout *) MUST_CHECK; /* writes the directory; the stream is still to be closed */
void zipout_free(struct zipout *);             /* after finishing or failing */

#endif
