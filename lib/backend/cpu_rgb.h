/* From and to RGB: 1x1 convolutions between planar images and channel blocks. Part of cpu_table.h's template. Weights are [3][channels], channels padded. */

static inline const vec *rgb_row(const float *w, int k, int blocks)
{
	return (const vec *)w + (size_t)k * (size_t)blocks;
}

static inline const float *plane_of(struct tensor image, int64_t i, int k)
{
	return tensor_sample(image, i) + (size_t)k * tensor_area(image);
}

static void cpu_from_rgb(struct backend *b, struct tensor y, struct tensor image, const float *w, const float *bias, struct activation a)
{
	const size_t area = tensor_area(y);
	const int blocks = blocks_of(y);
	const vec gain = vec_all(a.weight_gain), leak = vec_all(a.leak);
	assert(!tensor_is_planar(y) && image.c == 3 && !a.bias_map);
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int64_t i = 0; i < y.n; i++)
		for (int c = 0; c < blocks; c++) {
			const float *r = plane_of(image, i, 0), *g = plane_of(image, i, 1), *l = plane_of(image, i, 2);
			const vec wr = gain * rgb_row(w, 0, blocks)[c], wg = gain * rgb_row(w, 1, blocks)[c], wb = gain * rgb_row(w, 2, blocks)[c];
			const vec shift = vec_all(a.bias_gain) * ((const vec *)bias)[c];
			vec *p = block_of(y, i, c);
			for (size_t j = 0; j < area; j++)
				p[j] = vec_lrelu(wr * r[j] + wg * g[j] + wb * l[j] + shift, leak);
		}
}

static void cpu_from_rgb_tangent(struct backend *b, struct tensor t, struct tensor timage, const float *w, struct tensor y, struct activation a)
{
	const size_t area = tensor_area(t);
	const int blocks = blocks_of(t);
	const vec gain = vec_all(a.weight_gain), leak_gain = vec_all(a.weight_gain * a.leak);
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int64_t i = 0; i < t.n; i++)
		for (int c = 0; c < blocks; c++) {
			const float *r = plane_of(timage, i, 0), *g = plane_of(timage, i, 1), *l = plane_of(timage, i, 2);
			const vec wr = rgb_row(w, 0, blocks)[c], wg = rgb_row(w, 1, blocks)[c], wb = rgb_row(w, 2, blocks)[c];
			const vec *v = block_of(y, i, c);
			vec *p = block_of(t, i, c);
			for (size_t j = 0; j < area; j++)
				p[j] = vec_slope(v[j], gain, leak_gain) * (wr * r[j] + wg * g[j] + wb * l[j]);
		}
}

/* out[k][j] = factor * sum over channels of w[k] * x + shift[k], for one tile of one sample; accumulate: added. */
static inline void to_planes(struct tensor image, struct tensor x, const float *w, int64_t i, size_t from, size_t count, float factor, const float *shift, bool accumulate)
{
	const int blocks = blocks_of(x);
	const size_t area = tensor_area(x);
	vec sum[3][TILE];
	memset(sum, 0, sizeof sum);
	for (int c = 0; c < blocks; c++) {
		const vec *p = block_of(x, i, c) + from;
		const vec w0 = rgb_row(w, 0, blocks)[c], w1 = rgb_row(w, 1, blocks)[c], w2 = rgb_row(w, 2, blocks)[c];
		for (size_t j = 0; j < count; j++) {
			sum[0][j] += w0 * p[j];
			sum[1][j] += w1 * p[j];
			sum[2][j] += w2 * p[j];
		}
	}
	for (int k = 0; k < 3; k++) {
		float *out = tensor_sample(image, i) + (size_t)k * area + from;
		for (size_t j = 0; j < count; j++)
			out[j] = (accumulate ? out[j] : 0) + factor * vec_sum(sum[k][j]) + shift[k];
	}
}

static void cpu_from_rgb_backward_data(struct backend *b, struct tensor dimage, struct tensor dz, const float *w, bool accumulate)
{
	const size_t area = tensor_area(dz), tiles = (area + TILE - 1) / TILE;
	const float none[3] = { 0 };
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int64_t i = 0; i < dz.n; i++)
		for (size_t t = 0; t < tiles; t++)
			to_planes(dimage, dz, w, i, t * TILE, min_size(TILE, area - t * TILE), 1, none, accumulate);
}

static void cpu_to_rgb(struct backend *b, struct tensor image, struct tensor x, const float *w, const float *bias, struct activation a)
{
	const size_t area = tensor_area(x), tiles = (area + TILE - 1) / TILE;
	const float shift[3] = { a.bias_gain * bias[0], a.bias_gain * bias[1], a.bias_gain * bias[2] };
	assert(!tensor_is_planar(x) && image.c == 3 && a.leak == 1);
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int64_t i = 0; i < x.n; i++)
		for (size_t t = 0; t < tiles; t++)
			to_planes(image, x, w, i, t * TILE, min_size(TILE, area - t * TILE), a.weight_gain, shift, false);
}

/* dw[k][channels] = factor * sum over samples and pixels of image[k] * x. */
static void rgb_weights(struct backend *b, float *dw, struct tensor image, struct tensor x, float factor)
{
	const size_t area = tensor_area(x), channels = (size_t)blocks_of(x) * BLOCK;
	const int blocks = blocks_of(x), chunks = chunks_of(x);
	double *partial = sums_of_chunks(b, 3 * channels, chunks);
	if (!partial)
		return;
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int k = 0; k < chunks; k++)
		for (int c = 0; c < blocks; c++) {
			double *total = partial + (size_t)k * 3 * channels + (size_t)c * BLOCK;
			for (int64_t i = chunk_start(x, k, chunks); i < chunk_start(x, k + 1, chunks); i++) {
				vec sum[3] = { { 0 } };
				const float *r = plane_of(image, i, 0), *g = plane_of(image, i, 1), *l = plane_of(image, i, 2);
				const vec *p = block_of(x, i, c);
				for (size_t j = 0; j < area; j++) {
					sum[0] += p[j] * r[j];
					sum[1] += p[j] * g[j];
					sum[2] += p[j] * l[j];
				}
				for (int m = 0; m < 3; m++)
					add_total(total + (size_t)m * channels, sum[m]);
			}
		}
	sum_chunks(dw, partial, 3 * channels, chunks, factor, false);
}

static void cpu_from_rgb_backward_weights(struct backend *b, float *dw, struct tensor image, struct tensor dz)
{
	rgb_weights(b, dw, image, dz, 1);
}

static void cpu_to_rgb_backward(struct backend *b, struct tensor dx, float *dw, float *dbias, struct tensor dimage, struct tensor x, const float *w, struct activation a)
{
	const size_t area = tensor_area(x);
	const int blocks = blocks_of(x);
	const vec gain = vec_all(a.weight_gain);
	rgb_weights(b, dw, dimage, x, a.weight_gain);
	for (int k = 0; k < 3; k++) {
		double sum = 0;
		for (int64_t i = 0; i < dimage.n; i++)
			for (size_t j = 0; j < area; j++)
				sum += plane_of(dimage, i, k)[j];
		dbias[k] = a.bias_gain * (float)sum;
	}
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int64_t i = 0; i < x.n; i++)
		for (int c = 0; c < blocks; c++) {
			const float *r = plane_of(dimage, i, 0), *g = plane_of(dimage, i, 1), *l = plane_of(dimage, i, 2);
			const vec wr = gain * rgb_row(w, 0, blocks)[c], wg = gain * rgb_row(w, 1, blocks)[c], wb = gain * rgb_row(w, 2, blocks)[c];
			vec *p = block_of(dx, i, c);
			for (size_t j = 0; j < area; j++)
				p[j] = wr * r[j] + wg * g[j] + wb * l[j];
		}
}
