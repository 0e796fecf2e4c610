#include "patience.h"

#include <errno.h>
#include <poll.h>

#include "clock.h"

double patience_of(int rank, double timeout)
{
	return rank ? 1.25 * timeout + 1 : timeout;
}

int patience_wait(int fd, short what, double until)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = what };
		const double left = until - clock_seconds();
		const int n = left > 0 ? poll(&p, 1, (int)(left < 1e6 ? 1000 * left + 1 : 1e9)) : 0;
		if (n >= 0 || errno != EINTR)
			return n;
	}
}
