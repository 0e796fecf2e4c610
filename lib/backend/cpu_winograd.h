/* 3x3 convolutions by Winograd's minimal filtering F(4x4,3x3) (Lavin and Gray 2016, arXiv 1509.09308), 4 times fewer multiplications than the definition.
 * Part of cpu_point.h's template.
 *
 * A picture is cut into tiles of 4x4 outputs, each from 6x6 inputs. B^T d B takes a tile of inputs to 36 "frequencies", G g G^T a kernel, and A^T m A the
 * products of both, summed over channels, to the 4x4 outputs; so at each frequency a convolution is a matrix product over tiles and channels. With respect to the
 * kernel the maps are their own adjoints: dg = G^T (sum over tiles of (B^T d B) (A dy A^T)) G. The interpolation points are 0, ±5/8, ±3/2 and infinity, whose
 * rounding errors are smaller than those of 0, ±1, ±2 (Barabasz et al. 2020, arXiv 1803.10986).
 *
 * Each output is computed in the same order whatever the chunk; the sums over tiles of a small kernel's gradient are made in one part per thread and added in
 * order: the same bytes for the same number of threads. */
#include <omp.h>

enum {
	FREQUENCIES = 36,
	ROWS = BLOCK == 16 ? 8 : 4, /* of a register block of the matrix products; divides BLOCK */
	VECS = BLOCK == 16 ? 3 : 2  /* its widest */
};

/* -- the three transforms, one dimension at a time -- */

#define P (5.f / 8)
#define Q (3.f / 2)

#define INLINE static inline __attribute__((always_inline))

/* k * a + b */
INLINE vec scaled(float k, vec a, vec b)
{
	return vec_fma(vec_all(k), a, b);
}

/* e = B^T d: rows are the coefficients of the polynomials with all interpolation points but one as roots. */
INLINE void frequencies_of_inputs(vec e[6], const vec d[6])
{
	const vec p = scaled(-Q * Q, d[2], d[4]), p_odd = scaled(-Q * Q, d[1], d[3]), q = scaled(-P * P, d[2], d[4]), q_odd = scaled(-P * P, d[1], d[3]);
	e[0] = scaled(P * P * Q * Q, d[0], scaled(-P * P - Q * Q, d[2], d[4]));
	e[1] = scaled(P, p_odd, p);
	e[2] = scaled(-P, p_odd, p);
	e[3] = scaled(Q, q_odd, q);
	e[4] = scaled(-Q, q_odd, q);
	e[5] = scaled(P * P * Q * Q, d[1], scaled(-P * P - Q * Q, d[3], d[5]));
}

/* y = A^T m: powers of the points. */
INLINE void outputs_of_products(vec y[4], const vec m[6])
{
	const vec p = m[1] + m[2], p_odd = m[1] - m[2], q = m[3] + m[4], q_odd = m[3] - m[4];
	y[0] = m[0] + p + q;
	y[1] = scaled(P, p_odd, Q * q_odd);
	y[2] = scaled(P * P, p, Q * Q * q);
	y[3] = scaled(P * P * P, p_odd, scaled(Q * Q * Q, q_odd, m[5]));
}

/* z = A dy. */
INLINE void frequencies_of_outputs(vec z[6], const vec dy[4])
{
	const vec p = scaled(P * P, dy[2], dy[0]), p_odd = scaled(P * P, dy[3], dy[1]), q = scaled(Q * Q, dy[2], dy[0]), q_odd = scaled(Q * Q, dy[3], dy[1]);
	z[0] = dy[0];
	z[1] = scaled(P, p_odd, p);
	z[2] = scaled(-P, p_odd, p);
	z[3] = scaled(Q, q_odd, q);
	z[4] = scaled(-Q, q_odd, q);
	z[5] = dy[3];
}

/* 1 over the product of the differences between 0, P or Q and the other finite points. */
#define SCALE_0 (1 / (P * P * Q * Q))
#define SCALE_P (1 / (2 * P * P * (P * P - Q * Q)))
#define SCALE_Q (1 / (2 * Q * Q * (Q * Q - P * P)))

/* u = G g. */
INLINE void frequencies_of_kernel(vec u[6], const vec g[3])
{
	const vec p = SCALE_P * scaled(P * P, g[2], g[0]), q = SCALE_Q * scaled(Q * Q, g[2], g[0]);
	u[0] = SCALE_0 * g[0];
	u[1] = scaled(SCALE_P * P, g[1], p);
	u[2] = scaled(-SCALE_P * P, g[1], p);
	u[3] = scaled(SCALE_Q * Q, g[1], q);
	u[4] = scaled(-SCALE_Q * Q, g[1], q);
	u[5] = g[2];
}

/* dg = G^T du. */
INLINE void kernel_of_frequencies(vec dg[3], const vec du[6])
{
	const vec p = SCALE_P * (du[1] + du[2]), q = SCALE_Q * (du[3] + du[4]);
	dg[0] = scaled(SCALE_0, du[0], p + q);
	dg[1] = scaled(SCALE_P * P, du[1] - du[2], SCALE_Q * Q * (du[3] - du[4]));
	dg[2] = scaled(P * P, p, scaled(Q * Q, q, du[5]));
}

#undef P
#undef Q

/* A map in both dimensions, (m,m) -> (n,n): `read` is element (i,j) of the source, `write` takes element (i,j) of the result. */
#define TRANSFORM(map, n, m, read, write)                                                   \
	do {                                                                                \
		vec half_[m][n], line_[m], out_[n];                                         \
		for (int i_ = 0; i_ < m; i_++) {                                            \
			for (int j_ = 0; j_ < m; j_++)                                      \
				line_[j_] = read(i_, j_);                                   \
			map(half_[i_], line_);                                              \
		}                                                                           \
		for (int j_ = 0; j_ < n; j_++) {                                            \
			for (int i_ = 0; i_ < m; i_++)                                      \
				line_[i_] = half_[i_][j_];                                  \
			map(out_, line_);                                                   \
			for (int i_ = 0; i_ < n; i_++)                                      \
				write(i_, j_, out_[i_]);                                    \
		}                                                                           \
	} while (0)

/* -- tiles -- */

/* Tile `index` of a tensor's batch: its sample and its first row and column. */
struct tile {
	int64_t sample;
	int row, column;
};

static inline int64_t tile_count(struct tensor t)
{
	return t.n * (t.h / 4) * (t.w / 4);
}

static inline struct tile tile_at(struct tensor t, int64_t index)
{
	const int across = t.w / 4, each = t.h / 4 * across, at = (int)(index % each);
	return (struct tile){ index / each, at / across * 4, at % across * 4 };
}

/* 6x6 inputs around one tile, zero outside the picture -> to[36], `stride` vectors apart. */
static inline void input_tile(vec *to, size_t stride, const vec *block, struct tile t, int h, int w)
{
	static const vec outside[6];
	const vec *row[6];
	const bool left = t.column > 0, right = t.column + 4 < w;
	for (int i = 0; i < 6; i++) {
		const int r = t.row + i - 1;
		row[i] = r >= 0 && r < h ? block + (size_t)r * (size_t)w + t.column : outside + 1;
	}
#define READ(i, j) ((j == 0 && !left) || (j == 5 && !right) ? vec_all(0) : row[i][j - 1])
#define WRITE(i, j, value) to[(size_t)(6 * i + j) * stride] = value
	TRANSFORM(frequencies_of_inputs, 6, 6, READ, WRITE);
#undef READ
}

/* 4x4 gradients of one tile -> to[36]. */
static inline void gradient_tile(vec *to, size_t stride, const vec *block, struct tile t, int w)
{
	const vec *from = block + (size_t)t.row * (size_t)w + t.column;
#define READ(i, j) from[(size_t)(i) * (size_t)w + (size_t)(j)]
	TRANSFORM(frequencies_of_outputs, 6, 4, READ, WRITE);
#undef READ
#undef WRITE
}

/* from[36] -> the 4x4 outputs of one tile. */
static inline void output_tile(vec *block, const vec *from, size_t stride, struct tile t, int w)
{
	vec *to = block + (size_t)t.row * (size_t)w + t.column;
#define READ(i, j) from[(size_t)(6 * i + j) * stride]
#define WRITE(i, j, value) to[(size_t)(i) * (size_t)w + (size_t)(j)] = value
	TRANSFORM(outputs_of_products, 4, 6, READ, WRITE);
#undef READ
#undef WRITE
}

/* -- kernels -- */

/* One BLOCK x BLOCK kernel as vectors of output channels: g[tap][input channel]. Backward the roles of the channels change and the taps are mirrored. */
static void kernel_vectors(vec g[9][BLOCK], const float *w, bool backward)
{
	if (!backward) {
		memcpy(g, w, 9 * BLOCK * sizeof **g);
		return;
	}
	for (int tap = 0; tap < 9; tap++)
		for (int i = 0; i < BLOCK; i++)
			for (int o = 0; o < BLOCK; o++)
				((float *)&g[tap][o])[i] = w[((8 - tap) * BLOCK + i) * BLOCK + o];
}

/* Kernels of the output blocks first … first + out, of `all` -> u[frequency][output block][input channel]; in, out and all: blocks, as the pass sees them. */
static void transform_kernels(struct backend *b, vec *u, const float *w, int in, int first, int out, int all, bool backward)
{
	const size_t channels = (size_t)in * BLOCK, size = 9 * BLOCK * BLOCK;
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int j = 0; j < out; j++)
		for (int i = 0; i < in; i++) {
			const size_t o = (size_t)(first + j);
			vec g[9][BLOCK];
			kernel_vectors(g, w + (backward ? (size_t)i * (size_t)all + o : o * (size_t)in + (size_t)i) * size, backward);
			for (int k = 0; k < BLOCK; k++) {
				vec *to = u + (size_t)j * channels + (size_t)(i * BLOCK + k);
#define READ(r, c) g[3 * r + c][k]
#define WRITE(r, c, value) to[(size_t)((6 * r + c) * out) * channels] = value
				TRANSFORM(frequencies_of_kernel, 6, 3, READ, WRITE);
#undef READ
#undef WRITE
			}
		}
}

/* -- matrix products -- */

/* c = (add: c +) a * b for ROWS rows of c and `width` vectors of each. The sum runs over blocks * each terms: of a, `a_k` floats apart and its blocks `a_block`; of
 * b one vector after another. Rows are `a_row` floats apart in a and neighbours in c; columns are `b_column` and `c_column` vectors apart. */
struct product {
	vec *c;
	const float *a;
	const vec *b;
	size_t c_column, a_row, a_k, a_block, b_column, blocks, each;
	bool add;
};

INLINE void multiply_width(const struct product *p, const int width)
{
	vec *const c = p->c, sum[ROWS][VECS];
	const float *a = p->a;
	const vec *b = p->b;
#pragma GCC unroll 8
	for (size_t r = 0; r < ROWS; r++)
#pragma GCC unroll 4
		for (int j = 0; j < width; j++)
			sum[r][j] = p->add ? c[(size_t)j * p->c_column + r] : vec_all(0);
	for (size_t block = 0; block < p->blocks; block++, a += p->a_block) {
		const float *x = a;
		for (size_t k = 0; k < p->each; k++, x += p->a_k, b++)
#pragma GCC unroll 8
			for (size_t r = 0; r < ROWS; r++)
#pragma GCC unroll 4
				for (int j = 0; j < width; j++)
					sum[r][j] = vec_fma(vec_all(x[r * p->a_row]), b[(size_t)j * p->b_column], sum[r][j]);
	}
#pragma GCC unroll 8
	for (size_t r = 0; r < ROWS; r++)
#pragma GCC unroll 4
		for (int j = 0; j < width; j++)
			c[(size_t)j * p->c_column + r] = sum[r][j];
}

static void multiply(const struct product *p, int width)
{
	if (width == 1)
		multiply_width(p, 1);
	else if (width == 2)
		multiply_width(p, 2);
	else
		multiply_width(p, VECS);
}

/* The columns of a product are taken in panels, at most VECS wide and as equal as can be. */
static inline int panels_of(int blocks)
{
	return (blocks + VECS - 1) / VECS;
}

static inline int panel_start(int blocks, int panel)
{
	return blocks * panel / panels_of(blocks);
}

/* -- cutting up -- */

enum { SLICE_BYTES = 8 << 20 };

/* How a convolution is cut up: slices of output blocks, whose kernels' frequencies fit in the cache, and chunks of tiles. With one slice, parts of the
 * chunks run side by side; otherwise the slices do. */
struct cut {
	int slices, parts, in, out; /* out: blocks of the widest slice */
	int64_t tiles, each, chunks;
	size_t kernels, work; /* vectors: kernels of a slice, frequencies of a chunk */
};

/* Tiles of a chunk: their frequencies take about two fifths of the kernels' memory, so that neither crowds out the other. Whole ROWS. */
static int64_t chunk_tiles(const struct cut *c, int threads)
{
	const int64_t in = c->in * BLOCK, out = c->out * BLOCK, share = c->slices > 1 ? c->tiles : (c->tiles + threads - 1) / threads;
	int64_t n = 2 * in * out / (5 * (in + out));
	n = n < 24 ? 24 : n;
	n = n < share ? n : share;
	return (n + ROWS - 1) / ROWS * ROWS;
}

/* Vectors from one frequency of a chunk to the next, for `blocks` channel blocks: an odd number, so that the 36 places that a transform writes to fall into
 * different sets of the cache. */
static inline size_t plane_size(const struct cut *c, int blocks)
{
	return (size_t)c->each * (size_t)blocks | 1;
}

static struct cut cut_up(struct backend *b, struct tensor x, struct tensor y)
{
	const int threads = b->threads, out = blocks_of(y);
	struct cut c = { .in = blocks_of(x), .tiles = tile_count(x) };
	const size_t block = (size_t)FREQUENCIES * BLOCK * (size_t)c.in; /* kernels of one output block */
	const size_t fit = SLICE_BYTES / sizeof(vec) / block;

	c.slices = fit < 1 ? out : (int)(((size_t)out + fit - 1) / fit);
	if (c.slices > 1)
		c.slices = (c.slices + threads - 1) / threads * threads;
	c.slices = c.slices < out ? c.slices : out;
	c.out = (out + c.slices - 1) / c.slices;
	c.each = chunk_tiles(&c, threads);
	c.chunks = (c.tiles + c.each - 1) / c.each;
	c.parts = c.slices > 1 ? 1 : c.chunks < threads ? (int)c.chunks : threads;
	c.kernels = block * (size_t)c.out;
	c.work = FREQUENCIES * (plane_size(&c, c.in) + plane_size(&c, c.out));
	return c;
}

/* Channel blocks first … first + count of a tensor, as if they were all. */
struct blocks {
	struct tensor t;
	int first, count;
};

static struct blocks slice_of(struct tensor t, const struct cut *c, int slice)
{
	const int all = blocks_of(t), first = all * slice / c->slices;
	return (struct blocks){ t, first, all * (slice + 1) / c->slices - first };
}

/* x -> v[frequency][block][tile] */
static void inputs_of_chunk(vec *v, struct tensor x, const struct cut *cut, int64_t first, size_t count)
{
	const size_t in = (size_t)cut->in, each = (size_t)cut->each, plane = plane_size(cut, cut->in);
	for (size_t c = 0; c < in; c++)
		for (size_t t = 0; t < count; t++) {
			const struct tile tile = tile_at(x, first + (int64_t)t);
			input_tile(v + c * each + t, plane, block_of(x, tile.sample, (int)c), tile, x.h, x.w);
		}
}

/* -- convolution -- */

/* m[frequency][output block][tile] = v * u at each frequency */
static void convolve_frequencies(vec *m, const vec *v, const vec *u, const struct cut *cut, int out_blocks, size_t count)
{
	const size_t in = (size_t)cut->in, out = (size_t)out_blocks, each = (size_t)cut->each, channels = in * BLOCK;
	for (size_t f = 0; f < FREQUENCIES; f++)
		for (int panel = 0; panel < panels_of(out_blocks); panel++) {
			const size_t start = (size_t)panel_start(out_blocks, panel);
			const int width = panel_start(out_blocks, panel + 1) - (int)start;
			struct product p = { .c_column = each, .a_row = BLOCK, .a_k = 1, .a_block = each * BLOCK, .b = u + (f * out + start) * channels, .b_column = channels,
			                     .blocks = in, .each = BLOCK };
			for (size_t t = 0; t < count; t += ROWS) {
				p.c = m + f * plane_size(cut, out_blocks) + start * each + t;
				p.a = (const float *)(v + f * plane_size(cut, cut->in) + t);
				multiply(&p, width);
			}
		}
}

static void convolve_chunk(struct blocks y, struct tensor x, const vec *u, vec *v, const struct cut *cut, int64_t first)
{
	const size_t out = (size_t)y.count, each = (size_t)cut->each, count = min_size(each, (size_t)(cut->tiles - first));
	vec *m = v + FREQUENCIES * plane_size(cut, cut->in);

	inputs_of_chunk(v, x, cut, first, count);
	convolve_frequencies(m, v, u, cut, y.count, count);
	for (size_t c = 0; c < out; c++)
		for (size_t t = 0; t < count; t++) {
			const struct tile tile = tile_at(y.t, first + (int64_t)t);
			output_tile(block_of(y.t, tile.sample, y.first + (int)c), m + c * each + t, plane_size(cut, y.count), tile, y.t.w);
		}
}

static void winograd_convolve(struct backend *b, struct tensor y, struct tensor x, const float *w, bool backward)
{
	const struct cut cut = cut_up(b, x, y);
	const int units = cut.slices > 1 ? cut.slices : cut.parts, all = blocks_of(y);
	const size_t each = (cut.slices > 1 ? cut.kernels : 0) + cut.work;
	vec *work = cpu_scratch((struct cpu *)b, ((cut.slices > 1 ? 0 : cut.kernels) + (size_t)b->threads * each) * sizeof *work), *shared = NULL;
	if (!work)
		return;
	if (cut.slices == 1) {
		shared = work;
		work += cut.kernels;
		transform_kernels(b, shared, w, cut.in, 0, all, all, backward);
	}
#pragma omp parallel for schedule(static) num_threads(b->threads)
	for (int unit = 0; unit < units; unit++) {
		const int slice = shared ? 0 : unit, part = shared ? unit : 0;
		const struct blocks to = slice_of(y, &cut, slice);
		vec *v = work + (size_t)omp_get_thread_num() * each, *u = shared ? shared : v + cut.work;
		if (!shared)
			transform_kernels(b, u, w, cut.in, to.first, to.count, all, backward);
		for (int64_t k = cut.chunks * part / cut.parts; k < cut.chunks * (part + 1) / cut.parts; k++)
			convolve_chunk(to, x, u, v, &cut, k * cut.each);
	}
}

static void cpu_winograd(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	winograd_convolve(b, y, x, w, false);
}

static void cpu_winograd_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w)
{
	winograd_convolve(b, dx, dy, w, true);
}

/* -- gradient of the weights -- */

/* sum[frequency][output block][input channel] = (add: +=) over the tiles of one chunk. */
static void weights_chunk(vec *sum, struct tensor x, struct blocks dy, vec *v, const struct cut *cut, int64_t first, bool add)
{
	const size_t in = (size_t)cut->in, out = (size_t)dy.count, each = (size_t)cut->each, channels = in * BLOCK;
	const size_t count = min_size(each, (size_t)(cut->tiles - first));
	vec *z = v + FREQUENCIES * plane_size(cut, cut->in);

	inputs_of_chunk(v, x, cut, first, count);
	for (size_t c = 0; c < out; c++)
		for (size_t t = 0; t < count; t++) {
			const struct tile tile = tile_at(dy.t, first + (int64_t)t);
			gradient_tile(z + c * each + t, plane_size(cut, dy.count), block_of(dy.t, tile.sample, dy.first + (int)c), tile, dy.t.w);
		}
	for (size_t f = 0; f < FREQUENCIES; f++)
		for (int panel = 0; panel < panels_of(dy.count); panel++) {
			const size_t start = (size_t)panel_start(dy.count, panel);
			const int width = panel_start(dy.count, panel + 1) - (int)start;
			struct product p = { .c_column = channels, .a_row = 1, .a_k = BLOCK, 
			                     .b = z + f * plane_size(cut, dy.count) + start * each, .b_column = each, .blocks = 1, .each = count,
			                     .add = add };
			for (size_t c = 0; c < channels; c += ROWS) {
				p.c = sum + (f * out + start) * channels + c;
				p.a = (const float *)(v + f * plane_size(cut, cut->in) + c / BLOCK * each) + c % BLOCK;
				multiply(&p, width);
			}
		}
}

/* Output blocks first … first + out of dw, from the sums of the parts, `stride` vectors apart. */
static void kernels_from(struct backend *b, float *dw, const vec *sum, int in, int first, int out, int parts, size_t stride)
{
	const size_t channels = (size_t)in * BLOCK;
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int o = 0; o < out; o++)
		for (int i = 0; i < in; i++)
			for (int k = 0; k < BLOCK; k++) {
				const vec *from = sum + (size_t)o * channels + (size_t)(i * BLOCK + k);
				vec *to = (vec *)dw + (size_t)((first + o) * in + i) * 9 * BLOCK + (size_t)k, total[FREQUENCIES];
				for (size_t f = 0; f < FREQUENCIES; f++) {
					total[f] = from[f * (size_t)out * channels];
					for (size_t part = 1; part < (size_t)parts; part++)
						total[f] += from[part * stride + f * (size_t)out * channels];
				}
#define READ(r, c) total[6 * r + c]
#define WRITE(r, c, value) to[(3 * r + c) * BLOCK] = value
				TRANSFORM(kernel_of_frequencies, 3, 6, READ, WRITE);
#undef READ
#undef WRITE
			}
}

static void cpu_winograd_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	const struct cut cut = cut_up(b, x, dy);
	const bool sliced = cut.slices > 1;
	const int units = sliced ? cut.slices : cut.parts;
	const size_t each = cut.kernels + cut.work;
	vec *work = cpu_scratch((struct cpu *)b, (size_t)b->threads * each * sizeof *work);
	if (!work)
		return;
#pragma omp parallel for schedule(static) num_threads(b->threads)
	for (int unit = 0; unit < units; unit++) {
		const int slice = sliced ? unit : 0, part = sliced ? 0 : unit;
		const struct blocks from = slice_of(dy, &cut, slice);
		vec *sum = work + (size_t)(sliced ? omp_get_thread_num() : part) * each;
		const int64_t start = cut.chunks * part / cut.parts;
		for (int64_t k = start; k < cut.chunks * (part + 1) / cut.parts; k++)
			weights_chunk(sum, x, from, sum + cut.kernels, &cut, k * cut.each, k > start);
		if (sliced)
			kernels_from(b, dw, sum, cut.in, from.first, from.count, 1, 0);
	}
	if (!sliced)
		kernels_from(b, dw, work, cut.in, 0, cut.out, cut.parts, each);
}
