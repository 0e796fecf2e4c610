/* What the kernels share: launching, packs of values, sums in a fixed order.
 *
 * Features are seen as rows of `width` values: a row is a pixel with its channels (padding included), or a whole sample. A thread takes a pack of 8
 * neighbouring values, which is 16 bytes of bfloat16, and reads all it needs before it computes: so enough bytes are under way to fill the memory's bandwidth.
 * What numbers packs, rows and pixels is 32 bits wide and divided by multiplying (divisor.h): these kernels have some hundred instructions for a
 * pack before they, not memory, set the time. No floating-point sum uses atomic operations, so that every run gives the same bytes. */
#ifndef PGAN_DEVICE_CUH
#define PGAN_DEVICE_CUH

#include <cassert>
#include <climits>
#include <cuda_bf16.h>

#include "cuda.h"
#include "divisor.h"
#include "pointwise.h"

enum { BLOCK = 256, WARP = 32, PACK = 8 };

static inline struct cuda *cuda_of(struct backend *b)
{
	return (struct cuda *)b;
}

/* Blocks of BLOCK threads for at least `threads`. */
static inline unsigned blocks_for(int64_t threads)
{
	assert(threads > 0 && threads <= INT32_MAX);
	return (unsigned)((threads + BLOCK - 1) / BLOCK);
}

/* Queues a kernel on the table's stream and notes a failure under its name. */
template <class... Parameters, class... Arguments>
static void launch(struct cuda *c, const char *name, dim3 grid, dim3 block, void (*kernel)(Parameters...), Arguments... arguments)
{
#ifdef __CUDACC__
	kernel<<<grid, block, 0, c->stream>>>(arguments...);
#else /* on the processor, for the tests: tests/gpu/emulation */
	emulate(name, grid, block, [=] { kernel(arguments...); });
#endif
	cuda_note(c, cudaGetLastError(), name);
}

static inline int64_t area_of(struct tensor t)
{
	return (int64_t)t.h * t.w;
}

/* Values of a pixel's channels, padding included; and of a sample, and of all. */
static inline int width_of(struct tensor t)
{
	return (int)layout_channels(t.c);
}

static inline int64_t sample_of(struct tensor t)
{
	return (int64_t)layout_values(t);
}

static inline int64_t count_of(struct tensor t)
{
	return t.n * sample_of(t);
}

/* A pixel's channels lie side by side: true of features, and of planar tensors of one pixel or one channel. */
static inline bool is_rows(struct tensor t)
{
	return !tensor_is_planar(t) || t.c == 1 || area_of(t) == 1;
}

/* Values that a thread takes at once, and how many of these packs a tensor has. */
static inline int pack_of(struct tensor t)
{
	return tensor_is_planar(t) ? 1 : PACK;
}

static inline uint32_t packs_of(struct tensor t)
{
	const int64_t packs = count_of(t) / pack_of(t);
	assert(packs <= INT32_MAX);
	return (uint32_t)packs;
}

__device__ inline uint32_t thread_index()
{
	return blockIdx.x * blockDim.x + threadIdx.x;
}

/* -- pictures and those of twice the size, where a pixel is a block of four: planar ones are planes of one value a pixel, features of `across` packs -- */

struct halved {
	struct divisor w, across; /* columns of the small pictures */
};

static inline struct halved halved_of(struct tensor small)
{
	const struct halved s = { divisor_of(small.w), divisor_of(tensor_is_planar(small) ? 1 : width_of(small) / PACK) };
	return s;
}

/* The block's place: the number of its upper left pixel in the large pictures, and which pack of a pixel. */
struct block {
	uint32_t corner, pack;
};

/* That of pack j of a pixel of the small pictures, and of their pack number i. */
__device__ inline struct block block_at(struct halved s, uint32_t pixel, uint32_t j)
{
	const struct block b = { 2 * (pixel + quotient(pixel, s.w) * s.w.d), j };
	return b;
}

__device__ inline struct block block_of(struct halved s, uint32_t i)
{
	const uint32_t pixel = quotient(i, s.across);
	return block_at(s, pixel, i - pixel * s.across.d);
}

/* The number of the block's pack in its pixel k, in the large pictures. */
__device__ inline uint32_t block_pack(struct halved s, struct block b, int k)
{
	return (b.corner + (uint32_t)(k / 2) * 2 * s.w.d + (uint32_t)(k % 2)) * s.across.d + b.pack;
}

/* -- packs: V values read and written at once -- */

template <int V> struct alignas(4 * V) pack {
	float v[V];
};

template <int V> __device__ inline pack<V> load(const float *from)
{
	return *reinterpret_cast<const pack<V> *>(from);
}

template <int V> __device__ inline void store(float *to, const pack<V> &p)
{
	*reinterpret_cast<pack<V> *>(to) = p;
}

/* What follows a linear map: backend.h, struct activation. */
template <int V> __device__ inline pack<V> activated(const pack<V> &z, const pack<V> &bias, const struct activation &act)
{
	pack<V> y;
	for (int v = 0; v < V; v++)
		y.v[v] = lrelu(act.weight_gain * z.v[v] + act.bias_gain * bias.v[v], act.leak);
	return y;
}

/* -- values of a tensor: float32, or bfloat16, which is widened and rounded on the way -- */

struct values {
	void *data;
	bool half;
};

static inline struct values values_of(struct tensor t)
{
	struct values x = { t.data, layout_is_half(t) };
	return x;
}

template <int V> struct alignas(2 * V) half_pack {
	__nv_bfloat16 v[V];
};

/* V values from number `at` on, a multiple of V. */
template <int V> __device__ inline pack<V> load(struct values from, int64_t at)
{
	if (!from.half)
		return load<V>((const float *)from.data + at);
	const half_pack<V> h = *reinterpret_cast<const half_pack<V> *>((const __nv_bfloat16 *)from.data + at);
	pack<V> p;
	for (int v = 0; v < V; v++)
		p.v[v] = __bfloat162float(h.v[v]);
	return p;
}

template <int V> __device__ inline void store(struct values to, int64_t at, const pack<V> &p)
{
	if (!to.half) {
		store<V>((float *)to.data + at, p);
		return;
	}
	half_pack<V> h;
	for (int v = 0; v < V; v++)
		h.v[v] = __float2bfloat16_rn(p.v[v]);
	*reinterpret_cast<half_pack<V> *>((__nv_bfloat16 *)to.data + at) = h;
}

/* Pack number i. */
template <int V> __device__ inline pack<V> load_pack(struct values from, uint32_t i)
{
	return load<V>(from, (int64_t)i * V);
}

template <int V> __device__ inline void store_pack(struct values to, uint32_t i, const pack<V> &p)
{
	store<V>(to, (int64_t)i * V, p);
}

__device__ inline float value_of(struct values from, int64_t at)
{
	return load<1>(from, at).v[0];
}

__device__ inline void set_value(struct values to, int64_t at, float value)
{
	const pack<1> p = { { value } };
	store<1>(to, at, p);
}

/* -- sums of a row: 2^log neighbouring threads of a warp, its lanes, share it -- */

struct lanes {
	uint32_t rows;
	int log;
};

/* At most a warp, and no more than there are packs in a row. */
static inline struct lanes lanes_for(int64_t rows, int packs)
{
	struct lanes l = { (uint32_t)rows, 0 };
	while (2 << l.log <= WARP && 2 << l.log <= packs)
		l.log++;
	return l;
}

static inline unsigned blocks_for(struct lanes l)
{
	return blocks_for((int64_t)l.rows << l.log);
}

/* The sum over the lanes, the same in each. Every thread of the warp takes part. */
__device__ inline float lanes_sum(float x, struct lanes l)
{
	for (int d = 1 << l.log >> 1; d > 0; d /= 2)
		x += __shfl_xor_sync(0xffffffffu, x, d);
	return x;
}

/* Which row a thread works on, and which are its values: every `step`th pack from `first` on. Threads past the last row have none. */
struct row_lane {
	uint32_t row;
	int first, step;
	bool leads; /* the one of its row that writes what there is one of */
};

template <int V> __device__ inline struct row_lane row_of_thread(struct lanes l)
{
	const uint32_t i = thread_index(), row = i >> l.log, lane = i & ((1u << l.log) - 1);
	const bool past = row >= l.rows;
	return { row, past ? INT_MAX : (int)lane * V, V << l.log, !past && lane == 0 };
}

/* -- sums of a block -- */

/* The sum over the block's threads, the same in each; blockDim.x is a power of two, at most 1024. */
__device__ inline double block_sum(double x)
{
	__shared__ double shared[1024];
	__syncthreads();
	shared[threadIdx.x] = x;
	__syncthreads();
	for (unsigned d = blockDim.x / 2; d > 0; d /= 2) {
		if (threadIdx.x < d)
			shared[threadIdx.x] += shared[threadIdx.x + d];
		__syncthreads();
	}
	return shared[0];
}

/* -- sums of columns, over many rows: chunks of rows first, then the chunks in order -- */

struct columns {
	dim3 grid, block;
	uint32_t rows, chunk; /* rows, and rows of a chunk */
	int width, chunks;
};

/* The way rows and columns fall to threads depends on the shape alone. */
static inline struct columns columns_for(int64_t rows, int width, int pack)
{
	const int across = width / pack, x = across < 128 ? across : 128, y = BLOCK / x;
	const int64_t least = 4 * (int64_t)y, chunk = rows / 512 > least ? (rows + 511) / 512 : least;
	struct columns c;
	assert(rows > 0 && rows <= INT32_MAX && width % pack == 0);
	c.rows = (uint32_t)rows;
	c.width = width;
	c.chunk = (uint32_t)chunk;
	c.chunks = (int)((rows + chunk - 1) / chunk);
	c.block = dim3((unsigned)x, (unsigned)y);
	c.grid = dim3((unsigned)c.chunks, (unsigned)((across + x - 1) / x));
	return c;
}

/* Doubles that K sums of each column take, per chunk. */
static inline size_t columns_bytes(const struct columns *c, int sums)
{
	return sizeof(double) * (size_t)sums * (size_t)c->width * (size_t)c->chunks;
}

/* Calls each(row, column, sum) for the rows of this block's chunk and this thread's V columns, then writes the sums over the chunk to
 * partial[chunk][K][width], unless that is NULL. */
template <int V, int K, class Each> __device__ inline void column_sums(double *partial, uint32_t rows, uint32_t chunk, int width, Each each)
{
	__shared__ double shared[BLOCK * V];
	const int column = (int)(blockIdx.y * blockDim.x + threadIdx.x) * V, thread = (int)(threadIdx.y * blockDim.x + threadIdx.x);
	const uint32_t first = blockIdx.x * chunk, end = first + chunk < rows ? first + chunk : rows;
	double sum[K][V] = {};
	if (column < width)
		for (uint32_t row = first + threadIdx.y; row < end; row += blockDim.y)
			each(row, column, sum);
	for (int k = 0; partial && k < K; k++) {
		__syncthreads();
		for (int v = 0; v < V; v++)
			shared[thread * V + v] = sum[k][v];
		__syncthreads();
		for (int v = 0; threadIdx.y == 0 && column < width && v < V; v++) {
			double total = 0;
			for (unsigned y = 0; y < blockDim.y; y++)
				total += shared[(y * blockDim.x + threadIdx.x) * V + v];
			partial[((int64_t)blockIdx.x * K + k) * width + column + v] = total;
		}
	}
}

/* out[j] = (accumulate: +=) gain * sum over chunks of partial[chunk][j]; `count` values. In sums.cu. */
void finish_columns(struct cuda *, float *out, const double *partial, int count, int chunks, double gain, bool accumulate);
/* sums[which] += sum of `count` doubles, in order. */
void finish_sum(struct cuda *, enum step_sum which, const double *partial, int count);

#endif
