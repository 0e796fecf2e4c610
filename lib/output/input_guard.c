#include "input_guard.h"

#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
	dev_t device;
	ino_t inode;
};

static void *guarded; /* a tree: there may be very many */

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	return x->device != y->device ? (x->device < y->device ? -1 : 1) : x->inode != y->inode ? (x->inode < y->inode ? -1 : 1) : 0;
}

static bool place_of(const struct stat *st, struct place *p)
{
	*p = (struct place){ st->st_dev, st->st_ino };
	return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode);
}

static void guard(const struct stat *st)
{
	struct place p, *kept, **found;
	if (!place_of(st, &p) || !(kept = malloc(sizeof *kept)))
		return;
	*kept = p;
	found = tsearch(kept, &guarded, by_place);
	if (!found || *found != kept)
		free(kept);
}

void input_guard_add(const char *path)
{
	struct stat st;
	if (path && strcmp(path, "-") && !stat(path, &st))
		guard(&st);
}

void input_guard_add_stdin(void)
{
	struct stat st;
	if (!fstat(STDIN_FILENO, &st))
		guard(&st);
}

int input_guard_check(const char *output)
{
	struct stat st;
	struct place p;
	if (!guarded || stat(output, &st) || !place_of(&st, &p) || !tfind(&p, &guarded, by_place))
		return 0;
	return error_set(ERR_USAGE, "'%s' is read and would be written over: name another output", output);
}
