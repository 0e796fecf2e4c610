/* zip and tar archives read in place: nothing is unpacked. */
#ifndef PGAN_ARCHIVE_H
#define PGAN_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"

struct archive;

/* Whether the first n bytes of a file are those of an archive. ARCHIVE_HEAD bytes are enough to tell; a shorter file has fewer. */
#define ARCHIVE_HEAD 512
bool archive_has_magic(const uint8_t *first, size_t n);

/* ERR_INPUT, naming the program that unpacks it: what is compressed, or an archive of a kind that is not read here. */
int archive_check_packed(const char *path, const uint8_t *first, size_t n) MUST_CHECK;

/* Opens an archive and lists its members. first: the file's first n bytes, which tell zip from tar. Damaged or truncated: ERR_INPUT. */
int archive_open(struct archive **, const char *path, const uint8_t *first, size_t n) MUST_CHECK;
void archive_close(struct archive **); /* NULL is fine */

int64_t archive_count(const struct archive *);                 /* members, the folders of a zip included */
const char *archive_member(const struct archive *, int64_t i); /* "img/000001.jpg"; a folder ends in "/". Borrowed until the archive is closed */

/* The whole content of member i, in place of what is there. A damaged member, or one that the archive says is larger than BYTES_MOST, is ERR_INPUT, naming
 * archive and member; the others can still be read. One thread at a time. */
int archive_read(struct archive *, int64_t i, struct bytes *) MUST_CHECK;

const char *archive_library(void); /* "libzip 1.7.3", for --version */

#endif
