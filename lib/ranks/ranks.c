#include "ranks.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "patience.h"
#include "rendezvous.h"
#include "size.h"

enum { PIECE = 1 << 20 }; /* bytes of a sum that travel together */

enum kind { KIND_SUM = 1, KIND_GATHER, KIND_BROADCAST, KIND_BARRIER, KIND_FAILURE };

/* Before the bytes of every message. The machines of a run are alike, so numbers travel as they lie in memory. */
struct header {
	uint32_t kind;
	int32_t code; /* of a failure */
	uint64_t size;
};

/* -- failures -- */

/* The text of the first failure, which error_set() has just been given, is kept for all that follows. Returns rc. */
static int keep_failure(struct ranks *r, int rc)
{
	if (!r->failed) {
		r->failed = rc;
		snprintf(r->text, sizeof r->text, "%s", error_text());
	}
	return rc;
}

static int failed(const struct ranks *r)
{
	return r->failed ? error_set(r->failed, "%s", r->text) : 0;
}

static int *socket_of(const struct ranks *r, int peer)
{
	return &r->socket[r->rank ? 0 : peer];
}

/* A peer reported a failure: it becomes this rank's. */
static int peer_failed(struct ranks *r, const struct header *h, const char *text)
{
	r->failure_received = r->failure_received || !r->failed;
	return keep_failure(r, error_set(h->code < 0 ? h->code : ERR_FAILED, "%.*s", (int)h->size, text));
}

/* Skips a peer's pending messages up to its failure message. false: none came before `until`. */
static bool drain_to_failure(const struct ranks *r, int peer, double until, struct header *h, char text[sizeof r->text])
{
	const int s = *socket_of(r, peer);
	while (socket_move(s, POLLIN, h, sizeof *h, until)) {
		if (h->kind == KIND_FAILURE)
			return h->size < sizeof r->text && socket_move(s, POLLIN, text, h->size, until);
		for (uint64_t left = h->size, piece; left; left -= piece) {
			piece = left < sizeof r->text ? left : sizeof r->text;
			if (!socket_move(s, POLLIN, text, piece, until))
				return false;
		}
	}
	return false;
}

/* A peer closed the connection: the failure is the one that it reported before, or that it is gone. */
static int peer_closed(struct ranks *r, int peer)
{
	struct header h;
	char text[sizeof r->text];
	if (drain_to_failure(r, peer, 0, &h, text))
		return peer_failed(r, &h, text);
	return keep_failure(r, error_set(ERR_FAILED, "rank %d is gone: its process ended, or the connection to it did", peer));
}

/* -- bytes -- */

static double patience(const struct ranks *r)
{
	return patience_of(r->rank, r->timeout);
}

static int wait_for(struct ranks *r, int peer, short what, double since)
{
	const int n = patience_wait(*socket_of(r, peer), what, since + patience(r));
	if (n > 0)
		return 0;
	if (n < 0)
		return keep_failure(r, error_set(ERR_FAILED, "cannot wait for rank %d: %s", peer, strerror(errno)));
	return keep_failure(r, error_set(ERR_FAILED, "rank %d has not answered for %.3g s", peer, patience(r)));
}

/* what: POLLIN or POLLOUT, then bytes is only read. */
static int move_bytes(struct ranks *r, int peer, short what, void *bytes, size_t size)
{
	double since = clock_seconds();
	for (char *at = bytes; size;) {
		const int fd = *socket_of(r, peer);
		const ssize_t n = what == POLLIN ? recv(fd, at, size, MSG_DONTWAIT) : send(fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		int rc = 0;
		if (n > 0) {
			at += n;
			size -= (size_t)n;
			since = clock_seconds();
		} else if (!n || (errno != EAGAIN && errno != EINTR)) {
			rc = peer_closed(r, peer);
		} else if (errno == EAGAIN) {
			rc = wait_for(r, peer, what, since);
		}
		if (rc)
			return rc;
	}
	return 0;
}

static int send_bytes(struct ranks *r, int peer, const void *bytes, size_t size)
{
	return move_bytes(r, peer, POLLOUT, (void *)bytes, size);
}

static int receive_bytes(struct ranks *r, int peer, void *bytes, size_t size)
{
	return move_bytes(r, peer, POLLIN, bytes, size);
}

/* -- messages -- */

static int send_message(struct ranks *r, int peer, enum kind kind, const void *bytes, size_t size)
{
	const struct header h = { .kind = kind, .size = size };
	const int rc = send_bytes(r, peer, &h, sizeof h);
	return rc ? rc : send_bytes(r, peer, bytes, size);
}

static int receive_message(struct ranks *r, int peer, enum kind kind, void *bytes, size_t size)
{
	struct header h;
	char text[sizeof r->text];
	int rc = receive_bytes(r, peer, &h, sizeof h);
	if (rc)
		return rc;
	if (h.kind == KIND_FAILURE && h.size < sizeof text) {
		rc = receive_bytes(r, peer, text, h.size);
		return rc ? rc : peer_failed(r, &h, text);
	}
	if (h.kind != kind || h.size != size)
		return keep_failure(r, error_set(ERR_FAILED, "rank %d is not at the same point as rank %d: it sent %llu bytes of kind %u, not %zu of %u", peer,
		                         r->rank, (unsigned long long)h.size, (unsigned)h.kind, size, (unsigned)kind));
	return receive_bytes(r, peer, bytes, size);
}

/* From rank 0 to every other rank. */
static int send_to_all(struct ranks *r, enum kind kind, const void *bytes, size_t size)
{
	int rc = 0;
	for (int k = 1; !rc && k < r->n; k++)
		rc = send_message(r, k, kind, bytes, size);
	return rc;
}

/* -- operations -- */

static void add_f32(void *to, const void *from, size_t bytes)
{
	float *x = to;
	const float *y = from;
	for (size_t i = 0; i < bytes / sizeof *x; i++)
		x[i] += y[i];
}

static void add_f64(void *to, const void *from, size_t bytes)
{
	double *x = to;
	const double *y = from;
	for (size_t i = 0; i < bytes / sizeof *x; i++)
		x[i] += y[i];
}

/* A piece at a time: the others send it and get the sum back before they send the next, so that nobody sends to one who is sending. */
static int sum(struct ranks *r, char *bytes, size_t size, void (*add)(void *to, const void *from, size_t bytes))
{
	int rc = failed(r);
	for (size_t at = 0; !rc && at < size; at += PIECE) {
		const size_t piece = size - at < PIECE ? size - at : PIECE;
		if (r->rank) {
			if (!(rc = send_message(r, 0, KIND_SUM, bytes + at, piece)))
				rc = receive_message(r, 0, KIND_SUM, bytes + at, piece);
			continue;
		}
		for (int k = 1; !rc && k < r->n; k++)
			if (!(rc = receive_message(r, k, KIND_SUM, r->scratch, piece)))
				add(bytes + at, r->scratch, piece);
		if (!rc)
			rc = send_to_all(r, KIND_SUM, bytes + at, piece);
	}
	return rc;
}

int ranks_sum_f32(struct ranks *r, float *x, size_t count)
{
	return sum(r, (char *)x, count * sizeof *x, add_f32);
}

int ranks_sum_f64(struct ranks *r, double *x, size_t count)
{
	return sum(r, (char *)x, count * sizeof *x, add_f64);
}

int ranks_gather(struct ranks *r, const void *mine, size_t size, void *all)
{
	int rc = failed(r);
	if (rc || r->rank)
		return rc ? rc : send_message(r, 0, KIND_GATHER, mine, size);
	memcpy(all, mine, size);
	for (int k = 1; !rc && k < r->n; k++)
		rc = receive_message(r, k, KIND_GATHER, (char *)all + (size_t)k * size, size);
	return rc;
}

int ranks_broadcast(struct ranks *r, void *bytes, size_t size)
{
	const int rc = failed(r);
	if (rc)
		return rc;
	return r->rank ? receive_message(r, 0, KIND_BROADCAST, bytes, size) : send_to_all(r, KIND_BROADCAST, bytes, size);
}

int ranks_barrier(struct ranks *r)
{
	int rc = failed(r);
	if (rc)
		return rc;
	if (r->rank)
		return (rc = send_message(r, 0, KIND_BARRIER, NULL, 0)) ? rc : receive_message(r, 0, KIND_BARRIER, NULL, 0);
	for (int k = 1; !rc && k < r->n; k++)
		rc = receive_message(r, k, KIND_BARRIER, NULL, 0);
	return rc ? rc : send_to_all(r, KIND_BARRIER, NULL, 0);
}

int ranks_watch(struct ranks *r, double waited)
{
	int rc = failed(r);
	for (int k = r->rank ? 0 : 1; !rc && k < (r->rank ? 1 : r->n); k++) {
		struct header h;
		const ssize_t n = recv(*socket_of(r, k), &h, sizeof h, MSG_DONTWAIT | MSG_PEEK);
		if (!n || (n < 0 && errno != EAGAIN && errno != EINTR) || (n == sizeof h && h.kind == KIND_FAILURE))
			rc = peer_closed(r, k);
	}
	if (!rc && waited > patience(r))
		rc = keep_failure(r, error_set(ERR_FAILED, "the other ranks have not answered for %.3g s", patience(r)));
	return rc;
}

int ranks_fail(struct ranks *r, int code)
{
	struct {
		struct header header;
		char text[sizeof r->text];
	} message;
	if (r->failed)
		snprintf(message.text, sizeof message.text, "%s", r->text);
	else
		snprintf(message.text, sizeof message.text, "rank %d: %s", r->rank, error_text());
	const size_t length = strlen(message.text);
	message.header = (struct header){ .kind = KIND_FAILURE, .code = code, .size = length };
	for (int k = r->rank ? 0 : 1; k < (r->rank ? 1 : r->n); k++) /* if this does not arrive, the closed connection will */
		if (send(*socket_of(r, k), &message, sizeof message.header + length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			continue;
	r->failure_own = r->failure_own || !r->failed;
	(void)error_set(code, "%s", message.text);
	return keep_failure(r, code);
}

/* "rank 2: cannot …" -> "cannot …" */
static const char *cause_of(const char *text)
{
	const char *colon = strstr(text, ": ");
	return !strncmp(text, "rank ", 5) && colon ? colon + 2 : text;
}

bool ranks_reported_by_root(struct ranks *r)
{
	struct header h;
	char text[sizeof r->text];
	if (!r->made || r->failure_received || !r->failure_own) /* not said: rank 0 is gone, or does not answer */
		return r->made && r->failure_received;
	if (!drain_to_failure(r, 0, clock_seconds() + r->timeout, &h, text))
		return false;
	text[h.size] = 0;
	return !strcmp(cause_of(text), cause_of(r->text));
}

/* -- opening and closing -- */

/* Copies of this process on connected pairs of sockets. */
static int make_others(struct ranks *r)
{
	fflush(NULL);
	for (int k = 1; k < r->n; k++) {
		int pair[2];
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
			return error_set(ERR_FAILED, "cannot make a connection to rank %d: %s", k, strerror(errno));
		const pid_t child = fork();
		if (child < 0) {
			close(pair[0]);
			close(pair[1]);
			return error_set(ERR_FAILED, "cannot start rank %d: %s", k, strerror(errno));
		}
		if (child) {
			close(pair[1]);
			r->socket[k] = pair[0];
			r->child[k] = child;
			continue;
		}
		close(pair[0]);
		for (int i = 1; i < k; i++) {
			close(r->socket[i]);
			r->socket[i] = -1;
			r->child[i] = 0;
		}
		r->rank = r->local = k;
		r->made = true;
		r->socket[0] = pair[1];
		return 0;
	}
	return 0;
}

int ranks_open(struct ranks **out, const struct ranks_place *place)
{
	struct ranks *r = size_zalloc(1, sizeof *r);
	int rc;
	*out = NULL;
	if (!r)
		return ERR_FAILED;
	r->n = place->n;
	r->rank = place->rank < 0 ? 0 : place->rank;
	r->timeout = place->timeout;
	r->socket = size_alloc((size_t)r->n, sizeof *r->socket);
	r->child = size_zalloc((size_t)r->n, sizeof *r->child);
	r->scratch = size_alloc(PIECE, 1);
	for (int k = 0; r->socket && k < r->n; k++)
		r->socket[k] = -1;
	if (!r->socket || !r->child || !r->scratch)
		rc = ERR_FAILED;
	else
		rc = place->rank < 0 ? make_others(r) : rendezvous_meet(place, r->socket, &r->local);
	if (rc) {
		r->failed = rc;
		ranks_close(&r);
	}
	*out = r;
	return rc;
}

/* Waits for the processes that this one made; after a failure not for long. */
static void end_children(struct ranks *r)
{
	const double since = clock_seconds();
	for (int k = 1; k < r->n; k++) {
		bool killed = false;
		while (r->child[k]) {
			const pid_t ended = waitpid(r->child[k], NULL, r->failed && !killed ? WNOHANG : 0);
			if (ended == r->child[k] || (ended < 0 && errno != EINTR)) {
				r->child[k] = 0;
			} else if (!ended && clock_seconds() - since > 2) {
				kill(r->child[k], SIGKILL);
				killed = true;
			} else if (!ended) {
				poll(NULL, 0, 10);
			}
		}
	}
}

void ranks_close(struct ranks **ranks)
{
	struct ranks *r = *ranks;
	*ranks = NULL;
	if (!r)
		return;
	for (int k = 0; r->socket && k < r->n; k++)
		if (r->socket[k] >= 0)
			close(r->socket[k]);
	if (r->child)
		end_children(r);
	free(r->socket);
	free(r->child);
	free(r->scratch);
	free(r);
}
