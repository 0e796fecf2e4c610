#include "tempfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "digest.h"
#include "error.h"
#include "machine.h"

/* Temporary files to remove when the process ends before they are renamed. Threads may open files at the same time, and a signal may come at any moment: so the
 * names lie in the slots, and are written only where a signal waits for it. */
static struct slot {
	atomic_int owner; /* PID; 0: free. A forked child does not remove its parent's files */
	char path[PATH_MAX];
} slots[TEMPFILE_MOST];

/* Slots are taken and files created only while the process is not ending. Whoever ends it waits for the threads that are at it, which therefore hold signals
 * off: a handler would wait for its own thread for ever. */
static atomic_int creating;
static atomic_bool ending;

static void remove_all(void)
{
	atomic_store(&ending, true);
	while (atomic_load(&creating))
		;
	for (int i = 0; i < TEMPFILE_MOST; i++)
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

/* The slot of the path, or -1: none is free. */
static int slot_take(const char *path)
{
	for (int i = 0; i < TEMPFILE_MOST; i++) {
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

void tempfile_clean(const char *dir)
{
	start_once();
	remove_stale(dir, NULL);
}

/* -- new ones -- */

static int create(struct tempfile *t, const char *temp, const char *path)
{
	const char *cause = "too many outputs at once";
	sigset_t all, before;
	int fd = -1, slot = -1;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	atomic_fetch_add(&creating, 1);
	if (atomic_load(&ending))
		cause = strerror(ECANCELED);
	else if ((slot = slot_take(temp)) >= 0 && (unlink(temp), fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) < 0) {
		cause = strerror(errno);
		atomic_store(&slots[slot].owner, 0);
	}
	atomic_fetch_sub(&creating, 1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (fd < 0)
		return error_set(ERR_FAILED, "cannot create '%s': %s", path, cause);
	close(fd);
	*t = (struct tempfile){ .path = slots[slot].path, .slot = slot };
	return 0;
}

int tempfile_create(struct tempfile *t, const char *path, bool clean)
{
	char *for_dir = strdup(path), *for_name = strdup(path), name[NAME_MAX + 1], temp[PATH_MAX];
	int rc = 0;
	*t = (struct tempfile){ 0 };
	start_once();
	if (!for_dir || !for_name) {
		rc = error_set(ERR_FAILED, "out of memory");
	} else {
		const char *dir = dirname(for_dir), *last = basename(for_name);
		name_in_temp(name, last);
		if (clean)
			remove_stale(dir, name);
		if (strlen(last) > NAME_MAX || snprintf(temp, sizeof temp, "%s/.%s.%08" PRIx32 "-%ld.tmp", dir, name, processes, (long)getpid()) >= (int)sizeof temp)
			rc = error_set(ERR_FAILED, "cannot create '%s': %s", path, strerror(ENAMETOOLONG));
	}
	free(for_dir);
	free(for_name);
	return rc ? rc : create(t, temp, path);
}

void tempfile_remove(struct tempfile *t)
{
	if (t->path)
		unlink(t->path);
	tempfile_forget(t);
}

void tempfile_forget(struct tempfile *t)
{
	if (t->path)
		atomic_store(&slots[t->slot].owner, 0);
	*t = (struct tempfile){ 0 };
}
