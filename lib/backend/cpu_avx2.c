/* The operations of the cpu table for avx2: compiled with its instruction set, called only where the processor has it. */
#define BLOCK 8
#define CPU_TABLE cpu_table_avx2
#include "cpu_table.h"
