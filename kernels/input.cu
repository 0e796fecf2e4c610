/* The inputs of a step: images from bytes, random numbers. Compiled without fused multiply-add, so that both are the CPU's to the last bit. */
#include <string.h>

#include "device.cuh"
#include "philox_core.h"

/* -- images -- */

/* A pixel of the loaded pictures: u / 127.5 - 1, mirrored where asked. */
struct loaded {
	const uint8_t *bytes, *mirror; /* mirror may be NULL */
	int64_t sample;
	int w;
};

__device__ inline float loaded_pixel(struct loaded l, int64_t at)
{
	const int64_t sample = at / l.sample, column = at % l.w;
	return image_value(l.bytes[l.mirror && l.mirror[sample] ? at - column + l.w - 1 - column : at]);
}

__global__ static void load_images_kernel(float *x, struct loaded l, int64_t count, const struct step_scalars *scalars, bool fading)
{
	const int64_t i = thread_index();
	if (i >= count)
		return;
	float value = loaded_pixel(l, i);
	if (fading) {
		const int64_t row = i / l.w, column = i % l.w, corner = row / 2 * 2 * l.w + column / 2 * 2;
		const float mean = (loaded_pixel(l, corner) + loaded_pixel(l, corner + 1) + loaded_pixel(l, corner + l.w) + loaded_pixel(l, corner + l.w + 1)) / 4;
		value = scalars->alpha * mean + (1 - scalars->alpha) * value;
	}
	x[i] = value;
}

static void cuda_load_images(struct backend *b, struct tensor x, const uint8_t *host, const uint8_t *mirror, bool fading)
{
	struct cuda *c = cuda_of(b);
	const size_t count = (size_t)x.n * x.sample_size, flags = mirror ? (size_t)x.n : 0;
	assert(tensor_is_planar(x) && (!fading || (x.h % 2 == 0 && x.w % 2 == 0)));
	cuda_note_error(c, cuda_grow(c, &c->bytes, &c->bytes_size, count + flags));
	uint8_t *const pinned = (uint8_t *)cuda_pinned(c, count + flags);
	if (!pinned || !c->bytes)
		return;
	memcpy(pinned, host, count);
	if (mirror)
		memcpy(pinned + count, mirror, flags);
	cuda_send(c, c->bytes, pinned, count + flags);
	const uint8_t *bytes = (const uint8_t *)c->bytes;
	const struct loaded l = { bytes, mirror ? bytes + count : NULL, (int64_t)x.sample_size, x.w };
	launch(c, "load images", blocks_for((int64_t)count), BLOCK, load_images_kernel, x.data, l, (int64_t)count, c->scalars, fading);
}

/* -- random numbers: value j of sample i is number (first + i) * channels + j of the stream -- */

struct numbers {
	uint64_t seed, first;
	uint32_t stream, substream;
	int channels, width; /* of a sample: without and with padding */
};

__global__ static void random_kernel(float *x, int64_t count, struct numbers r, bool normal)
{
	const int64_t i = thread_index();
	if (i >= count)
		return;
	const uint64_t sample = (uint64_t)(i / r.channels), value = (uint64_t)(i % r.channels), at = (r.first + sample) * (uint64_t)r.channels + value;
	const struct philox_block p = philox_stream_block(r.seed, r.stream, r.substream, at / 4);
	const int k = (int)(at % 4);
	float out, other;
	if (!normal)
		out = philox_uniform_of(p.v[k]);
	else if (k % 2 == 0)
		philox_normal_pair(p.v[k], p.v[k + 1], &out, &other);
	else
		philox_normal_pair(p.v[k - 1], p.v[k], &other, &out);
	x[sample * (uint64_t)r.width + value] = out;
}

static void fill(struct backend *b, struct tensor x, uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first, bool normal)
{
	const struct numbers r = { seed, first, stream, substream, x.c, (int)x.sample_size };
	const int64_t count = x.n * x.c;
	assert(area_of(x) == 1);
	launch(cuda_of(b), "draw random numbers", blocks_for(count), BLOCK, random_kernel, x.data, count, r, normal);
}

static void cuda_random_normal(struct backend *b, struct tensor x, uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first)
{
	fill(b, x, seed, stream, substream, first, true);
}

static void cuda_random_uniform(struct backend *b, struct tensor x, uint64_t seed, uint32_t stream, uint32_t substream, uint64_t first)
{
	fill(b, x, seed, stream, substream, first, false);
}

void cuda_input_table(struct backend *b)
{
	b->load_images = cuda_load_images;
	b->random_normal = cuda_random_normal;
	b->random_uniform = cuda_random_uniform;
}
