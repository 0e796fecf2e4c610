/* Dense layers whose inputs and outputs are whole vectors, as products of matrices: y = x w^T, dx = dy w, dw = dy^T x, w being [outputs][inputs]. Part of
 * cpu_table.h's template.
 *
 * Of a step's few samples and many weights, reading the weights from memory takes the time. So they are read once, as they stand, and what is made of the other
 * operand fits into a cache. The order of every sum is fixed: the same bytes for any number of threads or samples. */

enum {
	DENSE_INNER = 1024,       /* inputs summed up at once, whose samples stay in the second-level cache */
	DENSE_OUTER = 32,         /* outputs summed up at once on the way back, whose weights stay there */
	DENSE_BYTES = 128 << 10   /* of inputs that the gradients of one output after another are made of */
};

/* Samples in the lanes: to[column][k] is element k of BLOCK samples, zero beyond the last; elements `first` … `end`, whole vectors. */
static void samples_to_lanes(vec *to, struct tensor x, size_t first, size_t end)
{
	for (int64_t i = 0; i < x.n; i += BLOCK, to += x.sample_size)
		for (size_t k = first; k < end; k += BLOCK) {
			for (int64_t r = 0; r < BLOCK; r++)
				to[k + (size_t)r] = i + r < x.n ? *(const vec *)(tensor_sample(x, i + r) + k) : vec_all(0);
			transpose(to + k);
		}
}

/* And back. */
static void lanes_to_samples(struct tensor y, const vec *from, size_t first, size_t end)
{
	for (int64_t i = 0; i < y.n; i += BLOCK, from += y.sample_size)
		for (size_t k = first; k < end; k += BLOCK) {
			vec block[BLOCK];
			memcpy(block, from + k, sizeof block);
			transpose(block);
			for (int64_t r = 0; r < BLOCK && i + r < y.n; r++)
				*(vec *)(tensor_sample(y, i + r) + k) = block[r];
		}
}

/* Outputs `first` … `end` of all samples, in lanes. */
static void dense_outputs(vec *y, const vec *x, const float *w, size_t in, size_t out, int columns, size_t first, size_t end)
{
	for (size_t k = 0; k < in; k += DENSE_INNER)
		for (size_t o = first; o < end; o += ROWS)
			for (int panel = 0; panel < panels_of(columns); panel++) {
				const size_t column = (size_t)panel_start(columns, panel);
				multiply(&(struct product){ .c = y + column * out + o, .a = w + o * in + k, .b = x + column * in + k, .c_row = 1, .c_column = out,
				                            .a_row = in, .a_k = 1, .a_block = BLOCK, .b_k = 1, .b_column = in, .rows = ROWS,
				                            .width = panel_start(columns, panel + 1) - (int)column, .blocks = min_size(DENSE_INNER, in - k) / BLOCK,
				                            .each = BLOCK, .a_next = panel ? 0 : ROWS * in, .add = k > 0 });
			}
}

static void dense_forward(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	const size_t in = x.sample_size, out = y.sample_size;
	const int columns = (int)((x.n + BLOCK - 1) / BLOCK), parts = b->threads;
	vec *xt = cpu_scratch((struct cpu *)b, (size_t)columns * (in + out), sizeof *xt);
	if (!xt)
		return;
	vec *yt = xt + (size_t)columns * in;
#pragma omp parallel num_threads(parts)
	{
#pragma omp for schedule(static)
		for (int part = 0; part < parts; part++)
			samples_to_lanes(xt, x, part_of(in, part, parts), part_of(in, part + 1, parts));
#pragma omp for schedule(static)
		for (int part = 0; part < parts; part++) {
			const size_t first = part_of(out, part, parts), end = part_of(out, part + 1, parts);
			dense_outputs(yt, xt, w, in, out, columns, first, end);
			lanes_to_samples(y, yt, first, end);
		}
	}
}

/* Gradients of inputs `first` … `end` of all samples. */
static void dense_inputs(struct tensor dx, struct tensor dy, const float *w, size_t first, size_t end)
{
	const size_t row = dx.sample_size / BLOCK, out = dy.sample_size;
	const int count = (int)((end - first) / BLOCK);
	for (size_t o = 0; o < out; o += DENSE_OUTER)
		for (int panel = 0; panel < panels_of(count); panel++) {
			const size_t k = first / BLOCK + (size_t)panel_start(count, panel);
			struct product p = { .b = (const vec *)w + o * row + k, .c_row = row, .c_column = 1, .a_row = out, .a_k = 1, .b_k = row, .b_column = 1,
			                     .width = panel_start(count, panel + 1) - panel_start(count, panel), .blocks = 1, .each = min_size(DENSE_OUTER, out - o),
			                     .add = o > 0 };
			for (int64_t i = 0; i < dx.n; i += p.rows) {
				p.rows = dx.n - i >= ROWS ? ROWS : 1;
				p.a = tensor_sample(dy, i) + o;
				p.c = (vec *)tensor_sample(dx, i) + k;
				multiply(&p);
			}
		}
}

static void dense_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w)
{
	const int parts = b->threads;
#pragma omp parallel for schedule(static) num_threads(parts)
	for (int part = 0; part < parts; part++)
		dense_inputs(dx, dy, w, part_of(dx.sample_size, part, parts), part_of(dx.sample_size, part + 1, parts));
}

/* Weights' gradients of outputs `first` … `end`. packed: room for DENSE_BYTES, or one panel, of x. */
static void dense_weights(float *dw, struct tensor x, struct tensor dy, vec *packed, int at_once, size_t first, size_t end)
{
	const size_t n = (size_t)x.n, row = x.sample_size / BLOCK;
	for (size_t start = 0; start < row; start += (size_t)at_once) {
		const int count = (int)min_size((size_t)at_once, row - start);
		for (int j = 0; j < count; j++)
			for (size_t i = 0; i < n; i++)
				packed[(size_t)j * n + i] = ((const vec *)tensor_sample(x, (int64_t)i))[start + (size_t)j];
		for (size_t o = first; o < end; o += ROWS)
			for (int panel = 0; panel < panels_of(count); panel++) {
				const size_t k = (size_t)panel_start(count, panel);
				multiply(&(struct product){ .c = (vec *)dw + o * row + start + k, .a = dy.data + o, .b = packed + k * n, .c_row = row, .c_column = 1,
				                            .a_row = 1, .a_k = dy.sample_size, .b_k = 1, .b_column = n, .rows = ROWS,
				                            .width = panel_start(count, panel + 1) - (int)k, .blocks = 1, .each = n });
			}
	}
}

static void dense_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	const size_t n = (size_t)x.n, out = dy.sample_size;
	const int parts = b->threads, panels = (int)(DENSE_BYTES / (VECS * sizeof(vec) * n)), at_once = VECS * (panels ? panels : 1);
	vec *packed = cpu_scratch((struct cpu *)b, (size_t)parts * (size_t)at_once * n, sizeof *packed);
	if (!packed)
		return;
#pragma omp parallel for schedule(static) num_threads(parts)
	for (int part = 0; part < parts; part++)
		dense_weights(dw, x, dy, packed + (size_t)part * (size_t)at_once * n, at_once, part_of(out, part, parts), part_of(out, part + 1, parts));
}
