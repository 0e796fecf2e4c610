/* Plans of convolutions. One is made at the first use of a shape and direction and kept: the fastest of the first few that suit (cudnn_plan.h), which is
 * measured once in the life of the plan cache (plan_cache.h) and then taken for ever, so the same seed gives the same bytes. Without a cache it is the
 * heuristic's first. */
#include <math.h>
#include <stdlib.h>

#include "cuda_conv.h"
#include "size.h"

static const float WORTH_IT = .98f; /* of the best ranked plan's time: less is noise */
static const float HOPELESS = 3;    /* times the fastest: not measured any further */

enum { ROUNDS = 3, MEASURED_RUNS = 5 };

int cuda_conv_open(struct cuda *c)
{
	cudnnStatus_t status;
	cudaError_t event;
	if (!(c->conv = calloc(1, sizeof *c->conv)))
		return error_set(ERR_FAILED, "out of memory");
	c->conv->cache.file = -1;
	if ((status = cudnnCreate(&c->conv->handle)) || (status = cudnnSetStream(c->conv->handle, c->stream)))
		return error_set(ERR_FAILED, "cuDNN cannot start: %s", cudnnGetErrorString(status));
	if ((event = cudaEventCreateWithFlags(&c->conv->begin, cudaEventDefault)) || (event = cudaEventCreateWithFlags(&c->conv->end, cudaEventDefault)))
		return error_set(ERR_FAILED, "the GPU cannot be used: %s", cudaGetErrorString(event));
	return plan_cache_open(&c->conv->cache, c->gpu, cudnnGetVersion());
}

void cuda_conv_close(struct cuda *c)
{
	struct cuda_conv *l = c->conv;
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++)
		cudnn_plan_free(&l->item[i].plan);
	conv_weights_free(l);
	plan_cache_close(&l->cache);
	cudaFree(l->workspace);
	if (l->begin)
		cudaEventDestroy(l->begin);
	if (l->end)
		cudaEventDestroy(l->end);
	if (l->handle)
		cudnnDestroy(l->handle);
	free(l->item);
	free(l);
	c->conv = NULL;
}

const char *cuda_conv_cache(const struct cuda *c)
{
	return c->conv->cache.path;
}

/* 0, or a failure that is not noted. */
static int run_plan(struct cuda *c, const struct cudnn_plan *plan, const struct operands *o)
{
	struct cuda_conv *l = c->conv;
	const int rc = cuda_grow(c, &l->workspace, &l->workspace_size, (size_t)plan->workspace);
	return rc ? rc : cudnn_plan_run(plan, l->handle, o->x, o->y, o->w, plan->workspace ? l->workspace : NULL);
}

/* -- choosing a plan -- */

/* Milliseconds of one of `runs` runs; INFINITY, with error_set(), when the plan does not run. They begin when all are queued: a recorded step does not wait for
 * the host either. */
static float measure(struct cuda *c, const struct cudnn_plan *plan, const struct operands *o, int runs)
{
	struct cuda_conv *l = c->conv;
	float time = 0;
	int rc = 0;
	cuda_hold(c);
	cuda_note(c, cudaEventRecord(l->begin, c->stream), "measure a convolution");
	for (int i = 0; !rc && i < runs; i++)
		rc = run_plan(c, plan, o);
	cuda_note(c, cudaEventRecord(l->end, c->stream), "measure a convolution");
	cuda_wait(c, "measure a convolution");
	cuda_note(c, cudaEventElapsedTime(&time, l->begin, l->end), "measure a convolution");
	return rc ? INFINITY : time / (float)runs;
}

static float least(const float *time, int count)
{
	float found = INFINITY;
	for (int i = 0; i < count; i++)
		found = fminf(found, time[i]);
	return found;
}

/* The place of the fastest plan, or a negative code when none runs. All are measured in turn, several times, and the least counts. */
static int fastest(struct cuda *c, const struct cudnn_plan *plans, int count, const struct operands *o)
{
	float time[PLAN_CANDIDATES];
	int place = ERR_FAILED;
	for (int i = 0; i < count && !c->failure; i++) {
		(void)measure(c, &plans[i], o, 1); /* loads what the engine needs */
		time[i] = measure(c, &plans[i], o, 1);
	}
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < count && !c->failure; i++)
			if (isfinite(time[i]) && time[i] <= HOPELESS * least(time, count)) {
				const float again = measure(c, &plans[i], o, MEASURED_RUNS);
				if (!round || again < time[i] || !isfinite(again))
					time[i] = again;
			}
	for (int i = 0; i < count && !c->failure; i++)
		if (isfinite(time[i]) && (place < 0 || time[i] < WORTH_IT * time[place]))
			place = i;
	return place;
}

/* Measures the plans of a list and keeps the fastest, unless another process has. With the cache locked. */
static int measure_and_keep(struct cuda *c, const struct plan_key *key, const struct cudnn_plan *plans, int count, const struct operands *o,
	struct plan_choice *choice)
{
	struct plan_cache *cache = &c->conv->cache;
	const int known = plan_cache_find(cache, key, choice);
	if (known)
		return known < 0 ? known : 0;
	const int place = fastest(c, plans, count, o);
	cuda_let_go(c, &c->conv->workspace, &c->conv->workspace_size); /* of the greediest of them */
	if (place < 0)
		return place;
	*choice = (struct plan_choice){ place, plans[place].engine, plans[place].settings };
	return plan_cache_keep(cache, key, choice);
}

static int measure_once(struct cuda *c, const struct plan_key *key, const struct cudnn_plan *plans, int count, const struct operands *o,
	struct plan_choice *choice)
{
	cuda_wait(c, "measure a convolution"); /* for other ranks, too, which may wait for the lock while the stream waits for them */
	int rc = plan_cache_lock(&c->conv->cache);
	if (!rc)
		rc = measure_and_keep(c, key, plans, count, o, choice);
	plan_cache_unlock(&c->conv->cache);
	return rc;
}

/* The plan that is kept for a key, or the fastest, or without a cache the heuristic's first. */
static int choose(struct cuda *c, struct planned *p, const struct operands *o)
{
	struct plan_cache *cache = &c->conv->cache;
	struct plan_choice choice = { 0, 0, 0 };
	struct cudnn_plan plans[PLAN_CANDIDATES];
	const int known = plan_cache_find(cache, &p->key, &choice);
	if (known < 0)
		return known;
	const bool decided = known || !*cache->path; /* what follows in the list is not needed then */
	const int most = decided && choice.place < PLAN_CANDIDATES ? choice.place + 1 : PLAN_CANDIDATES;
	const int count = cudnn_plan_list(plans, most, (struct cudnn_target){ .handle = c->conv->handle }, &p->key.shape, p->key.direction, p->key.precision,
		PLAN_WORKSPACE);
	if (count < 0)
		return count;
	int rc = decided ? 0 : measure_once(c, &p->key, plans, count, o, &choice);
	if (!rc && *cache->path &&
	    (choice.place >= count || plans[choice.place].engine != choice.engine || plans[choice.place].settings != choice.settings))
		rc = error_set(ERR_FAILED, "cuDNN does not offer the plan that was chosen before; without '%s' plans are chosen anew, and a run that goes on may end "
			"in other bytes", cache->path);
	for (int i = 0; i < count; i++)
		if (!rc && i == choice.place)
			p->plan = plans[i];
		else
			cudnn_plan_free(&plans[i]);
	return rc;
}

/* -- the list -- */

/* The plan for a convolution; NULL (noted) when there is none. Valid until the next call. */
static const struct cudnn_plan *find(struct cuda *c, const struct plan_key *key, const struct operands *o)
{
	struct cuda_conv *l = c->conv;
	for (size_t i = 0; i < l->count; i++)
		if (plan_key_equal(&l->item[i].key, key))
			return &l->item[i].plan;
	struct planned *const items = size_grow(l->item, &l->room, l->count + 1, sizeof *items);
	if (!items) {
		cuda_note_error(c, ERR_FAILED);
		return NULL;
	}
	struct planned *p = &(l->item = items)[l->count];
	*p = (struct planned){ .key = *key };
	const int rc = choose(c, p, o);
	cuda_note_error(c, rc);
	return rc ? NULL : &l->item[l->count++].plan;
}

void conv_execute(struct cuda *c, const struct plan_key *key, const struct operands *o)
{
	const struct cudnn_plan *plan = find(c, key, o);
	if (plan)
		cuda_note_error(c, run_plan(c, plan, o));
}
