#include "sliced.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "philox_core.h"
#include "size.h"

void patch_corner(uint64_t seed, uint32_t substream, uint64_t index, uint32_t bound, uint32_t *y, uint32_t *x)
{
	const struct philox_block b = philox_stream_block(seed, STREAM_PATCHES, substream, index);
	*y = philox_scaled((uint64_t)b.v[1] << 32 | b.v[0], bound);
	*x = philox_scaled((uint64_t)b.v[3] << 32 | b.v[2], bound);
}

void patch_sums_add(struct patch_sums *s, const float *const *at, size_t n, struct patch_layout l)
{
	for (int c = 0; c < l.c; c++) {
		double sum[PATCH_SIDE] = { 0 }, squares[PATCH_SIDE] = { 0 };
		for (size_t j = 0; j < n; j++)
			for (int y = 0; y < PATCH_SIDE; y++) {
				const float *const row = at[j] + (size_t)c * l.plane + (size_t)y * l.row;
				for (int x = 0; x < PATCH_SIDE; x++) {
					const double v = row[x];
					sum[x] += v;
					squares[x] += v * v;
				}
			}
		for (int x = 0; x < PATCH_SIDE; x++) {
			s->sum[c] += sum[x];
			s->squares[c] += squares[x];
		}
	}
}

int patch_stats_from(struct patch_stats *out, const struct patch_sums *s, size_t n, int c, const char *name)
{
	const double values = (double)n * PATCH_AREA;
	for (int k = 0; k < c; k++) {
		const double mean = s->sum[k] / values, variance = s->squares[k] / values - mean * mean;
		/* what is left of the squares after rounding is no variance */
		if (!(variance > 1e-13 * s->squares[k] / values))
			return error_set(ERR_INPUT, "'%s' is constant: the patches of channel %d do not vary, so no distance is defined", name, k);
		out->mean[k] = mean;
		out->deviation[k] = sqrt(variance);
	}
	return 0;
}

void sliced_directions(float *out, uint64_t seed, uint32_t level, size_t first, size_t n, size_t length)
{
	philox_normal(seed, STREAM_DIRECTIONS, level, first * length, n * length, out);
	for (size_t d = 0; d < n; d++, out += length) {
		double squares = 0;
		for (size_t k = 0; k < length; k++)
			squares += (double)out[k] * (double)out[k];
		const double scale = 1 / sqrt(squares);
		for (size_t k = 0; k < length; k++)
			out[k] = (float)(out[k] * scale);
	}
}

int projector_rows(int n)
{
	const int tile = metric_kernels()->tile;
	return (n + tile - 1) / tile * tile;
}

int projector_open(struct projector *p, int max_directions, int c)
{
	const size_t rows = (size_t)projector_rows(max_directions), length = (size_t)c * PATCH_AREA;
	*p = (struct projector){ .threads = omp_get_max_threads() };
	p->u = size_alloc(rows * length, sizeof(float));
	p->offset = size_alloc(rows, sizeof(float));
	p->packed = size_alloc((size_t)p->threads * length * SLICED_BLOCK, sizeof(float));
	if (p->u && p->offset && p->packed)
		return 0;
	projector_close(p);
	return ERR_FAILED;
}

void projector_close(struct projector *p)
{
	free(p->u);
	free(p->offset);
	free(p->packed);
	*p = (struct projector){ 0 };
}

void sliced_standardize(float *directions, float *offset, int n, int c, const struct patch_stats *stats)
{
	for (int d = 0; d < n; d++) {
		double sum = 0;
		for (int k = 0; k < c * PATCH_AREA; k++, directions++) {
			*directions = (float)(*directions / stats->deviation[k / PATCH_AREA]);
			sum -= (double)*directions * stats->mean[k / PATCH_AREA];
		}
		offset[d] = (float)sum;
	}
}

void projector_aim(struct projector *p, const float *directions, const float *offset, int n, int c)
{
	const int tile = metric_kernels()->tile, length = c * PATCH_AREA;
	p->n = projector_rows(n);
	p->length = length;
	for (int d = 0; d < p->n; d++) {
		float *const u = p->u + (size_t)(d / tile) * (size_t)(tile * length) + d % tile;
		for (int k = 0; k < length; k++)
			u[(size_t)k * (size_t)tile] = d < n ? directions[(size_t)d * (size_t)length + (size_t)k] : 0;
		p->offset[d] = d < n ? offset[d] : 0;
	}
}

void projector_run(const struct projector *p, int thread, float *out, size_t pitch, const float *const at[SLICED_BLOCK], struct patch_layout l)
{
	float *const packed = p->packed + (size_t)thread * (size_t)p->length * SLICED_BLOCK;
	for (int j = 0; j < SLICED_BLOCK; j++) {
		float *x = packed + j;
		for (int c = 0; c < l.c; c++)
			for (int i = 0; i < PATCH_SIDE; i++) {
				const float *const row = at[j] + (size_t)c * l.plane + (size_t)i * l.row;
				for (int k = 0; k < PATCH_SIDE; k++, x += SLICED_BLOCK)
					*x = row[k];
			}
	}
	metric_kernels()->project(out, pitch, packed, p->u, p->offset, p->length, p->n);
}
