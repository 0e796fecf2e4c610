/* Laplacian pyramids, patches, their sums and their projections: lib/metrics/laplacian.h and sliced.h say what these are. */
#include "device.cuh"
#include "metrics.h"
#include "philox_core.h"

/* -- pyramids -- */

__global__ static void floats_kernel(float *to, const uint8_t *from, int64_t count)
{
	const int64_t i = thread_index();
	if (i < count)
		to[i] = from[i];
}

void metrics_floats(struct cuda *c, float *to, const uint8_t *from, int64_t count)
{
	launch(c, "convert images", blocks_for(count), BLOCK, floats_kernel, to, from, count);
}

/* Position i of n, mirrored at both ends without repeating the end. */
__device__ inline int mirrored(int i, int n)
{
	return i < 0 ? -i : i < n ? i : 2 * (n - 1) - i;
}

/* A thread has a pixel of the coarse plane: 5 columns under the vertical filter, then these under the horizontal one. */
__global__ static void down_kernel(float *coarse, const float *fine, int64_t count, int side)
{
	const int64_t i = thread_index();
	if (i >= count)
		return;
	const int half = side / 2, x = (int)(i % half), y = (int)(i / half % half);
	const float *plane = fine + i / ((int64_t)half * half) * side * side;
	const float *row[5];
	float t[5];
	for (int k = 0; k < 5; k++)
		row[k] = plane + (int64_t)mirrored(2 * y + k - 2, side) * side;
	for (int k = 0; k < 5; k++) {
		const int at = mirrored(2 * x + k - 2, side);
		t[k] = ((row[0][at] + row[4][at]) + 4 * (row[1][at] + row[3][at]) + 6 * row[2][at]) * (1.0f / 16);
	}
	coarse[i] = ((t[0] + t[4]) + 4 * (t[1] + t[3]) + 6 * t[2]) * (1.0f / 16);
}

void metrics_down(struct cuda *c, float *coarse, const float *fine, int64_t planes, int side)
{
	const int64_t count = planes * (side / 2) * (side / 2);
	assert(side % 2 == 0 && side >= 4);
	launch(c, "halve images", blocks_for(count), BLOCK, down_kernel, coarse, fine, count, side);
}

/* Column x of row y of a plane doubled along y alone; plane: (half,half). */
__device__ inline float doubled_row(const float *plane, int half, int y, int x)
{
	const int r = y / 2, above = y < 2 ? 1 : r - 1, below = r + 1 < half ? r + 1 : r;
	const float middle = plane[(int64_t)r * half + x], under = plane[(int64_t)below * half + x];
	return y % 2 ? (middle + under) * .5f : (plane[(int64_t)above * half + x] + 6 * middle + under) * .125f;
}

__global__ static void subtract_up_kernel(float *fine, const float *coarse, int64_t count, int side)
{
	const int64_t i = thread_index();
	if (i >= count)
		return;
	const int half = side / 2, x = (int)(i % side), y = (int)(i / side % side), column = x / 2;
	const float *plane = coarse + i / ((int64_t)side * side) * half * half;
	const float here = doubled_row(plane, half, y, column), right = doubled_row(plane, half, y, column + 1 < half ? column + 1 : column);
	if (x % 2)
		fine[i] -= (here + right) * .5f;
	else
		fine[i] -= (doubled_row(plane, half, y, column ? column - 1 : 1) + 6 * here + right) * .125f;
}

void metrics_subtract_up(struct cuda *c, float *fine, const float *coarse, int64_t planes, int side)
{
	const int64_t count = planes * side * side;
	assert(side % 2 == 0 && side >= 4);
	launch(c, "take the coarse image away", blocks_for(count), BLOCK, subtract_up_kernel, fine, coarse, count, side);
}

/* -- patches -- */

__global__ static void corners_kernel(struct metrics_patches p, uint64_t seed, uint32_t substream, uint64_t first, uint32_t bound)
{
	const int64_t k = thread_index();
	if (k >= p.count)
		return;
	const struct philox_block b = philox_stream_block(seed, STREAM_PATCHES, substream, first + (uint64_t)k);
	const uint32_t y = philox_scaled((uint64_t)b.v[1] << 32 | b.v[0], bound), x = philox_scaled((uint64_t)b.v[3] << 32 | b.v[2], bound);
	p.corner[k] = (int)(y * (uint32_t)p.side + x);
}

void metrics_corners(struct cuda *c, struct metrics_patches p, uint64_t seed, uint32_t substream, uint64_t first, uint32_t bound)
{
	launch(c, "draw patches", blocks_for(p.count), BLOCK, corners_kernel, p, seed, substream, first, bound);
}

/* A block has a channel of an image. */
__global__ static void sums_kernel(struct patch_sums *sums, int stride, const float *level, struct metrics_patches p)
{
	const int64_t image = blockIdx.x, first = image * p.patches, left = p.count - first;
	const float *plane = level + (image * p.c + blockIdx.y) * p.side * p.side;
	const int values = PATCH_AREA * (int)(left < p.patches ? left : p.patches);
	double sum = 0, squares = 0;
	for (int i = (int)threadIdx.x; i < values; i += BLOCK) {
		const int in = i % PATCH_AREA;
		const double v = plane[p.corner[first + i / PATCH_AREA] + in / PATCH_SIDE * p.side + in % PATCH_SIDE];
		sum += v;
		squares += v * v;
	}
	sum = block_sum(sum);
	squares = block_sum(squares);
	if (threadIdx.x == 0) {
		sums[image * stride].sum[blockIdx.y] = sum;
		sums[image * stride].squares[blockIdx.y] = squares;
	}
}

void metrics_sums(struct cuda *c, struct patch_sums *sums, int stride, const float *level, struct metrics_patches p)
{
	const int64_t images = (p.count + p.patches - 1) / p.patches;
	assert(images <= INT32_MAX && p.c <= SLICED_CHANNELS);
	launch(c, "add up patches", dim3((unsigned)images, (unsigned)p.c), BLOCK, sums_kernel, sums, stride, level, p);
}

/* A block has METRICS_TILE patches, all of one image, and as many directions, and goes channel by channel; a thread has 4 of each. */
__global__ static void project_kernel(float *out, size_t pitch, const float *level, struct metrics_patches p, const float *u, const float *offset,
	int directions)
{
	enum { T = METRICS_TILE };
	__shared__ pack<4> x[PATCH_AREA][T / 4], v[PATCH_AREA][T / 4];
	float *const x_values = reinterpret_cast<float *>(x), *const v_values = reinterpret_cast<float *>(v);
	const int tx = (int)threadIdx.x % (T / 4), ty = (int)threadIdx.x / (T / 4), direction = (int)blockIdx.y * T;
	const int64_t first = (int64_t)blockIdx.x * T, area = (int64_t)p.side * p.side;
	const float *image = level + first / p.patches * p.c * area;
	float sum[4][4];
	for (int d = 0; d < 4; d++)
		for (int k = 0; k < 4; k++)
			sum[d][k] = offset[direction + 4 * ty + d];
	for (int c = 0; c < p.c; c++) {
		__syncthreads();
		for (int i = (int)threadIdx.x; i < PATCH_AREA * T; i += BLOCK) {
			const int j = i / T, k = i % T;
			x_values[i] = image[c * area + p.corner[first + k] + j / PATCH_SIDE * p.side + j % PATCH_SIDE];
			v_values[i] = u[((int64_t)c * PATCH_AREA + j) * directions + direction + k];
		}
		__syncthreads();
		for (int j = 0; j < PATCH_AREA; j++) {
			const pack<4> a = x[j][tx], b = v[j][ty];
			for (int d = 0; d < 4; d++)
				for (int k = 0; k < 4; k++)
					sum[d][k] += b.v[d] * a.v[k];
		}
	}
	for (int d = 0; d < 4; d++) {
		const pack<4> row = { { sum[d][0], sum[d][1], sum[d][2], sum[d][3] } };
		store<4>(out + (size_t)(direction + 4 * ty + d) * pitch + first + 4 * tx, row);
	}
}

void metrics_project(struct cuda *c, float *out, size_t pitch, const float *level, struct metrics_patches p, const float *u, const float *offset,
	int directions)
{
	static_assert(METRICS_TILE / 4 * (METRICS_TILE / 4) == BLOCK, "a thread has 4 patches and 4 directions");
	assert(p.count % METRICS_TILE == 0 && p.patches % METRICS_TILE == 0 && directions % METRICS_TILE == 0 && pitch % 4 == 0);
	launch(c, "project patches", dim3((unsigned)(p.count / METRICS_TILE), (unsigned)(directions / METRICS_TILE)), BLOCK, project_kernel, out, pitch, level,
		p, u, offset, directions);
}
