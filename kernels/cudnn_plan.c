#include "cudnn_plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "digest.h"

enum { CANDIDATES = 64, NOTES = 16 };

static int cudnn_failed(cudnnStatus_t status, const char *what)
{
	char detail[512] = "";
	cudnnGetLastErrorString(detail, sizeof detail);
	return error_set(ERR_FAILED, "cuDNN cannot %s: %s%s%.400s", what, cudnnGetErrorString(status), *detail ? ": " : "", detail);
}

/* -- descriptors: a failure sticks in `status`, so that a description reads as a list -- */

struct graph {
	cudnnStatus_t status;
	struct cudnn_target target;
	cudnnBackendDescriptor_t x, y, w, conv, operation, graph;
};

static cudnnBackendDescriptor_t create(struct graph *g, cudnnBackendDescriptorType_t type)
{
	cudnnBackendDescriptor_t d = NULL;
	if (!g->status)
		g->status = cudnnBackendCreateDescriptor(type, &d);
	return d;
}

static void set(struct graph *g, cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
	const void *value)
{
	if (!g->status)
		g->status = cudnnBackendSetAttribute(d, name, type, count, value);
}

static void finalize(struct graph *g, cudnnBackendDescriptor_t d)
{
	if (!g->status)
		g->status = cudnnBackendFinalize(d);
}

static void destroy(cudnnBackendDescriptor_t d)
{
	if (d)
		cudnnBackendDestroyDescriptor(d);
}

/* (a,b,h,w) with b innermost in memory: NHWC for activations, KRSC for weights. */
static cudnnBackendDescriptor_t tensor(struct graph *g, int64_t name, cudnnDataType_t type, int64_t a, int64_t b, int64_t h, int64_t w)
{
	const int64_t dim[] = { a, b, h, w }, stride[] = { b * h * w, 1, w * b, b }, alignment = 16;
	cudnnBackendDescriptor_t d = create(g, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
	set(g, d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &name);
	set(g, d, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
	set(g, d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dim);
	set(g, d, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, stride);
	set(g, d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
	finalize(g, d);
	return d;
}

static cudnnBackendDescriptor_t convolution(struct graph *g, const struct conv_shape *s)
{
	const int64_t dims = 2, one[] = { 1, 1 }, pad[] = { conv_padding(s), conv_padding(s) }, stride[] = { conv_stride(s), conv_stride(s) };
	const cudnnDataType_t sums = CUDNN_DATA_FLOAT;
	const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
	cudnnBackendDescriptor_t d = create(g, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
	set(g, d, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &dims);
	set(g, d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &sums);
	set(g, d, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
	set(g, d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, pad);
	set(g, d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, pad);
	set(g, d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, stride);
	set(g, d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, one);
	finalize(g, d);
	return d;
}

/* What each direction calls its parts. */
static const struct {
	cudnnBackendDescriptorType_t type;
	cudnnBackendAttributeName_t conv, x, y, w, alpha, beta;
} directions[] = {
	{ CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
	  CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
	  CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA },
	{ CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
	  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
	  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA },
	{ CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
	  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
	  CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA },
};

static void graph_make(struct graph *g, const struct conv_shape *s, enum conv_direction direction, enum cuda_precision precision)
{
	const cudnnDataType_t type = precision == CUDA_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
	const float one = 1, zero = 0;
	g->x = tensor(g, CONV_X, type, s->n, s->in, s->h, s->w);
	g->y = tensor(g, CONV_Y, type, s->n, s->out, s->h / conv_stride(s), s->w / conv_stride(s));
	g->w = tensor(g, CONV_W, type, s->out, s->in, s->kernel, s->kernel);
	g->conv = convolution(g, s);
	g->operation = create(g, directions[direction].type);
	set(g, g->operation, directions[direction].conv, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g->conv);
	set(g, g->operation, directions[direction].x, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g->x);
	set(g, g->operation, directions[direction].y, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g->y);
	set(g, g->operation, directions[direction].w, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g->w);
	set(g, g->operation, directions[direction].alpha, CUDNN_TYPE_FLOAT, 1, &one);
	set(g, g->operation, directions[direction].beta, CUDNN_TYPE_FLOAT, 1, &zero);
	finalize(g, g->operation);
	g->graph = create(g, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
	set(g, g->graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g->operation);
	if (g->target.handle)
		set(g, g->graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &g->target.handle);
	finalize(g, g->graph);
}

static void graph_free(struct graph *g)
{
	destroy(g->graph);
	destroy(g->operation);
	destroy(g->conv);
	destroy(g->w);
	destroy(g->y);
	destroy(g->x);
}

/* -- choosing an engine -- */

/* A heuristic's engine configurations, best first; returns how many. Each is owned by the caller. */
static int64_t rank(struct graph *g, cudnnBackendHeurMode_t mode, cudnnBackendDescriptor_t config[CANDIDATES])
{
	int64_t found = 0;
	cudnnBackendDescriptor_t heuristic = create(g, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
	set(g, heuristic, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g->graph);
	set(g, heuristic, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
	if (g->target.device)
		set(g, heuristic, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g->target.device);
	finalize(g, heuristic);
	for (int i = 0; i < CANDIDATES; i++)
		config[i] = create(g, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
	if (!g->status)
		g->status = cudnnBackendGetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, CANDIDATES, &found, config);
	destroy(heuristic);
	return g->status ? 0 : found;
}

/* Whether the engine of a configuration computes the same bytes every time, and as precisely as wanted; *engine is its number. */
static bool suits(cudnnBackendDescriptor_t config, enum cuda_precision precision, int64_t *number)
{
	cudnnBackendNumericalNote_t note[NOTES];
	cudnnBackendDescriptor_t engine = NULL;
	int64_t found = 0;
	bool good = !cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine) &&
		    !cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &found, &engine) &&
		    !cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &found, number) &&
		    !cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, NOTES, &found, note);
	for (int64_t i = 0; good && i < found; i++)
		switch (note[i]) {
		case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC:
		case CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION:
		case CUDNN_NUMERICAL_NOTE_FFT:
		case CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13: /* loses too much */
		case CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS:
			good = false;
			break;
		case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
			good = precision != CUDA_FP32;
			break;
		default:
			break;
		}
	destroy(engine);
	return good;
}

/* The hash of the part of a plan's description that tells its engine and how that is set; 0 where there is none: cuDNN before 9.10 describes few of its plans,
 * and one that does not fit (they have up to 2 KiB) is not given at all. */
static uint64_t hash_settings(const struct cudnn_plan *p)
{
	char text[8192];
	int64_t size = 0;
	if (cudnnBackendGetAttribute(p->plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, sizeof text - 1, &size, text))
		return 0;
	text[size < (int64_t)sizeof text ? size : (int64_t)sizeof text - 1] = 0;
	/* {… "engine":{"engineId":…,"smVersion":…,"knobChoices":{…}}}: what else may follow is not the choice */
	const char *const engine = strstr(text, "\"engine\":"), *const knobs = engine ? strstr(engine, "\"knobChoices\":") : NULL, *const end = knobs ? strchr(knobs, '}') : NULL;
	return end ? digest_add(digest_start(), engine, (size_t)(end - engine)) : 0;
}

/* A plan of one configuration; false when the engine does not take this shape, or wants too much memory. */
static bool finish(struct cudnn_plan *p, const struct cudnn_target *target, cudnnBackendDescriptor_t config, int64_t workspace_limit)
{
	struct graph g = { .target = *target };
	int64_t found;
	p->plan = create(&g, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
	set(&g, p->plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &config);
	if (target->handle)
		set(&g, p->plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &target->handle);
	else
		set(&g, p->plan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &target->device);
	finalize(&g, p->plan);
	if (!g.status)
		g.status = cudnnBackendGetAttribute(p->plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &found, &p->workspace);
	if (!g.status && p->workspace <= workspace_limit) {
		p->settings = hash_settings(p);
		return true;
	}
	cudnn_plan_free(p);
	return false;
}

static bool is_listed(const struct cudnn_plan *plans, int count, const struct cudnn_plan *p)
{
	for (int i = 0; i < count; i++)
		if (p->settings && plans[i].engine == p->engine && plans[i].settings == p->settings)
			return true;
	return false;
}

/* Makes plans of the first configurations of one heuristic that suit and can be had, each once; returns how many. *refused: better ranked ones that were not
 * deterministic, not precise enough, too large, or not supported. */
static int choose(struct cudnn_plan *plans, int most, struct graph *g, cudnnBackendHeurMode_t mode, enum cuda_precision precision, int64_t workspace_limit,
	int *refused)
{
	cudnnBackendDescriptor_t config[CANDIDATES] = { NULL };
	const int64_t found = rank(g, mode, config);
	int count = 0;
	for (int64_t i = 0; i < found && count < most; i++) {
		struct cudnn_plan *const p = &plans[count];
		*p = (struct cudnn_plan){ .plan = NULL };
		if (!suits(config[i], precision, &p->engine) || !finish(p, &g->target, config[i], workspace_limit))
			++*refused;
		else if (is_listed(plans, count, p))
			cudnn_plan_free(p);
		else
			count++;
	}
	for (int i = 0; i < CANDIDATES; i++)
		destroy(config[i]);
	return count;
}

int cudnn_plan_list(struct cudnn_plan *plans, int most, struct cudnn_target target, const struct conv_shape *s, enum conv_direction direction,
	enum cuda_precision precision, int64_t workspace_limit)
{
	static const char *const names[] = { "convolution", "backward-data convolution", "backward-weights convolution" };
	struct graph g = { .target = target };
	int refused = 0, count, rc;

	graph_make(&g, s, direction, precision);
	const cudnnStatus_t made = g.status;
	count = choose(plans, most, &g, CUDNN_HEUR_MODE_A, precision, workspace_limit, &refused);
	/* For large shapes mode A may rank engines on tensor cores alone, or fail. */
	if (!made && !count) {
		g.status = CUDNN_STATUS_SUCCESS;
		count = choose(plans, most, &g, CUDNN_HEUR_MODE_FALLBACK, precision, workspace_limit, &refused);
	}
	rc = count;
	if (g.status)
		rc = cudnn_failed(g.status, "plan a convolution");
	else if (!count)
		rc = error_set(ERR_FAILED, "cuDNN has no %dx%d %s for %lld x %d x %d x %d to %d channels: none of %d engines suits", s->kernel, s->kernel,
			names[direction], (long long)s->n, s->in, s->h, s->w, s->out, refused);
	for (int i = 0; rc < 0 && i < count; i++)
		cudnn_plan_free(&plans[i]);
	graph_free(&g);
	return rc;
}

void cudnn_plan_free(struct cudnn_plan *p)
{
	destroy(p->plan);
	p->plan = NULL;
}

int cudnn_plan_run(const struct cudnn_plan *p, cudnnHandle_t handle, void *x, void *y, void *w, void *workspace)
{
	const int64_t names[] = { CONV_X, CONV_Y, CONV_W };
	void *pointers[] = { x, y, w };
	struct graph g = { .status = CUDNN_STATUS_SUCCESS };
	cudnnBackendDescriptor_t pack = create(&g, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
	set(&g, pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3, names);
	set(&g, pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3, pointers);
	set(&g, pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
	finalize(&g, pack);
	if (!g.status)
		g.status = cudnnBackendExecute(handle, p->plan, pack);
	destroy(pack);
	return g.status ? cudnn_failed(g.status, "run a convolution") : 0;
}

int cudnn_target_described(struct cudnn_target *t, const char *json)
{
	struct graph g = { .status = CUDNN_STATUS_SUCCESS };
	*t = (struct cudnn_target){ .device = create(&g, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR) };
	set(&g, t->device, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, (int64_t)strlen(json), json);
	finalize(&g, t->device);
	if (!g.status)
		return 0;
	const int rc = cudnn_failed(g.status, "take the description of a device");
	destroy(t->device);
	t->device = NULL;
	return rc;
}
