/* An HDF5 file that appears whole or not at all, as outfile.h has it.
 *
 *   struct h5out out;
 *   if ((rc = h5out_open(&out, "data.h5"))) return rc;
 *   rc = … h5_write(out.file, …) …
 *   return h5out_end(&out, rc);
 */
#ifndef PGAN_H5OUT_H
#define PGAN_H5OUT_H

#include "h5file.h"
#include "outfile.h"

struct h5out {
	struct outfile out;
	struct h5file *file; /* messages name the path */
};

int h5out_open(struct h5out *, const char *path) MUST_CHECK; /* on failure there is nothing to end */
int h5out_end(struct h5out *, int rc) MUST_CHECK;            /* rc 0: closes and commits the file, otherwise discards it. Returns the first failure */
void h5out_discard(struct h5out *);                          /* does nothing after the end or on a zeroed struct */

#endif
