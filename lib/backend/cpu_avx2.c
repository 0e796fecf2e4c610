/* The point-wise operations of the cpu table for avx2: compiled with its instruction set, called only where the processor has it. */
#define BLOCK 8
#define CPU_POINT_TABLE cpu_point_table_avx2
#include "cpu_point.h"
