/* The log of a scale: tab-separated, one header line, one row per report. docs/formats.md says what the columns are.
 *
 * Rows hold means over the steps since the row before. The rows so far and the sums of the row to come travel in the checkpoint, so a run that goes on
 * writes the log as if it had never stopped (but for the seconds, which are those really spent). */
#ifndef PGAN_TRAINLOG_H
#define PGAN_TRAINLOG_H

#include <stdio.h>

#include "judge.h"

enum { TRAINLOG_SUMS = STEP_SUMS + 4 };

struct trainlog {
	FILE *file;  /* opened for appending */
	bool locked; /* it is this process's alone; false: another one has it, or the file system has no locks */
	char *path;
	char *text; /* the whole file so far, size bytes and a zero; owned */
	size_t size, room;
	/* Of the steps since the last row: the step sums, with square roots taken of the gradients' squared norms; then how many steps, how many of them with
	 * a penalty, the seconds of the row, and the seconds of the scale. */
	double sum[TRAINLOG_SUMS];
};

enum { LOG_STEPS = STEP_SUMS, LOG_PENALTIES, LOG_ROW_SECONDS, LOG_SECONDS };

/* Takes the file for this process, until it ends or trainlog_close(): ERR_FAILED when another one has it, which is then at work on the same scale. Where the
 * file system has no locks, ->locked stays false. The file is left as it is. */
int trainlog_open(struct trainlog *, const char *path) MUST_CHECK;
void trainlog_close(struct trainlog *); /* an empty file is removed; a zeroed struct is fine */

/* Writes the file anew: with the header, or with the `size` bytes of `text` and the sums of a checkpoint. */
int trainlog_begin(struct trainlog *, const char *text, size_t size, const double *sum) MUST_CHECK;

/* Adds a step to the row to come. penalty: whether it has computed the gradient penalty. seconds: since the step before was added, without those spent on
 * reports. */
void trainlog_step(struct trainlog *, const double sums[STEP_SUMS], bool penalty, double seconds);

/* Ends a row after the trainer's last step. score: NULL, or what its network was judged as. */
int trainlog_row(struct trainlog *, const struct trainer *, const struct judgement *score) MUST_CHECK;

/* The iteration whose network has the lowest SWD in the rows so far; -1: none was judged. *count: how many were, *swd: the lowest. */
int64_t trainlog_best(const struct trainlog *, int *count, double *swd);

/* "lossD 1.23, lossG -4.5": the means so far, for the progress line. */
void trainlog_brief(const struct trainlog *, char *out, size_t size);

#endif
