#include "same_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool same_place(const char *a, const char *b)
{
	struct stat x, y;
	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The name in a path's folder; the folder is written to `folder`. */
static const char *split(const char *path, char folder[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	snprintf(folder, PATH_MAX, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	return slash ? slash + 1 : path;
}

bool same_file(const char *a, const char *b)
{
	char folder_a[PATH_MAX], folder_b[PATH_MAX];
	struct stat st;
	if (!stat(a, &st) && !stat(b, &st))
		return same_place(a, b);
	const char *name_a = split(a, folder_a), *name_b = split(b, folder_b);
	return !strcmp(name_a, name_b) && same_place(folder_a, folder_b);
}
