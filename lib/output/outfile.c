#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input_guard.h"

/* -- folders -- */

int outfile_folder_meant(const char *path)
{
	static const char *const end_of_file[] = { ".png", ".jpg", ".jpeg", ".npy", ".h5", ".zip", ".tar", ".y4m" };
	const char *dot = strrchr(path, '.');
	struct stat st;
	for (size_t i = 0; dot && i < sizeof end_of_file / sizeof *end_of_file; i++)
		if (!strcasecmp(dot, end_of_file[i]) && (stat(path, &st) || !S_ISDIR(st.st_mode)))
			return error_set(ERR_USAGE, "'%s' would become a folder, and is named as a file: give a folder, or '%s/' if it is meant", path, path);
	return 0;
}

int outfile_folder(const char *path)
{
	struct stat st;
	const int rc = input_guard_check(path);
	if (rc)
		return rc;
	if (mkdir(path, 0777) && errno != EEXIST)
		return error_set(ERR_FAILED, "cannot create '%s': %s", path, strerror(errno));
	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return error_set(ERR_FAILED, "cannot create '%s': it is there and not a folder", path);
	tempfile_clean(path);
	return 0;
}

/* -- outputs -- */

/* The open descriptor that a path names, such as /dev/stderr; -1: it names none. */
static int descriptor_of(const char *path)
{
	int fd, end = 0;
	if (!strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	if ((sscanf(path, "/dev/fd/%d%n", &fd, &end) == 1 || sscanf(path, "/proc/self/fd/%d%n", &fd, &end) == 1) && !path[end])
		return fd;
	return -1;
}

/* Whether stdout or stderr go to this file, which a rename would take from under them. */
static bool is_standard(const struct stat *file)
{
	struct stat st;
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (S_ISREG(file->st_mode) && !fstat(fd, &st) && st.st_dev == file->st_dev && st.st_ino == file->st_ino)
			return true;
	return false;
}

int outfile_check(const char *path)
{
	struct stat st;
	const bool there = !stat(path, &st);
	const int rc = input_guard_check(path);
	if (rc)
		return rc;
	if (there && descriptor_of(path) < 0 && is_standard(&st))
		return error_set(ERR_USAGE, "'%s' is where stdout or stderr go: name another output", path);
	if (!*path)
		return error_set(ERR_USAGE, "the name of an output is empty");
	if (there && S_ISDIR(st.st_mode))
		return error_set(ERR_FAILED, "cannot create '%s': it is a folder", path);
	if (path[strlen(path) - 1] == '/')
		return error_set(ERR_FAILED, "cannot create '%s': that would be a folder", path);
	if (!strcmp(path, "-"))
		return error_set(ERR_USAGE, "'-': this output needs a name: it does not go to stdout");
	/* A symbolic link keeps pointing where it does. */
	if (!there && !lstat(path, &st))
		return error_set(ERR_FAILED, "cannot create '%s': it is a link to a file that is not there", path);
	return 0;
}

static int open_path(struct outfile *o, const char *path, bool one_of_many)
{
	struct stat st;
	const bool there = !stat(path, &st), regular = there && S_ISREG(st.st_mode) && descriptor_of(path) < 0;
	int rc;

	*o = (struct outfile){ .one_of_many = one_of_many };
	if ((rc = outfile_check(path)))
		return rc;
	if (!(o->path = regular ? realpath(path, NULL) : strdup(path)))
		return error_set(ERR_FAILED, "cannot create '%s': %s", path, strerror(errno));
	if (there && !regular) {
		o->temp = o->path; /* a device, a pipe or what is open already is written as it is: nothing could be renamed over it */
		return 0;
	}
	if ((rc = tempfile_create(&o->file, o->path, !one_of_many)))
		outfile_discard(o);
	else
		o->temp = o->file.path;
	return rc;
}

int outfile_open(struct outfile *o, const char *path)
{
	return open_path(o, path, false);
}

int outfile_try(const char *path)
{
	struct outfile o;
	const int rc = outfile_open(&o, path);
	if (!rc)
		outfile_discard(&o);
	return rc;
}

/* A descriptor goes on where it is: opened by its name, a file would be cut off. */
static FILE *open_descriptor(int fd)
{
	const int copy = dup(fd);
	FILE *f = copy < 0 ? NULL : fdopen(copy, "wb");
	if (!f && copy >= 0)
		close(copy);
	return f;
}

FILE *outfile_stream(struct outfile *o)
{
	const int fd = descriptor_of(o->path);
	if (!o->stream && !(o->stream = fd >= 0 ? open_descriptor(fd) : fopen(o->temp, !o->file.path ? "wbe" : "r+be" /* never creates it again */)))
		(void)error_set(ERR_FAILED, "cannot create '%s': %s", o->path, strerror(errno));
	return o->stream;
}

/* Waits until what was written to a file or the names in a folder are on the disk; what cannot be synchronized is left alone. */
static int synchronize(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	const int status = fsync(fd);
	close(fd);
	return status && errno != EINVAL && errno != EROFS ? -1 : 0;
}

static int finish(struct outfile *o)
{
	if (o->stream) {
		const bool failed = ferror(o->stream) != 0;
		errno = 0;
		const bool unwritten = fclose(o->stream) != 0;
		o->stream = NULL;
		if (failed || unwritten)
			return error_set(ERR_FAILED, "cannot write '%s': %s", o->path, errno ? strerror(errno) : "an earlier write failed");
	}
	if (!o->file.path)
		return 0;
	if (!o->one_of_many && synchronize(o->temp))
		return error_set(ERR_FAILED, "cannot write '%s': %s", o->path, strerror(errno));
	struct stat replaced; /* a file keeps the permissions that it was given */
	if (!stat(o->path, &replaced))
		(void)chmod(o->temp, replaced.st_mode & 07777);
	if (rename(o->temp, o->path))
		return error_set(ERR_FAILED, "cannot create '%s': %s", o->path, strerror(errno));
	char *for_dir = o->one_of_many ? NULL : strdup(o->path);
	if (for_dir)
		(void)synchronize(dirname(for_dir));
	free(for_dir);
	return 0;
}

int outfile_commit(struct outfile *o)
{
	const int rc = finish(o);
	if (!rc)
		tempfile_forget(&o->file);
	outfile_discard(o);
	return rc;
}

void outfile_discard(struct outfile *o)
{
	if (o->stream)
		fclose(o->stream);
	tempfile_remove(&o->file);
	free(o->path);
	*o = (struct outfile){ 0 };
}

/* -- in one go -- */

static int write_all(struct outfile *o, const char *path, int (*write)(void *ctx, FILE *, const char *name), void *ctx)
{
	FILE *f = outfile_stream(o);
	const int rc = f ? write(ctx, f, path) : ERR_FAILED;
	if (!rc)
		return outfile_commit(o);
	outfile_discard(o);
	return rc;
}

int outfile_write(const char *path, int (*write)(void *ctx, FILE *, const char *name), void *ctx)
{
	struct outfile o;
	const int rc = outfile_open(&o, path);
	return rc ? rc : write_all(&o, path, write, ctx);
}

int outfile_write_one_of_many(const char *path, int (*write)(void *ctx, FILE *, const char *name), void *ctx)
{
	struct outfile o;
	const int rc = open_path(&o, path, true);
	return rc ? rc : write_all(&o, path, write, ctx);
}
