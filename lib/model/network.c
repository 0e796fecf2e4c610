#include "network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "philox.h"
#include "size.h"

int network_open(struct network *n, struct backend *be, const struct arch *a, enum network_kind kind, bool training)
{
	memset(n, 0, sizeof *n);
	n->be = be;
	n->kind = kind;
	(kind == NETWORK_G ? arch_generator : arch_discriminator)(a, be, &n->layers);
	n->w = be->alloc(be, n->layers.size);
	bool ok = n->w != NULL;
	if (training && ok) {
		n->gradient = be->alloc(be, n->layers.size);
		n->moment = be->alloc(be, n->layers.size);
		ok = n->gradient && n->moment;
		if (kind == NETWORK_G && ok)
			ok = (n->average = be->alloc(be, n->layers.size)) != NULL;
	}
	if (ok)
		return 0;
	network_close(n);
	return ERR_FAILED;
}

void network_close(struct network *n)
{
	float **array[] = { &n->w, &n->gradient, &n->moment, &n->average };
	for (size_t i = 0; i < sizeof array / sizeof *array; i++) {
		if (*array[i])
			n->be->release(n->be, *array[i]);
		*array[i] = NULL;
	}
}

int network_new_layers(enum network_kind kind, int scale)
{
	if (!scale)
		return 0;
	return kind == NETWORK_G ? g_block(scale, 0) : d_block(scale, 0);
}

static bool layer_wanted(const struct network *n, int layer, const struct network_layers *only)
{
	if (!only)
		return true;
	return (n->kind == NETWORK_G ? arch_g_active : arch_d_active)(only->arch, layer, only->fading);
}

int network_each(const struct network *n, int end, const struct network_layers *only,
                 int (*each)(void *ctx, const char *name, struct param_shape, size_t at), void *ctx)
{
	for (int i = 0; i < end && i < n->layers.n; i++) {
		const struct layer *l = &n->layers.item[i];
		char name[64];
		int rc;
		if (!layer_wanted(n, i, only))
			continue;
		snprintf(name, sizeof name, "%s.module.weight", l->name);
		if ((rc = each(ctx, name, l->weight, l->weight_at)))
			return rc;
		snprintf(name, sizeof name, "%s.module.bias", l->name);
		if ((rc = each(ctx, name, l->bias, l->bias_at)))
			return rc;
	}
	return 0;
}

/* -- initial values -- */

struct init {
	struct network *n;
	const struct arch *arch;
	uint64_t seed;
	int first, index; /* of parameters, two a layer */
	double fan_in;    /* of the layer's weight, for its bias */
	bool bias_zero;
};

static int init_param(void *ctx, const char *name, struct param_shape shape, size_t at)
{
	struct init *in = ctx;
	const size_t count = param_values(shape);
	const uint32_t substream = (uint32_t)in->index++ + (in->n->kind == NETWORK_G ? 0 : 1000);
	float *host;
	(void)name;

	if (shape.kind != PARAM_BIAS)
		in->fan_in = (double)count / shape.out / shape.out_pixels;
	if (in->index <= in->first)
		return 0;
	if (!(host = size_zalloc(count, sizeof *host)))
		return ERR_FAILED;
	if (in->arch->equalized) {
		if (shape.kind != PARAM_BIAS)
			philox_normal(in->seed, STREAM_WEIGHTS, substream, 0, count, host);
	} else if (shape.kind != PARAM_BIAS || !in->bias_zero) {
		const float bound = (float)(1 / sqrt(in->fan_in));
		philox_uniform(in->seed, STREAM_WEIGHTS, substream, 0, count, host);
		for (size_t i = 0; i < count; i++)
			host[i] = (2 * host[i] - 1) * bound;
	}
	in->n->be->param_pack(in->n->be, shape, in->n->w + at, host);
	free(host);
	return 0;
}

int network_init(struct network *n, const struct arch *a, int first_layer, uint64_t seed, bool bias_zero)
{
	struct init in = { .n = n, .arch = a, .seed = seed, .first = 2 * first_layer, .bias_zero = bias_zero };
	return network_each(n, n->layers.n, NULL, init_param, &in);
}

/* -- HDF5 -- */

struct transfer {
	struct network *n;
	float *array;
	const float *source;
	struct h5file *file;
	const char *group;
};

/* Adam's moments alone may have run over: a value whose gradient was huge is not moved then. */
static int check_finite(const struct transfer *t, const char *path, const float *host, size_t count)
{
	size_t bad = 0;
	for (size_t i = 0; i < count; i++)
		bad += !isfinite(host[i]);
	if (!bad || t->array == t->n->moment)
		return 0;
	return error_set(ERR_INPUT, "'%s': '%s' has %zu values that are not finite", h5_name(t->file), path, bad);
}

static int read_param(void *ctx, const char *name, struct param_shape shape, size_t at)
{
	struct transfer *t = ctx;
	const size_t count = param_values(shape);
	int64_t want[4], dim[H5_MAX_DIMS];
	const int wanted = param_dims(shape, want);
	char path[160];
	int ndim, rc;
	enum h5_type type;

	snprintf(path, sizeof path, "%s/%s", t->group, name);
	if ((rc = h5_shape(t->file, path, &ndim, dim, &type)))
		return rc;
	bool same = ndim == wanted;
	for (int i = 0; same && i < wanted; i++)
		same = dim[i] == want[i];
	if (!same)
		return error_set(ERR_INPUT, "'%s': '%s' does not have the shape that the configuration asks for", h5_name(t->file), path);
	float *host = size_alloc(count, sizeof *host);
	if (!host)
		return ERR_FAILED;
	if (!(rc = h5_read(t->file, path, H5_F32, host, count)) && !(rc = check_finite(t, path, host, count)))
		t->n->be->param_pack(t->n->be, shape, t->array + at, host);
	free(host);
	return rc;
}

int network_read(struct network *n, float *array, struct h5file *file, const char *group, int end, const struct network_layers *only)
{
	struct transfer t = { .n = n, .array = array, .file = file, .group = group };
	return network_each(n, end, only, read_param, &t);
}

static int write_param(void *ctx, const char *name, struct param_shape shape, size_t at)
{
	struct transfer *t = ctx;
	const size_t count = param_values(shape);
	int64_t dim[4];
	const int ndim = param_dims(shape, dim);
	char path[160];

	snprintf(path, sizeof path, "%s/%s", t->group, name);
	float *host = size_alloc(count, sizeof *host);
	if (!host)
		return ERR_FAILED;
	t->n->be->param_unpack(t->n->be, shape, host, t->source + at);
	const int rc = h5_write(t->file, path, H5_F32, ndim, dim, host);
	free(host);
	return rc;
}

int network_write(struct network *n, const float *array, struct h5file *file, const char *group, const struct network_layers *only)
{
	struct transfer t = { .n = n, .source = array, .file = file, .group = group };
	return network_each(n, n->layers.n, only, write_param, &t);
}
