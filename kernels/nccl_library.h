/* As much of NVIDIA's NCCL (2.9 or later) as several GPUs need, opened at run time: the plug-in works without it as long as it is alone.
 *
 * Types and numbers are those of nccl.h, under names of our own; tests/cuda.bats compares them with the header where that is. */
#ifndef PGAN_NCCL_LIBRARY_H
#define PGAN_NCCL_LIBRARY_H

#include <cuda_runtime.h>

#include "error.h"

typedef struct ncclComm *nccl_comm;

struct nccl_id {
	char internal[128];
};

enum { NCCL_SUCCESS = 0, NCCL_IN_PROGRESS = 7 }; /* ncclResult_t */
enum { NCCL_FLOAT32 = 7, NCCL_SUM = 0 };         /* ncclDataType_t, ncclRedOp_t */

/* Results are of ncclResult_t. */
struct nccl_library {
	int (*get_unique_id)(struct nccl_id *);
	int (*comm_init_rank)(nccl_comm *, int n, struct nccl_id, int rank);
	int (*all_reduce)(const void *from, void *to, size_t count, int type, int operation, nccl_comm, cudaStream_t);
	int (*comm_get_async_error)(nccl_comm, int *result);
	int (*comm_abort)(nccl_comm);
	const char *(*get_error_string)(int result);
};

/* A library that is missing or lacks a function is ERR_FAILED. It stays open. */
int nccl_library_open(struct nccl_library *) MUST_CHECK;

#endif
