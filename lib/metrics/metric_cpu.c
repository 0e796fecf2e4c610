/* The metrics' operations on the processor: an image, a direction or a pair to a thread. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "laplacian.h"
#include "metric_open.h"
#include "size.h"
#include "sliced.h"
#include "ssim.h"
#include "w1.h"

struct cpu {
	struct metric_device table; /* first */
	int threads;
	/* a comparison */
	struct sliced_plan plan;
	struct laplacian *pyramid;         /* one per thread */
	struct projector projector;
	float *projection[SLICED_SETS];   /* (directions in whole tiles, descriptors) */
	struct w1 **w1;                    /* one per thread */
	/* pairs */
	struct ssim **ssim;                /* one per thread */
	size_t means;                      /* per pair */
};

/* -- a comparison -- */

static void sliced_close(struct cpu *p)
{
	for (int t = 0; t < p->threads; t++) {
		if (p->pyramid)
			laplacian_free(&p->pyramid[t]);
		if (p->w1)
			w1_close(&p->w1[t]);
	}
	projector_close(&p->projector);
	free(p->pyramid);
	free(p->w1);
	p->pyramid = NULL;
	p->w1 = NULL;
	for (int which = 0; which < SLICED_SETS; which++) {
		free(p->projection[which]);
		p->projection[which] = NULL;
	}
}

static int cpu_sliced_open(struct metric_device *d, const struct sliced_plan *plan)
{
	struct cpu *p = (struct cpu *)d;
	const size_t threads = (size_t)p->threads;
	int rc;
	sliced_close(p);
	p->plan = *plan;
	if ((rc = projector_open(&p->projector, plan->directions, plan->c)))
		return rc;
	if (!(p->pyramid = size_zalloc(threads, sizeof *p->pyramid)) || !(p->w1 = size_zalloc(threads, sizeof *p->w1)))
		return ERR_FAILED;
	for (size_t t = 0; t < threads; t++)
		if ((rc = laplacian_alloc(&p->pyramid[t], plan->c, plan->side, plan->levels)) || (rc = w1_open(&p->w1[t], plan->descriptors)))
			return rc;
	for (int which = 0; which < SLICED_SETS; which++)
		if (plan->wanted[which] && !(p->projection[which] = size_alloc((size_t)projector_rows(plan->directions) * plan->descriptors, sizeof(float))))
			return ERR_FAILED;
	return 0;
}

/* Builds levels first … last of image i of a batch. */
static struct laplacian *build(struct cpu *p, const struct sliced_images *images, int64_t i, int first, int last)
{
	const size_t values = (size_t)p->plan.c * (size_t)p->plan.side * (size_t)p->plan.side;
	struct laplacian *const l = &p->pyramid[omp_get_thread_num()];
	float *const image = l->level[0];
	if (images->bytes)
		for (size_t v = 0; v < values; v++)
			image[v] = ((const uint8_t *)images->data)[(size_t)i * values + v];
	else
		memcpy(image, (const float *)images->data + (size_t)i * values, values * sizeof *image);
	laplacian_build(l, image, first, last);
	return l;
}

/* The patches of image i of a batch: *first … returned end. */
static size_t patches_of(const struct sliced_plan *plan, const struct sliced_images *images, int64_t i, size_t *first)
{
	*first = (size_t)(images->first + i) * (size_t)plan->patches;
	const size_t left = plan->descriptors - *first;
	return *first + (left < (size_t)plan->patches ? left : (size_t)plan->patches);
}

/* Points at[0 … SLICED_BLOCK) at the patches from number `first` on, on a level of their image. */
static struct patch_layout locate(const struct sliced_plan *plan, const struct sliced_images *images, const struct laplacian *l, int level, size_t first,
                                  const float **at)
{
	const size_t s = (size_t)(plan->side >> level);
	const uint32_t corners = (uint32_t)s - PATCH_SIDE + plan->last_corner;
	for (size_t j = 0; j < SLICED_BLOCK; j++) {
		uint32_t y, x;
		patch_corner(plan->seed, images->stream_id * LAPLACIAN_LEVELS + (uint32_t)level, first + j, corners, &y, &x);
		at[j] = l->level[level] + (size_t)y * s + x;
	}
	return (struct patch_layout){ plan->c, s, s * s };
}

static int cpu_sliced_sums(struct metric_device *d, struct patch_sums *sums, const struct sliced_images *images)
{
	struct cpu *p = (struct cpu *)d;
	const struct sliced_plan *const plan = &p->plan;
#pragma omp parallel for num_threads(p->threads) schedule(dynamic)
	for (int64_t i = 0; i < images->n; i++) {
		const struct laplacian *const l = build(p, images, i, 0, plan->levels);
		size_t first;
		const size_t end = patches_of(plan, images, i, &first);
		for (int level = 0; level < plan->levels; level++) {
			struct patch_sums *const out = &sums[i * plan->levels + level];
			*out = (struct patch_sums){ 0 };
			for (size_t j = first; j < end; j += SLICED_BLOCK) {
				const float *at[SLICED_BLOCK];
				const struct patch_layout layout = locate(plan, images, l, level, j, at);
				patch_sums_add(out, at, SLICED_BLOCK, layout);
			}
		}
	}
	return 0;
}

static int cpu_sliced_aim(struct metric_device *d, const float *u, const float *offset, int n)
{
	struct cpu *p = (struct cpu *)d;
	projector_aim(&p->projector, u, offset, n, p->plan.c);
	return 0;
}

static int cpu_sliced_project(struct metric_device *d, const struct sliced_images *images, int level)
{
	struct cpu *p = (struct cpu *)d;
	const struct sliced_plan *const plan = &p->plan;
#pragma omp parallel for num_threads(p->threads) schedule(dynamic)
	for (int64_t i = 0; i < images->n; i++) {
		const struct laplacian *const l = build(p, images, i, level, level);
		size_t first;
		const size_t end = patches_of(plan, images, i, &first);
		for (size_t j = first; j < end; j += SLICED_BLOCK) {
			const float *at[SLICED_BLOCK];
			const struct patch_layout layout = locate(plan, images, l, level, j, at);
			projector_run(&p->projector, omp_get_thread_num(), p->projection[images->which] + j, plan->descriptors, at, layout);
		}
	}
	return 0;
}

static int cpu_sliced_distances(struct metric_device *d, double *out, int n)
{
	struct cpu *p = (struct cpu *)d;
#pragma omp parallel for num_threads(p->threads) schedule(dynamic)
	for (int i = 0; i < n; i++) {
		const size_t row = (size_t)i * p->plan.descriptors;
		out[i] = w1_distance(p->w1[omp_get_thread_num()], p->projection[0] + row, p->projection[1] + row);
	}
	return 0;
}

static int cpu_sliced_rows(struct metric_device *d, int which, const float **rows)
{
	*rows = ((struct cpu *)d)->projection[which];
	return 0;
}

/* -- pairs -- */

static void pairs_close(struct cpu *p)
{
	for (int t = 0; p->ssim && t < p->threads; t++)
		ssim_close(&p->ssim[t]);
	free(p->ssim);
	p->ssim = NULL;
}

static int cpu_ssim_open(struct metric_device *d, const struct ssim_plan *plan)
{
	struct cpu *p = (struct cpu *)d;
	int rc = 0;
	pairs_close(p);
	p->means = (size_t)SSIM_SCALES * (size_t)plan->c * 2;
	if (!(p->ssim = size_zalloc((size_t)p->threads, sizeof *p->ssim)))
		return ERR_FAILED;
	for (int t = 0; !rc && t < p->threads; t++)
		rc = ssim_open(&p->ssim[t], plan);
	return rc;
}

static int cpu_ssim(struct metric_device *d, double *means, const struct ssim_pairs *pairs)
{
	struct cpu *p = (struct cpu *)d;
#pragma omp parallel for num_threads(p->threads) schedule(dynamic)
	for (int64_t i = 0; i < pairs->n; i++)
		ssim_pair(p->ssim[omp_get_thread_num()], means + (size_t)i * p->means, pairs, i);
	return 0;
}

/* -- opening -- */

static void cpu_close(struct metric_device *d)
{
	struct cpu *p = (struct cpu *)d;
	sliced_close(p);
	pairs_close(p);
	free(p);
}

int metric_open_cpu(struct metric_device **out)
{
	struct cpu *p = size_zalloc(1, sizeof *p);
	if (!p)
		return ERR_FAILED;
	p->threads = omp_get_max_threads();
	p->table = (struct metric_device){ .name = "cpu", .tile = projector_rows(1), .close = cpu_close, .sliced_open = cpu_sliced_open,
		                           .sliced_sums = cpu_sliced_sums, .sliced_aim = cpu_sliced_aim, .sliced_project = cpu_sliced_project,
		                           .sliced_distances = cpu_sliced_distances, .sliced_rows = cpu_sliced_rows, .ssim_open = cpu_ssim_open, .ssim = cpu_ssim };
	*out = &p->table;
	return 0;
}
