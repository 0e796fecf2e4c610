#include "outfile.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reading.h"

/* Temporary files to remove when the process ends before they are renamed. Threads may open files at the same time. */
enum { SLOTS = 64 };
static _Atomic(char *) open_temp[SLOTS];
static pid_t owner[SLOTS]; /* a forked child does not remove its parent's files */

static void remove_all(void)
{
	for (int i = 0; i < SLOTS; i++) {
		const char *path = atomic_load(&open_temp[i]);
		if (path && owner[i] == getpid())
			unlink(path);
	}
}

/* Files are created only while the process is not ending; a thread that is at it is waited for, unless the signal interrupted that very thread. */
static atomic_int creating;
static _Thread_local volatile sig_atomic_t creating_here;
static atomic_bool ending;

static int create_file(const char *path)
{
	int fd = -1;
	atomic_fetch_add(&creating, 1);
	creating_here = 1;
	if (!atomic_load(&ending))
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	creating_here = 0;
	atomic_fetch_sub(&creating, 1);
	return fd;
}

static void on_signal(int signal_number)
{
	atomic_store(&ending, true);
	while (atomic_load(&creating) > creating_here)
		;
	remove_all();
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void watch(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	static atomic_flag done = ATOMIC_FLAG_INIT;
	if (atomic_flag_test_and_set(&done))
		return;
	atexit(remove_all);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		struct sigaction now;
		if (!sigaction(signals[i], NULL, &now) && now.sa_handler == SIG_DFL)
			signal(signals[i], on_signal);
	}
}

static int slot_take(char *temp)
{
	for (int i = 0; i < SLOTS; i++) {
		char *none = NULL;
		if (atomic_compare_exchange_strong(&open_temp[i], &none, temp)) {
			owner[i] = getpid();
			return i;
		}
	}
	return -1;
}

/* The process that made a temporary file of `name` (NULL: of any name), 0 if the file is none. */
static long maker_of(const char *file, const char *name)
{
	char *end;
	const char *tail = strlen(file) > 4 ? file + strlen(file) - 4 : file;
	if (*file != '.' || strcmp(tail, ".tmp"))
		return 0;
	while (tail > file && isdigit((unsigned char)tail[-1]))
		tail--;
	if (tail - file < 3 || tail[-1] != '.' || (name && (strlen(name) != (size_t)(tail - file - 2) || strncmp(file + 1, name, strlen(name)))))
		return 0;
	const long pid = strtol(tail, &end, 10);
	return end != tail && !strcmp(end, ".tmp") ? pid : 0;
}

/* Removes "<dir>/.<name>.PID.tmp" of processes that are gone. name NULL: any. */
static void remove_stale(const char *dir, const char *name)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	while (d && (e = readdir(d))) {
		char path[4096];
		const long pid = maker_of(e->d_name, name);
		if (pid <= 0 || !kill((pid_t)pid, 0) || errno != ESRCH)
			continue;
		if (snprintf(path, sizeof path, "%s/%s", dir, e->d_name) < (int)sizeof path)
			unlink(path);
	}
	if (d)
		closedir(d);
}

void outfile_sweep(const char *dir)
{
	remove_stale(dir, NULL);
}

static int create_temp(struct outfile *o)
{
	char *for_dir = strdup(o->path), *for_name = strdup(o->path);
	int rc = -1;
	if (for_dir && for_name) {
		const char *dir = dirname(for_dir), *name = basename(for_name);
		if (!o->one_of_many)
			remove_stale(dir, name);
		rc = asprintf(&o->temp, "%s/.%s.%ld.tmp", dir, name, (long)getpid());
	}
	free(for_dir);
	free(for_name);
	if (rc < 0) {
		o->temp = NULL;
		return error_set(ERR_FAILED, "out of memory");
	}
	if ((o->slot = slot_take(o->temp)) < 0)
		return error_set(ERR_FAILED, "cannot create '%s': too many outputs at once", o->path);
	const int fd = create_file(o->temp);
	if (fd < 0)
		return error_set(ERR_FAILED, "cannot create '%s': %s", o->path, strerror(errno));
	close(fd);
	return 0;
}

static void forget(struct outfile *o)
{
	if (o->slot >= 0)
		atomic_store(&open_temp[o->slot], NULL);
	free(o->path);
	free(o->temp);
	*o = (struct outfile){ .slot = -1 };
}

static int open_path(struct outfile *o, const char *path, bool one_of_many)
{
	struct stat st;
	const bool there = !stat(path, &st), regular = there && S_ISREG(st.st_mode);
	int rc;

	watch();
	*o = (struct outfile){ .slot = -1, .one_of_many = one_of_many };
	if ((rc = reading_check(path)))
		return rc;
	if (there && S_ISDIR(st.st_mode))
		return error_set(ERR_FAILED, "cannot create '%s': it is a folder", path);
	/* A symbolic link keeps pointing where it does. */
	if (!(o->path = regular ? realpath(path, NULL) : strdup(path)))
		return error_set(ERR_FAILED, "cannot create '%s': %s", path, strerror(errno));
	if (there && !regular) {
		/* A device or a pipe is written as it is: nothing could be renamed over it. */
		if ((o->temp = strdup(o->path)))
			return 0;
		rc = error_set(ERR_FAILED, "out of memory");
	} else {
		rc = create_temp(o);
	}
	if (rc)
		forget(o);
	return rc;
}

int outfile_open(struct outfile *o, const char *path)
{
	return open_path(o, path, false);
}

int outfile_open_one_of_many(struct outfile *o, const char *path)
{
	return open_path(o, path, true);
}

FILE *outfile_stream(struct outfile *o)
{
	if (!o->stream && !(o->stream = fopen(o->temp, o->slot < 0 ? "wbe" : "r+be" /* never creates it again */)))
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
	const bool temporary = o->slot >= 0;
	if (o->stream) {
		const bool failed = ferror(o->stream) != 0;
		errno = 0;
		const bool unwritten = fclose(o->stream) != 0;
		o->stream = NULL;
		if (failed || unwritten)
			return error_set(ERR_FAILED, "cannot write '%s': %s", o->path, errno ? strerror(errno) : "an earlier write failed");
	}
	if (!temporary)
		return 0;
	if (!o->one_of_many && synchronize(o->temp))
		return error_set(ERR_FAILED, "cannot write '%s': %s", o->path, strerror(errno));
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
	if (rc)
		outfile_discard(o);
	else
		forget(o);
	return rc;
}

void outfile_discard(struct outfile *o)
{
	if (!o->path)
		return;
	if (o->stream)
		fclose(o->stream);
	if (o->slot >= 0)
		unlink(o->temp);
	forget(o);
}
