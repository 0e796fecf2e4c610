/* Nearest-neighbour enlarging and a 3x3 convolution in one. Of the nine products that an output takes, those with the same pixel of the small picture are one
 * product with the sum of their weights: four are left. All outputs together are then the transposed convolution of the small picture, stride 2, by a 4x4 kernel
 *
 *     v[r][s] = sum of w[a][b], a in { 2 - r, 3 - r }, b in { 2 - s, 3 - s } (inside 0 ... 2)
 *
 * with the channels' roles changed; and backwards, dw[a][b] = sum of dv[r][s], r in { 2 - a, 3 - a }, s in { 2 - b, 3 - b }: the same sums. So cuDNN computes with 16
 * products for four outputs, not 36, and the enlarged picture is never in memory. (Karras et al. 2018 did so in their own code, "fused_scale".) */
#include "device.cuh"

enum { TILE = 32, TILE_ROWS = 8 };

/* to[j][t][k] = sum over taps u of from[k][u][j]: kernels of `side` taps squared, blockIdx.z is t. A tile of 32 x 32 channels is turned in shared memory. */
__global__ static void fold_kernel(struct values to, int to_side, struct values from, int from_side, int ks, int js)
{
	__shared__ float tile[TILE][TILE + 1];
	const int t = (int)blockIdx.z, j0 = (int)blockIdx.x * TILE, k0 = (int)blockIdx.y * TILE, x = (int)threadIdx.x;
	const int row = 2 - t / to_side, column = 2 - t % to_side;
	for (int y = (int)threadIdx.y; y < TILE; y += TILE_ROWS) {
		const int64_t k = k0 + y;
		float sum = 0;
		for (int i = 0; i < 4 && k < ks && j0 + x < js; i++) {
			const int r = row + i / 2, s = column + i % 2;
			if (r >= 0 && r < from_side && s >= 0 && s < from_side)
				sum += value_of(from, ((k * from_side + r) * from_side + s) * js + j0 + x);
		}
		tile[y][x] = sum;
	}
	__syncthreads();
	for (int y = (int)threadIdx.y; y < TILE; y += TILE_ROWS) {
		const int64_t j = j0 + y;
		if (j < js && k0 + x < ks)
			set_value(to, (j * to_side * to_side + t) * ks + k0 + x, tile[x][y]);
	}
}

static void fold(struct cuda *c, struct values to, int to_side, struct values from, int from_side, int ks, int js)
{
	launch(c, "sum weights", dim3((unsigned)(js + TILE - 1) / TILE, (unsigned)(ks + TILE - 1) / TILE, (unsigned)(to_side * to_side)), dim3(TILE, TILE_ROWS),
		fold_kernel, to, to_side, from, from_side, ks, js);
}

void cuda_enlarged_weights(struct cuda *c, void *v, bool half, const float *w, int out, int in)
{
	const struct values to = { v, half }, from = { (void *)w, false };
	fold(c, to, 4, from, 3, out, in);
}

void cuda_enlarged_gradient(struct cuda *c, float *dw, const void *dv, bool half, int out, int in)
{
	const struct values to = { dw, false }, from = { (void *)dv, half };
	fold(c, to, 3, from, 4, in, out);
}
