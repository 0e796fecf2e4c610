#include "nccl_library.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

int nccl_library_open(struct nccl_library *l)
{
	static const struct {
		const char *name;
		size_t at;
	} function[] = {
		{ "ncclGetUniqueId", offsetof(struct nccl_library, get_unique_id) },
		{ "ncclCommInitRank", offsetof(struct nccl_library, comm_init_rank) },
		{ "ncclAllReduce", offsetof(struct nccl_library, all_reduce) },
		{ "ncclCommGetAsyncError", offsetof(struct nccl_library, comm_get_async_error) },
		{ "ncclCommAbort", offsetof(struct nccl_library, comm_abort) },
		{ "ncclGetErrorString", offsetof(struct nccl_library, get_error_string) },
	};
	void *library = dlopen("libnccl.so.2", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return error_set(ERR_FAILED, "several GPUs need NCCL: %s", dlerror());
	for (size_t i = 0; i < sizeof function / sizeof *function; i++) {
		void *found = dlsym(library, function[i].name);
		if (!found)
			return error_set(ERR_FAILED, "several GPUs need another version of NCCL: %s", dlerror());
		memcpy((char *)l + function[i].at, &found, sizeof found);
	}
	return 0;
}
