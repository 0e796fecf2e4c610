/* The pictures that a tool was given: files, folders, archives and lists of names, as one numbered list.
 *
 *   struct source *s;
 *   struct bytes buffer = { 0 };
 *   struct picture p = { 0 };
 *   if ((rc = source_open(&s, inputs, n))) return rc;
 *   for (int64_t i = 0; i < source_count(s); i++)
 *           if ((rc = source_picture(s, i, white, &buffer, &p))) …   the other pictures can still be read
 *   free(buffer.data); picture_free(&p); source_close(&s);
 *
 * The order is the same on every machine: inputs as given; within a folder (with all below it) or an archive the paths sorted bytewise, so that a folder and
 * an archive of it give the same list. */
#ifndef PGAN_SOURCE_H
#define PGAN_SOURCE_H

#include <stdio.h>

#include "bytes.h"
#include "picture.h"

struct source;

/* inputs: n names, borrowed for the call, each
 *   a folder          every file below it that is named .png, .jpg or .jpeg in any case, hidden ones excepted. Broken links and what is no file, so named,
 *                     are pictures that cannot be read
 *   a zip or tar      its members so named, read in place (told by content, whatever the archive's name is; a tar is not compressed)
 *   "-"               a list of file names on stdin, one a line, in its order; read to its end here. A zero byte in it is ERR_INPUT
 *   any other file    a picture, whatever its name; one in a pipe is read here and kept, since it can be read but once
 * A missing input, a folder or archive without pictures, an empty list or a damaged archive is ERR_INPUT. Listed names and members are not opened yet.
 * From here on no output takes the place of one of these pictures (input_guard.h). */
int source_open(struct source **, const char *const *inputs, size_t n) MUST_CHECK;

/* The same for one picture in an open pipe. (Its first byte may have been looked at and put back: opened again, it would be gone.) Closes the pipe. */
int source_open_pipe(struct source **, FILE *, const char *name) MUST_CHECK;

void source_close(struct source **); /* NULL is fine */

int64_t source_count(const struct source *); /* pictures, at least 1 */

/* Says through `say` (message_note) how many files in folders and archives were left out because they are not named as pictures, and which was the first;
 * nothing if there were none. */
void source_tell_left_out(const struct source *, void (*say)(const char *format, ...));

/* Picture i: its full name for messages ("faces.zip/img/1.jpg") and its path below the input ("img/1.jpg"; the last part of the name for a file). Borrowed. */
const char *source_name(const struct source *, int64_t i);
const char *source_member(const struct source *, int64_t i);

/* Reads and decodes picture i into *p, in place of what *p holds. background: as for picture_decode(). buffer: for the file's bytes, used again from call to
 * call. In any order, by any number of threads with a buffer and a picture each. A failure of the picture's own is ERR_INPUT, with its name and the cause, and
 * leaves the others readable. */
int source_picture(struct source *, int64_t i, const uint8_t background[3], struct bytes *buffer, struct picture *p) MUST_CHECK;

#endif
