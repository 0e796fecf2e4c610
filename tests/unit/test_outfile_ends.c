/* Outputs while the process ends: what a signal or exit() meets in the middle of another thread's work. The C library's open() and unlink() are replaced, so
 * that the middle is where a test wants it. */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "outfile.h"

static void (*in_open)(const char *path), (*in_unlink)(const char *path); /* called for temporary files */

static bool is_temporary(const char *path)
{
	const size_t length = strlen(path);
	return length > 4 && !strcmp(path + length - 4, ".tmp");
}

int open(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	const int mode = flags & O_CREAT ? va_arg(args, int) : 0;
	va_end(args);
	if (in_open && is_temporary(path))
		in_open(path);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int unlink(const char *path)
{
	if (in_unlink && is_temporary(path))
		in_unlink(path);
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

/* Outputs leave alone what is ignored, and a test may have been started so (nohup, &). */
__attribute__((constructor)) static void default_signals(void)
{
	for (int i = 1; i < 16; i++)
		signal(i, SIG_DFL);
}

static char folder[256];

static void enter(void)
{
	const char *base = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/pgan-ends-XXXXXX", base ? base : "/tmp");
	REQUIRE(mkdtemp(folder) && !chdir(folder));
}

/* rmdir() says whether a file was left. */
static void leave(void)
{
	REQUIRE(!chdir("/"));
	CHECK(!rmdir(folder));
}

static int seen_blocked;

static bool is_blocked(int signal_number)
{
	sigset_t now;
	pthread_sigmask(SIG_BLOCK, NULL, &now);
	return sigismember(&now, signal_number);
}

static void look(const char *path)
{
	(void)path;
	seen_blocked = is_blocked(SIGINT) && is_blocked(SIGTERM) && is_blocked(SIGHUP) && is_blocked(SIGPIPE);
}

/* The handler waits for all threads that create a file; it must not interrupt one of them. */
TEST(a_signal_does_not_reach_a_thread_that_creates_a_file)
{
	struct outfile o;
	enter();
	in_open = look;
	REQUIRE(!outfile_open(&o, "a"));
	in_open = NULL;
	CHECK(seen_blocked && !is_blocked(SIGTERM));
	outfile_discard(&o);
	leave();
}

static void terminate(const char *path)
{
	(void)path;
	raise(SIGTERM);
}

TEST(a_signal_while_a_file_is_created_takes_it_away)
{
	int status;
	enter();
	const pid_t child = fork();
	REQUIRE(child >= 0);
	if (!child) {
		struct outfile o;
		in_open = terminate;
		_exit(outfile_open(&o, "a") ? 9 : 8);
	}
	REQUIRE(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	leave();
}

static struct outfile output;
static sem_t now, done;
static pthread_t ending;

static void *end_output(void *unused)
{
	(void)unused;
	sem_wait(&now);
	outfile_discard(&output);
	sem_post(&done);
	return NULL;
}

/* Called by exit(): before the name is used, the other thread has done with it. */
static void let_the_other_end(const char *path)
{
	char before[4096];
	if (!pthread_equal(pthread_self(), ending))
		return;
	snprintf(before, sizeof before, "%s", path);
	sem_post(&now);
	sem_wait(&done);
	if (strcmp(path, before))
		_exit(7);
}

TEST(an_output_that_ends_while_the_process_does)
{
	int status;
	enter();
	const pid_t child = fork();
	REQUIRE(child >= 0);
	if (!child) {
		pthread_t other;
		ending = pthread_self();
		if (sem_init(&now, 0, 0) || sem_init(&done, 0, 0) || outfile_open(&output, "a") || pthread_create(&other, NULL, end_output, NULL))
			_exit(9);
		in_unlink = let_the_other_end;
		exit(0);
	}
	REQUIRE(waitpid(child, &status, 0) == child);
	CHECK_MSG(WIFEXITED(status) && !WEXITSTATUS(status), "the name was no longer there: status %#x", (unsigned)status);
	leave();
}
