/* Bias, leaky ReLU, pixel norm and 2x2 averages, a vector of channels at a time. Part of cpu_table.h's template.
 *
 * Work is split over samples and tiles of pixels, so that all channels of a tile stay in cache between the passes of one operation. */

enum { TILE = 64 };

/* -- activation -- */

static void activate_planar(struct tensor y, const float *bias, struct activation a)
{
	const size_t area = tensor_area(y);
	for (int64_t i = 0; i < y.n; i++) {
		float *p = tensor_sample(y, i);
		for (int c = 0; c < y.c; c++)
			for (size_t j = 0; j < area; j++, p++)
				*p = lrelu(a.weight_gain * *p + a.bias_gain * bias[a.bias_map ? (size_t)c * area + j : (size_t)c], a.leak);
	}
}

static void cpu_activate(struct backend *b, struct tensor y, const float *bias, struct activation a, struct tensor norm)
{
	const size_t area = tensor_area(y), tiles = (area + TILE - 1) / TILE;
	const int blocks = blocks_of(y);
	const vec gain = vec_all(a.weight_gain), bias_gain = vec_all(a.bias_gain), leak = vec_all(a.leak);
	const vec *bias_vec = (const vec *)bias;
	if (tensor_is_planar(y)) {
		assert(!norm.data);
		activate_planar(y, bias, a);
		return;
	}
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int64_t i = 0; i < y.n; i++)
		for (size_t t = 0; t < tiles; t++) {
			const size_t from = t * TILE, count = min_size(TILE, area - from);
			vec squares[TILE];
			memset(squares, 0, sizeof squares);
			for (int c = 0; c < blocks; c++) {
				vec *p = block_of(y, i, c) + from;
				const vec *map = bias_vec + (size_t)c * area + from;
				vec shift = bias_gain * (a.bias_map ? map[0] : bias_vec[c]);
				for (size_t j = 0; j < count; j++) {
					if (a.bias_map)
						shift = bias_gain * map[j];
					const vec v = vec_lrelu(gain * p[j] + shift, leak);
					squares[j] += v * v;
					p[j] = v;
				}
			}
			if (!norm.data)
				continue;
			float *factor = tensor_sample(norm, i) + from;
			for (size_t j = 0; j < count; j++)
				factor[j] = 1 / sqrtf(vec_sum(squares[j]) / (float)y.c + (float)PIXEL_NORM_EPS);
			for (int c = 0; c < blocks; c++) {
				vec *p = block_of(y, i, c) + from;
				for (size_t j = 0; j < count; j++)
					p[j] *= factor[j];
			}
		}
}

/* One tile of one sample; sum: BLOCK values per block, added to, or NULL. */
static inline void activate_backward_tile(struct tensor dz, struct tensor y, struct tensor norm, int64_t i, size_t from, size_t count, struct activation a, double *sum)
{
	const int blocks = blocks_of(dz);
	const vec gain = vec_all(a.weight_gain), leak_gain = vec_all(a.weight_gain * a.leak);
	vec dots[TILE];
	float dot[TILE];

	if (norm.data) {
		memset(dots, 0, sizeof dots);
		for (int c = 0; c < blocks; c++) {
			const vec *d = block_of(dz, i, c) + from, *v = block_of(y, i, c) + from;
			for (size_t j = 0; j < count; j++)
				dots[j] += d[j] * v[j];
		}
		for (size_t j = 0; j < count; j++)
			dot[j] = vec_sum(dots[j]) / (float)dz.c;
	}
	for (int c = 0; c < blocks; c++) {
		vec *d = block_of(dz, i, c) + from;
		const vec *v = block_of(y, i, c) + from;
		vec total = { 0 };
		if (norm.data) {
			const float *factor = tensor_sample(norm, i) + from;
			for (size_t j = 0; j < count; j++) {
				d[j] = vec_slope(v[j], gain, leak_gain) * (factor[j] * (d[j] - dot[j] * v[j]));
				total += d[j];
			}
		} else {
			for (size_t j = 0; j < count; j++) {
				d[j] *= vec_slope(v[j], gain, leak_gain);
				total += d[j];
			}
		}
		if (sum)
			add_total(sum + (size_t)c * BLOCK, total);
	}
}

/* dbias from dz: dz has the weight's gain in it, the bias its own. */
static float bias_ratio(struct activation a)
{
	return a.bias_gain / a.weight_gain;
}

static void bias_map_backward(struct backend *b, struct tensor dz, struct activation a, float *dbias, bool accumulate)
{
	const float ratio = bias_ratio(a);
#pragma omp parallel for schedule(static) num_threads(b->threads)
	for (size_t j = 0; j < dz.sample_size; j++) {
		double sum = 0;
		for (int64_t i = 0; i < dz.n; i++)
			sum += (double)tensor_sample(dz, i)[j];
		dbias[j] = (accumulate ? dbias[j] : 0) + (float)(ratio * sum);
	}
}

static void activate_backward_planar(struct tensor dz, struct tensor y, struct activation a, float *dbias, bool accumulate)
{
	const size_t area = tensor_area(dz);
	assert(!a.bias_map);
	for (int c = 0; c < dz.c; c++) {
		double sum = 0;
		for (int64_t i = 0; i < dz.n; i++) {
			float *d = tensor_sample(dz, i) + (size_t)c * area;
			const float *v = tensor_sample(y, i) + (size_t)c * area;
			for (size_t j = 0; j < area; j++) {
				d[j] *= a.weight_gain * lrelu_slope(v[j], a.leak);
				sum += d[j];
			}
		}
		if (dbias)
			dbias[c] = (accumulate ? dbias[c] : 0) + bias_ratio(a) * (float)sum;
	}
}

static void cpu_activate_backward(struct backend *b, struct tensor dz, struct tensor y, struct tensor norm, struct activation a, float *dbias, bool accumulate)
{
	const size_t area = tensor_area(dz), channels = (size_t)blocks_of(dz) * BLOCK;
	const int chunks = chunks_of(dz);
	const bool sums = dbias && !a.bias_map;
	double *partial = NULL;
	if (tensor_is_planar(dz)) {
		assert(!norm.data);
		activate_backward_planar(dz, y, a, dbias, accumulate);
		return;
	}
	if (sums && !(partial = sums_of_chunks(b, channels, chunks)))
		return;
#pragma omp parallel for schedule(static) num_threads(b->threads)
	for (int k = 0; k < chunks; k++)
		for (int64_t i = chunk_start(dz, k, chunks); i < chunk_start(dz, k + 1, chunks); i++)
			for (size_t from = 0; from < area; from += TILE)
				activate_backward_tile(dz, y, norm, i, from, min_size(TILE, area - from), a, sums ? partial + (size_t)k * channels : NULL);
	if (sums)
		sum_chunks(dbias, partial, channels, chunks, bias_ratio(a), accumulate);
	else if (dbias)
		bias_map_backward(b, dz, a, dbias, accumulate);
}

static void cpu_activate_pool(struct backend *b, struct tensor pooled, struct tensor y, const float *bias, struct activation a)
{
	const int blocks = blocks_of(y);
	const size_t width = (size_t)y.w;
	const vec gain = vec_all(a.weight_gain), leak = vec_all(a.leak), quarter = vec_all(0.25f);
	assert(!tensor_is_planar(y) && !a.bias_map);
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int64_t i = 0; i < y.n; i++)
		for (int c = 0; c < blocks; c++) {
			const vec shift = vec_all(a.bias_gain) * ((const vec *)bias)[c];
			vec *top = block_of(y, i, c), *out = block_of(pooled, i, c);
			for (int r = 0; r < pooled.h; r++, top += 2 * width) {
				vec *bottom = top + width;
				for (size_t j = 0; j < width; j += 2) {
					top[j] = vec_lrelu(gain * top[j] + shift, leak);
					top[j + 1] = vec_lrelu(gain * top[j + 1] + shift, leak);
					bottom[j] = vec_lrelu(gain * bottom[j] + shift, leak);
					bottom[j + 1] = vec_lrelu(gain * bottom[j + 1] + shift, leak);
					*out++ = quarter * (top[j] + top[j + 1] + bottom[j] + bottom[j + 1]);
				}
			}
		}
}

static void cpu_activate_pool_backward(struct backend *b, struct tensor dz, struct tensor dpooled, struct tensor y, struct activation a, float *dbias, bool accumulate)
{
	const int blocks = blocks_of(dz), chunks = chunks_of(dz);
	const size_t width = (size_t)dz.w, channels = (size_t)blocks * BLOCK;
	const vec gain = vec_all(a.weight_gain / 4), leak_gain = vec_all(a.weight_gain * a.leak / 4);
	double *partial = NULL;
	assert(!tensor_is_planar(dz) && !a.bias_map);
	if (dbias && !(partial = sums_of_chunks(b, channels, chunks)))
		return;
#pragma omp parallel for collapse(2) schedule(static) num_threads(b->threads)
	for (int k = 0; k < chunks; k++)
		for (int c = 0; c < blocks; c++) {
			for (int64_t i = chunk_start(dz, k, chunks); i < chunk_start(dz, k + 1, chunks); i++) {
				vec total = { 0 };
				const vec *in = block_of(dpooled, i, c), *v = block_of(y, i, c);
				vec *out = block_of(dz, i, c);
				for (int r = 0; r < dpooled.h; r++, in += width / 2, v += 2 * width, out += 2 * width)
					for (size_t j = 0; j < width; j++) {
						const vec d = in[j / 2];
						out[j] = d * vec_slope(v[j], gain, leak_gain);
						out[width + j] = d * vec_slope(v[width + j], gain, leak_gain);
						total += out[j] + out[width + j];
					}
				if (partial)
					add_total(partial + (size_t)k * channels + (size_t)c * BLOCK, total);
			}
		}
	if (partial)
		sum_chunks(dbias, partial, channels, chunks, bias_ratio(a), accumulate);
}

static void cpu_pixel_norm(struct backend *b, struct tensor y, struct tensor x)
{
	const size_t area = tensor_area(x);
	const int blocks = blocks_of(x);
	assert(!tensor_is_planar(x));
#pragma omp parallel for schedule(static) num_threads(b->threads)
	for (int64_t i = 0; i < x.n; i++)
		for (size_t j = 0; j < area; j++) {
			vec squares = { 0 };
			for (int c = 0; c < blocks; c++) {
				const vec v = block_of(x, i, c)[j];
				squares += v * v;
			}
			const float factor = 1 / sqrtf(vec_sum(squares) / (float)x.c + (float)PIXEL_NORM_EPS);
			for (int c = 0; c < blocks; c++)
				block_of(y, i, c)[j] = block_of(x, i, c)[j] * factor;
		}
}
