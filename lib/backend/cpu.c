#include "cpu.h"

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"
#include "threads.h"

static int block_size(struct backend *b)
{
	return ((struct cpu *)b)->block;
}

void *cpu_scratch(struct cpu *cpu, size_t n, size_t size)
{
	size_t bytes;
	if (!size_mul(n, size, &bytes))
		bytes = SIZE_MAX;
	if (bytes > cpu->scratch_size) {
		free(cpu->scratch);
		cpu->scratch = size_alloc(n, size);
		cpu->scratch_size = cpu->scratch ? bytes : 0;
		if (!cpu->scratch)
			host_fail(&cpu->host, ERR_FAILED);
	}
	return cpu->scratch;
}

void *cpu_zeros(struct cpu *cpu, size_t n, size_t size)
{
	void *zeros = cpu_scratch(cpu, n, size);
	return zeros ? memset(zeros, 0, n * size) : NULL;
}

static void cpu_close(struct backend *b)
{
	struct cpu *cpu = (struct cpu *)b;
	cpu_linear_close(cpu);
	host_close(&cpu->host);
	free(cpu->scratch);
	free(cpu);
}

/* -- layout -- */

/* Channels with their padding. */
static size_t padded(int channels, int block)
{
	return channels <= PLANAR_CHANNELS ? (size_t)channels : (size_t)cpu_blocks(channels, block) * (size_t)block;
}

/* Where pixel p of channel c stands in a sample. */
static size_t place(int channels, int block, size_t pixels, size_t c, size_t p)
{
	const size_t size = (size_t)block;
	return channels <= PLANAR_CHANNELS ? c * pixels + p : (c / size * pixels + p) * size + c % size;
}

static struct tensor cpu_shape(struct backend *b, int64_t n, int c, int h, int w)
{
	return (struct tensor){ NULL, n, c, h, w, padded(c, block_size(b)) * (size_t)h * (size_t)w };
}

static void cpu_upload(struct backend *b, struct tensor t, const float *host)
{
	const size_t area = tensor_area(t);
	const int block = block_size(b);
	for (int64_t i = 0; i < t.n; i++) {
		float *to = tensor_sample(t, i);
		memset(to, 0, t.sample_size * sizeof *to);
		for (size_t c = 0; c < (size_t)t.c; c++)
			for (size_t p = 0; p < area; p++)
				to[place(t.c, block, area, c, p)] = *host++;
	}
}

static void cpu_download(struct backend *b, float *host, struct tensor t)
{
	const size_t area = tensor_area(t);
	const int block = block_size(b);
	for (int64_t i = 0; i < t.n; i++) {
		const float *from = tensor_sample(t, i);
		for (size_t c = 0; c < (size_t)t.c; c++)
			for (size_t p = 0; p < area; p++)
				*host++ = from[place(t.c, block, area, c, p)];
	}
}

/* -- parameters -- */

static size_t cpu_param_size(struct backend *b, struct param_shape p)
{
	const int block = block_size(b);
	const size_t out = padded(p.out, block) * (size_t)p.out_pixels, in = padded(p.in, block) * (size_t)p.in_pixels;
	switch (p.kind) {
	case PARAM_CONV:
		return out * in * 9;
	case PARAM_DENSE:
		/* Whole vectors, so that the next parameter is aligned. */
		return (out * in + 15) / 16 * 16;
	case PARAM_FROM_RGB:
		return (3 * out + 15) / 16 * 16;
	case PARAM_TO_RGB:
		return (3 * in + 15) / 16 * 16;
	case PARAM_BIAS:
		break;
	}
	return (out + 15) / 16 * 16;
}

/* Where a value of a parameter stands: output channel o and its pixel po; input channel i and its pixel, or the tap, t. */
static size_t param_place(struct param_shape p, int block, size_t o, size_t po, size_t i, size_t t)
{
	const size_t size = (size_t)block, out = padded(p.out, block), in = padded(p.in, block);
	switch (p.kind) {
	case PARAM_CONV:
		return (((o / size * (in / size) + i / size) * 9 + t) * size + i % size) * size + o % size;
	case PARAM_DENSE:
		return place(p.out, block, (size_t)p.out_pixels, o, po) * in * (size_t)p.in_pixels + place(p.in, block, (size_t)p.in_pixels, i, t);
	case PARAM_FROM_RGB:
		return i * out + o;
	case PARAM_TO_RGB:
		return o * in + i;
	case PARAM_BIAS:
		break;
	}
	return place(p.out, block, (size_t)p.out_pixels, o, po);
}

/* packed and host in the same walk: values of the reference's order one after another. */
static void param_move(struct backend *b, struct param_shape p, float *packed, float *host, bool pack)
{
	const int block = block_size(b);
	const size_t ins = p.kind == PARAM_BIAS ? 1 : (size_t)p.in, taps = p.kind == PARAM_CONV ? 9 : (size_t)p.in_pixels;
	for (size_t o = 0; o < (size_t)p.out; o++)
		for (size_t po = 0; po < (size_t)p.out_pixels; po++)
			for (size_t i = 0; i < ins; i++)
				for (size_t t = 0; t < taps; t++, host++) {
					float *const there = packed + param_place(p, block, o, po, i, t);
					if (pack)
						*there = *host;
					else
						*host = *there;
				}
}

static void cpu_param_pack(struct backend *b, struct param_shape p, float *packed, const float *host)
{
	memset(packed, 0, cpu_param_size(b, p) * sizeof *packed);
	param_move(b, p, packed, (float *)host, true);
}

static void cpu_param_unpack(struct backend *b, struct param_shape p, float *host, const float *packed)
{
	param_move(b, p, (float *)packed, host, false);
}

int backend_open_cpu(struct backend **out, int threads, bool direct)
{
	const unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();
	const bool avx512 = (isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core, avx2 = (isa & dnnl_cpu_isa_avx2) == dnnl_cpu_isa_avx2;
	struct cpu *cpu;
	int rc;

	if (!avx2)
		return error_set(ERR_FAILED, "device 'cpu' needs a processor with AVX2; 'plain' runs on any, slowly");
	if (!(cpu = size_zalloc(1, sizeof *cpu)))
		return ERR_FAILED;
	struct backend *b = &cpu->host.table;
	cpu->block = avx512 ? 16 : 8;
	b->name = "cpu";
	const dnnl_version_t *library = dnnl_version();
	snprintf(cpu->details, sizeof cpu->details, "oneDNN %d.%d.%d, %s, %s convolutions", library->major, library->minor, library->patch, avx512 ? "AVX-512" : "AVX2",
	         direct ? "direct" : "Winograd");
	b->details = cpu->details;
	b->threads = threads_available(threads);
	omp_set_dynamic(0);
	omp_set_num_threads(b->threads); /* oneDNN runs on the same OpenMP threads as our loops */
	host_table(b);
	b->close = cpu_close;
	b->shape = cpu_shape;
	b->upload = cpu_upload;
	b->download = cpu_download;
	b->param_size = cpu_param_size;
	b->param_pack = cpu_param_pack;
	b->param_unpack = cpu_param_unpack;
	(avx512 ? cpu_table_avx512 : cpu_table_avx2)(cpu);
	cpu_linear_table(b);
	if ((rc = cpu_linear_open(cpu, direct))) {
		cpu_close(b);
		return rc;
	}
	*out = b;
	return 0;
}
