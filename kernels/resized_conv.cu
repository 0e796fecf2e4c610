/* A 3x3 convolution of a picture enlarged 2x (nearest neighbours), or with 2x2 averages of what it makes, as one convolution with stride 2 and a 4x4 kernel.
 *
 * Up: of the nine products of an output those with the same pixel of the small picture are one product with the sum of their weights, which leaves four. The
 * outputs together are the transposed convolution, small to large, by v[r][s] = sum of w[a][b], a in { 2 - r, 3 - r }, b in { 2 - s, 3 - s }, the channels'
 * roles changed.
 * Down: an average of four outputs has 16 products left of 36: a convolution, large to small, by v[r][s] = 1/4 sum of w[a][b], a in { r - 1, r },
 * b in { s - 1, s }. Taps outside 0 ... 2 are not there. Gradients of w are the same sums the other way.
 * So neither the enlarged picture nor the one to be averaged is ever in memory. (Karras et al. 2018 do so in their code, as "fused_scale".) */
#include "device.cuh"

enum { TILE = 32, TILE_ROWS = 8, SIDES = 3 + 4 }; /* a kernel has 3 x 3 taps on one side of the sums, 4 x 4 on the other */

/* Kernels for every two channels: [k][tap][j]. */
struct taps {
	struct values w;
	int side, ks, js;
};

/* The sum of the four taps from (row, column) on, as far as they are there, for V channels from j on. All are read, and those that are not there count as 0. */
template <int V, int SIDE> __device__ inline pack<V> sum_of_taps(const struct taps &from, int k, int row, int column, int j)
{
	pack<V> p[4], sum = {};
	for (int i = 0; i < 4; i++) {
		const int r = row + i / 2, s = column + i % 2;
		const bool there = r >= 0 && r < SIDE && s >= 0 && s < SIDE;
		p[i] = load<V>(from.w, (int64_t)((k * SIDE + (there ? r : 0)) * SIDE + (there ? s : 0)) * from.js + j);
		for (int v = 0; v < V; v++)
			p[i].v[v] = there ? p[i].v[v] : 0;
	}
	for (int i = 0; i < 4; i++)
		for (int v = 0; v < V; v++)
			sum.v[v] += p[i].v[v];
	return sum;
}

/* to[j][tap][k] from from[k][…][j], as for "up": a block turns 32 x 32 channels of a tap, blockIdx.z, in shared memory. */
template <int SIDE> __global__ static void turned_kernel(struct taps to, struct taps from)
{
	__shared__ float tile[TILE][TILE + 1];
	const int tap = (int)blockIdx.z, j0 = (int)blockIdx.x * TILE, k0 = (int)blockIdx.y * TILE, x = (int)threadIdx.x;
	for (int y = (int)threadIdx.y; y < TILE; y += TILE_ROWS)
		tile[y][x] = k0 + y < from.ks && j0 + x < from.js ? sum_of_taps<1, SIDES - SIDE>(from, k0 + y, 2 - tap / SIDE, 2 - tap % SIDE, j0 + x).v[0] : 0;
	__syncthreads();
	for (int y = (int)threadIdx.y; y < TILE; y += TILE_ROWS)
		if (j0 + y < to.ks && k0 + x < to.js)
			set_value(to.w, (int64_t)((j0 + y) * SIDE * SIDE + tap) * to.js + k0 + x, tile[x][y]);
}

/* to[k][tap][j] from from[k][…][j], as for "down": from tap (r + offset, s + offset) on. */
template <int SIDE> __global__ static void averaged_kernel(struct taps to, struct taps from, uint32_t packs, struct divisor across)
{
	enum { OFFSET = SIDE == 4 ? -1 : 0 };
	const uint32_t i = thread_index(), row = quotient(i, across);
	const int k = (int)row / (SIDE * SIDE), tap = (int)row % (SIDE * SIDE);
	if (i >= packs)
		return;
	pack<PACK> mean = sum_of_taps<PACK, SIDES - SIDE>(from, k, tap / SIDE + OFFSET, tap % SIDE + OFFSET, (int)(i - row * across.d) * PACK);
	for (int v = 0; v < PACK; v++)
		mean.v[v] *= .25f;
	store_pack<PACK>(to.w, i, mean);
}

static void resize_taps(struct cuda *c, enum resizing direction, struct taps to, struct taps from)
{
	const int64_t values = (int64_t)to.ks * to.side * to.side * to.js;
	assert(to.side + from.side == SIDES && to.js % PACK == 0 && from.js % PACK == 0 && 2 * values <= INT32_MAX);
	if (direction == RESIZE_UP)
		launch(c, "sum weights", dim3((unsigned)(from.js + TILE - 1) / TILE, (unsigned)(from.ks + TILE - 1) / TILE, (unsigned)(to.side * to.side)),
			dim3(TILE, TILE_ROWS), to.side == 4 ? turned_kernel<4> : turned_kernel<3>, to, from);
	else
		launch(c, "average weights", blocks_for(values / PACK), BLOCK, to.side == 4 ? averaged_kernel<4> : averaged_kernel<3>, to, from,
			(uint32_t)(values / PACK), divisor_of(to.js / PACK));
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
