/* NCCL between processes of one machine: a file in memory that all of them see, where each leaves a piece and adds up everybody's. As NCCL wants it, a sum is
 * recorded in a graph by all of them or by none. */
#include "nccl_library.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { RANKS = 8, PIECE = 1000 };

struct shared {
	atomic_int arrived, round;
	int recorded[RANKS];
	float piece[RANKS][PIECE];
};

struct ncclComm {
	struct shared *shared;
	int n, rank;
};

static void wait_for_all(nccl_comm comm)
{
	struct shared *s = comm->shared;
	const int round = atomic_load(&s->round);
	const time_t since = time(NULL);
	if (atomic_fetch_add(&s->arrived, 1) == comm->n - 1) {
		atomic_store(&s->arrived, 0);
		atomic_fetch_add(&s->round, 1);
	}
	while (atomic_load(&s->round) == round) {
		if (time(NULL) - since > 60)
			abort();
		usleep(20);
	}
}

static int emulated_unique_id(struct nccl_id *id)
{
	snprintf(id->internal, sizeof id->internal, "/pgan-emulated-nccl-%d", (int)getpid());
	const int fd = shm_open(id->internal, O_RDWR | O_CREAT | O_TRUNC, 0600);
	const int rc = fd < 0 || ftruncate(fd, sizeof(struct shared));
	if (fd >= 0)
		close(fd);
	return rc;
}

static int emulated_init(nccl_comm *out, int n, struct nccl_id id, int rank)
{
	const int fd = shm_open(id.internal, O_RDWR, 0);
	struct shared *s = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (s == MAP_FAILED || n > RANKS || !(*out = malloc(sizeof **out)))
		return 1;
	**out = (struct ncclComm){ s, n, rank };
	if (rank && getenv("PGAN_EMULATED_GONE")) /* a process that ends while the others wait for it */
		_exit(9);
	wait_for_all(*out);
	if (!rank)
		shm_unlink(id.internal);
	return NCCL_SUCCESS;
}

struct sum {
	const float *from;
	float *to;
	size_t count;
	nccl_comm comm;
	int recorded;
};

static void run_sum(void *arg)
{
	const struct sum *s = arg;
	s->comm->shared->recorded[s->comm->rank] = s->recorded;
	for (size_t at = 0; at < s->count; at += PIECE) {
		const size_t n = s->count - at < PIECE ? s->count - at : PIECE;
		memcpy(s->comm->shared->piece[s->comm->rank], s->from + at, n * sizeof *s->from);
		wait_for_all(s->comm);
		for (int k = 0; k < s->comm->n; k++)
			if (s->comm->shared->recorded[k] != s->recorded) {
				fprintf(stderr, "emulated NCCL: a sum that one rank has recorded and another has not\n");
				abort();
			}
		for (size_t i = 0; i < n; i++) {
			float sum = 0;
			for (int k = 0; k < s->comm->n; k++)
				sum += s->comm->shared->piece[k][i];
			s->to[at + i] = sum;
		}
		wait_for_all(s->comm);
	}
}

static int emulated_all_reduce(const void *from, void *to, size_t count, int type, int operation, nccl_comm comm, cudaStream_t stream)
{
	const struct sum sum = { from, to, count, comm, emulated_is_captured() };
	(void)stream;
	if (type != NCCL_FLOAT32 || operation != NCCL_SUM)
		return 4;
	emulated_queue(run_sum, &sum, sizeof sum);
	return NCCL_SUCCESS;
}

static int emulated_async_error(nccl_comm comm, int *result)
{
	(void)comm;
	return *result = NCCL_SUCCESS;
}

static int emulated_abort(nccl_comm comm)
{
	munmap(comm->shared, sizeof *comm->shared);
	free(comm);
	return NCCL_SUCCESS;
}

static const char *emulated_error_string(int result)
{
	return result ? "failed" : "no error";
}

int nccl_library_open(struct nccl_library *l)
{
	*l = (struct nccl_library){ emulated_unique_id, emulated_init, emulated_all_reduce, emulated_async_error, emulated_abort, emulated_error_string };
	return 0;
}
