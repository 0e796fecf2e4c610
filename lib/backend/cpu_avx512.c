/* The point-wise operations of the cpu table for avx512: compiled with its instruction set, called only where the processor has it. */
#define BLOCK 16
#define CPU_POINT_TABLE cpu_point_table_avx512
#include "cpu_point.h"
