/* As much of CUDA's runtime as the plug-in uses, run on the processor: so that its kernels, its layout and the calls around them are tested where there is
 * no GPU.
 *
 * The threads of a block are fibers of one thread of the host, which take turns at barriers; blocks run one after another; a stream does what it is told at
 * once, or keeps it in the graph that is being captured. "Device" memory starts as NaN, ends at a page that must not be touched, and finds races (races.h).
 * What this cannot show: what the real libraries, compiler and scheduler do. */
#ifndef PGAN_EMULATED_CUDA_RUNTIME_H
#define PGAN_EMULATED_CUDA_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#define CUDART_VERSION 0

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { cudaSuccess = 0, cudaErrorMemoryAllocation = 2, cudaErrorNotReady = 600, cudaErrorStreamCaptureUnsupported = 900 } cudaError_t;
typedef struct emulated_stream *cudaStream_t;
typedef struct emulated_event *cudaEvent_t;
typedef struct emulated_graph *cudaGraph_t;
typedef struct emulated_graph *cudaGraphExec_t;
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal };
enum { cudaStreamNonBlocking = 1, cudaEventDefault = 0, cudaEventDisableTiming = 2 };
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDefault };
struct cudaDeviceProp {
	char name[256];
	int major, minor, multiProcessorCount;
};

const char *cudaGetErrorString(cudaError_t);
cudaError_t cudaGetLastError(void);
cudaError_t cudaDriverGetVersion(int *);
cudaError_t cudaGetDeviceCount(int *);
cudaError_t cudaSetDevice(int);
cudaError_t cudaGetDevice(int *);
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *, int);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *, unsigned);
cudaError_t cudaStreamSynchronize(cudaStream_t);
cudaError_t cudaStreamQuery(cudaStream_t);
cudaError_t cudaStreamDestroy(cudaStream_t);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *, unsigned);
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t);
cudaError_t cudaEventSynchronize(cudaEvent_t);
cudaError_t cudaEventQuery(cudaEvent_t); /* ready when asked the third time */
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t begin, cudaEvent_t end);
cudaError_t cudaEventDestroy(cudaEvent_t);
cudaError_t cudaMalloc(void **, size_t);
cudaError_t cudaFree(void *);
cudaError_t cudaMemGetInfo(size_t *unused, size_t *whole);
cudaError_t cudaMallocHost(void **, size_t);
cudaError_t cudaFreeHost(void *);
cudaError_t cudaMemcpyAsync(void *, const void *, size_t, enum cudaMemcpyKind, cudaStream_t);
cudaError_t cudaMemsetAsync(void *, int, size_t, cudaStream_t);
cudaError_t cudaStreamBeginCapture(cudaStream_t, enum cudaStreamCaptureMode);
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t *);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *, cudaGraph_t, unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t);
cudaError_t cudaGraphDestroy(cudaGraph_t);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t);

/* Lets time go by for the device, as its events measure it. */
void emulated_wait(double milliseconds);

/* Runs work(arg) now, or when the graph that is being captured is launched; arg's `size` bytes are copied. */
void emulated_queue(void (*work)(void *arg), const void *arg, size_t size);
int emulated_is_captured(void); /* whether a stream is being captured */

#ifdef __cplusplus
}

#include <functional>

#include "races.h"

#define __global__
#define __device__
#define __shared__ static

struct dim3 {
	unsigned x, y, z;
	constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

extern dim3 threadIdx, blockIdx, blockDim, gridDim;

/* Runs a kernel: `thread` once for every thread of every block. */
void emulate(const char *name, dim3 grid, dim3 block, const std::function<void()> &thread);
void __syncthreads();
float __shfl_xor_sync(unsigned mask, float, int lanes);

/* Fibers take turns at barriers alone. */
template <class T, class Change> __attribute__((no_sanitize_thread)) T emulated_atomic(T *at, Change change)
{
	const T old = *at;
	races_atomic(at, sizeof *at);
	*at = change(old);
	return old;
}
template <class T> T atomicAdd(T *at, T x)
{
	return emulated_atomic(at, [=](T old) { return old + x; });
}
template <class T> T atomicMin(T *at, T x)
{
	return emulated_atomic(at, [=](T old) { return old < x ? old : x; });
}

inline unsigned __float_as_uint(float x)
{
	unsigned bits;
	__builtin_memcpy(&bits, &x, sizeof bits);
	return bits;
}

inline float __uint_as_float(unsigned bits)
{
	float x;
	__builtin_memcpy(&x, &bits, sizeof x);
	return x;
}

#endif
#endif
