/* The metrics' table on a GPU: memory, and which kernels an operation is made of. */
#include "metrics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 24, GROUP_MAX = 64 };

static const size_t BATCH_BYTES = (size_t)256 << 20, W1_BYTES = (size_t)1 << 30, PROJECTIONS_MOST = (size_t)16 << 30;

/* Device memory that goes together. */
struct memory {
	void *block[BLOCKS];
	int count;
};

struct metrics {
	struct metric_device table; /* first */
	struct cuda *c;

	/* a comparison */
	struct sliced_plan plan;
	struct memory sliced;
	int64_t images;                  /* of a batch */
	uint8_t *bytes;                  /* (images,c,side,side), as they come */
	float *level[LAPLACIAN_LEVELS];  /* (images, c, side >> k, side >> k) */
	int *corner;
	struct patch_sums *sums;         /* (images, levels) */
	float *u, *offset;               /* (c * 49, directions), (directions) */
	float *host_u;                   /* u on the host; owned */
	float *projection[SLICED_SETS]; /* (directions, descriptors) */
	float *rows;                     /* one of these on the host, when asked for; owned */
	void *w1;
	int group;                       /* directions that it has room for */
	int64_t *distance;
	float *scale;                    /* (directions) */

	/* pairs */
	struct ssim_plan ssim;
	struct memory pairs;
	int64_t pairs_most;              /* of a batch */
	void *raw;                       /* pairs_most pictures, as they come */
	double *a[2], *b[2];             /* (pairs,c,side,side) and the next scale */
	double *partial, *means;
};

static struct metrics *metrics_of(struct metric_device *d)
{
	return (struct metrics *)d;
}

/* -- memory -- */

static void forget(struct metrics *m, struct memory *all)
{
	for (int i = 0; i < all->count; i++)
		cuda_note(m->c, cudaFree(all->block[i]), "free memory");
	all->count = 0;
}

/* NULL (noted) when there is none. */
static void *get(struct metrics *m, struct memory *all, size_t bytes)
{
	void *block = NULL;
	assert(all->count < BLOCKS);
	cuda_note(m->c, cudaMalloc(&block, bytes ? bytes : 1), "allocate memory");
	if (block)
		all->block[all->count++] = block;
	else
		(void)cudaGetLastError(); /* told here: the next launch has not failed */
	return block;
}

/* What went wrong since the last time; waits for the device. */
static int check(struct metrics *m)
{
	return m->c->table.check(&m->c->table);
}

/* From pageable memory: what `from` holds has been read when this returns. */
static void send(struct metrics *m, void *to, const void *from, size_t bytes)
{
	cuda_note(m->c, cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, m->c->stream), "copy to the GPU");
	cuda_note(m->c, cudaStreamSynchronize(m->c->stream), "copy to the GPU");
}

static int fetch(struct metrics *m, void *to, const void *from, size_t bytes)
{
	cuda_note(m->c, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, m->c->stream), "copy from the GPU");
	return check(m);
}

static int64_t clamp(size_t x, int64_t most)
{
	return x < 1 ? 1 : x > (size_t)most ? most : (int64_t)x;
}

/* -- a comparison -- */

static void sliced_close(struct metrics *m)
{
	forget(m, &m->sliced);
	free(m->host_u);
	free(m->rows);
	m->host_u = m->rows = NULL;
}

static int sliced_open(struct metric_device *d, const struct sliced_plan *plan)
{
	struct metrics *m = metrics_of(d);
	struct memory *const all = &m->sliced;
	const size_t values = (size_t)plan->c * (size_t)plan->side * (size_t)plan->side, directions = (size_t)plan->directions;
	const size_t length = (size_t)plan->c * PATCH_AREA, row = plan->descriptors * sizeof(float);
	sliced_close(m);
	assert(plan->levels <= LAPLACIAN_LEVELS && plan->patches % METRICS_TILE == 0 && plan->descriptors % METRICS_TILE == 0 && plan->directions % METRICS_TILE == 0);
	m->plan = *plan;
	m->images = clamp(BATCH_BYTES / (values * sizeof(float)), 256);
	m->group = (int)clamp(W1_BYTES / metrics_w1_bytes(plan->descriptors, 1), plan->directions < GROUP_MAX ? plan->directions : GROUP_MAX);
	m->bytes = get(m, all, (size_t)m->images * values);
	for (int k = 0; k < plan->levels; k++)
		m->level[k] = get(m, all, (size_t)m->images * (values >> 2 * k) * sizeof(float));
	m->corner = get(m, all, (size_t)m->images * (size_t)plan->patches * sizeof *m->corner);
	m->sums = get(m, all, (size_t)m->images * (size_t)plan->levels * sizeof *m->sums);
	m->u = get(m, all, length * directions * sizeof *m->u);
	m->offset = get(m, all, directions * sizeof *m->offset);
	m->distance = get(m, all, directions * sizeof *m->distance);
	m->scale = get(m, all, directions * sizeof *m->scale);
	for (int which = 0; which < SLICED_SETS; which++)
		m->projection[which] = plan->wanted[which] ? get(m, all, directions * row) : NULL;
	m->w1 = plan->wanted[0] && plan->wanted[1] ? get(m, all, metrics_w1_bytes(plan->descriptors, m->group)) : NULL;
	if (m->sums) /* that of a channel which the pictures do not have is copied, too */
		cuda_note(m->c, cudaMemsetAsync(m->sums, 0, (size_t)m->images * (size_t)plan->levels * sizeof *m->sums, m->c->stream), "clear sums");
	if (!(m->host_u = calloc(length * directions, sizeof *m->host_u)))
		return error_set(ERR_FAILED, "out of memory");
	return check(m);
}

/* Sends images first … first + n of a batch and builds levels 0 … last + 1 of them, of which from … last are differences. */
static void build(struct metrics *m, const struct sliced_images *images, int64_t first, int64_t n, int from, int last)
{
	const struct sliced_plan *const p = &m->plan;
	const size_t values = (size_t)p->c * (size_t)p->side * (size_t)p->side, count = (size_t)n * values;
	if (images->bytes) {
		send(m, m->bytes, (const uint8_t *)images->data + (size_t)first * values, count);
		metrics_floats(m->c, m->level[0], m->bytes, (int64_t)count);
	} else {
		send(m, m->level[0], (const float *)images->data + (size_t)first * values, count * sizeof(float));
	}
	for (int k = 0; k <= last && k + 1 < p->levels; k++) {
		metrics_down(m->c, m->level[k + 1], m->level[k], n * p->c, p->side >> k);
		if (k >= from)
			metrics_subtract_up(m->c, m->level[k], m->level[k + 1], n * p->c, p->side >> k);
	}
}

/* The patches of images first … first + n of a batch, on a level; *number: of the first. */
static struct metrics_patches draw(struct metrics *m, const struct sliced_images *images, int64_t first, int64_t n, int level, size_t *number)
{
	const struct sliced_plan *const p = &m->plan;
	*number = (size_t)(images->first + first) * (size_t)p->patches;
	const size_t left = p->descriptors - *number, most = (size_t)n * (size_t)p->patches;
	const struct metrics_patches patches = { (int64_t)(left < most ? left : most), p->patches, p->c, p->side >> level, m->corner };
	metrics_corners(m->c, patches, p->seed, images->stream_id * LAPLACIAN_LEVELS + (uint32_t)level, *number, (uint32_t)(patches.side - PATCH_SIDE + p->last_corner));
	return patches;
}

static int sliced_sums(struct metric_device *d, struct patch_sums *sums, const struct sliced_images *images)
{
	struct metrics *m = metrics_of(d);
	const int levels = m->plan.levels;
	for (int64_t i = 0, n; i < images->n; i += n) {
		n = images->n - i < m->images ? images->n - i : m->images;
		build(m, images, i, n, 0, levels);
		for (int level = 0; level < levels; level++) {
			size_t number;
			const struct metrics_patches patches = draw(m, images, i, n, level, &number);
			metrics_sums(m->c, m->sums + level, levels, m->level[level], patches);
		}
		const int rc = fetch(m, sums + i * levels, m->sums, (size_t)(n * levels) * sizeof *sums);
		if (rc)
			return rc;
	}
	return 0;
}

static int sliced_aim(struct metric_device *d, const float *u, const float *offset, int n)
{
	struct metrics *m = metrics_of(d);
	const size_t length = (size_t)m->plan.c * PATCH_AREA, directions = (size_t)m->plan.directions;
	memset(m->host_u, 0, length * directions * sizeof *u);
	for (size_t i = 0; i < (size_t)n; i++)
		for (size_t k = 0; k < length; k++)
			m->host_u[k * directions + i] = u[i * length + k];
	send(m, m->u, m->host_u, length * directions * sizeof *u);
	cuda_note(m->c, cudaMemsetAsync(m->offset, 0, directions * sizeof *offset, m->c->stream), "clear offsets");
	send(m, m->offset, offset, (size_t)n * sizeof *offset);
	return check(m);
}

static int sliced_project(struct metric_device *d, const struct sliced_images *images, int level)
{
	struct metrics *m = metrics_of(d);
	for (int64_t i = 0, n; i < images->n; i += n) {
		size_t number;
		n = images->n - i < m->images ? images->n - i : m->images;
		build(m, images, i, n, level, level);
		const struct metrics_patches patches = draw(m, images, i, n, level, &number);
		metrics_project(m->c, m->projection[images->which] + number, m->plan.descriptors, m->level[level], patches, m->u, m->offset, m->plan.directions);
	}
	return check(m);
}

static int sliced_distances(struct metric_device *d, double *out, int n)
{
	struct metrics *m = metrics_of(d);
	const size_t count = (size_t)n;
	int64_t *const sum = calloc(count, sizeof *sum);
	float *const scale = calloc(count, sizeof *scale);
	int rc = sum && scale ? 0 : error_set(ERR_FAILED, "out of memory");
	if (!rc) {
		metrics_w1(m->c, m->w1, m->group, m->distance, m->scale, m->projection[0], m->projection[1], m->plan.descriptors, n);
		rc = fetch(m, sum, m->distance, count * sizeof *sum);
	}
	if (!rc)
		rc = fetch(m, scale, m->scale, count * sizeof *scale);
	for (size_t i = 0; !rc && i < count; i++)
		out[i] = scale[i] > 0 ? (double)sum[i] / ((double)m->plan.descriptors * (double)scale[i]) : 0;
	free(sum);
	free(scale);
	return rc;
}

static int sliced_rows(struct metric_device *d, int which, const float **rows)
{
	struct metrics *m = metrics_of(d);
	const size_t count = (size_t)m->plan.directions * m->plan.descriptors;
	if (!m->rows && !(m->rows = malloc(count * sizeof *m->rows)))
		return error_set(ERR_FAILED, "out of memory: %zu projections", count);
	*rows = m->rows;
	return fetch(m, m->rows, m->projection[which], count * sizeof *m->rows);
}

/* -- pairs -- */

static int ssim_open(struct metric_device *d, const struct ssim_plan *plan)
{
	struct metrics *m = metrics_of(d);
	struct memory *const all = &m->pairs;
	const size_t values = (size_t)plan->c * (size_t)plan->side * (size_t)plan->side;
	size_t partial = 0;
	forget(m, all);
	m->ssim = *plan;
	m->pairs_most = clamp(BATCH_BYTES / (values * sizeof(double)), 4096);
	const size_t n = (size_t)m->pairs_most;
	m->raw = get(m, all, n * values * sizeof(float));
	for (int i = 0; i < 2; i++) {
		m->a[i] = get(m, all, n * values * sizeof(double));
		m->b[i] = get(m, all, n * values * sizeof(double));
	}
	for (int k = 0; k < SSIM_SCALES; k++) {
		const size_t wanted = metrics_ssim_partial(&plan->scale[k]);
		partial = wanted > partial ? wanted : partial;
	}
	m->partial = get(m, all, n * (size_t)plan->c * partial * sizeof *m->partial);
	m->means = get(m, all, n * SSIM_SCALES * (size_t)plan->c * 2 * sizeof *m->means);
	return check(m);
}

/* The first or the second pictures of pairs first … first + n. */
static void load(struct metrics *m, double *to, const char *from, size_t step, bool bytes, int64_t first, int64_t n)
{
	const size_t values = (size_t)m->ssim.c * (size_t)m->ssim.side * (size_t)m->ssim.side, size = values * (bytes ? 1 : sizeof(float));
	for (int64_t i = 0; i < n; i++)
		cuda_note(m->c, cudaMemcpyAsync((char *)m->raw + (size_t)i * size, from + (size_t)(first + i) * step, size, cudaMemcpyHostToDevice, m->c->stream),
			"copy to the GPU");
	metrics_doubles(m->c, to, m->raw, bytes, n * (int64_t)values, m->ssim.gain, m->ssim.offset);
}

/* means: of n pairs, already on the device. */
static void compare(struct metrics *m, int64_t n)
{
	const int64_t planes = n * m->ssim.c;
	int at = 0;
	for (int k = 0; k < SSIM_SCALES; k++) {
		const struct ssim_scale *const s = &m->ssim.scale[k];
		metrics_ssim(m->c, m->means, m->partial, m->a[at], m->b[at], n, &m->ssim, k);
		if (s->halved) {
			metrics_halve(m->c, m->a[!at], m->a[at], planes, s->side, m->ssim.zeros_before);
			metrics_halve(m->c, m->b[!at], m->b[at], planes, s->side, m->ssim.zeros_before);
			at = !at;
		}
	}
}

static int ssim(struct metric_device *d, double *means, const struct ssim_pairs *pairs)
{
	struct metrics *m = metrics_of(d);
	const size_t each = (size_t)SSIM_SCALES * (size_t)m->ssim.c * 2;
	for (int64_t i = 0, n; i < pairs->n; i += n) {
		n = pairs->n - i < m->pairs_most ? pairs->n - i : m->pairs_most;
		load(m, m->a[0], pairs->a, pairs->step_a, pairs->bytes_a, i, n);
		load(m, m->b[0], pairs->b, pairs->step_b, pairs->bytes_b, i, n);
		compare(m, n);
		const int rc = fetch(m, means + (size_t)i * each, m->means, (size_t)n * each * sizeof *means);
		if (rc)
			return rc;
	}
	return 0;
}

/* -- opening -- */

static void metrics_close(struct metric_device *d)
{
	struct metrics *m = metrics_of(d);
	sliced_close(m);
	forget(m, &m->pairs);
	m->c->table.close(&m->c->table);
	free(m);
}

int cuda_open_metrics(struct metric_device **out, const char *options)
{
	struct metrics *m = calloc(1, sizeof *m);
	size_t unused = 0, whole = 0;
	int rc;
	if (!m)
		return error_set(ERR_FAILED, "out of memory");
	if ((rc = cuda_open_bare(&m->c, options))) {
		free(m);
		return rc;
	}
	cuda_note(m->c, cudaMemGetInfo(&unused, &whole), "ask for the memory there is");
	m->table = (struct metric_device){ .name = "cuda", .tile = METRICS_TILE, .memory = unused / 2 < PROJECTIONS_MOST ? unused / 2 : PROJECTIONS_MOST,
		                           .close = metrics_close, .sliced_open = sliced_open, .sliced_sums = sliced_sums, .sliced_aim = sliced_aim,
		                           .sliced_project = sliced_project, .sliced_distances = sliced_distances, .sliced_rows = sliced_rows,
		                           .ssim_open = ssim_open, .ssim = ssim };
	*out = &m->table;
	return 0;
}
