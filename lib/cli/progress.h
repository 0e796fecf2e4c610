/* A progress line with an estimate of the time left, on stderr: only on a terminal, a few times a second at most, never with -q. */
#ifndef PGAN_PROGRESS_H
#define PGAN_PROGRESS_H

#include <stdint.h>

struct progress {
	const char *what; /* borrowed: "images" */
	int64_t total;    /* 0: not known */
	double start, shown;
	int on;
};

void progress_start(struct progress *, const char *what, int64_t total);
void progress_show(struct progress *, int64_t done, const char *more /* may be NULL */);
void progress_count(void *progress, int64_t done); /* progress_show as a callback of what counts its work */
void progress_end(struct progress *);             /* wipes the line */

#endif
