/* The second half of sums over many values: partial sums, in double, to their total, in a fixed order. */
#include "device.cuh"

enum { COLUMNS = 32, DEPTH = 32 };

/* Block: COLUMNS by DEPTH threads, each of which takes every DEPTHth chunk. */
__global__ static void finish_columns_kernel(float *out, const double *partial, int count, int chunks, double gain, bool accumulate)
{
	__shared__ double shared[DEPTH][COLUMNS];
	const int column = (int)(blockIdx.x * COLUMNS + threadIdx.x);
	double sum = 0;
	for (int k = (int)threadIdx.y; column < count && k < chunks; k += DEPTH)
		sum += partial[(int64_t)k * count + column];
	shared[threadIdx.y][threadIdx.x] = sum;
	__syncthreads();
	if (threadIdx.y || column >= count)
		return;
	for (int y = 1; y < DEPTH; y++)
		sum += shared[y][threadIdx.x];
	out[column] = (float)(gain * sum + (accumulate ? out[column] : 0));
}

void finish_columns(struct cuda *c, float *out, const double *partial, int count, int chunks, double gain, bool accumulate)
{
	launch(c, "add up columns", dim3((unsigned)(count + COLUMNS - 1) / COLUMNS), dim3(COLUMNS, DEPTH), finish_columns_kernel, out, partial, count, chunks,
		gain, accumulate);
}

__global__ static void finish_sum_kernel(double *sum, const double *partial, int count)
{
	double mine = 0;
	for (int i = (int)threadIdx.x; i < count; i += BLOCK)
		mine += partial[i];
	const double total = block_sum(mine);
	if (threadIdx.x == 0)
		*sum += total;
}

void finish_sum(struct cuda *c, enum step_sum which, const double *partial, int count)
{
	assert(which >= 0 && which < STEP_SUMS);
	launch(c, "add up", dim3(1), dim3(BLOCK), finish_sum_kernel, c->sums + which, partial, count);
}
