/* Pictures that could not be used, each with the reason: kept until the end, when a tool tells them. */
#ifndef PGAN_REJECTS_H
#define PGAN_REJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

struct rejects {
	char **name, **reason; /* owned */
	int64_t n, room;
};

int rejects_add(struct rejects *, const char *name, const char *reason) MUST_CHECK; /* both copied */
void rejects_free(struct rejects *);

/* Whether rejects_write() could write this file (NULL: none is wanted): to be asked before the work is done, since afterwards the reasons would be lost. */
int rejects_try(const char *path) MUST_CHECK;

/* Writes all of them to a file (whole or not at all): a header line, then name, tab, reason. */
int rejects_write(const struct rejects *, const char *path) MUST_CHECK;

/* Tells the reasons through say (message_error, message_note), a line each, the first 20 of them, and gives the tool's result: 0 when nothing was rejected, or
 * when keep_going and something good is left; ERR_FAILED when something was; ERR_INPUT when nothing good is left. The result's message is the summary,
 * or the reason itself when there was only one picture. */
int rejects_tell(const struct rejects *, int64_t good, bool keep_going, void (*say)(const char *format, ...)) MUST_CHECK;

#endif
