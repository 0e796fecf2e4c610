/* The names of what a run writes, and that nothing takes the place of an input or of something else that is written. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outfile.h"
#include "run.h"
#include "same_file.h"

int run_name_files(struct run *r)
{
	const char *out = r->g->out, *suffix = strrchr(out, '.');
	const int length = suffix && !strcmp(suffix, ".h5") && suffix != out ? (int)(suffix - out) : (int)strlen(out);
	if ((size_t)length >= sizeof r->base)
		return error_set(ERR_USAGE, "the name '%s' is too long", out);
	snprintf(r->base, sizeof r->base, "%.*s", length, out);
	snprintf(r->checkpoint, PATH_SIZE, "%s.ckpt", r->base);
	snprintf(r->log_path, PATH_SIZE, "%s.log", r->base);
	snprintf(r->previews, PATH_SIZE, "%s.previews", r->base);
	return 0;
}

/* -- the networks kept of saves -- */

void run_name_kept(const struct run *r, int64_t iteration, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "%s_i%lld.h5", r->base, (long long)iteration);
}

static const char *name_in(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* The path of a name in the folder of the output. */
static void name_beside(const struct run *r, const char *name, char path[2 * PATH_SIZE])
{
	snprintf(path, 2 * PATH_SIZE, "%.*s%s", (int)(name_in(r->base) - r->base), r->base, name);
}

/* The digits in a name that is BASE_i, digits and ".h5"; -1: it is not. */
static int64_t kept_iteration(const char *name, const char *base)
{
	const size_t length = strlen(base);
	if (strncmp(name, base, length) || strncmp(name + length, "_i", 2))
		return -1;
	const char *digits = name + length + 2, *end = digits;
	while (isdigit((unsigned char)*end))
		end++;
	return end > digits && !strcmp(end, ".h5") ? strtoll(digits, NULL, 10) : -1;
}

int run_each_kept(const struct run *r, int (*each)(const struct run *, const char *path, int64_t iteration))
{
	char path[2 * PATH_SIZE];
	name_beside(r, ".", path);
	DIR *d = opendir(path);
	struct dirent *entry;
	int n = 0, rc = 0;
	if (!d)
		return 0; /* the first file that is written there says why */
	while (!rc && (entry = readdir(d))) {
		const int64_t iteration = kept_iteration(entry->d_name, name_in(r->base));
		if (iteration < 0)
			continue;
		name_beside(r, entry->d_name, path);
		rc = each(r, path, iteration);
		n++;
	}
	closedir(d);
	return rc ? rc : n;
}

static int remove_one(const struct run *r, const char *path, int64_t iteration)
{
	(void)r, (void)iteration;
	return unlink(path) ? error_set(ERR_FAILED, "cannot remove '%s': %s", path, strerror(errno)) : 0;
}

static int nothing(const struct run *r, const char *path, int64_t iteration)
{
	(void)r, (void)path, (void)iteration;
	return 0;
}

static int check_one(const struct run *r, const char *path, int64_t iteration)
{
	(void)r, (void)iteration;
	return outfile_check(path);
}

int run_check_kept(const struct run *r)
{
	struct stat st;
	if (r->g->restart || !access(r->g->out, F_OK) || !access(r->checkpoint, F_OK) || (!stat(r->log_path, &st) && st.st_size) || !run_each_kept(r, nothing))
		return 0;
	return error_set(ERR_USAGE, "'%s_i….h5' is there, as this run keeps its networks, and no log of it: it may be another's; give -o another name, or --restart",
	                 r->base);
}

int run_clear_kept(const struct run *r)
{
	const int n = run_each_kept(r, remove_one);
	if (n > 0)
		run_note(r, "%d kept network%s of an earlier run %s removed: '%s_i….h5'", n, n > 1 ? "s" : "", n > 1 ? "are" : "is", r->base);
	return n < 0 ? n : 0;
}

/* -- what is written where -- */

static bool is_kept(const struct run *r, const char *path)
{
	char kept[2 * PATH_SIZE];
	name_beside(r, name_in(path), kept);
	return kept_iteration(name_in(path), name_in(r->base)) >= 0 && same_file(kept, path);
}

static int check_record(const struct run *r, size_t i)
{
	const struct grow_record *record = &r->g->records[i], *before;
	const char *path = record->path;
	if (same_file(path, r->g->out) || same_file(path, r->checkpoint) || same_file(path, r->log_path) || is_kept(r, path))
		return error_set(ERR_USAGE, "--record %lld:%s: the run itself writes a file of this name: give another", (long long)record->iteration, path);
	for (before = r->g->records; before < record; before++) {
		if (before->iteration == record->iteration)
			return error_set(ERR_USAGE, "--record %lld:%s: this step is recorded in '%s' already", (long long)record->iteration, path, before->path);
		if (same_file(before->path, path))
			return error_set(ERR_USAGE, "--record %lld:%s: the file is that of the step after %lld iterations already", (long long)record->iteration, path,
			                 (long long)before->iteration);
	}
	return outfile_check(path);
}

int run_check_files(const struct run *r)
{
	int rc;
	if ((rc = outfile_check(r->log_path)) || (rc = outfile_check(r->checkpoint)) || (rc = run_each_kept(r, check_one)) < 0)
		return rc;
	for (size_t i = 0; i < r->g->n_records; i++)
		if ((rc = check_record(r, i)))
			return rc;
	return 0;
}
