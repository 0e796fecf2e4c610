/* How many threads to use. */
#ifndef PGAN_THREADS_H
#define PGAN_THREADS_H

/* As many as `wanted` or, where that is 0, as there are processors that this process may use; but no more than OMP_THREAD_LIMIT. */
int threads_available(int wanted);

/* To be called first in main(), with its argv, by programs whose threads wait for each other thousands of times a second: starts the program anew (same
 * process, same arguments) with GOMP_SPINCOUNT=1000 in its environment, which OpenMP reads before main(). A thread that waits then spins for some ten
 * microseconds and sleeps. By default it spins for milliseconds, in the way of every other program; with OMP_WAIT_POLICY=passive it sleeps at once, and waking
 * it can take longer than the work. Does nothing where one of the two variables is set. */
void threads_spin_briefly(char **argv);

#endif
