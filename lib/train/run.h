/* What grow_scale() works with. Private to grow.c and run_*.c. */
#ifndef PGAN_RUN_H
#define PGAN_RUN_H

#include "checkpoint.h"
#include "grow.h"

struct ranks;

enum { PATH_SIZE = 4096 };

struct run {
	const struct grow *g;
	char base[PATH_SIZE - 64]; /* out without its ".h5" */
	char checkpoint[PATH_SIZE], log_path[PATH_SIZE], previews[PATH_SIZE];
	struct origin origin;
	double from_alpha;   /* above 0: the network to start from was saved while its own layers faded in */
	struct ranks *ranks; /* NULL: alone */
	struct backend *be;
	struct loader loader;
	struct trainer trainer;
	struct trainlog log;
	double saved_at;   /* clock of the last checkpoint */
	double counted_at; /* clock when steps were counted last */
	int64_t bad_steps; /* in a row, with a loss that is not finite */
	bool warned;       /* of gradients that are not finite */
};

/* A line for the user. */
void run_note(const struct run *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* -- run_start.c -- */

/* What is to be done. RUN_DONE: nothing, the result is there. */
enum run_start { RUN_ANEW, RUN_DONE, RUN_ON };

/* Looks at the network to start from, before anything is done for it. */
int run_inspect_from(struct run *) MUST_CHECK;

/* An enum run_start, by what lies beside the output; or an error. For rank 0, which has the log. */
int run_inspect(struct run *) MUST_CHECK;

/* Begins anew or goes on from the checkpoint, with what lies beside the output made fit for it. */
int run_start(struct run *, enum run_start) MUST_CHECK;

/* Whether layers are still being faded in, as far as a user can tell. */
bool run_is_fading(double alpha);

/* -- run_outputs.c -- */

/* Names the files beside the output. */
int run_name_files(struct run *) MUST_CHECK;

/* ERR_USAGE: what is to be written would take the place of an input, or a record that of another or of the run's own files. */
int run_check_files(const struct run *) MUST_CHECK;

/* The file of the networks of a save. */
void run_name_kept(const struct run *, int64_t iteration, char path[PATH_SIZE]);

/* Calls `each` with every such file, until one fails; the number of files, or the failure. */
int run_each_kept(const struct run *, int (*each)(const struct run *, const char *path, int64_t iteration)) MUST_CHECK;

/* ERR_USAGE: there are networks of such names, but nothing else that an earlier run leaves. They may be another's, and are removed with --restart alone. */
int run_check_kept(const struct run *) MUST_CHECK;

/* Removes the networks that an earlier run of this output kept, which would be taken for those of this one. */
int run_clear_kept(const struct run *) MUST_CHECK;

/* -- run_saves.c -- */

/* Whether all iterations are done. */
bool run_is_last(const struct run *);

/* Whether the state is to be judged: at the end, and at every N-th save (swdEvery). */
bool run_is_judged(const struct run *, bool save_now);

/* A row of the log, with scores if they are asked for. A state that cannot be judged does not end the training. */
int run_write_row(struct run *, bool judged) MUST_CHECK;

/* The iteration whose state is the best of those judged so far, -1: none was. */
int64_t run_best(const struct run *);

/* At a save and at the end: keeps the networks of this moment, and removes those that are neither of the last `keep` saves nor the best. */
int run_keep(struct run *) MUST_CHECK;

/* A line for the user: which of the judged states is the best, and in which file; none where none was judged. */
void run_tell_best(const struct run *);

#endif
