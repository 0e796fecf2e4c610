#include "rendezvous.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "machine.h"
#include "outfile.h"
#include "patience.h"
#include "size.h"

static const char magic[8] = "PGANRNK1";
static const double BRIEF = 5; /* seconds for what takes no time between two that are there */

/* What a rank says when it comes. */
struct hello {
	char magic[8];
	unsigned char key[16]; /* that the file has; 0 without a file */
	int32_t n, rank, local;
	char machine[40];
};

/* What rank 0 says: once at once, and once when all have come. */
struct welcome {
	char magic[8];
	int32_t code, local; /* 0, or a failure with its text */
	char text[256];
};

/* -- small things -- */

static void tune(int fd)
{
	const int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

/* "HOST:PORT" -> both, 1; 0: a file; a port that cannot be is ERR_USAGE. */
static int split_address(const char *text, char host[256], char port[8])
{
	const char *colon = strrchr(text, ':');
	const size_t digits = colon ? strspn(colon + 1, "0123456789") : 0, length = colon ? (size_t)(colon - text) : 0;
	const bool brackets = length > 1 && text[0] == '[' && text[length - 1] == ']';
	if (!digits || colon[1 + digits] || strchr(text, '/') || length >= 256)
		return 0;
	if (digits > 5 || atoi(colon + 1) < 1 || atoi(colon + 1) > 65535)
		return error_set(ERR_USAGE, "--rendezvous %s: a port is a number from 1 to 65535", text);
	snprintf(port, 8, "%s", colon + 1);
	snprintf(host, 256, "%.*s", (int)(brackets ? length - 2 : length), text + brackets);
	return 1;
}

/* -- the file -- */

/* Its first line: the key, the machine and the port. */
static bool read_first_line(FILE *f, unsigned char key[16], char machine[40], char port[8])
{
	char line[128] = "";
	int used = 0;
	if (!fgets(line, sizeof line, f) || strspn(line, "0123456789abcdef") != 32)
		return false;
	for (int i = 0; i < 16; i++)
		if (sscanf(line + 2 * i, "%2hhx", &key[i]) != 1)
			return false;
	return sscanf(line + 32, " %39s %7[0-9]%n", machine, port, &used) == 2 && !strcmp(line + 32 + used, "\n");
}

/* What an earlier run left may be replaced, and nothing else. */
static int check_file(const char *path)
{
	unsigned char key[16];
	char machine[40], port[8];
	struct stat st;
	if (stat(path, &st))
		return 0;
	FILE *f = S_ISREG(st.st_mode) ? fopen(path, "r") : NULL;
	const bool ours = f && read_first_line(f, key, machine, port);
	if (f)
		fclose(f);
	return ours ? 0 : error_set(ERR_USAGE, "'%s' is there, and not where ranks meet: give --rendezvous another name", path);
}

/* -- rank 0 -- */

/* A socket that listens, or -1 with errno. */
static int listen_on(int family, const struct sockaddr *address, socklen_t size)
{
	const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (!bind(fd, address, size) && !listen(fd, RANKS_MAX))
		return fd;
	const int cause = errno;
	close(fd);
	errno = cause;
	return -1;
}

static int listen_at(const char *where, const char *host, const char *port, int *fd)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *found = NULL;
	const int rc = getaddrinfo(*host ? host : NULL, port, &hints, &found);
	if (rc)
		return error_set(ERR_FAILED, "cannot listen at '%s': %s", where, gai_strerror(rc));
	*fd = -1;
	for (const struct addrinfo *a = found; a && *fd < 0; a = a->ai_next)
		*fd = listen_on(a->ai_family, a->ai_addr, a->ai_addrlen);
	const int cause = errno;
	freeaddrinfo(found);
	return *fd < 0 ? error_set(ERR_FAILED, "cannot listen at '%s': %s", where, strerror(cause)) : 0;
}

/* The key, the machine, and every address of it with the port. */
static void describe(FILE *f, const unsigned char key[16], int port)
{
	char machine[40], text[INET_ADDRSTRLEN];
	struct ifaddrs *all = NULL;
	machine_name(machine);
	for (int i = 0; i < 16; i++)
		fprintf(f, "%02x", key[i]);
	fprintf(f, " %s %d\n", machine, port);
	if (getifaddrs(&all))
		return;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next)
		if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET && a->ifa_flags & IFF_UP && !(a->ifa_flags & IFF_LOOPBACK))
			fprintf(f, "%s\n", inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a->ifa_addr)->sin_addr, text, sizeof text));
	freeifaddrs(all);
}

static int listen_by_file(const char *path, unsigned char key[16], int *fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY) };
	socklen_t size = sizeof address;
	struct outfile out;
	FILE *f;
	int rc;
	if (getrandom(key, 16, 0) != 16)
		return error_set(ERR_FAILED, "no random numbers: %s", strerror(errno));
	if ((*fd = listen_on(AF_INET, (struct sockaddr *)&address, sizeof address)) < 0 || getsockname(*fd, (struct sockaddr *)&address, &size))
		return error_set(ERR_FAILED, "cannot listen for the other ranks: %s", strerror(errno));
	if ((rc = outfile_open(&out, path)))
		return rc;
	if (!(f = outfile_stream(&out))) {
		outfile_discard(&out);
		return ERR_FAILED;
	}
	describe(f, key, ntohs(address.sin_port));
	return outfile_commit(&out);
}

struct guest {
	int fd;
	struct hello hello;
};

static void answer(int fd, int code, int local)
{
	struct welcome w = { .code = code, .local = local };
	memcpy(w.magic, magic, sizeof magic);
	if (code)
		snprintf(w.text, sizeof w.text, "%s", error_text());
	(void)socket_move(fd, POLLOUT, &w, sizeof w, clock_seconds() + BRIEF);
}

/* Whether the other end of a connection is closed. */
static bool is_gone(int fd)
{
	char byte;
	const ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return !got || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/* One who has come: takes its place among the guests, or is refused, or was not one of us. */
static int receive(const struct ranks_place *place, const unsigned char key[16], int fd, struct guest *guest)
{
	struct hello h;
	int rc = 0;
	if (!socket_move(fd, POLLIN, &h, sizeof h, clock_seconds() + BRIEF) || memcmp(h.magic, magic, sizeof magic) || memcmp(h.key, key, sizeof h.key) || is_gone(fd)) {
		close(fd);
		return 0;
	}
	if (h.rank >= 1 && h.rank < place->n && guest[h.rank].fd >= 0 && is_gone(guest[h.rank].fd)) { /* started again */
		close(guest[h.rank].fd);
		guest[h.rank].fd = -1;
	}
	h.machine[sizeof h.machine - 1] = 0;
	if (h.n != place->n)
		rc = error_set(ERR_FAILED, "rank %d is one of %d ranks, and rank 0 one of %d", h.rank, h.n, place->n);
	else if (h.rank < 1 || h.rank >= place->n || guest[h.rank].fd >= 0)
		rc = error_set(ERR_FAILED, "two processes are rank %d", h.rank);
	answer(fd, rc, 0);
	if (rc) {
		close(fd);
		return rc;
	}
	guest[h.rank].fd = fd;
	guest[h.rank].hello = h;
	return 0;
}

static int missing(const struct ranks_place *place, const struct guest *guest)
{
	char text[128] = "";
	int more = 0;
	for (int k = 1; k < place->n; k++) {
		const size_t used = strlen(text);
		if (guest[k].fd < 0 && used < sizeof text - 16)
			snprintf(text + used, sizeof text - used, "%s%d", used ? ", " : "", k);
		else if (guest[k].fd < 0)
			more++;
	}
	return error_set(ERR_FAILED, "%d ranks were to come to '%s', and after %.3g s there is none that is rank %s%s", place->n, place->rendezvous,
	                 place->timeout, text, more ? ", …" : "");
}

static int receive_all(const struct ranks_place *place, const unsigned char key[16], int listener, struct guest *guest)
{
	const double until = clock_seconds() + place->timeout;
	for (int there = 1; there < place->n;) {
		if (patience_wait(listener, POLLIN, until) <= 0)
			return missing(place, guest);
		const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) /* it would be so again at once */
			return error_set(ERR_FAILED, "cannot receive the other ranks: %s", strerror(errno));
		if (fd < 0) /* whoever came is gone again */
			continue;
		tune(fd);
		const int rc = receive(place, key, fd, guest);
		if (rc)
			return rc;
		there = 1;
		for (int k = 1; k < place->n; k++)
			there += guest[k].fd >= 0;
	}
	return 0;
}

/* How many lower ranks are on the same machine. */
static int count_local(const struct guest *guest, int rank)
{
	int n = 0;
	for (int k = 0; k < rank; k++)
		n += !strcmp(guest[k].hello.machine, guest[rank].hello.machine);
	return n;
}

static int lead(const struct ranks_place *place, int *socket, int *local)
{
	unsigned char key[16] = { 0 };
	char host[256], port[8];
	const bool address = split_address(place->rendezvous, host, port) > 0;
	struct guest *guest = size_zalloc((size_t)place->n, sizeof *guest);
	int listener = -1, rc;
	if (!guest)
		return ERR_FAILED;
	machine_name(guest[0].hello.machine);
	for (int k = 0; k < place->n; k++)
		guest[k].fd = -1;
	rc = address ? listen_at(place->rendezvous, host, port, &listener) : listen_by_file(place->rendezvous, key, &listener);
	if (!rc) {
		rc = receive_all(place, key, listener, guest);
		if (!address)
			unlink(place->rendezvous);
	}
	for (int k = 1; k < place->n; k++) {
		if (guest[k].fd >= 0)
			answer(guest[k].fd, rc, guest[k].hello.local >= 0 ? guest[k].hello.local : count_local(guest, k));
		if (guest[k].fd >= 0 && rc)
			close(guest[k].fd);
		else
			socket[k] = guest[k].fd;
	}
	if (listener >= 0)
		close(listener);
	*local = place->local < 0 ? 0 : place->local;
	free(guest);
	return rc;
}

/* -- the others -- */

/* A connection, or -1 with errno. */
static int connect_to(const struct sockaddr *address, socklen_t size, int family)
{
	const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int cause = 0;
	socklen_t length = sizeof cause;
	if (fd < 0)
		return -1;
	if (connect(fd, address, size))
		cause = errno;
	if (cause == EINPROGRESS)
		cause = patience_wait(fd, POLLOUT, clock_seconds() + BRIEF) <= 0 ? ETIMEDOUT : getsockopt(fd, SOL_SOCKET, SO_ERROR, &cause, &length) ? errno : cause;
	if (!cause) {
		tune(fd);
		return fd;
	}
	close(fd);
	errno = cause;
	return -1;
}

static int connect_by_name(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	const int rc = getaddrinfo(*host ? host : NULL, port, &hints, &found);
	int fd = -1;
	if (rc)
		return error_set(-1, "%s", gai_strerror(rc));
	for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
		fd = connect_to(a->ai_addr, a->ai_addrlen, a->ai_family);
	if (fd < 0)
		(void)error_set(-1, "%s", strerror(errno));
	freeaddrinfo(found);
	return fd;
}

static int connect_by_file(const char *path, unsigned char key[16])
{
	char line[128], here[40], machine[40] = "", port[8] = "";
	FILE *f = fopen(path, "r");
	int fd = -1;
	if (!f)
		return error_set(-1, "%s", strerror(errno));
	const bool ok = read_first_line(f, key, machine, port);
	machine_name(here);
	(void)error_set(-1, ok ? "it has no address" : "it was not written by rank 0");
	if (ok && !strcmp(machine, here))
		fd = connect_by_name("127.0.0.1", port);
	while (ok && fd < 0 && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = 0;
		fd = connect_by_name(line, port);
	}
	fclose(f);
	return fd;
}

/* Says hello. 0; 1: that was not rank 0 of this run, try again; or its refusal. */
static int introduce(const struct ranks_place *place, const unsigned char key[16], int fd, int *local)
{
	struct hello h = { .n = place->n, .rank = place->rank, .local = place->local };
	struct welcome w;
	memcpy(h.magic, magic, sizeof magic);
	memcpy(h.key, key, sizeof h.key);
	machine_name(h.machine);
	if (!socket_move(fd, POLLOUT, &h, sizeof h, clock_seconds() + BRIEF) || !socket_move(fd, POLLIN, &w, sizeof w, clock_seconds() + 2 * BRIEF) ||
	    memcmp(w.magic, magic, sizeof magic)) {
		(void)error_set(ERR_FAILED, "what listens there is not rank 0 of this run");
		return 1;
	}
	if (!w.code && !socket_move(fd, POLLIN, &w, sizeof w, clock_seconds() + patience_of(place->rank, place->timeout)))
		return error_set(ERR_FAILED, "rank 0 is gone: its process ended, or the connection to it did");
	w.text[sizeof w.text - 1] = 0;
	if (w.code)
		return error_set(w.code < 0 ? w.code : ERR_FAILED, "%s", w.text);
	*local = w.local;
	return 0;
}

static int follow(const struct ranks_place *place, int *socket, int *local)
{
	const double until = clock_seconds() + place->timeout;
	char host[256], port[8];
	const bool address = split_address(place->rendezvous, host, port) > 0;
	do {
		unsigned char key[16] = { 0 };
		const int fd = address ? connect_by_name(host, port) : connect_by_file(place->rendezvous, key);
		const int rc = fd < 0 ? 1 : introduce(place, key, fd, local);
		if (!rc)
			*socket = fd;
		else if (fd >= 0)
			close(fd);
		if (rc <= 0)
			return rc;
		poll(NULL, 0, 20);
	} while (clock_seconds() < until);
	char cause[256];
	snprintf(cause, sizeof cause, "%s", error_text());
	return error_set(ERR_FAILED, "rank %d did not find rank 0 at '%s' within %.3g s: %s", place->rank, place->rendezvous, place->timeout, cause);
}

int rendezvous_meet(const struct ranks_place *place, int *socket, int *local)
{
	char host[256], port[8];
	int rc = split_address(place->rendezvous, host, port);
	if (rc < 0 || (!rc && (rc = check_file(place->rendezvous))))
		return rc;
	return place->rank ? follow(place, socket, local) : lead(place, socket, local);
}
