#include "outnames.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input_guard.h"
#include "outfile.h"
#include "size.h"

static bool leads_out(const char *member)
{
	if (*member == '/')
		return true;
	for (const char *part = member; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (!strncmp(part, "..", 2) && (!part[2] || part[2] == '/'))
			return true;
	}
	return false;
}

static char *name_of(const char *dir, const char *member)
{
	const char *slash = strrchr(member, '/'), *base = slash ? slash + 1 : member, *dot = strrchr(base, '.');
	const int length = dot && dot > base ? (int)(dot - member) : (int)strlen(member);
	char *name;
	return asprintf(&name, "%s/%.*s.png", dir, length, member) < 0 ? NULL : name;
}

struct named {
	const char *name;
	int64_t i;
};

static int by_name_alone(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	const int order = by_name_alone(a, b);
	return order ? order : (x->i > y->i) - (x->i < y->i);
}

/* Refuses a file in a folder, below the first `from` letters of their names, that another file would become. */
static int check_folders(const struct named *file, const struct named *sorted, int64_t n, size_t from, const struct source *s)
{
	char *folder = strdup(file->name);
	int rc = folder ? 0 : error_set(ERR_FAILED, "out of memory");
	for (char *slash = rc ? NULL : strchr(folder + from, '/'); slash && !rc; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		const struct named key = { folder, 0 }, *other = bsearch(&key, sorted, (size_t)n, sizeof key, by_name_alone);
		if (other)
			rc = error_set(ERR_INPUT, "'%s' would become '%s', which is to be the folder of '%s'", source_name(s, other->i), folder, file->name);
		*slash = '/';
	}
	free(folder);
	return rc;
}

/* The folders of a file's name below the first `from` letters. */
static int make_folders(char *name, size_t from)
{
	int rc = 0;
	for (char *slash = strchr(name + from, '/'); slash && !rc; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		rc = outfile_folder(name);
		*slash = '/';
	}
	return rc;
}

/* Whether two files are in one folder. */
static bool neighbours(const char *a, const char *b)
{
	const size_t length = (size_t)(strrchr(a, '/') - a);
	return !strncmp(a, b, length + 1) && !strchr(b + length + 1, '/');
}

static int prepare(const struct named *sorted, int64_t n, char **out, const struct source *s, const char *dir)
{
	int rc = 0;
	for (int64_t k = 1; k < n; k++)
		if (!strcmp(sorted[k - 1].name, sorted[k].name))
			return error_set(ERR_INPUT, "'%s' and '%s' would both become '%s'", source_name(s, sorted[k - 1].i), source_name(s, sorted[k].i),
					 sorted[k].name);
	for (int64_t k = 0; k < n && !rc; k++)
		if (!k || !neighbours(sorted[k - 1].name, sorted[k].name))
			rc = check_folders(&sorted[k], sorted, n, strlen(dir) + 1, s);
	if (rc || (rc = outfile_folder(dir)))
		return rc;
	for (int64_t k = 0; k < n && !rc; k++)
		if (!k || !neighbours(sorted[k - 1].name, sorted[k].name))
			rc = make_folders(out[sorted[k].i], strlen(dir) + 1);
	return rc;
}

int outnames_make(char ***result, const struct source *s, const char *dir)
{
	const int64_t n = source_count(s);
	char **out = size_zalloc((size_t)n, sizeof *out);
	struct named *sorted = size_alloc((size_t)n, sizeof *sorted);
	int64_t safe = 0;
	int rc = out && sorted ? input_guard_check(dir) : ERR_FAILED;

	for (int64_t i = 0; i < n && !rc; i++) {
		if (leads_out(source_member(s, i)))
			continue;
		if (!(out[i] = name_of(dir, source_member(s, i))))
			rc = error_set(ERR_FAILED, "out of memory");
		sorted[safe++] = (struct named){ out[i], i };
	}
	if (!rc) {
		qsort(sorted, (size_t)safe, sizeof *sorted, by_name);
		rc = prepare(sorted, safe, out, s, dir);
	}
	free(sorted);
	if (rc) {
		outnames_free(out, n);
		out = NULL;
	}
	*result = out;
	return rc;
}

int outnames_folder(const char *dir)
{
	const int rc = input_guard_check(dir);
	return rc ? rc : outfile_folder(dir);
}

void outnames_free(char **out, int64_t n)
{
	for (int64_t i = 0; out && i < n; i++)
		free(out[i]);
	free(out);
}
