/* tar archives (ustar, GNU and pax), uncompressed, read in place: an index of the members, each read from where it lies. Used by archive.c alone. */
#ifndef PGAN_TAR_H
#define PGAN_TAR_H

#include <stdbool.h>

#include "bytes.h"

struct tar;

bool tar_has_magic(const uint8_t *first, size_t n); /* of the first n bytes; fewer than 512 are never those of a tar archive */

int tar_open(struct tar **, const char *path) MUST_CHECK; /* damaged, or without its end mark: ERR_INPUT */
void tar_close(struct tar **);                            /* NULL is fine */

int64_t tar_count(const struct tar *); /* files, and links and other things, which cannot be read; folders are no members */
const char *tar_member(const struct tar *, int64_t i);  /* its path, borrowed */
int64_t tar_size(const struct tar *, int64_t i);         /* in bytes, not above the archive's own */

/* The whole content of member i, in place of what is there. What is no file, or has become shorter, is ERR_INPUT. */
int tar_read(const struct tar *, int64_t i, struct bytes *) MUST_CHECK;

#endif
