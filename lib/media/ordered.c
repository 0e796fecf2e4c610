#include "ordered.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

/* Item k of the row lies in slot k % items. Fed: [drained, fed); of these the ones whose `done` is set wait to be drained. */
struct row {
	const struct ordered *o;
	pthread_mutex_t feeding; /* held while one item is fed; taken before `lock` */
	pthread_mutex_t lock;    /* of everything below */
	pthread_cond_t changed;
	int64_t fed, drained;
	bool *done; /* by slot */
	bool ended; /* there is nothing more to feed, or something failed */
	int rc;
	char text[ERROR_TEXT]; /* the failure's message, taken from the thread that had it */
};

struct worker {
	pthread_t thread;
	struct row *row;
	int number;
};

static void *slot(const struct row *r, int64_t k)
{
	return (char *)r->o->item + (size_t)k % r->o->items * r->o->item_size;
}

/* With the lock held. The first failure stays. */
static void end(struct row *r, int rc)
{
	if (rc < 0 && !r->rc) {
		r->rc = rc;
		snprintf(r->text, sizeof r->text, "%s", error_text());
	}
	r->ended = true;
	pthread_cond_broadcast(&r->changed);
}

/* Feeds the next item and tells its number, or -1 when there is none. */
static int64_t feed_next(struct row *r)
{
	int64_t k = -1;
	pthread_mutex_lock(&r->feeding);
	pthread_mutex_lock(&r->lock);
	while (!r->ended && r->fed - r->drained == (int64_t)r->o->items)
		pthread_cond_wait(&r->changed, &r->lock);
	const bool ended = r->ended;
	pthread_mutex_unlock(&r->lock);
	if (!ended) {
		const int rc = r->o->feed(r->o->ctx, slot(r, r->fed)); /* only a feeder changes `fed` */
		pthread_mutex_lock(&r->lock);
		if (rc > 0)
			r->done[(size_t)(k = r->fed++) % r->o->items] = false;
		else
			end(r, rc);
		pthread_mutex_unlock(&r->lock);
	}
	pthread_mutex_unlock(&r->feeding);
	return k;
}

static void *work(void *arg)
{
	const struct worker *w = arg;
	struct row *r = w->row;
	int64_t k;

	while ((k = feed_next(r)) >= 0) {
		const int rc = r->o->work(r->o->ctx, w->number, slot(r, k));
		pthread_mutex_lock(&r->lock);
		r->done[(size_t)k % r->o->items] = true;
		if (rc)
			end(r, rc);
		pthread_cond_broadcast(&r->changed);
		pthread_mutex_unlock(&r->lock);
	}
	return NULL;
}

/* The caller's part. */
static void drain_all(struct row *r)
{
	pthread_mutex_lock(&r->lock);
	for (;;) {
		while (!r->rc && !(r->drained < r->fed ? r->done[(size_t)r->drained % r->o->items] : r->ended))
			pthread_cond_wait(&r->changed, &r->lock);
		if (r->rc || r->drained == r->fed)
			break;
		pthread_mutex_unlock(&r->lock);
		const int rc = r->o->drain(r->o->ctx, slot(r, r->drained));
		pthread_mutex_lock(&r->lock);
		r->drained++;
		if (rc)
			end(r, rc);
		pthread_cond_broadcast(&r->changed);
		if (rc > 0)
			break;
	}
	pthread_mutex_unlock(&r->lock);
}

static int run_alone(const struct ordered *o)
{
	int rc;
	while ((rc = o->feed(o->ctx, o->item)) > 0)
		if ((rc = o->work(o->ctx, 0, o->item)) || (rc = o->drain(o->ctx, o->item)))
			break;
	return rc < 0 ? rc : 0;
}

int ordered_run(const struct ordered *o)
{
	struct row r = { .o = o, .feeding = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
	int started = 0, none = 0;

	if (o->items == 1)
		return run_alone(o);
	struct worker *worker = size_alloc((size_t)o->threads, sizeof *worker);
	r.done = size_zalloc(o->items, sizeof *r.done);
	if (!worker || !r.done) {
		free(worker);
		free(r.done);
		return ERR_FAILED;
	}
	for (; started < o->threads; started++) {
		worker[started] = (struct worker){ .row = &r, .number = started };
		if ((none = pthread_create(&worker[started].thread, NULL, work, &worker[started])))
			break;
	}
	if (started)
		drain_all(&r);
	else
		r.rc = error_set(ERR_FAILED, "cannot start a thread: %s", strerror(none));
	for (int i = 0; i < started; i++)
		pthread_join(worker[i].thread, NULL);
	free(worker);
	free(r.done);
	return r.rc && started ? error_set(r.rc, "%s", r.text) : r.rc;
}
