/* The operations of the cpu table for avx512: compiled with its instruction set, called only where the processor has it. */
#define BLOCK 16
#define CPU_TABLE cpu_table_avx512
#include "cpu_table.h"
