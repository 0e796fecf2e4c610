/* Temporary files beside what they become. Each is removed when the process exits, or dies of SIGINT, SIGTERM, SIGHUP or SIGPIPE (the first call installs the
 * handlers, unless the tool has handlers of its own, which must then let the process exit).
 *
 * After kill -9 one is left. Its name is ".NAME.PROCESSES-PID.tmp" (a very long NAME is cut), PROCESSES being the machine or container that PID is a number of
 * (machine.h), so that later ones know it: removed are those whose process is gone, and those of another machine, of which nothing is known, when a week has
 * passed since they were last written to. */
#ifndef PGAN_TEMPFILE_H
#define PGAN_TEMPFILE_H

#include <stdbool.h>

#include "error.h"

/* So many can be there at once: one for each thread, and some. */
enum { TEMPFILE_MOST = 1024 + 64 };

struct tempfile {
	const char *path; /* borrowed until it is forgotten; NULL: there is none */
	int slot;         /* the module's own */
};

/* An empty file beside `path`. clean: removes first what dead processes left of the same path. By any thread. */
int tempfile_create(struct tempfile *, const char *path, bool clean) MUST_CHECK;
void tempfile_remove(struct tempfile *); /* both do nothing where there is none */
void tempfile_forget(struct tempfile *); /* it has been renamed */

/* Removes what dead processes left in a folder. */
void tempfile_clean(const char *dir);

#endif
