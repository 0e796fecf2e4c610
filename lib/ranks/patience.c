#include "patience.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

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

bool socket_move(int fd, short what, void *bytes, size_t size, double until)
{
	for (char *at = bytes; size;) {
		const ssize_t n = what == POLLIN ? recv(fd, at, size, MSG_DONTWAIT) : send(fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			at += n;
			size -= (size_t)n;
		} else if (!n || (errno != EAGAIN && errno != EINTR) || patience_wait(fd, what, until) <= 0) {
			return false;
		}
	}
	return true;
}
