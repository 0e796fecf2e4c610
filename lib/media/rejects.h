/* Pictures that could not be used, each with the reason: kept until the end, when a tool reports them. */
#ifndef PGAN_REJECTS_H
#define PGAN_REJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* A zeroed struct is an empty list. */
struct rejects {
	struct reject { char *name, *reason; } *item; /* (n), owned */
	size_t n, room;
};

/* Both are copied, with '?' for control characters (printable.h). */
int rejects_add(struct rejects *, const char *name, const char *reason) MUST_CHECK;
void rejects_free(struct rejects *);

/* 0 if rejects_write() could write this file now (or path is NULL: none is wanted): to be asked before the work is done, since afterwards the reasons would
 * be lost. output: the file that the work makes, or NULL; the same file by whatever name is ERR_USAGE. */
int rejects_try(const char *path, const char *output) MUST_CHECK;

/* Writes all of them to a file, whole or not at all: a header line, then a line each of name, tab, reason. */
int rejects_write(const struct rejects *, const char *path) MUST_CHECK;

/* Says the first 20 reasons, a line each, through `say` (message_error), and returns what the tool ends with:
 *   0            nothing was rejected, or something was but good pictures are left and keep_going is set
 *   ERR_FAILED   something was rejected, good pictures are left
 *   ERR_INPUT    no good picture is left
 * good: how many there are. The message of a failure is the summary, or the reason itself when there was but one picture. */
int rejects_report(const struct rejects *, int64_t good, bool keep_going, void (*say)(const char *format, ...)) MUST_CHECK;

#endif
