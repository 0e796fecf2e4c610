/* Opening a GPU, its memory, and the way in and out of the layout. */
#include "cuda.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"
#include "plugin.h"

/* -- failures -- */

void cuda_note_error(struct cuda *c, int rc)
{
	if (!rc || c->failure)
		return;
	c->failure = rc;
	snprintf(c->failure_text, sizeof c->failure_text, "%s", error_text());
}

void cuda_note(struct cuda *c, cudaError_t status, const char *what)
{
	if (status != cudaSuccess && !c->failure) {
		c->failure = ERR_FAILED;
		snprintf(c->failure_text, sizeof c->failure_text, "CUDA cannot %s: %s", what, cudaGetErrorString(status));
	}
}

void cuda_wait(struct cuda *c, const char *what)
{
	cuda_ranks_wait(c);
	cuda_note(c, cudaStreamSynchronize(c->stream), what);
}

static int cuda_check(struct backend *b)
{
	struct cuda *c = (struct cuda *)b;
	cuda_wait(c, "finish the work queued");
	const int failure = c->failure;
	c->failure = 0;
	return failure ? error_set(failure, "%s", c->failure_text) : 0;
}

/* -- memory -- */

static float *cuda_alloc(struct backend *b, size_t count)
{
	struct cuda *c = (struct cuda *)b;
	float *data = NULL;
	cudaError_t status = count > SIZE_MAX / sizeof *data ? cudaErrorMemoryAllocation : cudaMalloc((void **)&data, count * sizeof *data);
	if (status == cudaSuccess && (status = cudaMemsetAsync(data, 0, count * sizeof *data, c->stream)) != cudaSuccess)
		cudaFree(data);
	if (status == cudaSuccess)
		return data;
	(void)cudaGetLastError(); /* told here; not by the next launch as its own */
	error_set(ERR_FAILED, "no %zu values of GPU memory: %s", count, cudaGetErrorString(status));
	return NULL;
}

/* Recorded steps may use it. */
static void free_memory(struct cuda *c, void *memory)
{
	cuda_graphs_drop(c);
	cuda_ranks_wait(c); /* cudaFree() waits for what is queued, without watching the other ranks */
	cuda_note(c, cudaFree(memory), "free memory");
}

static void cuda_release(struct backend *b, float *data)
{
	free_memory((struct cuda *)b, data);
}

static void cuda_copy(struct backend *b, float *to, const float *from, size_t count)
{
	struct cuda *c = (struct cuda *)b;
	cuda_note(c, cudaMemcpyAsync(to, from, count * sizeof *to, cudaMemcpyDefault, c->stream), "copy");
}

void cuda_let_go(struct cuda *c, void **memory, size_t *size)
{
	if (!*memory)
		return;
	free_memory(c, *memory);
	*memory = NULL;
	*size = 0;
}

int cuda_grow(struct cuda *c, void **memory, size_t *size, size_t bytes)
{
	if (bytes <= *size)
		return 0;
	cuda_let_go(c, memory, size);
	const cudaError_t status = cudaMalloc(memory, bytes);
	*size = status == cudaSuccess ? bytes : 0;
	if (status == cudaSuccess)
		return 0;
	(void)cudaGetLastError(); /* told here: the next launch has not failed */
	*memory = NULL;
	return error_set(ERR_FAILED, "no %zu bytes of GPU memory: %s", bytes, cudaGetErrorString(status));
}

void *cuda_scratch(struct cuda *c, size_t bytes)
{
	cuda_note_error(c, cuda_grow(c, &c->scratch, &c->scratch_size, bytes));
	return c->scratch;
}

/* -- bytes to the device: from a ring of places in pinned memory, so that the host need not wait -- */

void *cuda_pinned(struct cuda *c, size_t bytes)
{
	struct cuda_upload *u = &c->upload[c->uploads % CUDA_UPLOADS];
	cuda_note(c, cudaEventSynchronize(u->copied), "wait for an upload");
	if (bytes <= u->size)
		return u->pinned;
	cuda_note(c, cudaFreeHost(u->pinned), "free memory");
	u->pinned = NULL;
	const cudaError_t status = cudaMallocHost(&u->pinned, bytes);
	u->size = status == cudaSuccess ? bytes : 0;
	if (status == cudaSuccess)
		return u->pinned;
	(void)cudaGetLastError();
	cuda_note(c, status, "allocate memory for an upload");
	return u->pinned = NULL;
}

void cuda_send(struct cuda *c, void *to, const void *pinned, size_t bytes)
{
	cuda_note(c, cudaMemcpyAsync(to, pinned, bytes, cudaMemcpyHostToDevice, c->stream), "send");
	cuda_note(c, cudaEventRecord(c->upload[c->uploads++ % CUDA_UPLOADS].copied, c->stream), "send");
}

/* -- layout: arranged on the host; this is not on the way of a training step -- */

static struct tensor cuda_shape(struct backend *b, int64_t n, int c, int h, int w)
{
	struct tensor t = { NULL, n, c, h, w, layout_channels(c) * (size_t)h * (size_t)w };
	if (((struct cuda *)b)->precision == CUDA_BF16 && layout_may_be_half(c, h, w))
		t.sample_size /= 2;
	return t;
}

static size_t cuda_param_size(struct backend *b, struct param_shape p)
{
	(void)b;
	return layout_param_size(p);
}

/* Zeroed host memory for `count` floats in the device's layout; NULL is noted. */
static float *staging(struct backend *b, size_t count)
{
	float *memory = calloc(count ? count : 1, sizeof *memory);
	if (!memory)
		cuda_note_error((struct cuda *)b, error_set(ERR_FAILED, "out of memory: %zu values", count));
	return memory;
}

/* Waits, so that the staging memory can go. */
static void to_device(struct backend *b, float *to, const float *from, size_t count)
{
	struct cuda *c = (struct cuda *)b;
	cuda_copy(b, to, from, count);
	cuda_wait(c, "copy to the GPU");
}

/* A copy to pageable memory itself waits for all before it, and would not look after the other ranks. */
static void to_host(struct backend *b, float *to, const float *from, size_t count)
{
	struct cuda *c = (struct cuda *)b;
	cuda_ranks_wait(c);
	cuda_copy(b, to, from, count);
	cuda_wait(c, "copy from the GPU");
}

static size_t sample_values(struct tensor t)
{
	return (size_t)t.c * (size_t)t.h * (size_t)t.w;
}

static void cuda_upload(struct backend *b, struct tensor t, const float *host)
{
	struct cuda *c = (struct cuda *)b;
	const size_t sample = layout_values(t), count = (size_t)t.n * sample;
	float *const memory = cuda_pinned(c, count * sizeof *memory), *widened;
	if (!memory)
		return;
	memset(memory, 0, count * sizeof *memory);
	for (size_t i = 0; i < (size_t)t.n; i++)
		layout_sample_each(t, memory + i * sample, (float *)host + i * sample_values(t), layout_pack_value);
	if (!layout_is_half(t)) {
		cuda_send(c, t.data, memory, count * sizeof *memory);
	} else if ((widened = cuda_scratch(c, count * sizeof *widened))) {
		cuda_send(c, widened, memory, count * sizeof *memory);
		cuda_to_bf16(c, t.data, widened, count);
	}
}

static void cuda_download(struct backend *b, float *host, struct tensor t)
{
	struct cuda *c = (struct cuda *)b;
	const size_t sample = layout_values(t), count = (size_t)t.n * sample;
	float *memory = staging(b, count), *widened;
	if (!memory)
		return;
	if (!layout_is_half(t)) {
		to_host(b, memory, t.data, count);
	} else if ((widened = cuda_scratch(c, count * sizeof *widened))) {
		cuda_from_bf16(c, widened, t.data, count);
		to_host(b, memory, widened, count);
	}
	for (size_t i = 0; i < (size_t)t.n; i++)
		layout_sample_each(t, memory + i * sample, host + i * sample_values(t), layout_unpack_value);
	free(memory);
}

static void cuda_param_pack(struct backend *b, struct param_shape p, float *packed, const float *host)
{
	const size_t count = layout_param_size(p);
	float *memory = staging(b, count);
	if (!memory)
		return;
	layout_param_each(p, memory, (float *)host, layout_pack_value);
	to_device(b, packed, memory, count);
	free(memory);
}

static void cuda_param_unpack(struct backend *b, struct param_shape p, float *host, const float *packed)
{
	const size_t count = layout_param_size(p);
	float *memory = staging(b, count);
	if (!memory)
		return;
	to_host(b, memory, packed, count);
	layout_param_each(p, memory, host, layout_unpack_value);
	free(memory);
}

/* -- opening -- */

struct choice {
	int device; /* -1: none named */
	enum cuda_precision precision;
	bool eager;
};

/* "", "1", "bf16", "1:bf16", "1:bf16:eager": a GPU's number, a precision, steps not recorded; each may be left out. */
static int parse_options(const char *options, struct choice *choice)
{
	static const char *const names[] = { [CUDA_FP32] = "fp32", [CUDA_TF32] = "tf32", [CUDA_BF16] = "bf16" };
	const char *at = options;
	char *end;
	*choice = (struct choice){ .device = -1, .precision = CUDA_TF32 };
	if (*at >= '0' && *at <= '9') {
		const long number = strtol(at, &end, 10);
		choice->device = number > 1 << 20 ? 1 << 20 : (int)number;
		at = *end == ':' && end[1] ? end + 1 : end;
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strncmp(at, names[i], 4) && (!at[4] || at[4] == ':')) {
			choice->precision = (enum cuda_precision)i;
			at += at[4] && at[5] ? 5 : 4;
			break;
		}
	choice->eager = !strcmp(at, "eager");
	if (!*at || choice->eager)
		return 0;
	return error_set(ERR_USAGE, "unknown device 'cuda:%s': give cuda[:N][:fp32|tf32|bf16][:eager]", options);
}

/* *device -1: number `local`, counted around. */
static int choose_device(int *device, int local)
{
	int count = 0, driver = 0;
	if (cudaDriverGetVersion(&driver) == cudaSuccess && !driver)
		return error_set(ERR_FAILED, "device 'cuda' cannot be used: there is no NVIDIA driver");
	const cudaError_t status = cudaGetDeviceCount(&count);
	if (status != cudaSuccess)
		return error_set(ERR_FAILED, "device 'cuda' cannot be used: %s", cudaGetErrorString(status));
	if (*device < 0)
		*device = count > 0 ? local % count : 0;
	if (*device >= count)
		return error_set(ERR_FAILED, "there is no GPU %d: this machine has %d", *device, count);
	const cudaError_t chosen = cudaSetDevice(*device);
	return chosen == cudaSuccess ? 0 : error_set(ERR_FAILED, "GPU %d cannot be used: %s", *device, cudaGetErrorString(chosen));
}

static int describe(struct cuda *c, int device)
{
	struct cudaDeviceProp p;
	const cudaError_t status = cudaGetDeviceProperties(&p, device);
	if (status != cudaSuccess)
		return error_set(ERR_FAILED, "GPU %d cannot be used: %s", device, cudaGetErrorString(status));
	snprintf(c->gpu, sizeof c->gpu, "%.48s (sm_%d%d, %d multiprocessors)", p.name, p.major, p.minor, p.multiProcessorCount);
	return 0;
}

static void cuda_close(struct backend *b)
{
	struct cuda *c = (struct cuda *)b;
	if (c->stream)
		cuda_wait(c, "finish the work queued");
	cuda_graphs_drop(c);
	cuda_ranks_close(c);
	cuda_conv_close(c);
	for (int i = 0; i < CUDA_UPLOADS; i++) {
		cudaFreeHost(c->upload[i].pinned);
		if (c->upload[i].copied)
			cudaEventDestroy(c->upload[i].copied);
	}
	for (int i = 0; i < BACKEND_AHEAD; i++) {
		cudaFreeHost(c->kept[i].pinned);
		if (c->kept[i].there)
			cudaEventDestroy(c->kept[i].there);
	}
	cudaFree(c->scratch);
	cudaFree(c->bytes);
	cudaFree(c->scalars);
	cudaFree(c->sums);
	if (c->stream)
		cudaStreamDestroy(c->stream);
	free(c);
}

static void fill_table(struct backend *b, bool eager)
{
	b->alloc = cuda_alloc;
	b->release = cuda_release;
	b->shape = cuda_shape;
	b->upload = cuda_upload;
	b->download = cuda_download;
	b->param_size = cuda_param_size;
	b->param_pack = cuda_param_pack;
	b->param_unpack = cuda_param_unpack;
	b->copy = cuda_copy;
	cuda_activation_table(b);
	cuda_rgb_table(b);
	cuda_resize_table(b);
	cuda_stddev_table(b);
	cuda_loss_table(b);
	cuda_input_table(b);
	cuda_adam_table(b);
	cuda_conv_table(b);
	cuda_ranks_table(b);
	if (!eager)
		cuda_graph_table(b);
}

/* The small memory of a table. */
static int start(struct cuda *c)
{
	cudaError_t status;
	if ((status = cudaMalloc((void **)&c->scalars, sizeof *c->scalars)) ||
	    (status = cudaMalloc((void **)&c->sums, STEP_SUMS * sizeof *c->sums)) ||
	    (status = cudaMemsetAsync(c->scalars, 0, sizeof *c->scalars, c->stream)) ||
	    (status = cudaMemsetAsync(c->sums, 0, STEP_SUMS * sizeof *c->sums, c->stream)))
		return error_set(ERR_FAILED, "the GPU cannot be used: %s", cudaGetErrorString(status));
	for (int i = 0; i < CUDA_UPLOADS; i++)
		if ((status = cudaEventCreateWithFlags(&c->upload[i].copied, cudaEventDisableTiming)))
			return error_set(ERR_FAILED, "the GPU cannot be used: %s", cudaGetErrorString(status));
	for (int i = 0; i < BACKEND_AHEAD; i++)
		if ((status = cudaMallocHost((void **)&c->kept[i].pinned, STEP_SUMS * sizeof(double))) ||
		    (status = cudaEventCreateWithFlags(&c->kept[i].there, cudaEventDisableTiming)))
			return error_set(ERR_FAILED, "the GPU cannot be used: %s", cudaGetErrorString(status));
	return cuda_conv_open(c);
}

static int open_device(struct cuda **out, int device, int local)
{
	struct cuda *c;
	int rc = choose_device(&device, local);
	if (rc)
		return rc;
	if (!(c = calloc(1, sizeof *c)))
		return error_set(ERR_FAILED, "out of memory");
	c->table.name = "cuda";
	c->table.details = c->details;
	c->table.notes = c->notes;
	c->table.check = cuda_check;
	c->table.close = cuda_close;
	if (!(rc = describe(c, device))) {
		const cudaError_t status = cudaStreamCreateWithFlags(&c->stream, cudaStreamNonBlocking);
		rc = status == cudaSuccess ? 0 : error_set(ERR_FAILED, "the GPU cannot be used: %s", cudaGetErrorString(status));
	}
	if (rc)
		cuda_close(&c->table);
	else
		*out = c;
	return rc;
}

int cuda_open_bare(struct cuda **out, const char *options)
{
	char *end;
	const long number = strtol(options, &end, 10);
	if (*end || (*options && (*options < '0' || *options > '9')))
		return error_set(ERR_USAGE, "unknown device 'cuda:%s': give cuda[:N]", options);
	return open_device(out, number > 1 << 20 ? 1 << 20 : (int)number, 0);
}

static int cuda_open(struct backend **out, const char *options, int threads, int local)
{
	static const char *const names[] = { [CUDA_FP32] = "float32", [CUDA_TF32] = "TF32", [CUDA_BF16] = "bfloat16" };
	struct choice choice;
	struct cuda *c;
	int rc;

	if ((rc = parse_options(options, &choice)) || (rc = open_device(&c, choice.device, local)))
		return rc;
	c->precision = choice.precision;
	c->table.threads = threads > 0 ? threads : 1;
	fill_table(&c->table, choice.eager);
	if ((rc = start(c))) {
		cuda_close(&c->table);
		return rc;
	}
	const char *const cache = cuda_conv_cache(c);
	snprintf(c->details, sizeof c->details, "%s, cuDNN %zu, CUDA %d, %s convolutions", c->gpu, cudnnGetVersion(), CUDART_VERSION, names[c->precision]);
	if (*cache)
		snprintf(c->notes, sizeof c->notes, "plans kept in '%s'", cache);
	*out = &c->table;
	return 0;
}

const struct plugin pgan_plugin = { BACKEND_ABI, sizeof(struct backend), cuda_open, sizeof(struct metric_device), cuda_open_metrics };
