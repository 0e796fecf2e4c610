/* Products of matrices as the convolutions and dense layers of the cpu table need them: a register block at a time. Part of cpu_table.h's template. */

enum {
	ROWS = BLOCK == 16 ? 8 : 4, /* of a register block; divides BLOCK */
	VECS = BLOCK == 16 ? 3 : 2  /* its widest */
};

#define INLINE static inline __attribute__((always_inline))

/* c = (add: c +) a * b for `rows` rows of c, ROWS or 1, and `width` vectors of each, at most VECS. The sum runs over blocks * each terms. Strides of a are in
 * floats, those of b and c in vectors: from row to row, from column (of vectors) to column, from term to term (k), and in a from block to block.
 *
 * Prefetches for a later product: `rows` rows of a, a_next floats ahead; of b, every `turns`-th vector from `turn`, b_next vectors ahead, so that `turns`
 * products fetch all of it. a_next, b_next 0: none. */
struct product {
	vec *c;
	const float *a;
	const vec *b;
	size_t c_row, c_column, a_row, a_k, a_block, b_k, b_column;
	int rows, width;
	size_t blocks, each;
	size_t a_next, b_next, turn, turns;
	bool add;
};

INLINE void multiply_block(const struct product *p, const size_t rows, const int width)
{
	vec *const c = p->c, sum[ROWS][VECS];
	const float *a = p->a;
	const vec *b = p->b;
#pragma GCC unroll 8
	for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (int j = 0; j < width; j++)
			sum[r][j] = p->add ? c[(size_t)j * p->c_column + r * p->c_row] : vec_all(0);
	for (size_t block = 0; block < p->blocks; block++, a += p->a_block) {
		const float *x = a;
		for (size_t r = 0; r < rows && p->a_next; r++)
			__builtin_prefetch(a + p->a_next + r * p->a_row, 0, 2);
		for (size_t k = p->turn; k < p->each && p->b_next; k += p->turns)
			for (int j = 0; j < width; j++)
				__builtin_prefetch(b + p->b_next + (size_t)j * p->b_column + k * p->b_k, 0, 2);
		for (size_t k = 0; k < p->each; k++, x += p->a_k, b += p->b_k)
#pragma GCC unroll 8
			for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
				for (int j = 0; j < width; j++)
					sum[r][j] = vec_fma(vec_all(x[r * p->a_row]), b[(size_t)j * p->b_column], sum[r][j]);
	}
#pragma GCC unroll 8
	for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (int j = 0; j < width; j++)
			c[(size_t)j * p->c_column + r * p->c_row] = sum[r][j];
}

INLINE void multiply_rows(const struct product *p, const size_t rows)
{
	if (p->width == 1)
		multiply_block(p, rows, 1);
	else if (p->width == 2)
		multiply_block(p, rows, 2);
	else
		multiply_block(p, rows, VECS);
}

INLINE void multiply(const struct product *p)
{
	if (p->rows == 1)
		multiply_rows(p, 1);
	else
		multiply_rows(p, ROWS);
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

/* Part `part` of `parts` nearly equal ones of 0 … count. */
static inline int64_t part_start(int64_t count, int64_t part, int64_t parts)
{
	return count * part / parts;
}

/* The same of `count` floats, parts of whole vectors. */
static inline size_t part_of(size_t count, int part, int parts)
{
	return (size_t)part_start((int64_t)(count / BLOCK), part, parts) * BLOCK;
}
