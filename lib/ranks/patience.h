/* Waiting for other ranks: how long, and for what. */
#ifndef PGAN_PATIENCE_H
#define PGAN_PATIENCE_H

#include <stdbool.h>
#include <stddef.h>

/* Seconds that a rank waits for an answer with a time-out of `timeout`: the others give rank 0 the time to find out which rank it is that does not answer. */
double patience_of(int rank, double timeout);

/* Waits until a descriptor can be read (POLLIN) or written (POLLOUT), or clock_seconds() says `until`. 1; 0: the time is over; -1 with errno. */
int patience_wait(int fd, short what, double until);

/* Receives (POLLIN) or sends (POLLOUT) `size` bytes. false: clock_seconds() says `until` before that, or the connection ended. */
bool socket_move(int fd, short what, void *bytes, size_t size, double until);

#endif
