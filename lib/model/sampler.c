#include "sampler.h"

#include <math.h>
#include <stdlib.h>

#include "generator.h"
#include "ordered.h"
#include "size.h"

struct sampler {
	struct sampler_plan plan;
	const char *name;     /* of the network's file; borrowed */
	struct backend *be; /* the parameters' */
	struct network net; /* read by all workers */
	int64_t batch, image; /* B; values of an image */
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

static int worker_open(struct worker *w, const struct sampler *s)
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

static int worker_run(struct worker *w, const struct sampler *s, int64_t batch, float *images)
{
	struct backend *be = w->be;
	latents_fill(s->plan.latents, batch * s->batch, s->batch, w->z, w->buffer);
	be->upload(be, w->g.z, w->z);
	generator_begin(&w->g, s->batch, s->net.w);
	generator_forward(&w->g, 0, s->batch, s->net.w);
	be->download(be, images, w->g.image);
	return be->check(be);
}

/* -- batch after batch: images b * B … -- */

struct batch {
	int64_t number;
	float *images; /* (B,3,R,R) */
};

struct run {
	const struct sampler *s;
	int64_t next, end; /* batch to begin, and one past the last */
	struct worker *worker;
	int (*take)(void *ctx, const float *images, int64_t n);
	void *ctx;
};

static int begin(void *ctx, void *item)
{
	struct run *r = ctx;
	struct batch *b = item;
	b->number = r->next++;
	return b->number < r->end;
}

static int generate(void *ctx, int thread, void *item)
{
	const struct run *r = ctx;
	const struct batch *b = item;
	struct worker *w = &r->worker[thread];
	const int rc = w->be ? 0 : worker_open(w, r->s);
	return rc ? rc : worker_run(w, r->s, b->number, b->images);
}

static int check_finite(const struct sampler *s, const float *images, int64_t first, int64_t n)
{
	for (int64_t i = 0; i < n * s->image; i++)
		if (!isfinite(images[i]))
			return error_set(ERR_INPUT, "'%s': image %lld that it makes has values that are not finite", s->name, (long long)(first + i / s->image));
	return 0;
}

/* Of the first and the last batch only the part that was asked for. */
static int hand_over(void *ctx, void *item)
{
	const struct run *r = ctx;
	const struct batch *b = item;
	const struct sampler_plan *p = &r->s->plan;
	const int64_t start = b->number * r->s->batch, end = start + r->s->batch;
	const int64_t from = start > p->first ? start : p->first, to = end < p->first + p->n ? end : p->first + p->n;
	const float *images = b->images + (from - start) * r->s->image;
	const int rc = check_finite(r->s, images, from, to - from);
	return rc ? rc : r->take(r->ctx, images, to - from);
}

/* A processor runs a batch on every core; another device runs one at a time. */
static int most_workers(const struct backend *be)
{
	return be->in_host_memory ? be->threads : 1;
}

int sampler_run(const struct sampler *s, int (*take)(void *ctx, const float *images, int64_t n), void *ctx)
{
	struct run r = { .s = s, .next = s->plan.first / s->batch, .end = (s->plan.first + s->plan.n + s->batch - 1) / s->batch, .take = take, .ctx = ctx };
	const int64_t batches = r.end - r.next;
	const int most = most_workers(s->be), workers = most < batches ? most : (int)batches;
	const size_t items = 2 * (size_t)workers;
	struct batch *batch = size_zalloc(items, sizeof *batch);
	const struct ordered o = { .threads = workers, .item = batch, .items = items, .item_size = sizeof *batch, .ctx = &r,
		                   .feed = begin, .work = generate, .drain = hand_over };
	int rc = batch && (r.worker = size_zalloc((size_t)workers, sizeof *r.worker)) ? 0 : ERR_FAILED;
	for (size_t i = 0; i < items && !rc; i++)
		if (!(batch[i].images = size_alloc((size_t)(s->batch * s->image), sizeof *batch[i].images)))
			rc = ERR_FAILED;
	rc = rc ? rc : ordered_run(&o);
	for (int i = 0; r.worker && i < workers; i++)
		worker_close(&r.worker[i]);
	for (size_t i = 0; batch && i < items; i++)
		free(batch[i].images);
	free(r.worker);
	free(batch);
	return rc;
}

/* -- the generator -- */

static int read_generator(struct sampler *s, struct h5file *f)
{
	int rc;
	if ((rc = backend_open(&s->be, s->plan.device, s->plan.threads)) || (rc = network_open(&s->net, s->be, &s->plan.net->arch, NETWORK_G, false)) ||
	    (rc = network_read(&s->net, s->net.w, f, s->plan.group, s->net.layers.n, NULL)))
		return rc;
	return s->be->check(s->be);
}

int sampler_open(struct sampler **out, struct h5file *f, const struct sampler_plan *plan)
{
	struct sampler *s = size_zalloc(1, sizeof *s);
	const int64_t side = arch_side(&plan->net->arch);
	int rc;
	*out = NULL;
	if (!s)
		return ERR_FAILED;
	*s = (struct sampler){ .plan = *plan, .name = h5_name(f), .batch = sampler_batch(plan->net->arch.scale), .image = 3 * side * side };
	if ((rc = read_generator(s, f)))
		sampler_close(s);
	else
		*out = s;
	return rc;
}

void sampler_close(struct sampler *s)
{
	if (!s)
		return;
	network_close(&s->net);
	backend_close(s->be);
	free(s);
}
