/* The loops of the metrics for AVX2; called only where the processor has it. */
#define LANES 8
#define TILE 3
#define LOOPS_TABLE metric_loops_avx2
#include "metric_loops.h"
