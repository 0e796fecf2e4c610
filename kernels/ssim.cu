/* Structural similarity of pairs of pictures in double: lib/metrics/msssim_protocol.c and metric_device.h say what is computed. */
#include "device.cuh"
#include "metrics.h"

__global__ static void doubles_kernel(double *to, const void *from, bool bytes, int64_t count, double gain, double offset)
{
	const int64_t i = thread_index();
	if (i < count)
		to[i] = (bytes ? (double)((const uint8_t *)from)[i] : (((const float *)from)[i] + 1.0) * 127.5) * gain + offset;
}

void metrics_doubles(struct cuda *c, double *to, const void *from, bool bytes, int64_t count, double gain, double offset)
{
	launch(c, "convert images", blocks_for(count), BLOCK, doubles_kernel, to, from, bytes, count, gain, offset);
}

/* Places before the first count 0; those after the last are the last. */
__global__ static void halve_kernel(double *to, const double *from, int64_t count, int side, int origin)
{
	const int64_t i = thread_index();
	if (i >= count)
		return;
	const int half = (side + 1) / 2, x = (int)(i % half) * 2 + origin, y = (int)(i / half % half) * 2 + origin;
	const double *plane = from + i / ((int64_t)half * half) * side * side;
	double sum = 0;
	for (int k = 0; k < 4; k++) {
		const int r = y + k / 2 < side ? y + k / 2 : side - 1, s = x + k % 2 < side ? x + k % 2 : side - 1;
		if (r >= 0 && s >= 0)
			sum += plane[(int64_t)r * side + s];
	}
	to[i] = sum / 4;
}

void metrics_halve(struct cuda *c, double *to, const double *from, int64_t planes, int side, bool zeros_before)
{
	const int half = (side + 1) / 2;
	const int64_t count = planes * half * half;
	launch(c, "halve images", blocks_for(count), BLOCK, halve_kernel, to, from, count, side, zeros_before && side % 2 ? -1 : 0);
}

/* -- similarity: a block has 16x16 places of the window; columns of four planes (a, b, a^2 + b^2, ab) under it first, then rows of these -- */

enum { TILE = 16, HALO = TILE + SSIM_WINDOW - 1, PLANES = 4 };

static int tiles_across(const struct ssim_scale *s)
{
	return (s->side - s->window + 1 + TILE - 1) / TILE;
}

size_t metrics_ssim_partial(const struct ssim_scale *s)
{
	return 2 * (size_t)tiles_across(s) * (size_t)tiles_across(s);
}

/* partial[plane][tile][2]: sums of the similarity and of its contrast-structure part. blockIdx: tile, plane. */
__global__ static void ssim_kernel(double *partial, const double *a, const double *b, struct ssim_scale s, int across, double c1, double c2, bool clip)
{
	__shared__ double in[2][HALO][HALO], column[PLANES][TILE][HALO];
	const int64_t plane = (int64_t)blockIdx.y * s.side * s.side;
	const int top = (int)blockIdx.x / across * TILE, left = (int)blockIdx.x % across * TILE, places = s.side - s.window + 1;
	const int row = (int)threadIdx.x / TILE, x = (int)threadIdx.x % TILE;
	for (int i = (int)threadIdx.x; i < HALO * HALO; i += BLOCK) {
		const int r = top + i / HALO, q = left + i % HALO;
		const bool inside = r < s.side && q < s.side;
		in[0][i / HALO][i % HALO] = inside ? a[plane + (int64_t)r * s.side + q] : 0;
		in[1][i / HALO][i % HALO] = inside ? b[plane + (int64_t)r * s.side + q] : 0;
	}
	__syncthreads();
	for (int i = (int)threadIdx.x; i < TILE * HALO; i += BLOCK) {
		const int r = i / HALO, q = i % HALO;
		double sum[PLANES] = { 0, 0, 0, 0 };
		for (int k = 0; k < s.window; k++) {
			const double va = in[0][r + k][q], vb = in[1][r + k][q];
			sum[0] += s.weight[k] * va;
			sum[1] += s.weight[k] * vb;
			sum[2] += s.weight[k] * (va * va + vb * vb);
			sum[3] += s.weight[k] * (va * vb);
		}
		for (int m = 0; m < PLANES; m++)
			column[m][r][q] = sum[m];
	}
	__syncthreads();
	double m[PLANES] = { 0, 0, 0, 0 };
	for (int k = 0; k < s.window; k++)
		for (int i = 0; i < PLANES; i++)
			m[i] += s.weight[k] * column[i][row][x + k];
	double all = 0, structure = 0;
	if (top + row < places && left + x < places) {
		const double ab = m[0] * m[1], aabb = m[0] * m[0] + m[1] * m[1], cs = (2 * (m[3] - ab) + c2) / (m[2] - aabb + c2);
		structure = clip && !(cs > 0) ? 0 : cs;
		all = (2 * ab + c1) / (aabb + c1) * structure;
	}
	all = block_sum(all);
	structure = block_sum(structure);
	if (threadIdx.x == 0) {
		double *const out = partial + ((int64_t)blockIdx.y * gridDim.x + blockIdx.x) * 2;
		out[0] = all;
		out[1] = structure;
	}
}

/* A block has a plane: means[pair][channel][2] of a scale, `stride` doubles from pair to pair. */
__global__ static void means_kernel(double *means, int64_t stride, const double *partial, int tiles, int channels, double places)
{
	const double *const from = partial + (int64_t)blockIdx.x * tiles * 2;
	double sum[2] = { 0, 0 };
	for (int i = (int)threadIdx.x; i < tiles; i += BLOCK)
		for (int k = 0; k < 2; k++)
			sum[k] += from[2 * i + k];
	for (int k = 0; k < 2; k++)
		sum[k] = block_sum(sum[k]);
	if (threadIdx.x < 2)
		means[(int64_t)blockIdx.x / channels * stride + (int64_t)blockIdx.x % channels * 2 + threadIdx.x] = sum[threadIdx.x] / places;
}

void metrics_ssim(struct cuda *c, double *means, double *partial, const double *a, const double *b, int64_t n, const struct ssim_plan *p, int k)
{
	const struct ssim_scale *const s = &p->scale[k];
	const int across = tiles_across(s), places = s->side - s->window + 1;
	const unsigned planes = (unsigned)(n * p->c);
	assert(n * p->c <= 65535 && s->window <= SSIM_WINDOW && places > 0);
	launch(c, "compare images", dim3((unsigned)(across * across), planes), BLOCK, ssim_kernel, partial, a, b, *s, across, p->c1, p->c2, p->clip);
	launch(c, "add up similarities", dim3(planes), BLOCK, means_kernel, means + (int64_t)k * p->c * 2, (int64_t)SSIM_SCALES * p->c * 2, (const double *)partial,
		across * across, p->c, (double)places * places);
}
