#include "latents.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "npy.h"
#include "philox.h"

#define LATENT_MOST 1e15f /* so that the sum of many squares is a float32 */

struct latents latents_of(const struct arch *a, uint64_t seed)
{
	struct latents l = { .dim = a->latent, .seed = seed, .attributes = &a->attributes };
	for (int i = 0; i < LABEL_GROUPS; i++)
		l.label[i] = -1;
	return l;
}

int latents_set_labels(struct latents *l, const char *const *text, size_t n, const char *name)
{
	int rc = 0;
	if (n && !l->attributes->groups.n)
		return error_set(ERR_USAGE, "--label: the network '%s' was trained without labels", name);
	for (size_t i = 0; !rc && i < n; i++)
		rc = attributes_parse(l->attributes, text[i], l->label);
	return rc;
}

static void label_code(const struct latents *l, int64_t k, float *out)
{
	int label[LABEL_GROUPS];
	for (int i = 0; i < l->attributes->groups.n; i++)
		label[i] = l->label[i] >= 0 ? l->label[i] : attributes_draw(l->attributes, i, l->seed, STREAM_LABEL, 0, (uint64_t)k);
	attributes_code(l->attributes, label, out);
}

/* Latent k and its code. */
static void point(const struct latents *l, int64_t k, float *out)
{
	const size_t dim = (size_t)l->dim;
	if (!l->array)
		philox_normal(l->seed, STREAM_LATENT, 0, (uint64_t)k * dim, dim, out);
	else if (k < l->n)
		memcpy(out, l->array + (size_t)k * dim, dim * sizeof *out);
	else
		memset(out, 0, dim * sizeof *out);
	label_code(l, k, out + dim);
}

static double dot(const float *a, const float *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * b[i];
	return sum;
}

/* Spherical interpolation (Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985): between normal vectors a straight line would pass through
 * lengths that a generator has never seen. */
static void slerp(const float *a, const float *b, size_t n, double t, float *out)
{
	const double norms = sqrt(dot(a, a, n) * dot(b, b, n)), cosine = norms > 0 ? dot(a, b, n) / norms : 1;
	const double angle = acos(fmin(fmax(cosine, -1), 1)), sine = sin(angle);
	const bool straight = sine < 1e-6;
	const double wa = straight ? 1 - t : sin((1 - t) * angle) / sine, wb = straight ? t : sin(t * angle) / sine;
	for (size_t i = 0; i < n; i++)
		out[i] = (float)(wa * a[i] + wb * b[i]);
}

void latents_fill(const struct latents *l, int64_t first, int64_t n, float *out, float *buffer)
{
	const size_t dim = (size_t)l->dim, all = dim + (size_t)label_values(&l->attributes->groups);
	for (int64_t i = 0; i < n; i++) {
		const int64_t k = l->frames ? (first + i) / l->frames : first + i, frame = l->frames ? (first + i) % l->frames : 0;
		const double t = l->frames ? (double)frame / (double)l->frames : 0;
		float *to = out + (size_t)i * all;
		if (!frame) {
			point(l, k, to);
			continue;
		}
		point(l, k, buffer);
		point(l, k + 1, buffer + all);
		slerp(buffer, buffer + all, dim, t, to);
		for (size_t j = dim; j < all; j++)
			to[j] = (float)((1 - t) * buffer[j] + t * buffer[all + j]);
	}
}

/* -- from a file -- */

/* The next record; 1, 0 at the end, or a failure. */
static int read_record(struct latents *l, FILE *f, const char *name)
{
	struct npy_header h;
	const size_t dim = (size_t)l->dim;
	int rc = npy_read_header_of(f, name, NPY_F32, &h);
	if (rc <= 0)
		return rc;
	if (h.ndim != 2 || h.dim[1] != l->dim)
		return error_set(ERR_INPUT, "'%s' does not hold latents of this network: float32 of shape (N,%d)", name, l->dim);
	const size_t values = (size_t)h.dim[0] * dim, before = (size_t)l->n * dim;
	float *more = realloc(l->array, (before + values + 1) * sizeof *more);
	if (!more)
		return error_set(ERR_FAILED, "out of memory for the %" PRId64 " latents of '%s'", l->n + h.dim[0], name);
	l->array = more;
	l->n += h.dim[0];
	if ((rc = npy_read(f, name, NPY_F32, more + before, values)))
		return rc;
	for (size_t i = before; i < before + values; i++)
		if (!(fabsf(more[i]) <= LATENT_MOST))
			return error_set(ERR_INPUT, "'%s': latent %zu has a value that is not finite, or beyond %g", name, i / dim, (double)LATENT_MOST);
	return 1;
}

int latents_read(struct latents *l, const char *path)
{
	const bool standard = !strcmp(path, "-");
	const char *name = standard ? "stdin" : path;
	FILE *f = standard ? stdin : fopen(path, "rb");
	int rc;
	if (!f)
		return error_set(ERR_INPUT, "cannot open '%s': %s", path, strerror(errno));
	do
		rc = read_record(l, f, name);
	while (rc > 0);
	if (!rc && !l->n)
		rc = error_set(ERR_INPUT, "'%s' has no latents", name);
	if (!standard)
		fclose(f);
	return rc;
}

void latents_free(struct latents *l)
{
	free(l->array);
	l->array = NULL;
}
