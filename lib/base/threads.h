/* How many threads to use. */
#ifndef PGAN_THREADS_H
#define PGAN_THREADS_H

/* As many as `wanted` or, where that is 0, as there are processors that this process may use; but no more than OMP_THREAD_LIMIT. */
int threads_available(int wanted);

#endif
