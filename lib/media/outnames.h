/* Where the pictures of a source go when each becomes a file of its own. */
#ifndef PGAN_OUTNAMES_H
#define PGAN_OUTNAMES_H

#include "source.h"

/* out[i] = "DIR/PATH.png" for picture i of source_count(), PATH being source_member() without its ending; NULL when that would lead out of DIR ("../x.jpg" in
 * an archive), or is longer than a name can be. Owned by the caller: outnames_free(). Makes DIR and the folders below it, but not DIR's parents, and removes
 * what killed processes left there. Two pictures with one name: ERR_INPUT, and nothing is made. */
int outnames_make(char ***out, const struct source *, const char *dir) MUST_CHECK;
void outnames_free(char **out, int64_t n); /* n: source_count(); NULL is fine */

#endif
