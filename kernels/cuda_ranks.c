/* Several GPUs, one process each: sums by NCCL's all-reduce on the table's stream, so that a recorded step has them in it. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "clock.h"
#include "cuda.h"
#include "nccl_library.h"
#include "ranks.h"

struct cuda_ranks {
	struct nccl_library nccl;
	nccl_comm comm; /* NULL: ended after a failure */
	struct rank_calls calls;
};

static int failed(const struct cuda_ranks *r, int status, const char *what)
{
	return error_set(ERR_FAILED, "NCCL cannot %s: %s", what, r->nccl.get_error_string(status));
}

static int open_library(struct cuda *c)
{
	/* In a ring the order of a sum follows the machine alone. Sums that a switch takes (NVLS) come in another order every time. */
	setenv("NCCL_ALGO", "Ring", 0);
	if (!(c->ranks = calloc(1, sizeof *c->ranks)))
		return error_set(ERR_FAILED, "out of memory");
	return nccl_library_open(&c->ranks->nccl);
}

/* NCCL connects in a thread of its own, since it waits for all ranks there: for one that is gone, for ever. */
struct connecting {
	const struct nccl_library *nccl;
	struct nccl_id id;
	nccl_comm comm;
	int n, rank, device, status;
	atomic_bool done;
};

static void *connect_ranks(void *ctx)
{
	struct connecting *k = ctx;
	cudaSetDevice(k->device);
	k->status = k->nccl->comm_init_rank(&k->comm, k->n, k->id, k->rank);
	atomic_store(&k->done, true);
	return NULL;
}

/* Watches the others meanwhile. When one is gone the thread, k and its library are left as they are: the process is to end. */
static int wait_for_connection(struct connecting *k, struct cuda *c)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	const double since = clock_seconds();
	int rc = 0;
	while (!rc && !atomic_load(&k->done)) {
		nanosleep(&nap, NULL);
		rc = c->ranks->calls.watch(c->table.ranks, clock_seconds() - since);
	}
	return rc;
}

static int connect_all(struct cuda *c, struct nccl_id id)
{
	struct cuda_ranks *r = c->ranks;
	struct connecting *k = calloc(1, sizeof *k);
	pthread_t thread;
	int rc;
	if (!k)
		return error_set(ERR_FAILED, "out of memory");
	*k = (struct connecting){ .nccl = &r->nccl, .id = id, .n = c->table.ranks->n, .rank = c->table.ranks->rank };
	if (cudaGetDevice(&k->device) || pthread_create(&thread, NULL, connect_ranks, k)) {
		free(k);
		return error_set(ERR_FAILED, "cannot start a thread that connects the ranks' GPUs");
	}
	pthread_detach(thread);
	if ((rc = wait_for_connection(k, c))) {
		c->ranks = NULL;
		return rc;
	}
	r->comm = k->comm;
	rc = k->status ? failed(r, k->status, "connect the ranks' GPUs") : 0;
	free(k);
	return rc;
}

static int cuda_join(struct backend *b, const struct rank_calls *calls)
{
	struct cuda *c = (struct cuda *)b;
	struct nccl_id id = { { 0 } };
	int status, rc = open_library(c);
	struct cuda_ranks *r = c->ranks;
	if (rc)
		return rc;
	r->calls = *calls;
	if (!b->ranks->rank && (status = r->nccl.get_unique_id(&id)))
		return failed(r, status, "begin");
	if ((rc = calls->broadcast(b->ranks, &id, sizeof id)))
		return rc;
	return connect_all(c, id);
}

static void cuda_all_reduce(struct backend *b, float *data, size_t count)
{
	struct cuda *c = (struct cuda *)b;
	struct cuda_ranks *r = c->ranks;
	const int status = r->comm ? r->nccl.all_reduce(data, data, count, NCCL_FLOAT32, NCCL_SUM, r->comm, c->stream) : NCCL_SUCCESS;
	if (status)
		cuda_note_error(c, failed(r, status, "sum gradients"));
}

enum cuda_step cuda_ranks_least(struct cuda *c, enum cuda_step mine)
{
	double ranks[STEP_REPLAY + 1] = { 0 }; /* how many are at each */
	int least = STEP_EAGER;
	if (!c->ranks)
		return mine;
	ranks[mine] = 1;
	const int rc = c->ranks->calls.sum(c->table.ranks, ranks, sizeof ranks / sizeof *ranks);
	cuda_note_error(c, rc);
	while (!rc && !ranks[least])
		least++;
	return (enum cuda_step)least;
}

/* Whether the others are still there; ends NCCL's kernels, which would wait for ever, when they are not. */
static int look_after(struct cuda *c, double waited)
{
	struct cuda_ranks *r = c->ranks;
	int status = NCCL_SUCCESS, rc = r->calls.watch(c->table.ranks, waited);
	if (!rc && !r->nccl.comm_get_async_error(r->comm, &status) && status && status != NCCL_IN_PROGRESS)
		rc = failed(r, status, "sum gradients");
	if (!rc)
		return 0;
	cuda_note_error(c, rc);
	cuda_graphs_drop(c); /* NCCL waits for those that have a sum in them to go */
	r->nccl.comm_abort(r->comm);
	r->comm = NULL;
	return rc;
}

void cuda_ranks_wait(struct cuda *c)
{
	const struct timespec nap = { .tv_nsec = 20000 };
	const double since = clock_seconds();
	double looked = since;
	while (c->ranks && c->ranks->comm && cudaStreamQuery(c->stream) == cudaErrorNotReady) {
		const double time = clock_seconds();
		if (time - looked > 1e-3 && look_after(c, (looked = time) - since))
			break;
		nanosleep(&nap, NULL);
	}
}

void cuda_ranks_close(struct cuda *c)
{
	if (c->ranks && c->ranks->comm) /* to destroy it in good order, NCCL would wait for ranks that may be gone */
		c->ranks->nccl.comm_abort(c->ranks->comm);
	free(c->ranks);
	c->ranks = NULL;
}

void cuda_ranks_table(struct backend *b)
{
	b->join = cuda_join;
	b->all_reduce = cuda_all_reduce;
}
