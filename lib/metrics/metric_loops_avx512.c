/* The loops of the metrics for AVX-512; called only where the processor has it. */
#define LANES 16
#define TILE 8
#define LOOPS_TABLE metric_loops_avx512
#include "metric_loops.h"
