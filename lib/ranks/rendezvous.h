/* How processes that do not know each other yet find together: rank 0 listens, the others come to it. */
#ifndef PGAN_RENDEZVOUS_H
#define PGAN_RENDEZVOUS_H

#include "ranks.h"

/* Connects rank 0 with each of the others; all of them have come when it returns. Where: a name and a port, where rank 0 listens; or a file, in which rank 0
 * writes down a free port, this machine's addresses and a random key, and which it removes when all have come. A file that an earlier run left does no harm;
 * any other is ERR_USAGE and left alone, as is a port above 65535.
 * socket: (place->n), set as struct ranks has it; *local: place->local or, where that is -1, the number of lower ranks on the same machine.
 * ERR_FAILED by name: a rank that does not come within place->timeout, two of the same number, one that was told of another number of ranks, a port in use. */
int rendezvous_meet(const struct ranks_place *, int *socket, int *local) MUST_CHECK;

#endif
