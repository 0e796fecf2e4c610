/* 3x3 convolutions by Winograd's minimal filtering F(4x4,3x3) (Lavin and Gray 2016, arXiv 1509.09308), 4 times fewer multiplications than the definition.
 * Part of cpu_table.h's template.
 *
 * A picture is cut into tiles of 4x4 outputs, each from 6x6 inputs. B^T d B takes a tile of inputs to 36 "frequencies", G g G^T a kernel, and A^T m A the
 * products of both, summed over channels, to the 4x4 outputs; so at each frequency a convolution is a matrix product over tiles and channels. With respect to
 * the kernel the maps are their own adjoints: dg = G^T (sum over tiles of (B^T d B) (A dy A^T)) G. The interpolation points are 0, ±5/8, ±3/2 and infinity,
 * whose rounding errors are smaller than those of 0, ±1, ±2 (Barabasz et al. 2020, arXiv 1803.10986).
 *
 * Each output is computed in the same order whatever the chunk; where threads take chunks apart, the gradient of the weights is summed in one part per thread
 * and the parts added in order: the same bytes for the same number of threads. */

enum { FREQUENCIES = 36 };

#include "cpu_winograd_tile.h"

/* -- cutting up -- */

enum { KERNEL_BYTES = 4 << 20, TILES_APART = 24, CHUNK_TILES = 64, TURNS = CHUNK_TILES / ROWS };

/* Channel blocks first … first + count of a tensor. */
struct blocks {
	struct tensor t;
	int first, count;
};

/* How a convolution is cut up: into chunks of tiles. The threads take chunks APART, the frequencies of all kernels being made before and shared; or they work
 * on one chunk TOGETHER, each on a part of the output blocks, panel by panel, whose kernels' frequencies it makes itself. The latter where the kernels are too
 * many to stay in a core's cache, or more than the inputs. Work is dealt by part, not by thread, since OpenMP may give fewer threads than are asked for. */
struct cut {
	bool together;
	int parts, in, out; /* one part for each thread; blocks */
	int panels, widest; /* of a part, and blocks of a panel, at most */
	int64_t tiles, each, chunks;
};

/* Tiles of a chunk of a single thread: their frequencies take about two fifths of the kernels' memory, so that neither crowds out the other. */
static int64_t tiles_apart(const struct cut *c)
{
	const int64_t in = c->in * BLOCK, out = c->out * BLOCK, share = (c->tiles + c->parts - 1) / c->parts, n = 2 * in * out / (5 * (in + out));
	return n < TILES_APART ? (TILES_APART < share ? TILES_APART : share) : n < share ? n : share;
}

static struct cut cut_up(struct backend *b, struct tensor x, struct tensor y)
{
	struct cut c = { .parts = b->threads, .in = blocks_of(x), .out = blocks_of(y), .tiles = tile_count(x) };
	const size_t kernels = (size_t)FREQUENCIES * sizeof(vec) * BLOCK * (size_t)c.in * (size_t)c.out;
	const int most = (c.out + c.parts - 1) / c.parts; /* output blocks of a part */

	c.together = c.out >= c.parts && (kernels > KERNEL_BYTES || c.tiles < c.out * BLOCK);
	c.panels = panels_of(most);
	c.widest = most < VECS ? most : VECS;
	c.chunks = (c.tiles + CHUNK_TILES - 1) / CHUNK_TILES;
	c.each = c.together ? (c.tiles + c.chunks - 1) / c.chunks : tiles_apart(&c);
	c.each = (c.each + ROWS - 1) / ROWS * ROWS;
	c.chunks = (c.tiles + c.each - 1) / c.each;
	return c;
}

static inline size_t tiles_of_chunk(const struct cut *c, int64_t first)
{
	return min_size((size_t)c->each, (size_t)(c->tiles - first));
}

/* Vectors from one frequency to the next, of a chunk's tiles or of kernels: an odd number, so that the 36 places that a transform writes to fall into different
 * sets of the cache. */
static inline size_t tile_plane(const struct cut *c, int blocks)
{
	return (size_t)c->each * (size_t)blocks | 1;
}

static inline size_t kernel_plane(const struct cut *c, int blocks)
{
	return (size_t)(c->in * BLOCK) * (size_t)blocks | 1;
}

/* Of `count` output blocks from `first` on, worked on together. */
struct panel {
	int first, count;
	size_t kept;            /* index of its slot in the kernel (or kernel-sum) memory: one slot per part, or per panel when slots must survive to the next chunk */
	int64_t share, shares;  /* first of the FREQUENCIES pieces of the next chunk that it prefetches, and of how many pieces */
};

/* count 0: the part has fewer. */
static struct panel panel_of(const struct cut *c, int part, int panel)
{
	const int start = (int)part_start(c->out, part, c->parts), out = (int)part_start(c->out, part + 1, c->parts) - start, index = part * c->panels + panel;
	const bool there = panel < panels_of(out);
	return (struct panel){ .first = there ? start + panel_start(out, panel) : 0, .count = there ? panel_start(out, panel + 1) - panel_start(out, panel) : 0,
		               .kept = (size_t)(c->chunks == 1 ? part : index), .share = (int64_t)index * FREQUENCIES,
		               .shares = (int64_t)c->parts * c->panels * FREQUENCIES };
}

/* Vectors of scratch memory of a convolution, or of the gradient of its weights: kernels, frequencies of inputs, and of outputs. */
static size_t work_size(const struct cut *c, bool kernels_of_each_part)
{
	const size_t parts = (size_t)c->parts, v = tile_plane(c, c->in);
	if (!c->together)
		return FREQUENCIES * ((kernels_of_each_part ? parts : 1) * kernel_plane(c, c->out) + parts * (v + tile_plane(c, c->out)));
	return FREQUENCIES * (v + parts * ((c->chunks == 1 ? 1 : (size_t)c->panels) * kernel_plane(c, c->widest) + tile_plane(c, c->widest)));
}

/* -- kernels -- */

/* One BLOCK x BLOCK kernel as vectors of output channels: g[tap][input channel]. Backward the roles of the channels change and the taps are mirrored. */
static void kernel_vectors(vec g[9][BLOCK], const float *w, bool backward)
{
	const size_t tap_size = BLOCK * BLOCK;
	if (!backward) {
		memcpy(g, w, 9 * sizeof *g);
		return;
	}
	for (size_t tap = 0; tap < 9; tap++) {
		memcpy(g[tap], w + (8 - tap) * tap_size, sizeof g[tap]);
		transpose(g[tap]);
	}
}

/* Kernels of output block o -> u[frequency][input channel], frequencies `plane` vectors apart. */
static void transform_kernels(vec *u, size_t plane, const float *w, const struct cut *cut, int o, bool backward)
{
	const size_t in = (size_t)cut->in, out = (size_t)cut->out, size = 9 * BLOCK * BLOCK;
	for (size_t i = 0; i < in; i++) {
		vec g[9][BLOCK];
		kernel_vectors(g, w + (backward ? i * out + (size_t)o : (size_t)o * in + i) * size, backward);
		for (size_t k = 0; k < BLOCK; k++) {
			vec *to = u + i * BLOCK + k;
#define READ(r, c) g[3 * r + c][k]
#define WRITE(r, c, value) to[(size_t)(6 * r + c) * plane] = value
			TRANSFORM(frequencies_of_kernel, 6, 3, READ, WRITE);
#undef READ
#undef WRITE
		}
	}
}

/* Output block o of dw, from the sums of `parts` parts, `stride` vectors apart. */
static void kernels_from(float *dw, const vec *sum, size_t plane, const struct cut *cut, int o, int parts, size_t stride)
{
	const size_t in = (size_t)cut->in;
	for (size_t i = 0; i < in; i++)
		for (size_t k = 0; k < BLOCK; k++) {
			const vec *from = sum + i * BLOCK + k;
			vec *to = (vec *)dw + ((size_t)o * in + i) * 9 * BLOCK + k, total[FREQUENCIES];
			for (size_t f = 0; f < FREQUENCIES; f++) {
				total[f] = from[f * plane];
				for (size_t part = 1; part < (size_t)parts; part++)
					total[f] += from[part * stride + f * plane];
			}
#define READ(r, c) total[6 * r + c]
#define WRITE(r, c, value) to[(3 * r + c) * BLOCK] = value
			TRANSFORM(kernel_of_frequencies, 3, 6, READ, WRITE);
#undef READ
#undef WRITE
		}
}

/* -- frequencies of a chunk -- */

/* A part of x -> v[frequency][block][tile], or, `grouped`, v[frequency][ROWS tiles][block][tile]: either way as a product reads it, one after another. */
static void inputs_of_chunk(vec *v, struct tensor x, const struct cut *cut, int64_t first, int part, int parts, bool grouped)
{
	const size_t group = grouped ? (size_t)cut->in * ROWS : ROWS, block = grouped ? ROWS : (size_t)cut->each;
	const size_t count = tiles_of_chunk(cut, first), plane = tile_plane(cut, cut->in);
	const int64_t all = (int64_t)count * cut->in;
	for (size_t i = (size_t)part_start(all, part, parts); i < (size_t)part_start(all, part + 1, parts); i++) {
		const size_t c = i / count, t = i % count;
		const struct tile tile = tile_at(x, first + (int64_t)t);
		input_tile(v + t / ROWS * group + c * block + t % ROWS, plane, block_of(x, tile.sample, (int)c), tile, x.h, x.w);
	}
}

/* dy -> z[frequency][block][tile] */
static void gradients_of_chunk(vec *z, struct blocks dy, const struct cut *cut, int64_t first)
{
	const size_t count = tiles_of_chunk(cut, first), each = (size_t)cut->each, plane = tile_plane(cut, dy.count);
	for (size_t c = 0; c < (size_t)dy.count; c++)
		for (size_t t = 0; t < count; t++) {
			const struct tile tile = tile_at(dy.t, first + (int64_t)t);
			gradient_tile(z + c * each + t, plane, block_of(dy.t, tile.sample, dy.first + (int)c), tile, dy.t.w);
		}
}

/* m[frequency][block][tile] -> y */
static void outputs_of_chunk(struct blocks y, const vec *m, const struct cut *cut, int64_t first)
{
	const size_t count = tiles_of_chunk(cut, first), each = (size_t)cut->each, plane = tile_plane(cut, y.count);
	for (size_t c = 0; c < (size_t)y.count; c++)
		for (size_t t = 0; t < count; t++) {
			const struct tile tile = tile_at(y.t, first + (int64_t)t);
			output_tile(block_of(y.t, tile.sample, y.first + (int)c), m + c * each + t, plane, tile, y.t.w);
		}
}

/* Brings part `part` of `parts` of a chunk into the cache, meanwhile something is multiplied, so that the transforms need not wait for memory. */
INLINE void prefetch_chunk(struct blocks from, const struct cut *cut, int64_t first, int64_t part, int64_t parts, bool write)
{
	const int64_t count = first < cut->tiles ? (int64_t)tiles_of_chunk(cut, first) : 0, all = count * from.count;
	for (int64_t i = part_start(all, part, parts); i < part_start(all, part + 1, parts); i++) {
		const struct tile tile = tile_at(from.t, first + i % count);
		const vec *row = (const vec *)block_of(from.t, tile.sample, from.first + (int)(i / count)) + (size_t)tile.row * (size_t)from.t.w + tile.column;
		for (int r = 0; r < 4; r++, row += from.t.w)
			for (int j = 0; j < 4; j++)
				if (write)
					__builtin_prefetch(row + j, 1, 2);
				else
					__builtin_prefetch(row + j, 0, 2);
	}
}

/* m[output block][tile] = v * u, at one frequency of each; v is grouped. */
static void convolve_frequency(vec *m, const vec *v, const vec *u, const struct cut *cut, int out, size_t count)
{
	const size_t each = (size_t)cut->each, channels = (size_t)cut->in * BLOCK;
	for (int panel = 0; panel < panels_of(out); panel++) {
		const size_t start = (size_t)panel_start(out, panel);
		struct product p = { .a_row = BLOCK, .a_k = 1, .a_block = ROWS * BLOCK, .b = u + start * channels, .b_k = 1, .b_column = channels, .c_row = 1,
		                     .c_column = each, .rows = ROWS, .width = panel_start(out, panel + 1) - (int)start, .blocks = (size_t)cut->in, .each = BLOCK };
		if (cut->together) { /* whose operands are too many to stay in the cache: those of the next frequency are fetched */
			p.a_next = tile_plane(cut, cut->in) * BLOCK;
			p.b_next = kernel_plane(cut, out);
			p.turns = TURNS;
		}
		for (size_t t = 0; t < count; t += ROWS) {
			p.a = (const float *)(v + t * (size_t)cut->in);
			p.turn = t / ROWS % TURNS;
			p.c = m + start * each + t;
			multiply(&p);
		}
	}
}

/* sum[output block][input channel] = (add: +=) v * z over `count` tiles, at one frequency of each. */
static void correlate_frequency(vec *sum, const vec *v, const vec *z, const struct cut *cut, int out, size_t count, bool add)
{
	const size_t each = (size_t)cut->each, channels = (size_t)cut->in * BLOCK;
	for (int panel = 0; panel < panels_of(out); panel++) {
		const size_t start = (size_t)panel_start(out, panel);
		struct product p = { .a_row = 1, .a_k = BLOCK, .b = z + start * each, .b_k = 1, .b_column = each, .c_row = 1, .c_column = channels, .rows = ROWS,
		                     .width = panel_start(out, panel + 1) - (int)start, .blocks = 1, .each = count, .add = add };
		for (size_t c = 0; c < channels; c += ROWS) {
			p.a = (const float *)(v + c / BLOCK * each) + c % BLOCK;
			p.c = sum + start * channels + c;
			multiply(&p);
		}
	}
}

/* -- convolution -- */

/* y = w * x; backward: dx, in the place of y, from dy and w. */
struct convolution {
	struct tensor y, x;
	const float *w;
	bool backward;
	struct cut cut;
};

/* Each thread its chunks. */
static void convolve_apart(const struct convolution *conv, vec *work)
{
	const struct cut *cut = &conv->cut;
	const size_t u_plane = kernel_plane(cut, cut->out), v_plane = tile_plane(cut, cut->in), m_plane = tile_plane(cut, cut->out);
	const struct blocks inputs = { conv->x, 0, cut->in }, outputs = { conv->y, 0, cut->out };
	vec *u = work, *own = work + FREQUENCIES * u_plane;
#pragma omp parallel num_threads(cut->parts)
	{
#pragma omp for schedule(static)
		for (int o = 0; o < cut->out; o++)
			transform_kernels(u + (size_t)(o * cut->in * BLOCK), u_plane, conv->w, cut, o, conv->backward);
#pragma omp for schedule(static)
		for (int part = 0; part < cut->parts; part++) {
			vec *v = own + (size_t)part * FREQUENCIES * (v_plane + m_plane), *m = v + FREQUENCIES * v_plane;
			for (int64_t k = part_start(cut->chunks, part, cut->parts); k < part_start(cut->chunks, part + 1, cut->parts); k++) {
				const int64_t first = k * cut->each;
				inputs_of_chunk(v, conv->x, cut, first, 0, 1, true);
				for (size_t f = 0; f < FREQUENCIES; f++) {
					prefetch_chunk(outputs, cut, first, (int64_t)f, FREQUENCIES, true);
					prefetch_chunk(inputs, cut, first + cut->each, (int64_t)f, FREQUENCIES, false);
					convolve_frequency(m + f * m_plane, v + f * v_plane, u + f * u_plane, cut, cut->out, tiles_of_chunk(cut, first));
				}
				outputs_of_chunk(outputs, m, cut, first);
			}
		}
	}
}

/* v, u, m: frequencies of the chunk from tile `first` on, of the panel's kernels (made at the first chunk), and of its outputs. */
static void convolve_panel(const struct convolution *conv, struct panel p, int64_t first, const vec *v, vec *u, vec *m)
{
	const struct cut *cut = &conv->cut;
	const size_t u_plane = kernel_plane(cut, p.count), v_plane = tile_plane(cut, cut->in), m_plane = tile_plane(cut, p.count);
	for (int o = 0; o < p.count && first == 0; o++)
		transform_kernels(u + (size_t)(o * cut->in * BLOCK), u_plane, conv->w, cut, p.first + o, conv->backward);
	for (size_t f = 0; f < FREQUENCIES; f++) {
		prefetch_chunk((struct blocks){ conv->x, 0, cut->in }, cut, first + cut->each, p.share + (int64_t)f, p.shares, false);
		convolve_frequency(m + f * m_plane, v + f * v_plane, u + f * u_plane, cut, p.count, tiles_of_chunk(cut, first));
	}
	outputs_of_chunk((struct blocks){ conv->y, p.first, p.count }, m, cut, first);
}

/* All threads chunk after chunk, each its panels of output blocks, whose kernels stay where there is more than one chunk. */
static void convolve_together(const struct convolution *conv, vec *work)
{
	const struct cut *cut = &conv->cut;
	const size_t u_size = FREQUENCIES * kernel_plane(cut, cut->widest), m_size = FREQUENCIES * tile_plane(cut, cut->widest);
	vec *v = work, *m = v + FREQUENCIES * tile_plane(cut, cut->in), *u = m + (size_t)cut->parts * m_size;
#pragma omp parallel num_threads(cut->parts)
	for (int64_t first = 0; first < cut->tiles; first += cut->each) {
#pragma omp for schedule(static)
		for (int part = 0; part < cut->parts; part++)
			inputs_of_chunk(v, conv->x, cut, first, part, cut->parts, true);
#pragma omp for schedule(static)
		for (int part = 0; part < cut->parts; part++)
			for (int k = 0; k < cut->panels; k++) {
				const struct panel p = panel_of(cut, part, k);
				convolve_panel(conv, p, first, v, u + p.kept * u_size, m + (size_t)part * m_size);
			}
	}
}

static void winograd_convolve(struct backend *b, struct tensor y, struct tensor x, const float *w, bool backward)
{
	const struct convolution conv = { y, x, w, backward, cut_up(b, x, y) };
	vec *work = cpu_scratch((struct cpu *)b, work_size(&conv.cut, false), sizeof *work);
	if (work)
		(conv.cut.together ? convolve_together : convolve_apart)(&conv, work);
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

/* Each thread its chunks and its sum over them. */
static void correlate_apart(float *dw, struct tensor x, struct tensor dy, const struct cut *cut, vec *work)
{
	const size_t plane = kernel_plane(cut, cut->out), v_plane = tile_plane(cut, cut->in), z_plane = tile_plane(cut, cut->out);
	const int parts = cut->chunks < cut->parts ? (int)cut->chunks : cut->parts;
	const struct blocks inputs = { x, 0, cut->in }, gradients = { dy, 0, cut->out };
	const size_t stride = FREQUENCIES * (plane + v_plane + z_plane);
#pragma omp parallel num_threads(cut->parts)
	{
#pragma omp for schedule(static)
		for (int part = 0; part < parts; part++) {
			vec *sum = work + (size_t)part * stride, *v = sum + FREQUENCIES * plane, *z = v + FREQUENCIES * v_plane;
			const int64_t start = part_start(cut->chunks, part, parts);
			for (int64_t k = start; k < part_start(cut->chunks, part + 1, parts); k++) {
				const int64_t first = k * cut->each;
				inputs_of_chunk(v, x, cut, first, 0, 1, false);
				gradients_of_chunk(z, gradients, cut, first);
				for (size_t f = 0; f < FREQUENCIES; f++) {
					prefetch_chunk(inputs, cut, first + cut->each, (int64_t)f, FREQUENCIES, false);
					prefetch_chunk(gradients, cut, first + cut->each, (int64_t)f, FREQUENCIES, false);
					correlate_frequency(sum + f * plane, v + f * v_plane, z + f * z_plane, cut, cut->out, tiles_of_chunk(cut, first), k > start);
				}
			}
		}
#pragma omp for schedule(static)
		for (int o = 0; o < cut->out; o++)
			kernels_from(dw, work + (size_t)(o * cut->in * BLOCK), plane, cut, o, parts, stride);
	}
}

static void correlate_panel(float *dw, struct tensor x, struct tensor dy, const struct cut *cut, struct panel p, const vec *v, vec *sum, vec *z, int64_t first)
{
	const size_t plane = kernel_plane(cut, p.count), v_plane = tile_plane(cut, cut->in), z_plane = tile_plane(cut, p.count);
	const bool last = first + cut->each >= cut->tiles;
	gradients_of_chunk(z, (struct blocks){ dy, p.first, p.count }, cut, first);
	for (size_t f = 0; f < FREQUENCIES; f++) {
		prefetch_chunk((struct blocks){ x, 0, cut->in }, cut, first + cut->each, p.share + (int64_t)f, p.shares, false);
		correlate_frequency(sum + f * plane, v + f * v_plane, z + f * z_plane, cut, p.count, tiles_of_chunk(cut, first), first > 0);
	}
	for (int o = 0; o < p.count && last; o++)
		kernels_from(dw, sum + (size_t)(o * cut->in * BLOCK), plane, cut, p.first + o, 1, 0);
}

/* All threads chunk after chunk, each its panels of output blocks, whose sums stay where there is more than one chunk. */
static void correlate_together(float *dw, struct tensor x, struct tensor dy, const struct cut *cut, vec *work)
{
	const size_t sum_size = FREQUENCIES * kernel_plane(cut, cut->widest), z_size = FREQUENCIES * tile_plane(cut, cut->widest);
	vec *v = work, *z = v + FREQUENCIES * tile_plane(cut, cut->in), *sum = z + (size_t)cut->parts * z_size;
#pragma omp parallel num_threads(cut->parts)
	for (int64_t first = 0; first < cut->tiles; first += cut->each) {
#pragma omp for schedule(static)
		for (int part = 0; part < cut->parts; part++)
			inputs_of_chunk(v, x, cut, first, part, cut->parts, false);
#pragma omp for schedule(static)
		for (int part = 0; part < cut->parts; part++)
			for (int k = 0; k < cut->panels; k++) {
				const struct panel p = panel_of(cut, part, k);
				correlate_panel(dw, x, dy, cut, p, v, sum + p.kept * sum_size, z + (size_t)part * z_size, first);
			}
	}
}

static void cpu_winograd_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	const struct cut cut = cut_up(b, x, dy);
	vec *work = cpu_scratch((struct cpu *)b, work_size(&cut, true), sizeof *work);
	if (work)
		(cut.together ? correlate_together : correlate_apart)(dw, x, dy, &cut, work);
}
