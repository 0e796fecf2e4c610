#include "outfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "digest.h"
#include "input_guard.h"
#include "machine.h"

/* Temporary files to remove when the process ends before they are renamed. Threads may open files at the same time, and a signal may come at any moment: so the
 * names lie in the slots, and are written only where a signal waits for it. */
static struct slot {
	atomic_int owner; /* PID; 0: free. A forked child does not remove its parent's files */
	char path[PATH_MAX];
} slots[OUTFILE_MOST];

/* Slots are taken and files created only while the process is not ending. Whoever ends it waits for the threads that are at it, which therefore hold signals off:
 * a handler would wait for its own thread for ever. */
static atomic_int creating;
static atomic_bool ending;

static void remove_all(void)
{
	atomic_store(&ending, true);
	while (atomic_load(&creating))
		;
	for (int i = 0; i < OUTFILE_MOST; i++)
		if (atomic_load(&slots[i].owner) == getpid())
			unlink(slots[i].path);
}

static void on_signal(int signal_number)
{
	remove_all();
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static uint32_t processes; /* machine_processes() */

static void start(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	processes = machine_processes();
	atexit(remove_all);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		struct sigaction now;
		if (!sigaction(signals[i], NULL, &now) && now.sa_handler == SIG_DFL)
			signal(signals[i], on_signal);
	}
}

static void start_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, start);
}

static int slot_take(const char *path)
{
	for (int i = 0; i < OUTFILE_MOST; i++) {
		int none = 0;
		if (atomic_compare_exchange_strong(&slots[i].owner, &none, (int)getpid())) {
			strcpy(slots[i].path, path);
			return i;
		}
	}
	return -1;
}

/* -- what dead processes left -- */

/* NAME as that of its temporary file has it: what is too long for it is cut, and told apart by a digest. */
static void name_in_temp(char out[NAME_MAX + 1], const char *name)
{
	const int most = NAME_MAX - (int)sizeof "..00000000-2147483647.tmp", length = (int)strlen(name);
	char digest[DIGEST_TEXT];
	digest_text(digest_add(digest_start(), name, (size_t)length), digest);
	if (length <= most)
		strcpy(out, name);
	else
		snprintf(out, NAME_MAX + 1, "%.*s~%s", most - DIGEST_TEXT, name, digest);
}

/* Splits ".NAME.PROCESSES-PID.tmp"; false: it is no such name, or one of another NAME than `name` (NULL: of any), which is as name_in_temp() has it. */
static bool parse_temp(const char *file, const char *name, uint32_t *space, long *pid)
{
	const char *dot = file + strlen(file);
	int used = 0;
	for (int dots = 0; dots < 2; dots += *dot == '.')
		if (dot-- == file)
			return false;
	const size_t length = (size_t)(dot - file);
	if (*file != '.' || length < 2 || (name && (strlen(name) != length - 1 || strncmp(file + 1, name, length - 1))))
		return false;
	return sscanf(dot, ".%8" SCNx32 "-%ld.tmp%n", space, pid, &used) == 2 && used && !dot[used] && *pid > 0;
}

static bool is_untouched_for_a_week(const char *path)
{
	struct stat st;
	return !stat(path, &st) && time(NULL) - st.st_mtime > 7 * 24 * 60 * 60;
}

/* Removes temporary files of processes that are gone. Of a process that this machine or container does not know nobody can say whether it is; its files are
 * left until nothing has been written to them for long. name NULL: any. */
static void remove_stale(const char *dir, const char *name)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	while (d && (e = readdir(d))) {
		char path[PATH_MAX];
		uint32_t space;
		long pid;
		if (!parse_temp(e->d_name, name, &space, &pid) || snprintf(path, sizeof path, "%s/%s", dir, e->d_name) >= (int)sizeof path)
			continue;
		if (space == processes ? kill((pid_t)pid, 0) && errno == ESRCH : is_untouched_for_a_week(path))
			unlink(path);
	}
	if (d)
		closedir(d);
}

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
	start_once();
	remove_stale(path, NULL);
	return 0;
}

/* -- outputs -- */

static int create(struct outfile *o, const char *temp)
{
	const char *cause = "too many outputs at once";
	sigset_t all, before;
	int fd = -1;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	atomic_fetch_add(&creating, 1);
	if (atomic_load(&ending))
		cause = strerror(ECANCELED);
	else if ((o->slot = slot_take(temp)) >= 0 && (unlink(temp), fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) < 0)
		cause = strerror(errno);
	atomic_fetch_sub(&creating, 1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (fd < 0)
		return error_set(ERR_FAILED, "cannot create '%s': %s", o->path, cause);
	close(fd);
	o->temp = slots[o->slot].path;
	return 0;
}

static int create_temp(struct outfile *o)
{
	char *for_dir = strdup(o->path), *for_name = strdup(o->path), name[NAME_MAX + 1], temp[PATH_MAX];
	int rc = 0;
	if (!for_dir || !for_name) {
		rc = error_set(ERR_FAILED, "out of memory");
	} else {
		const char *dir = dirname(for_dir), *last = basename(for_name);
		name_in_temp(name, last);
		if (!o->one_of_many)
			remove_stale(dir, name);
		if (strlen(last) > NAME_MAX || snprintf(temp, sizeof temp, "%s/.%s.%08" PRIx32 "-%ld.tmp", dir, name, processes, (long)getpid()) >= (int)sizeof temp)
			rc = error_set(ERR_FAILED, "cannot create '%s': %s", o->path, strerror(ENAMETOOLONG));
	}
	free(for_dir);
	free(for_name);
	return rc ? rc : create(o, temp);
}

static void forget(struct outfile *o)
{
	if (o->slot >= 0)
		atomic_store(&slots[o->slot].owner, 0);
	free(o->path);
	*o = (struct outfile){ .slot = -1 };
}

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

	start_once();
	*o = (struct outfile){ .slot = -1, .one_of_many = one_of_many };
	if ((rc = outfile_check(path)))
		return rc;
	if (!(o->path = regular ? realpath(path, NULL) : strdup(path)))
		return error_set(ERR_FAILED, "cannot create '%s': %s", path, strerror(errno));
	if (there && !regular) {
		o->temp = o->path; /* a device, a pipe or what is open already is written as it is: nothing could be renamed over it */
		return 0;
	}
	if ((rc = create_temp(o)))
		forget(o);
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
	if (!o->stream && !(o->stream = fd >= 0 ? open_descriptor(fd) : fopen(o->temp, o->slot < 0 ? "wbe" : "r+be" /* never creates it again */)))
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
