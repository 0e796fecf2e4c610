#include "outnames.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* The same file always gets the same name: without parts that are empty or ".". NULL: out of memory. */
static char *name_of(const char *dir, const char *member)
{
	char *const name = malloc(strlen(dir) + strlen(member) + sizeof "/.png");
	if (!name)
		return NULL;
	char *at = stpcpy(name, dir);
	for (const char *part = member; *part;) {
		const size_t length = strcspn(part, "/");
		if (length && strncmp(part, ".", length)) {
			*at++ = '/';
			at = mempcpy(at, part, length);
		}
		part += length;
		part += *part == '/';
	}
	*at = 0;
	char *const dot = strrchr(name + strlen(dir), '.'), *const slash = strrchr(name, '/');
	strcpy(dot && dot > slash + 1 ? dot : at, ".png");
	return name;
}

/* Whether a file system takes it, as far as can be told. */
static bool can_be_named(const char *name)
{
	for (const char *part = name, *end; *part; part = end + (*end == '/'))
		if ((end = strchrnul(part, '/')) - part > NAME_MAX)
			return false;
	return strlen(name) < PATH_MAX;
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

struct naming {
	const struct source *s;
	const char *dir;
	struct named *sorted; /* by name */
	int64_t n;
};

/* Whether two files are in one folder. */
static bool neighbours(const char *a, const char *b)
{
	const size_t length = (size_t)(strrchr(a, '/') - a);
	return !strncmp(a, b, length + 1) && !strchr(b + length + 1, '/');
}

/* Refuses a folder of `file` that another file would become. */
static int check_folder(const struct naming *m, const char *folder, const struct named *file)
{
	const struct named key = { folder, 0 }, *other = bsearch(&key, m->sorted, (size_t)m->n, sizeof key, by_name_alone);
	return !other ? 0 : error_set(ERR_INPUT, "'%s' would become '%s', which is to be the folder of '%s'", source_name(m->s, other->i), folder, file->name);
}

static int make_folder(const struct naming *m, const char *folder, const struct named *file)
{
	(void)m;
	(void)file;
	return outfile_folder(folder);
}

/* act() on the folders below `dir` of every file, outermost first. */
static int each_folder(const struct naming *m, int (*act)(const struct naming *, const char *folder, const struct named *file))
{
	int rc = 0;
	for (int64_t k = 0; k < m->n && !rc; k++) {
		const struct named *file = &m->sorted[k];
		if (k && neighbours(file[-1].name, file->name))
			continue;
		char *folder = strdup(file->name);
		if (!folder)
			return error_set(ERR_FAILED, "out of memory");
		for (char *slash = folder + strlen(m->dir); !rc && (slash = strchr(slash + 1, '/'));) {
			*slash = 0;
			rc = act(m, folder, file);
			*slash = '/';
		}
		free(folder);
	}
	return rc;
}

static int check_names(const struct naming *m)
{
	const struct named *f = m->sorted;
	for (int64_t k = 1; k < m->n; k++)
		if (!by_name_alone(&f[k - 1], &f[k]))
			return error_set(ERR_INPUT, "'%s' and '%s' would both become '%s'", source_name(m->s, f[k - 1].i), source_name(m->s, f[k].i), f[k].name);
	return 0;
}

int outnames_make(char ***result, const struct source *s, const char *dir)
{
	const int64_t n = source_count(s);
	char **out = size_zalloc((size_t)n, sizeof *out);
	struct naming m = { .s = s, .dir = dir, .sorted = size_alloc((size_t)n, sizeof *m.sorted) };
	int rc = out && m.sorted ? 0 : ERR_FAILED;

	for (int64_t i = 0; i < n && !rc; i++) {
		if (leads_out(source_member(s, i)))
			continue;
		if (!(out[i] = name_of(dir, source_member(s, i)))) {
			rc = error_set(ERR_FAILED, "out of memory");
			break;
		}
		if (!can_be_named(out[i])) {
			free(out[i]);
			out[i] = NULL;
			continue;
		}
		m.sorted[m.n++] = (struct named){ out[i], i };
	}
	if (!rc) {
		qsort(m.sorted, (size_t)m.n, sizeof *m.sorted, by_name);
		if (!(rc = check_names(&m)) && !(rc = each_folder(&m, check_folder)) && !(rc = outfile_folder(dir)))
			rc = each_folder(&m, make_folder);
	}
	free(m.sorted);
	if (rc) {
		outnames_free(out, n);
		out = NULL;
	}
	*result = out;
	return rc;
}

void outnames_free(char **out, int64_t n)
{
	for (int64_t i = 0; out && i < n; i++)
		free(out[i]);
	free(out);
}
