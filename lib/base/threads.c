#include "threads.h"

#include <limits.h>
#include <omp.h>
#include <stdlib.h>
#include <unistd.h>

int threads_available(int wanted)
{
	const int threads = wanted > 0 ? wanted : omp_get_num_procs(), most = omp_get_thread_limit();
	return threads < most ? threads : most;
}

void threads_spin_briefly(char **argv)
{
	char program[PATH_MAX];
	const ssize_t n = readlink("/proc/self/exe", program, sizeof program);
	if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") || n < 0 || n == sizeof program || setenv("GOMP_SPINCOUNT", "1000", 1))
		return;
	program[n] = 0;
	execv(program, argv); /* where that fails the threads spin longer, no more */
}
