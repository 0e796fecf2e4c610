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

static bool place_of(const char *path, bool read, struct place *p)
{
	struct stat st;
	if ((read && !strcmp(path, "-") ? fstat(STDIN_FILENO, &st) : stat(path, &st)) || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return false;
	*p = (struct place){ st.st_dev, st.st_ino };
	return true;
}

void input_guard_add(const char *path)
{
	struct place p, *kept, **found;
	if (!path || !place_of(path, true, &p) || !(kept = malloc(sizeof *kept)))
		return;
	*kept = p;
	found = tsearch(kept, &guarded, by_place);
	if (!found || *found != kept)
		free(kept);
}

int input_guard_check(const char *output)
{
	struct place p;
	if (!guarded || !place_of(output, false, &p) || !tfind(&p, &guarded, by_place))
		return 0;
	return error_set(ERR_USAGE, "'%s' is read and would be written over: name another output", output);
}
