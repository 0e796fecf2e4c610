/* Processes that work together: sums in order, and what happens when one of them is missing, dies, or fails. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "ranks.h"

enum { MOST = 4, LARGE = 700001 }; /* values: several pieces, the last one short */

/* -- processes: each runs the part of its rank and ends with 0 when all went as it should -- */

static char path[64]; /* of the rendezvous */

static void choose_path(void)
{
	snprintf(path, sizeof path, "%s/ranks.%d", getenv("TMPDIR") ? "." : "/tmp", (int)getpid());
	unlink(path);
}

static struct ranks_place place(int rank, int n)
{
	return (struct ranks_place){ .n = n, .rank = rank, .local = -1, .rendezvous = path, .timeout = 20 };
}

/* Whether the ranks `from` … n - 1 all say yes. */
static bool all_of(int from, int n, bool (*part)(int rank, int n))
{
	pid_t child[MOST];
	bool ok = true;
	fflush(NULL);
	for (int k = from; k < n; k++)
		if (!(child[k] = fork()))
			_exit(part(k, n) ? 0 : 1);
	for (int k = from; k < n; k++) {
		int status;
		ok = waitpid(child[k], &status, 0) == child[k] && status == 0 && ok;
	}
	return ok;
}

static bool says(const char *text)
{
	if (strstr(error_text(), text))
		return true;
	printf("# '%s' does not say '%s'\n", error_text(), text);
	fflush(stdout);
	return false;
}

/* -- what works -- */

/* Of a sum in another order the last bits would be others. */
static float value(int rank, size_t i)
{
	return (float)((i * 2654435761u + (size_t)rank * 40503u) % 100003) * (rank % 2 ? -1e3f : 1e-2f) / 7;
}

static bool operations(struct ranks *r)
{
	float *x = malloc(LARGE * sizeof *x);
	double y[3] = { r->rank, .1, 1e17 * (r->rank == 1) };
	const int mine[2] = { r->rank, 7 };
	int all[2 * MOST];
	char word[6] = "";
	bool ok = true;
	for (size_t i = 0; i < LARGE; i++)
		x[i] = value(r->rank, i);
	ok = !ranks_sum_f32(r, x, LARGE) && !ranks_sum_f64(r, y, 3) && ok;
	for (size_t i = 0; i < LARGE; i++) {
		float sum = value(0, i);
		for (int k = 1; k < r->n; k++)
			sum += value(k, i);
		ok = sum == x[i] && ok;
	}
	ok = y[0] == r->n * (r->n - 1) / 2 && y[2] == 1e17 && ok;
	ok = !ranks_gather(r, mine, sizeof mine, r->rank ? NULL : all) && ok;
	for (int k = 0; !r->rank && k < r->n; k++)
		ok = all[2 * k] == k && all[2 * k + 1] == 7 && ok;
	if (!r->rank)
		memcpy(word, "hello", sizeof word);
	ok = !ranks_broadcast(r, word, sizeof word) && !strcmp(word, "hello") && ok;
	ok = !ranks_sum_f32(r, x, 0) && !ranks_watch(r, 0) && !ranks_barrier(r) && ok;
	free(x);
	return ok;
}

static bool work(int rank, int n)
{
	const struct ranks_place p = place(rank, n);
	struct ranks *r;
	if (ranks_open(&r, &p))
		return says("nothing");
	const bool ok = r->rank == rank && r->n == n && r->local == rank && operations(r);
	ranks_close(&r);
	return ok && !r;
}

TEST(sums_in_order_by_a_file)
{
	for (int n = 2; n <= MOST; n++) {
		choose_path();
		CHECK_MSG(all_of(0, n, work), "%d ranks", n);
		CHECK(access(path, F_OK));
	}
}

/* A port that was free a moment ago. */
static int free_port(int *holder)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof a;
	*holder = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(*holder, (struct sockaddr *)&a, sizeof a) || listen(*holder, 1) || getsockname(*holder, (struct sockaddr *)&a, &size))
		return 0;
	return ntohs(a.sin_port);
}

TEST(sums_in_order_by_a_port)
{
	int holder;
	snprintf(path, sizeof path, "127.0.0.1:%d", free_port(&holder));
	close(holder);
	CHECK(all_of(0, 3, work));
}

TEST(a_file_of_an_earlier_run_does_no_harm)
{
	int holder;
	choose_path();
	FILE *f = fopen(path, "w");
	REQUIRE(f != NULL);
	fprintf(f, "00112233445566778899aabbccddeeff nowhere %d\n127.0.0.1\n", free_port(&holder));
	fclose(f);
	close(holder);
	/* The others look at it before rank 0 is there. */
	fflush(NULL);
	const pid_t late = fork();
	if (!late) {
		poll(NULL, 0, 200);
		_exit(work(0, 3) ? 0 : 1);
	}
	CHECK(all_of(1, 3, work));
	int status = 1;
	CHECK(waitpid(late, &status, 0) == late && status == 0);
}

TEST(a_process_makes_the_others)
{
	const struct ranks_place p = { .n = 3, .rank = -1, .local = -1, .timeout = 20 };
	struct ranks *r;
	fflush(NULL);
	const pid_t child = fork(); /* so that its copies are not mistaken for this program */
	if (!child) {
		if (ranks_open(&r, &p))
			_exit(1);
		const bool ok = r->local == r->rank && operations(r), first = !r->rank;
		double good = ok;
		const int rc = ranks_sum_f64(r, &good, 1);
		ranks_close(&r);
		_exit(rc || good != 3 || (first && waitpid(-1, NULL, WNOHANG) >= 0));
	}
	int status = 1;
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* -- what does not -- */

static bool one_dies(int rank, int n)
{
	const struct ranks_place p = place(rank, n);
	struct ranks *r;
	float x[2] = { 1, 2 };
	if (ranks_open(&r, &p) || ranks_sum_f32(r, x, 2))
		return false;
	if (rank == 1)
		_exit(0); /* without a word */
	const bool ok = ranks_sum_f32(r, x, 2) == ERR_FAILED && says("rank 1 is gone") && ranks_barrier(r) == ERR_FAILED && says("rank 1 is gone");
	if (!rank) /* passes it on */
		ranks_fail(r, ERR_FAILED);
	ranks_close(&r);
	return ok;
}

TEST(a_rank_that_dies_is_named_by_all)
{
	choose_path();
	CHECK(all_of(0, 3, one_dies));
}

static bool first_dies(int rank, int n)
{
	const struct ranks_place p = place(rank, n);
	struct ranks *r;
	double x = 1;
	if (ranks_open(&r, &p))
		return false;
	if (!rank)
		_exit(0);
	const bool ok = ranks_sum_f64(r, &x, 1) == ERR_FAILED && says("rank 0 is gone");
	ranks_close(&r);
	return ok;
}

TEST(rank_0_that_dies_is_missed)
{
	choose_path();
	CHECK(all_of(0, 3, first_dies));
}

static bool one_fails(int rank, int n)
{
	const struct ranks_place p = place(rank, n);
	struct ranks *r;
	float *x = calloc(LARGE, sizeof *x);
	bool ok;
	if (!x || ranks_open(&r, &p))
		return false;
	if (rank == 2) {
		ok = ranks_fail(r, error_set(ERR_INPUT, "cannot open '%s'", "x.h5")) == ERR_INPUT;
	} else {
		ok = ranks_sum_f32(r, x, LARGE) == ERR_INPUT && ranks_watch(r, 0) == ERR_INPUT;
		ok = ranks_fail(r, ERR_INPUT) == ERR_INPUT && ok;
	}
	ok = says("rank 2: cannot open 'x.h5'") && ok;
	ranks_close(&r);
	free(x);
	return ok;
}

TEST(a_rank_that_fails_tells_all_why)
{
	choose_path();
	CHECK(all_of(0, 4, one_fails));
}

/* Rank 0 fails for `cause`, rank 1 for want of a file, rank 2 for want of memory, rank 3 is told: which of them leave it to rank 0 to say so? */
static void all_fail(const char *cause, bool said[4])
{
	const struct ranks_place p = { .n = 4, .rank = -1, .local = -1, .timeout = 20 };
	struct ranks *r;
	double x[1000] = { 0 };
	if (ranks_open(&r, &p))
		return;
	const int rank = r->rank;
	if (!rank && ranks_broadcast(r, x, sizeof x)) /* two of them do not read it */
		return;
	if (rank == 3 && (ranks_broadcast(r, x, sizeof x) || ranks_barrier(r) != ERR_INPUT))
		_exit(1);
	ranks_fail(r, rank == 3 ? ERR_INPUT : error_set(ERR_INPUT, "%s", rank == 2 ? "out of memory" : rank ? "cannot open 'x.h5'" : cause));
	said[rank] = ranks_reported_by_root(r);
	ranks_close(&r);
	if (rank)
		_exit(0);
}

TEST(what_rank_0_says_the_processes_it_made_need_not_say)
{
	bool *said = mmap(NULL, 4 * sizeof *said, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(said != MAP_FAILED);
	fflush(NULL);
	all_fail("cannot open 'x.h5'", said);
	CHECK(!said[0] && said[1] && !said[2] && said[3]);
	memset(said, 0, 4 * sizeof *said);
	all_fail("no GPU", said);
	CHECK(!said[0] && !said[1] && !said[2] && said[3]);
	munmap(said, 4 * sizeof *said);
}

static bool one_sleeps(int rank, int n)
{
	struct ranks_place p = place(rank, n);
	struct ranks *r;
	double x = 1;
	p.timeout = 1.5;
	if (ranks_open(&r, &p))
		return false;
	if (rank == 1) {
		while (!ranks_watch(r, 0)) /* the others are there */
			poll(NULL, 0, 10);
		_exit(0);
	}
	const bool ok = ranks_sum_f64(r, &x, 1) == ERR_FAILED && says("rank 1 has not answered for");
	ranks_fail(r, ERR_FAILED);
	ranks_close(&r);
	return ok;
}

TEST(a_rank_that_does_not_answer_is_given_up)
{
	choose_path();
	CHECK(all_of(0, 3, one_sleeps));
}

static bool watches(int rank, int n)
{
	struct ranks_place p = place(rank, n);
	struct ranks *r;
	bool ok = true;
	if (ranks_open(&r, &p))
		return false;
	ok = !ranks_watch(r, 1) && ranks_barrier(r) == 0;
	if (rank == 1)
		_exit(!ok);
	int rc = 0;
	for (int i = 0; i < 1000 && !(rc = ranks_watch(r, 0)); i++)
		poll(NULL, 0, 10);
	ok = rc == ERR_FAILED && says("rank 1 is gone") && ok;
	ranks_close(&r);
	return ok;
}

TEST(a_watch_sees_who_is_gone)
{
	choose_path();
	CHECK(all_of(0, 2, watches));
	const struct ranks_place p = { .n = 2, .rank = -1, .local = -1, .timeout = 3 };
	fflush(NULL);
	const pid_t child = fork();
	if (!child) {
		struct ranks *r;
		if (ranks_open(&r, &p))
			_exit(1);
		bool ok = true;
		if (r->rank)
			while (!ranks_watch(r, 1))
				poll(NULL, 0, 5);
		else
			ok = !ranks_watch(r, 1) && ranks_watch(r, 60) == ERR_FAILED && says("have not answered for");
		ranks_close(&r);
		_exit(!ok);
	}
	int status = 1;
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static bool out_of_step(int rank, int n)
{
	const struct ranks_place p = place(rank, n);
	struct ranks *r;
	double x[2] = { 0 };
	if (ranks_open(&r, &p))
		return false;
	const int rc = ranks_sum_f64(r, x, rank ? 2 : 1);
	const bool ok = rc == ERR_FAILED && says("rank 1 is not at the same point as rank 0");
	ranks_fail(r, rc);
	ranks_close(&r);
	return ok;
}

TEST(ranks_at_different_points_are_noticed)
{
	choose_path();
	CHECK(all_of(0, 2, out_of_step));
}

/* Rank 1 was told of another number. */
static bool wrong_count(int rank, int n)
{
	const struct ranks_place p = place(rank, rank == 1 ? n + 1 : n);
	struct ranks *r;
	return ranks_open(&r, &p) == ERR_FAILED && !r && says("rank 1 is one of 3 ranks, and rank 0 one of 2");
}

static bool twice(int rank, int n)
{
	const struct ranks_place p = place(rank == 2 ? 1 : rank, n);
	struct ranks *r;
	return ranks_open(&r, &p) == ERR_FAILED && !r && says("two processes are rank 1");
}

TEST(ranks_that_do_not_fit_are_refused)
{
	choose_path();
	CHECK(all_of(0, 2, wrong_count));
	choose_path();
	CHECK(all_of(0, 3, twice));
	CHECK(access(path, F_OK));
}

static bool alone(int rank, int n)
{
	struct ranks_place p = place(rank, n);
	struct ranks *r;
	p.timeout = .3;
	return ranks_open(&r, &p) == ERR_FAILED && !r &&
	       says(rank ? "rank 2 did not find rank 0 at '" : "3 ranks were to come to '") && (rank || says("there is none that is rank 1, 2"));
}

TEST(a_rank_that_does_not_come_is_named)
{
	choose_path();
	fflush(NULL);
	for (int rank = 0; rank < 3; rank += 2) {
		const pid_t child = fork();
		int status = 1;
		if (!child)
			_exit(!alone(rank, 3));
		CHECK(waitpid(child, &status, 0) == child && status == 0);
	}
	CHECK(access(path, F_OK));
}

TEST(a_port_in_use_is_named)
{
	struct ranks_place p = place(0, 2);
	struct ranks *r;
	int holder;
	snprintf(path, sizeof path, "127.0.0.1:%d", free_port(&holder));
	CHECK(ranks_open(&r, &p) == ERR_FAILED && !r && says("Address already in use") && says("cannot listen at '127.0.0.1:"));
	p.rank = 1; /* what listens there says nothing */
	p.timeout = .2;
	close(holder);
	CHECK(ranks_open(&r, &p) == ERR_FAILED && says("Connection refused"));
	p.rendezvous = "no.such.host.invalid:5000";
	p.rank = 0;
	CHECK(ranks_open(&r, &p) == ERR_FAILED && says("cannot listen at 'no.such.host.invalid:5000'"));
}

/* Connects as soon as somebody listens, and stays. */
static void come(int port)
{
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port) };
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	while (connect(fd, (const struct sockaddr *)&to, sizeof to))
		poll(NULL, 0, 10);
	pause();
	_exit(0);
}

/* A call that would fail again and again is not made until the time is over. */
TEST(a_lasting_failure_to_receive_ranks_is_said)
{
	struct ranks_place p = place(0, 2);
	struct ranks *r;
	struct rlimit limit;
	int holder;
	const int port = free_port(&holder);
	snprintf(path, sizeof path, "127.0.0.1:%d", port);
	close(holder);
	fflush(NULL);
	const pid_t other = fork();
	REQUIRE(other >= 0);
	if (!other)
		come(port);
	const int next = dup(0);
	REQUIRE(next > 0 && !close(next) && !getrlimit(RLIMIT_NOFILE, &limit));
	const struct rlimit one_more = { (rlim_t)next + 1, limit.rlim_max }; /* for the socket that listens, and none behind it */
	REQUIRE(!setrlimit(RLIMIT_NOFILE, &one_more));
	p.timeout = 3;
	CHECK(ranks_open(&r, &p) == ERR_FAILED && !r && says("cannot receive the other ranks: Too many open files"));
	CHECK(!setrlimit(RLIMIT_NOFILE, &limit) && !kill(other, SIGKILL) && waitpid(other, NULL, 0) == other);
}
