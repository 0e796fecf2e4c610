#include "sampler.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generator.h"
#include "size.h"

/* The images of one batch, from a worker to the caller. */
struct slot {
	float *images; /* (B,3,R,R) */
	bool ready;
};

/* Batch b (images b * B …) goes into slot b % slots. Batches are begun in order by the workers and taken in order by the caller. */
struct sampler {
	struct sampler_plan plan;
	struct backend *be;    /* the parameters' */
	struct network net;    /* read by all workers */
	int64_t batch, image;  /* B; values of an image */
	int64_t begun, taken, end; /* next batch to begin and to hand out; one past the last */
	bool handed, stop;     /* whether batch `taken` is with the caller; whether workers have to end */
	int rc;                /* the first failure of a worker */
	char error[1024];
	struct slot *slot;
	int64_t slots;
	pthread_t *worker;
	int workers;           /* running */
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

int sampler_batch(int scale)
{
	return scale < 8 ? 256 >> scale : 1;
}

/* -- a worker: its own table with one thread, which computes everything on this one -- */

struct worker {
	struct backend *be;
	struct generator g;
	float *z, *buffer; /* (B,latent + code), (2,latent + code) on the host */
};

static int worker_open(struct worker *w, struct sampler *s)
{
	const struct netfile *net = s->plan.net;
	const size_t inputs = (size_t)arch_inputs(&net->arch);
	int rc;
	if ((rc = backend_open(&w->be, s->plan.device, 1)) || (rc = generator_open(&w->g, w->be, &net->arch, s->batch, s->batch, netfile_fading(net), false)))
		return rc;
	const struct step_scalars scalars = { .alpha = (float)net->alpha };
	w->be->set_scalars(w->be, &scalars);
	w->z = size_alloc((size_t)s->batch * inputs, sizeof *w->z);
	w->buffer = size_alloc(2 * inputs, sizeof *w->buffer);
	return w->z && w->buffer ? 0 : ERR_FAILED;
}

static void worker_close(struct worker *w)
{
	free(w->z);
	free(w->buffer);
	generator_close(&w->g);
	backend_close(w->be);
}

static int worker_run(struct worker *w, struct sampler *s, int64_t batch, float *images)
{
	struct backend *be = w->be;
	latents_fill(s->plan.latents, batch * s->batch, s->batch, w->z, w->buffer);
	be->upload(be, w->g.z, w->z);
	generator_begin(&w->g, s->batch, s->net.w);
	generator_forward(&w->g, 0, s->batch, s->net.w);
	be->download(be, images, w->g.image);
	return be->check(be);
}

/* The next batch, as soon as its slot is free; -1 when there is none. With the lock held. */
static int64_t worker_next(struct sampler *s)
{
	while (!s->stop && s->begun < s->end && s->begun >= s->taken + s->slots)
		pthread_cond_wait(&s->changed, &s->lock);
	return s->stop || s->begun >= s->end ? -1 : s->begun++;
}

static void *worker_main(void *arg)
{
	struct sampler *s = arg;
	struct worker w = { 0 };
	int64_t batch;
	int rc = worker_open(&w, s);

	pthread_mutex_lock(&s->lock);
	while (!rc && (batch = worker_next(s)) >= 0) {
		struct slot *slot = &s->slot[batch % s->slots];
		pthread_mutex_unlock(&s->lock);
		rc = worker_run(&w, s, batch, slot->images);
		pthread_mutex_lock(&s->lock);
		slot->ready = true;
		pthread_cond_broadcast(&s->changed);
	}
	if (rc && !s->rc) {
		s->rc = rc;
		s->stop = true;
		snprintf(s->error, sizeof s->error, "%s", error_text());
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	worker_close(&w);
	return NULL;
}

/* -- the caller's side -- */

static int read_generator(struct sampler *s, struct h5file *f)
{
	int rc;
	if ((rc = backend_open(&s->be, s->plan.device, s->plan.threads)) || (rc = network_open(&s->net, s->be, &s->plan.net->arch, NETWORK_G, false)) ||
	    (rc = network_read(&s->net, s->net.w, f, s->plan.group, s->net.layers.n, NULL)))
		return rc;
	return s->be->check(s->be);
}

/* A processor runs a batch on every core; another device runs one at a time. */
static int most_workers(const struct backend *be)
{
	return be->in_host_memory ? be->threads : 1;
}

static int start(struct sampler *s)
{
	const int64_t batches = s->end - s->begun;
	const int most = most_workers(s->be), wanted = most < batches ? most : (int)batches;
	s->slots = 2 * (int64_t)wanted;
	s->worker = size_alloc((size_t)wanted, sizeof *s->worker);
	s->slot = size_zalloc((size_t)s->slots, sizeof *s->slot);
	if (!s->worker || !s->slot)
		return ERR_FAILED;
	for (int64_t i = 0; i < s->slots; i++)
		if (!(s->slot[i].images = size_alloc((size_t)(s->batch * s->image), sizeof *s->slot[i].images)))
			return ERR_FAILED;
	while (s->workers < wanted) {
		const int error = pthread_create(&s->worker[s->workers], NULL, worker_main, s);
		if (error)
			return error_set(ERR_FAILED, "cannot start a thread: %s", strerror(error));
		s->workers++;
	}
	return 0;
}

int sampler_open(struct sampler **out, struct h5file *f, const struct sampler_plan *plan)
{
	struct sampler *s = size_zalloc(1, sizeof *s);
	int rc;
	*out = NULL;
	if (!s)
		return ERR_FAILED;
	const int side = arch_side(&plan->net->arch);
	s->plan = *plan;
	s->batch = sampler_batch(plan->net->arch.scale);
	s->image = 3 * (int64_t)side * side;
	s->begun = s->taken = plan->first / s->batch;
	s->end = (plan->first + plan->n + s->batch - 1) / s->batch;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	if ((rc = read_generator(s, f)) || (rc = start(s))) {
		sampler_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

/* Gives the slot that the caller had back to the workers, and waits for the next. With the lock held. */
static int wait_for_next(struct sampler *s)
{
	if (s->handed) {
		s->slot[s->taken % s->slots].ready = false;
		s->taken++;
		s->handed = false;
		pthread_cond_broadcast(&s->changed);
	}
	if (s->taken == s->end)
		return 0;
	while (!s->rc && !s->slot[s->taken % s->slots].ready)
		pthread_cond_wait(&s->changed, &s->lock);
	s->handed = !s->rc;
	return s->rc ? error_set(s->rc, "%s", s->error) : 1;
}

int64_t sampler_next(struct sampler *s, const float **images)
{
	const struct sampler_plan *p = &s->plan;
	pthread_mutex_lock(&s->lock);
	const int rc = wait_for_next(s);
	pthread_mutex_unlock(&s->lock);
	if (rc <= 0)
		return rc;
	/* Of the first and the last batch only the part that was asked for. */
	const int64_t start = s->taken * s->batch, end = start + s->batch;
	const int64_t from = start > p->first ? start : p->first, to = end < p->first + p->n ? end : p->first + p->n;
	*images = s->slot[s->taken % s->slots].images + (from - start) * s->image;
	return to - from;
}

void sampler_close(struct sampler *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	for (int i = 0; i < s->workers; i++)
		pthread_join(s->worker[i], NULL);
	for (int64_t i = 0; s->slot && i < s->slots; i++)
		free(s->slot[i].images);
	free(s->slot);
	free(s->worker);
	network_close(&s->net);
	backend_close(s->be);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
