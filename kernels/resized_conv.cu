/* A 3x3 convolution of a picture enlarged 2x (nearest neighbours), or with 2x2 averages of what it makes, as one convolution with stride 2 and a 4x4 kernel.
 *
 * Up: of the nine products of an output those with the same pixel of the small picture are one product with the sum of their weights, which leaves four. The
 * outputs together are the transposed convolution, small to large, by v[r][s] = sum of w[a][b], a in { 2 - r, 3 - r }, b in { 2 - s, 3 - s }, the channels' roles changed.
 * Down: an average of four outputs has 16 products left of 36: a convolution, large to small, by v[r][s] = 1/4 sum of w[a][b], a in { r - 1, r }, b in { s - 1, s }.
 * Taps outside 0 ... 2 are not there. Gradients of w are the same sums the other way. So neither the enlarged picture nor the one to be averaged is ever in memory.
 * (Karras et al. 2018 do so in their code, as "fused_scale".) */
#include "device.cuh"

enum { TILE = 32, TILE_ROWS = 8 };

/* A kernel of side x side taps for every two channels: [k][tap][j]. */
struct taps {
	struct values w;
	int side, ks, js;
};

/* The sum of the four taps from (row, column) on, as far as they are there. */
__device__ inline float sum_of_taps(const struct taps &from, int k, int row, int column, int j)
{
	float sum = 0;
	for (int i = 0; i < 4; i++) {
		const int r = row + i / 2, s = column + i % 2;
		if (r >= 0 && r < from.side && s >= 0 && s < from.side)
			sum += value_of(from.w, (((int64_t)k * from.side + r) * from.side + s) * from.js + j);
	}
	return sum;
}

/* to[j][tap][k] from from[k][…][j], as for "up": a block turns 32 x 32 channels of a tap, blockIdx.z, in shared memory. */
__global__ static void turned_kernel(struct taps to, struct taps from)
{
	__shared__ float tile[TILE][TILE + 1];
	const int tap = (int)blockIdx.z, j0 = (int)blockIdx.x * TILE, k0 = (int)blockIdx.y * TILE, x = (int)threadIdx.x;
	for (int y = (int)threadIdx.y; y < TILE; y += TILE_ROWS)
		tile[y][x] = k0 + y < from.ks && j0 + x < from.js ? sum_of_taps(from, k0 + y, 2 - tap / to.side, 2 - tap % to.side, j0 + x) : 0;
	__syncthreads();
	for (int y = (int)threadIdx.y; y < TILE; y += TILE_ROWS)
		if (j0 + y < to.ks && k0 + x < to.js)
			set_value(to.w, ((int64_t)(j0 + y) * to.side * to.side + tap) * to.js + k0 + x, tile[x][y]);
}

/* to[k][tap][j] from from[k][…][j], as for "down": from tap (r + offset, s + offset) on. */
__global__ static void averaged_kernel(struct taps to, struct taps from, int offset, uint32_t count, struct divisor js)
{
	const uint32_t i = thread_index(), row = quotient(i, js);
	const int taps = to.side * to.side, k = (int)row / taps, tap = (int)row % taps;
	if (i < count)
		set_value(to.w, i, .25f * sum_of_taps(from, k, tap / to.side + offset, tap % to.side + offset, (int)(i - row * js.d)));
}

static void resize_taps(struct cuda *c, enum resizing direction, struct taps to, struct taps from)
{
	if (direction == RESIZE_UP) {
		launch(c, "sum weights", dim3((unsigned)(from.js + TILE - 1) / TILE, (unsigned)(from.ks + TILE - 1) / TILE, (unsigned)(to.side * to.side)),
			dim3(TILE, TILE_ROWS), turned_kernel, to, from);
	} else {
		const uint32_t count = (uint32_t)(to.ks * to.side * to.side * to.js);
		launch(c, "average weights", blocks_for(count), BLOCK, averaged_kernel, to, from, to.side > from.side ? -1 : 0, count, divisor_of(to.js));
	}
}

static struct taps kernels_of(const float *w, int out, int in)
{
	const struct taps t = { { (void *)w, false }, 3, out, in };
	return t;
}

static struct taps strided_kernels_of(const void *v, bool half, enum resizing direction, int out, int in)
{
	const struct taps t = { { (void *)v, half }, 4, direction == RESIZE_UP ? in : out, direction == RESIZE_UP ? out : in };
	return t;
}

void cuda_resized_weights(struct cuda *c, enum resizing direction, void *v, bool half, const float *w, int out, int in)
{
	resize_taps(c, direction, strided_kernels_of(v, half, direction, out, in), kernels_of(w, out, in));
}

void cuda_resized_gradient(struct cuda *c, enum resizing direction, float *dw, const void *dv, bool half, int out, int in)
{
	resize_taps(c, direction, kernels_of(dw, out, in), strided_kernels_of(dv, half, direction, out, in));
}
