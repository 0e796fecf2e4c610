/* cuda_runtime.h of this folder. */
#include "cuda_runtime.h"

#include <memory>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <vector>

/* -- kernels: a fiber for every thread of a block, kept for the next -- */

namespace {

enum { THREADS = 1024, STACK = 1 << 16 };

struct fiber {
	jmp_buf here; /* where it waits, once started */
	bool started, done;
	dim3 index;
	unsigned barriers; /* that it has passed */
};

struct fiber fibers[THREADS];
jmp_buf scheduler;
struct fiber *current;
const std::function<void()> *work;
float exchanged[THREADS];

/* Gives the turn back to the scheduler. */
void wait_turn()
{
	if (!_setjmp(current->here))
		_longjmp(scheduler, 1);
}

/* What a fiber does for ever: one thread of a kernel after another. */
void fiber_main()
{
	for (;;) {
		(*work)();
		current->done = true;
		wait_turn();
	}
}

void first_turn(struct fiber *f)
{
	ucontext_t context;
	getcontext(&context);
	context.uc_stack.ss_sp = mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	context.uc_stack.ss_size = STACK;
	context.uc_link = nullptr;
	makecontext(&context, fiber_main, 0);
	f->started = true;
	setcontext(&context);
}

unsigned flat(dim3 i, dim3 of) { return (i.z * of.y + i.y) * of.x + i.x; }

/* Lets a fiber run up to its next barrier, or its end. */
void turn(struct fiber *f)
{
	current = f;
	threadIdx = f->index;
	races_thread(flat(threadIdx, blockDim), f->barriers);
	if (_setjmp(scheduler))
		return;
	if (f->started)
		_longjmp(f->here, 1);
	first_turn(f);
}

void run_block()
{
	const unsigned count = blockDim.x * blockDim.y * blockDim.z;
	races_block(flat(blockIdx, gridDim));
	for (unsigned i = 0; i < count; i++) {
		fibers[i].done = false;
		fibers[i].barriers = 0;
		fibers[i].index = dim3(i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y);
	}
	/* Back and forth, so that a missing barrier does not go unseen because the order happens to suit. */
	bool forth = false;
	for (unsigned left = count; left;) {
		unsigned ended = 0;
		forth = !forth;
		for (unsigned i = 0; i < count; i++) {
			struct fiber *f = &fibers[forth ? i : count - 1 - i];
			turn(f);
			ended += f->done;
		}
		if (ended && ended != count) {
			fprintf(stderr, "emulated kernel: %u of %u threads ended where the others wait at a barrier\n", ended, count);
			abort();
		}
		left = count - ended;
	}
}

}

dim3 threadIdx, blockIdx, blockDim, gridDim; /* not zero at first, so not among what counts as shared memory (races.cc) */

/* -- streams: at once, or into the graph that is being captured -- */

struct emulated_graph {
	std::vector<std::function<void()>> work;
};

namespace {

struct emulated_graph *captured;

void queue(const std::function<void()> &what)
{
	if (captured)
		captured->work.push_back(what);
	else
		what();
}

void run_kernel(const char *name, dim3 grid, dim3 block, const std::function<void()> &thread)
{
	if (!grid.x || !grid.y || !grid.z || block.x * block.y * block.z > THREADS || !block.x || grid.y > 65535) {
		fprintf(stderr, "emulated kernel '%s': %u x %u x %u blocks of %u x %u x %u threads\n", name, grid.x, grid.y, grid.z, block.x, block.y, block.z);
		abort();
	}
	gridDim = grid;
	blockDim = block;
	work = &thread;
	races_kernel(name);
	for (unsigned z = 0; z < grid.z; z++)
		for (unsigned y = 0; y < grid.y; y++)
			for (unsigned x = 0; x < grid.x; x++) {
				blockIdx = dim3(x, y, z);
				run_block();
			}
	races_none();
}

}

void emulate(const char *name, dim3 grid, dim3 block, const std::function<void()> &thread)
{
	queue([=] { run_kernel(name, grid, block, thread); });
}

void emulated_queue(void (*call)(void *), const void *arg, size_t size)
{
	std::shared_ptr<void> copy(malloc(size), free);
	memcpy(copy.get(), arg, size);
	queue([=] { call(copy.get()); });
}

int emulated_is_captured(void)
{
	return captured != nullptr;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t, enum cudaStreamCaptureMode) { return captured = new emulated_graph, cudaSuccess; }

cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t *graph)
{
	*graph = captured;
	captured = nullptr;
	return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long) { return *exec = new emulated_graph(*graph), cudaSuccess; }

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t)
{
	for (const std::function<void()> &what : graph->work)
		what();
	return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return delete graph, cudaSuccess; }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) { return delete graph, cudaSuccess; }

void __syncthreads()
{
	current->barriers++;
	wait_turn();
}

float __shfl_xor_sync(unsigned mask, float value, int lanes)
{
	const unsigned me = flat(threadIdx, blockDim), other = me ^ (unsigned)lanes;
	if (mask != 0xffffffffu || lanes >= 32)
		abort();
	exchanged[me] = value;
	wait_turn();
	const float got = exchanged[other];
	wait_turn();
	return got;
}

/* -- memory: rounded up to 32 bytes, right before a page that must not be touched -- */

namespace {

struct allocation {
	void *start, *data;
	size_t length;
	struct allocation *next;
};

struct allocation *allocations;

}

cudaError_t cudaMalloc(void **out, size_t size)
{
	if (captured)
		return cudaErrorStreamCaptureUnsupported;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (size + 31) / 32 * 32, length = (used + page - 1) / page * page + page;
	char *start = (char *)races_map(length);
	if (!start)
		return cudaErrorMemoryAllocation;
	mprotect(start + length - page, page, PROT_NONE);
	*out = start + length - page - used;
	memset(*out, 0xff, used);
	allocations = new allocation{ start, *out, length, allocations };
	return cudaSuccess;
}

cudaError_t cudaFree(void *data)
{
	if (captured)
		return cudaErrorStreamCaptureUnsupported;
	for (struct allocation **a = &allocations; data && *a; a = &(*a)->next)
		if ((*a)->data == data) {
			struct allocation *gone = *a;
			races_unmap(gone->start, gone->length);
			*a = gone->next;
			delete gone;
			return cudaSuccess;
		}
	if (data)
		abort();
	return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *unused, size_t *whole) { return *unused = *whole = (size_t)1 << 30, cudaSuccess; }

cudaError_t cudaMallocHost(void **out, size_t size) { return cudaMalloc(out, size); }
cudaError_t cudaFreeHost(void *data) { return cudaFree(data); }

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t size, enum cudaMemcpyKind, cudaStream_t)
{
	queue([=] { memmove(to, from, size); });
	return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t size, cudaStream_t)
{
	queue([=] { memset(to, value, size); });
	return cudaSuccess;
}

/* -- the rest -- */

const char *cudaGetErrorString(cudaError_t status)
{
	return status == cudaErrorMemoryAllocation ? "out of memory" : status ? "not while a stream is captured" : "success";
}

cudaError_t cudaGetLastError() { return cudaSuccess; }
cudaError_t cudaDriverGetVersion(int *version) { return *version = 1, cudaSuccess; }
cudaError_t cudaGetDeviceCount(int *count) { return *count = 1, cudaSuccess; }
cudaError_t cudaSetDevice(int) { return cudaSuccess; }
cudaError_t cudaGetDevice(int *device) { return *device = 0, cudaSuccess; }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) { return *stream = nullptr, cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t) { return captured ? cudaErrorStreamCaptureUnsupported : cudaSuccess; }

/* Work that does not end as long as a test lets the file be there; a file with the process's number after its name says that somebody waits. */
cudaError_t cudaStreamQuery(cudaStream_t)
{
	const char *busy = getenv("PGAN_EMULATED_BUSY");
	if (!busy || access(busy, F_OK))
		return cudaSuccess;
	const std::string name = std::string(busy) + "." + std::to_string(getpid());
	if (FILE *f = fopen(name.c_str(), "w"))
		fclose(f);
	return cudaErrorNotReady;
}

cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }

struct emulated_event {
	double time;
	int asked;
};

static double emulated_clock;

void emulated_wait(double milliseconds) { emulated_clock += milliseconds; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) { return *event = new emulated_event{ 0, 0 }, cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) { return event->time = emulated_clock, event->asked = 0, cudaSuccess; }
cudaError_t cudaEventQuery(cudaEvent_t event) { return ++event->asked < 3 ? cudaErrorNotReady : cudaSuccess; }
cudaError_t cudaEventSynchronize(cudaEvent_t) { return captured ? cudaErrorStreamCaptureUnsupported : cudaSuccess; }
cudaError_t cudaEventDestroy(cudaEvent_t event) { return delete event, cudaSuccess; }

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t begin, cudaEvent_t end)
{
	*milliseconds = (float)(end->time - begin->time);
	return cudaSuccess;
}


cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int)
{
	*p = cudaDeviceProp{ "emulated GPU", 0, 0, 1 };
	return cudaSuccess;
}
