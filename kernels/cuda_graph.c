/* A training step as one CUDA graph: some hundred kernels that the host then queues in one call.
 *
 * The first step of its kind runs as it is: plans are made and scratch memory grows. The second is captured from the stream, and so are its addresses;
 * from then on the graph is launched. What changes from step to step stands in device memory. When memory goes, all graphs are dropped and recorded anew.
 *
 * Several processes do the same at every step, the least that one of them has to: NCCL wants a sum to be recorded by all or by none, and replayed likewise. */
#include <stdbool.h>
#include <stddef.h>

#include "cuda.h"

static void drop_graph(struct cuda_recording *r)
{
	if (r->graph)
		cudaGraphExecDestroy(r->graph);
	r->graph = NULL;
}

static void drop(struct cuda_recording *r)
{
	drop_graph(r);
	*r = (struct cuda_recording){ NULL };
}

void cuda_graphs_drop(struct cuda *c)
{
	for (int i = 0; i < CUDA_RECORDINGS; i++)
		drop(&c->recording[i]);
}

/* The recording of a step, or a free place for it; a step of yet another kind takes the place of the first. */
static struct cuda_recording *find(struct cuda *c, const void *owner, int variant)
{
	struct cuda_recording *unused = NULL;
	for (int i = CUDA_RECORDINGS - 1; i >= 0; i--) {
		struct cuda_recording *r = &c->recording[i];
		if (r->owner == owner && r->variant == variant)
			return r;
		if (!r->owner)
			unused = r;
	}
	if (!unused) {
		unused = &c->recording[0];
		drop(unused);
	}
	unused->owner = owner;
	unused->variant = variant;
	return unused;
}

static bool cuda_begin_step(struct backend *b, const void *owner, int variant)
{
	struct cuda *c = (struct cuda *)b;
	struct cuda_recording *r = find(c, owner, variant);
	const enum cuda_step how = cuda_ranks_least(c, r->graph ? STEP_REPLAY : r->seen ? STEP_RECORD : STEP_EAGER);
	if (how == STEP_REPLAY) {
		cuda_note(c, cudaGraphLaunch(r->graph, c->stream), "run a recorded step");
		return false;
	}
	drop_graph(r);
	r->seen = true;
	if (how == STEP_RECORD) {
		cuda_note(c, cudaStreamBeginCapture(c->stream, cudaStreamCaptureModeThreadLocal), "record a step");
		c->capturing = r;
	}
	cuda_conv_begin_step(c);
	return true;
}

static void cuda_end_step(struct backend *b)
{
	struct cuda *c = (struct cuda *)b;
	struct cuda_recording *r = c->capturing;
	cudaGraph_t graph = NULL;
	cuda_conv_end_step(c);
	if (!r)
		return;
	c->capturing = NULL;
	cuda_note(c, cudaStreamEndCapture(c->stream, &graph), "record a step");
	if (!graph)
		return;
	cuda_note(c, cudaGraphInstantiate(&r->graph, graph, 0), "prepare a recorded step");
	cuda_note(c, cudaGraphDestroy(graph), "free a recorded step");
	if (r->graph)
		cuda_note(c, cudaGraphLaunch(r->graph, c->stream), "run a recorded step");
}

void cuda_graph_table(struct backend *b)
{
	b->begin_step = cuda_begin_step;
	b->end_step = cuda_end_step;
}
