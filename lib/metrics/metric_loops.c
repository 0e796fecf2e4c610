/* The loops of the metrics for any processor, and the choice between them and the better ones. */
#define LANES 4
#define TILE 1
#define LOOPS_TABLE metric_loops
#include "metric_loops.h"

const struct metric_kernels *metric_kernels(void)
{
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		return &metric_loops_avx512;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &metric_loops_avx2;
	return &metric_loops;
}
