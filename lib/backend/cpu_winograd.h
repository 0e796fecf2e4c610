/* 3x3 convolutions by Winograd's minimal filtering F(4x4,3x3) (Lavin and Gray 2016, arXiv 1509.09308), 4 times fewer multiplications than the definition.
 * Part of cpu_point.h's template.
 *
 * A picture is cut into tiles of 4x4 outputs, each from 6x6 inputs. B^T d B takes a tile of inputs to 36 "frequencies", G g G^T a kernel, and A^T m A the
 * products of both, summed over channels, to the 4x4 outputs; so at each frequency a convolution is a matrix product over tiles and channels. With respect to the
 * kernel the maps are their own adjoints: dg = G^T (sum over tiles of (B^T d B) (A dy A^T)) G. The interpolation points are 0, ±5/8, ±3/2 and infinity, whose
 * rounding errors are smaller than those of 0, ±1, ±2 (Barabasz et al. 2020, arXiv 1803.10986).
 *
 * Work is cut into chunks of tiles whose frequencies stay in cache. Each output is computed in the same order whatever the chunk; the sums over tiles of the
 * weights' gradient are made in one part per thread and added in order: the same bytes for the same number of threads. */

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

/* Vectors of output channels are grouped into panels, at most VECS wide and as equal as can be: [panel][input channel][vector of the panel]. */
static inline int panels_of(int blocks)
{
	return (blocks + VECS - 1) / VECS;
}

static inline int panel_start(int blocks, int panel)
{
	return blocks * panel / panels_of(blocks);
}

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

/* All kernels -> u[frequency][panel][input channel][vector]; in and out: blocks, as the pass sees them. */
static void transform_kernels(struct backend *b, vec *u, const float *w, int in, int out, bool backward)
{
	const size_t each = (size_t)in * BLOCK * (size_t)out, size = 9 * BLOCK * BLOCK;
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int panel = 0; panel < panels_of(out); panel++)
		for (int i = 0; i < in; i++) {
			const int start = panel_start(out, panel), width = panel_start(out, panel + 1) - start;
			for (int j = 0; j < width; j++) {
				const size_t o = (size_t)(start + j);
				vec g[9][BLOCK];
				kernel_vectors(g, w + (backward ? (size_t)i * (size_t)out + o : o * (size_t)in + (size_t)i) * size, backward);
				for (int k = 0; k < BLOCK; k++) {
					vec *to = u + (size_t)start * (size_t)in * BLOCK + (size_t)((i * BLOCK + k) * width + j);
#define READ(r, c) g[3 * r + c][k]
#define WRITE(r, c, value) to[(size_t)(6 * r + c) * each] = value
					TRANSFORM(frequencies_of_kernel, 6, 3, READ, WRITE);
#undef READ
#undef WRITE
				}
			}
		}
}

/* -- matrix products -- */

/* c[ROWS][width] = (add: +=) sum over k of a[row][k] * b[k][width], strides in floats for a and vectors for b and c. */
INLINE void multiply_width(vec *c, size_t c_row, const float *a, size_t a_row, size_t a_k, const vec *b, size_t b_k, size_t k, const int width, bool add)
{
	vec sum[ROWS][VECS];
#pragma GCC unroll 8
	for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
		for (int j = 0; j < width; j++)
			sum[r][j] = add ? c[(size_t)r * c_row + (size_t)j] : vec_all(0);
	for (size_t i = 0; i < k; i++, a += a_k, b += b_k)
#pragma GCC unroll 8
		for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
			for (int j = 0; j < width; j++)
				sum[r][j] = vec_fma(vec_all(a[(size_t)r * a_row]), b[j], sum[r][j]);
#pragma GCC unroll 8
	for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
		for (int j = 0; j < width; j++)
			c[(size_t)r * c_row + (size_t)j] = sum[r][j];
}

static void multiply(vec *c, size_t c_row, const float *a, size_t a_row, size_t a_k, const vec *b, size_t b_k, size_t k, int width, bool add)
{
	switch (width) {
	case 1:
		multiply_width(c, c_row, a, a_row, a_k, b, b_k, k, 1, add);
		break;
	case 2:
		multiply_width(c, c_row, a, a_row, a_k, b, b_k, k, 2, add);
		break;
	default:
		multiply_width(c, c_row, a, a_row, a_k, b, b_k, k, VECS, add);
	}
}

/* -- chunks -- */

/* Tiles of a chunk: about as much memory for their frequencies as two fifths of the kernels' take, so that neither crowds out the other; whole ROWS. */
static int64_t chunk_tiles(struct tensor x, struct tensor y, int threads)
{
	const int64_t in = blocks_of(x) * BLOCK, out = blocks_of(y) * BLOCK, tiles = tile_count(x);
	int64_t n = 2 * in * out / (5 * (in + out)), share = (tiles + threads - 1) / threads;
	n = n < 24 ? 24 : n;
	n = n < share ? n : share;
	return (n + ROWS - 1) / ROWS * ROWS;
}

/* A convolution cut up: parts run side by side, each over chunks of tiles with a buffer of its own. */
struct cut {
	int64_t tiles, each, chunks;
	int parts;
};

static struct cut cut_up(struct backend *b, struct tensor x, struct tensor y)
{
	struct cut c = { .tiles = tile_count(x), .each = chunk_tiles(x, y, b->threads) };
	c.chunks = (c.tiles + c.each - 1) / c.each;
	c.parts = c.chunks < b->threads ? (int)c.chunks : b->threads;
	return c;
}

/* Convolution of x by transformed kernels. */
static void convolve_chunk(struct tensor y, struct tensor x, const vec *u, vec *work, const struct cut *cut, int64_t first)
{
	const int in = blocks_of(x), out = blocks_of(y);
	const size_t each = (size_t)cut->each, v_size = each * (size_t)in, m_size = each * (size_t)out, channels = (size_t)in * BLOCK;
	const size_t count = min_size(each, (size_t)(cut->tiles - first));
	vec *v = work, *m = work + FREQUENCIES * v_size;

	for (int c = 0; c < in; c++)
		for (size_t t = 0; t < count; t++) {
			const struct tile tile = tile_at(x, first + (int64_t)t);
			input_tile(v + t * (size_t)in + (size_t)c, v_size, block_of(x, tile.sample, c), tile, x.h, x.w);
		}
	for (size_t f = 0; f < FREQUENCIES; f++)
		for (int panel = 0; panel < panels_of(out); panel++) {
			const int start = panel_start(out, panel), width = panel_start(out, panel + 1) - start;
			const vec *kernels = u + f * channels * (size_t)out + (size_t)start * channels;
			for (size_t t = 0; t < count; t += ROWS)
				multiply(m + f * m_size + t * (size_t)out + (size_t)start, (size_t)out, (const float *)(v + f * v_size + t * (size_t)in), channels, 1,
				         kernels, (size_t)width, channels, width, false);
		}
	for (int c = 0; c < out; c++)
		for (size_t t = 0; t < count; t++) {
			const struct tile tile = tile_at(y, first + (int64_t)t);
			output_tile(block_of(y, tile.sample, c), m + t * (size_t)out + (size_t)c, m_size, tile, y.w);
		}
}

static void winograd_convolve(struct backend *b, struct tensor y, struct tensor x, const float *w, bool backward)
{
	const int in = blocks_of(x), out = blocks_of(y);
	const struct cut cut = cut_up(b, x, y);
	const size_t kernels = (size_t)FREQUENCIES * BLOCK * (size_t)(in * out), work = FREQUENCIES * (size_t)cut.each * (size_t)(in + out);
	vec *u = cpu_scratch((struct cpu *)b, (kernels + (size_t)cut.parts * work) * sizeof *u);
	if (!u)
		return;
	transform_kernels(b, u, w, in, out, backward);
#pragma omp parallel for schedule(static) num_threads(b->threads)
	for (int part = 0; part < cut.parts; part++)
		for (int64_t k = cut.chunks * part / cut.parts; k < cut.chunks * (part + 1) / cut.parts; k++)
			convolve_chunk(y, x, u, u + kernels + (size_t)part * work, &cut, k * cut.each);
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

/* sum[frequency][input channel][vector of output channels] = (add: +=) over the tiles of one chunk. */
static void weights_chunk(vec *sum, struct tensor x, struct tensor dy, vec *work, const struct cut *cut, int64_t first, bool add)
{
	const int in = blocks_of(x), out = blocks_of(dy);
	const size_t each = (size_t)cut->each, v_size = each * (size_t)in, z_size = each * (size_t)out, channels = (size_t)in * BLOCK;
	const size_t count = min_size(each, (size_t)(cut->tiles - first));
	vec *v = work, *z = work + FREQUENCIES * v_size;

	for (int c = 0; c < in; c++)
		for (size_t t = 0; t < count; t++) {
			const struct tile tile = tile_at(x, first + (int64_t)t);
			input_tile(v + t * (size_t)in + (size_t)c, v_size, block_of(x, tile.sample, c), tile, x.h, x.w);
		}
	for (int c = 0; c < out; c++)
		for (size_t t = 0; t < count; t++) {
			const struct tile tile = tile_at(dy, first + (int64_t)t);
			gradient_tile(z + t * (size_t)out + (size_t)c, z_size, block_of(dy, tile.sample, c), tile, dy.w);
		}
	for (size_t f = 0; f < FREQUENCIES; f++)
		for (int panel = 0; panel < panels_of(out); panel++) {
			const int start = panel_start(out, panel), width = panel_start(out, panel + 1) - start;
			for (size_t c = 0; c < channels; c += ROWS)
				multiply(sum + (f * channels + c) * (size_t)out + (size_t)start, (size_t)out, (const float *)(v + f * v_size) + c, 1, channels,
				         z + f * z_size + (size_t)start, (size_t)out, count, width, add);
		}
}

/* dw from the sums of the parts. */
static void kernels_from(struct backend *b, float *dw, const vec *sum, int in, int out, int parts)
{
	const size_t each = (size_t)in * BLOCK * (size_t)out;
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int o = 0; o < out; o++)
		for (int i = 0; i < in; i++)
			for (int k = 0; k < BLOCK; k++) {
				const vec *from = sum + (size_t)(i * BLOCK + k) * (size_t)out + (size_t)o;
				vec *to = (vec *)dw + (size_t)(o * in + i) * 9 * BLOCK + (size_t)k, total[FREQUENCIES];
				for (size_t f = 0; f < FREQUENCIES; f++) {
					total[f] = from[f * each];
					for (size_t part = 1; part < (size_t)parts; part++)
						total[f] += from[(part * FREQUENCIES + f) * each];
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
	const int in = blocks_of(x), out = blocks_of(dy);
	const struct cut cut = cut_up(b, x, dy);
	const size_t sums = (size_t)FREQUENCIES * BLOCK * (size_t)(in * out), work = FREQUENCIES * (size_t)cut.each * (size_t)(in + out);
	vec *sum = cpu_scratch((struct cpu *)b, (size_t)cut.parts * (sums + work) * sizeof *sum);
	if (!sum)
		return;
#pragma omp parallel for schedule(static) num_threads(b->threads)
	for (int part = 0; part < cut.parts; part++) {
		const int64_t start = cut.chunks * part / cut.parts;
		for (int64_t k = start; k < cut.chunks * (part + 1) / cut.parts; k++)
			weights_chunk(sum + (size_t)part * sums, x, dy, sum + (size_t)cut.parts * sums + (size_t)part * work, &cut, k * cut.each, k > start);
	}
	kernels_from(b, dw, sum, in, out, cut.parts);
}
