/* Dense layers that make a few planar values of a sample (scores), and rounding to bfloat16 and back. */
#include <cuda_bf16.h>

#include "device.cuh"

/* -- dense: y (n,outs), x (n,width), w (outs,width) -- */

__global__ static void dense_kernel(float *y, struct values x, const float *w, int64_t n, int outs, int width, int lanes)
{
	const struct row_lane r = row_of_thread(n, lanes);
	for (int o = 0; o < outs; o++) {
		float sum = 0;
		for (int j = 4 * r.lane; j < width; j += 4 * lanes) {
			const pack<4> p = load<4>(x, r.row * width + j), k = load<4>(w + (int64_t)o * width + j);
			for (int v = 0; v < 4; v++)
				sum += k.v[v] * p.v[v];
		}
		sum = lanes_sum(sum, lanes);
		if (r.live && r.lane == 0)
			y[r.row * outs + o] = sum;
	}
}

__global__ static void dense_backward_data_kernel(struct values dx, const float *dy, const float *w, int64_t count, int outs, int width)
{
	const int64_t i = thread_index();
	if (i >= count)
		return;
	float sum = 0;
	for (int o = 0; o < outs; o++)
		sum += w[(int64_t)o * width + i % width] * dy[i / width * outs + o];
	set_value(dx, i, sum);
}

/* A thread has one weight and goes over the samples. */
__global__ static void dense_backward_weights_kernel(float *dw, struct values x, const float *dy, int64_t n, int outs, int width)
{
	const int64_t i = thread_index();
	if (i >= (int64_t)outs * width)
		return;
	double sum = 0;
	for (int64_t k = 0; k < n; k++)
		sum += (double)dy[k * outs + i / width] * value_of(x, k * width + i % width);
	dw[i] = (float)sum;
}

static void check_dense(struct tensor y, struct tensor x)
{
	assert(y.n == x.n && sample_of(y) <= 4 && sample_of(x) % 4 == 0 && sample_of(x) <= 1 << 30);
	(void)y;
	(void)x;
}

void cuda_small_dense(struct cuda *c, struct tensor y, struct tensor x, const float *w)
{
	const int width = (int)sample_of(x), lanes = lanes_for(width);
	check_dense(y, x);
	launch(c, "score", blocks_for(x.n * lanes), BLOCK, dense_kernel, y.data, values_of(x), w, x.n, (int)sample_of(y), width, lanes);
}

void cuda_small_dense_backward_data(struct cuda *c, struct tensor dx, struct tensor dy, const float *w)
{
	const int64_t count = count_of(dx);
	check_dense(dy, dx);
	launch(c, "differentiate a score", blocks_for(count), BLOCK, dense_backward_data_kernel, values_of(dx), dy.data, w, count, (int)sample_of(dy),
		(int)sample_of(dx));
}

void cuda_small_dense_backward_weights(struct cuda *c, float *dw, struct tensor x, struct tensor dy)
{
	const int width = (int)sample_of(x), outs = (int)sample_of(dy);
	check_dense(dy, x);
	launch(c, "differentiate the weights of a score", blocks_for((int64_t)outs * width), BLOCK, dense_backward_weights_kernel, dw, values_of(x), dy.data,
		x.n, outs, width);
}

/* -- bfloat16: eight values a thread -- */

struct alignas(16) eight {
	__nv_bfloat16 v[8];
};

__global__ static void to_bf16_kernel(struct eight *to, const float *from, int64_t eights)
{
	const int64_t i = thread_index();
	if (i >= eights)
		return;
	const pack<4> a = load<4>(from + 8 * i), b = load<4>(from + 8 * i + 4);
	struct eight e;
	for (int v = 0; v < 4; v++) {
		e.v[v] = __float2bfloat16_rn(a.v[v]);
		e.v[v + 4] = __float2bfloat16_rn(b.v[v]);
	}
	to[i] = e;
}

__global__ static void from_bf16_kernel(float *to, const struct eight *from, int64_t eights)
{
	const int64_t i = thread_index();
	if (i >= eights)
		return;
	const struct eight e = from[i];
	pack<4> a, b;
	for (int v = 0; v < 4; v++) {
		a.v[v] = __bfloat162float(e.v[v]);
		b.v[v] = __bfloat162float(e.v[v + 4]);
	}
	store<4>(to + 8 * i, a);
	store<4>(to + 8 * i + 4, b);
}

void cuda_to_bf16(struct cuda *c, void *to, const float *from, size_t count)
{
	assert(count % 8 == 0);
	launch(c, "round to bfloat16", blocks_for((int64_t)count / 8), BLOCK, to_bf16_kernel, (struct eight *)to, from, (int64_t)count / 8);
}

void cuda_from_bf16(struct cuda *c, float *to, const void *from, size_t count)
{
	assert(count % 8 == 0);
	launch(c, "widen bfloat16", blocks_for((int64_t)count / 8), BLOCK, from_bf16_kernel, to, (const struct eight *)from, (int64_t)count / 8);
}
