/* Pooling and nearest-neighbour enlargement, blocked and planar. Part of cpu_table.h's template. */

/* Two planes seen as rows of pixels of type T: y = factor * 2x2 sums of x. */
#define SHRINK_ROWS(T, out, in, h, width, factor, accumulate)                                                                                                     \
	do {                                                                                                                                                      \
		T *restrict o = (T *)(out);                                                                                                                       \
		const T *top = (const T *)(in);                                                                                                                   \
		for (int row = 0; row < (h); row++, top += 2 * (width))                                                                                           \
			for (size_t j = 0; j < (width); j += 2, o++) {                                                                                            \
				const T sum = top[j] + top[j + 1] + top[(width) + j] + top[(width) + j + 1];                                                      \
				*o = (accumulate) ? *o + (factor) * sum : (factor) * sum;                                                                         \
			}                                                                                                                                         \
	} while (0)

/* y = factor * x, each pixel repeated 2x2; h and width are x's. */
#define GROW_ROWS(T, out, in, h, width, factor)                                                                                                                   \
	do {                                                                                                                                                      \
		T *restrict o = (T *)(out);                                                                                                                       \
		const T *row_in = (const T *)(in);                                                                                                                \
		for (int row = 0; row < (h); row++, row_in += (width), o += 4 * (width))                                                                          \
			for (size_t j = 0; j < (width); j++) {                                                                                                    \
				const T v = (factor) * row_in[j];                                                                                                 \
				o[2 * j] = o[2 * j + 1] = o[2 * (width) + 2 * j] = o[2 * (width) + 2 * j + 1] = v;                                                \
			}                                                                                                                                         \
	} while (0)

/* Start of plane or block c. */
static inline float *channel_of(struct tensor t, int64_t i, int c)
{
	return tensor_sample(t, i) + (size_t)c * tensor_area(t) * (tensor_is_planar(t) ? 1 : BLOCK);
}

static void shrink(struct backend *b, struct tensor y, struct tensor x, float factor, bool accumulate)
{
	const int blocks = blocks_of(x);
	const size_t width = (size_t)x.w;
	assert(x.h == 2 * y.h && x.w == 2 * y.w && x.c == y.c && x.n == y.n);
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int64_t i = 0; i < x.n; i++)
		for (int c = 0; c < blocks; c++)
			if (tensor_is_planar(x))
				SHRINK_ROWS(float, channel_of(y, i, c), channel_of(x, i, c), y.h, width, factor, accumulate);
			else
				SHRINK_ROWS(vec, channel_of(y, i, c), channel_of(x, i, c), y.h, width, factor, accumulate);
}

static void grow(struct backend *b, struct tensor y, struct tensor x, float factor)
{
	const int blocks = blocks_of(x);
	const size_t width = (size_t)x.w;
	assert(y.h == 2 * x.h && y.w == 2 * x.w && x.c == y.c && x.n == y.n);
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int64_t i = 0; i < x.n; i++)
		for (int c = 0; c < blocks; c++)
			if (tensor_is_planar(x))
				GROW_ROWS(float, channel_of(y, i, c), channel_of(x, i, c), x.h, width, factor);
			else
				GROW_ROWS(vec, channel_of(y, i, c), channel_of(x, i, c), x.h, width, factor);
}

static void cpu_pool(struct backend *b, struct tensor y, struct tensor x)
{
	shrink(b, y, x, 0.25f, false);
}

static void cpu_pool_backward(struct backend *b, struct tensor dx, struct tensor dy)
{
	grow(b, dx, dy, 0.25f);
}

static void cpu_upsample(struct backend *b, struct tensor y, struct tensor x)
{
	grow(b, y, x, 1);
}

static void cpu_upsample_backward(struct backend *b, struct tensor dx, struct tensor dy, bool accumulate)
{
	shrink(b, dx, dy, 1, accumulate);
}
