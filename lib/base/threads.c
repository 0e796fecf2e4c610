#include "threads.h"

#include <omp.h>

int threads_available(int wanted)
{
	const int threads = wanted > 0 ? wanted : omp_get_num_procs(), most = omp_get_thread_limit();
	return threads < most ? threads : most;
}
