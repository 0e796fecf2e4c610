/* Runs one kernel on the emulation, which must find what its name says: kernel_cases NAME. Those before `no_barrier` are right. */
#include "emulation/cuda_runtime.h"

#include <stdio.h>
#include <string.h>

enum { THREADS = 8, BLOCKS = 2 };

/* v: what all threads work on, (BLOCKS, THREADS) values and one for counting. */
struct shared_work {
	float *v;
	unsigned *count;
};

__device__ static unsigned thread_index() { return blockIdx.x * THREADS + threadIdx.x; }
__device__ static unsigned neighbour() { return blockIdx.x * THREADS + (threadIdx.x + 1) % THREADS; }

__global__ static void barrier(struct shared_work w)
{
	__shared__ float held[THREADS];
	held[threadIdx.x] = w.v[thread_index()];
	__syncthreads();
	w.v[thread_index()] = held[(threadIdx.x + 1) % THREADS];
	__syncthreads();
	w.v[neighbour()] += 1;
}

__global__ static void atomic(struct shared_work w)
{
	atomicAdd(w.count, 1u);
	if (*(volatile unsigned *)w.count == 0)
		w.v[thread_index()] = 1;
}

/* Halves of four bytes. */
__global__ static void neighbours(struct shared_work w)
{
	((uint16_t *)w.v)[thread_index()] = 1;
}

__global__ static void no_barrier(struct shared_work w)
{
	w.v[thread_index()] = 1;
	w.v[neighbour()] += 1;
}

__global__ static void no_second_barrier(struct shared_work w)
{
	__shared__ float held[THREADS];
	for (int i = 0; i < 2; i++) {
		held[threadIdx.x] = w.v[thread_index()];
		__syncthreads();
		w.v[thread_index()] = held[(threadIdx.x + 1) % THREADS];
	}
}

__global__ static void other_block(struct shared_work w)
{
	w.v[thread_index()] = 1;
	__syncthreads();
	if (blockIdx.x == 1 && threadIdx.x == 0)
		w.v[0] = 2;
}

__global__ static void read_of_many(struct shared_work w)
{
	const float x = w.v[0];
	__syncthreads();
	if (thread_index() == BLOCKS * THREADS - 1)
		w.v[0] = x;
}

__global__ static void beside_atomic(struct shared_work w)
{
	if (*w.count < 100)
		atomicAdd(w.count, 1u);
}

__global__ static void unwritten(struct shared_work w)
{
	__shared__ float held[THREADS];
	if (blockIdx.x == 0)
		held[threadIdx.x] = 0;
	w.v[thread_index()] = held[threadIdx.x];
}

__global__ static void misaligned(struct shared_work w)
{
	struct alignas(8) two {
		float v[2];
	};
	*reinterpret_cast<two *>(w.v + thread_index()) = {};
}

int main(int count, char **arguments)
{
	static const struct {
		const char *name;
		void (*kernel)(struct shared_work);
	} cases[] = { { "barrier", barrier }, { "atomic", atomic }, { "neighbours", neighbours }, { "no_barrier", no_barrier }, { "no_second_barrier", no_second_barrier },
		{ "other_block", other_block }, { "read_of_many", read_of_many }, { "beside_atomic", beside_atomic }, { "unwritten", unwritten }, { "misaligned", misaligned } };
	struct shared_work w;
	if (cudaMalloc((void **)&w.v, sizeof(float) * BLOCKS * THREADS) || cudaMalloc((void **)&w.count, sizeof *w.count))
		return 1;
	*w.count = 0;
	for (const auto &c : cases)
		if (count == 2 && !strcmp(arguments[1], c.name)) {
			emulate(c.name, BLOCKS, THREADS, [=] { c.kernel(w); });
			return 0;
		}
	fprintf(stderr, "give one of the names in kernel_cases.cu\n");
	return 2;
}
