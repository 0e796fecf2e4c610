/* Convolutions and dense layers of the cpu table: by oneDNN 2.6, or by our own of cpu_winograd.h and cpu_dense.h.
 *
 * A convolution primitive is made at its first use for a shape and direction and kept. Winograd F(4x4,3x3) is used where winograd_pays() says so, a rule drawn
 * from measurements (docs/benchmarks.md), never from timing at run time: the same shapes take the same path everywhere, so the same seed gives the same
 * bytes. */
#include <assert.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "size.h"

enum direction { FORWARD, BACKWARD_DATA, BACKWARD_WEIGHTS };

struct conv_key {
	int64_t n;
	int in, out, h, w; /* channels padded to blocks */
	enum direction direction;
};

struct conv {
	struct conv_key key;
	dnnl_primitive_t primitive;
	dnnl_memory_t x, y, w, scratch;
	size_t scratch_size;
	/* Where a direct kernel wants the weights otherwise than we keep them (backward by data): copied over first. */
	dnnl_primitive_t reorder;
	dnnl_memory_t w_kept;
	float *w_copy;
};

struct cpu_linear {
	dnnl_engine_t engine;
	dnnl_stream_t stream;
	struct conv *conv;
	size_t convs, room;
	bool winograd; /* not switched off */
};

static int dnnl_failed(dnnl_status_t status, const char *what)
{
	return error_set(ERR_FAILED, "oneDNN cannot %s: status %d", what, (int)status);
}

int cpu_linear_open(struct cpu *cpu, bool direct)
{
	struct cpu_linear *l = size_zalloc(1, sizeof *l);
	dnnl_status_t status;
	if (!l)
		return ERR_FAILED;
	cpu->linear = l;
	l->winograd = !direct;
	if ((status = dnnl_engine_create(&l->engine, dnnl_cpu, 0)) || (status = dnnl_stream_create(&l->stream, l->engine, dnnl_stream_default_flags)))
		return dnnl_failed(status, "start");
	return 0;
}

static void conv_free(struct conv *c)
{
	dnnl_memory_t memory[] = { c->x, c->y, c->w, c->scratch, c->w_kept };
	for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
		if (memory[i])
			dnnl_memory_destroy(memory[i]);
	if (c->primitive)
		dnnl_primitive_destroy(c->primitive);
	if (c->reorder)
		dnnl_primitive_destroy(c->reorder);
	free(c->w_copy);
}

void cpu_linear_close(struct cpu *cpu)
{
	struct cpu_linear *l = cpu->linear;
	if (!l)
		return;
	for (size_t i = 0; i < l->convs; i++)
		conv_free(&l->conv[i]);
	if (l->stream)
		dnnl_stream_destroy(l->stream);
	if (l->engine)
		dnnl_engine_destroy(l->engine);
	free(l->conv);
	free(l);
	cpu->linear = NULL;
}

/* Where Winograd beats the direct kernels; docs/benchmarks.md has the table. */
static bool winograd_pays(const struct conv_key *k)
{
	return k->h % 4 == 0 && k->w % 4 == 0;
}

/* -- making a primitive -- */

struct shapes {
	dnnl_memory_desc_t x, y, w_kept, w_any;
};

static dnnl_status_t describe(const struct cpu *cpu, const struct conv_key *k, struct shapes *s)
{
	const dnnl_dims_t x = { k->n, k->in, k->h, k->w }, y = { k->n, k->out, k->h, k->w }, w = { k->out, k->in, 3, 3 };
	const bool wide = cpu->block == 16;
	const dnnl_format_tag_t data = wide ? dnnl_aBcd16b : dnnl_aBcd8b, weights = wide ? dnnl_ABcd16b16a : dnnl_ABcd8b8a;
	dnnl_status_t status;
	if ((status = dnnl_memory_desc_init_by_tag(&s->x, 4, x, dnnl_f32, data)) || (status = dnnl_memory_desc_init_by_tag(&s->y, 4, y, dnnl_f32, data)) ||
	    (status = dnnl_memory_desc_init_by_tag(&s->w_kept, 4, w, dnnl_f32, weights)))
		return status;
	return dnnl_memory_desc_init_by_tag(&s->w_any, 4, w, dnnl_f32, dnnl_format_tag_any);
}

/* The primitive's description. w: the weights' layout to ask for. */
static dnnl_status_t conv_describe(struct cpu_linear *l, const struct conv_key *k, const struct shapes *s, const dnnl_memory_desc_t *w,
                                   dnnl_primitive_attr_t attr, dnnl_primitive_desc_t *out)
{
	const dnnl_alg_kind_t algorithm = dnnl_convolution_direct;
	const dnnl_dims_t one = { 1, 1 }, none = { 0, 0 };
	dnnl_convolution_desc_t forward, desc;
	dnnl_primitive_desc_t hint = NULL;
	dnnl_status_t status;

	if ((status = dnnl_dilated_convolution_forward_desc_init(&forward, dnnl_forward_training, algorithm, &s->x, &s->w_kept, NULL, &s->y, one, none, one, one)) ||
	    (status = dnnl_primitive_desc_create(&hint, &forward, attr, l->engine, NULL)))
		return status;
	if (k->direction == FORWARD) {
		*out = hint;
		return dnnl_success;
	}
	if (k->direction == BACKWARD_DATA)
		status = dnnl_dilated_convolution_backward_data_desc_init(&desc, algorithm, &s->x, w, &s->y, one, none, one, one);
	else
		status = dnnl_dilated_convolution_backward_weights_desc_init(&desc, algorithm, &s->x, w, NULL, &s->y, one, none, one, one);
	if (!status)
		status = dnnl_primitive_desc_create(out, &desc, attr, l->engine, hint);
	dnnl_primitive_desc_destroy(hint);
	return status;
}

/* A copy of the weights in the layout `wanted`, filled by c->reorder. */
static dnnl_status_t conv_make_reorder(struct cpu_linear *l, struct conv *c, const dnnl_memory_desc_t *kept, const dnnl_memory_desc_t *wanted)
{
	dnnl_primitive_desc_t desc;
	dnnl_status_t status;
	if (!(c->w_copy = size_alloc(dnnl_memory_desc_get_size(wanted), 1)))
		return dnnl_out_of_memory;
	if ((status = dnnl_memory_create(&c->w_kept, kept, l->engine, DNNL_MEMORY_NONE)) || (status = dnnl_memory_set_data_handle(c->w, c->w_copy)) ||
	    (status = dnnl_reorder_primitive_desc_create(&desc, kept, l->engine, wanted, l->engine, NULL)))
		return status;
	status = dnnl_primitive_create(&c->reorder, desc);
	dnnl_primitive_desc_destroy(desc);
	return status;
}

static dnnl_status_t conv_make(struct cpu *cpu, struct conv *c)
{
	struct cpu_linear *l = cpu->linear;
	const struct conv_key *k = &c->key;
	struct shapes s;
	dnnl_primitive_attr_t attr;
	dnnl_primitive_desc_t desc = NULL;
	dnnl_status_t status;

	if ((status = describe(cpu, k, &s)) || (status = dnnl_primitive_attr_create(&attr)))
		return status;
	status = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
	if (!status)
		status = conv_describe(l, k, &s, k->direction == BACKWARD_DATA ? &s.w_any : &s.w_kept, attr, &desc);
	dnnl_primitive_attr_destroy(attr);
	if (status)
		return status;

	const dnnl_query_t of = k->direction == BACKWARD_WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
	const dnnl_memory_desc_t *w = dnnl_primitive_desc_query_md(desc, of, 0), *scratch = dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
	c->scratch_size = dnnl_memory_desc_get_size(scratch);
	if (!(status = dnnl_primitive_create(&c->primitive, desc)) && !(status = dnnl_memory_create(&c->x, &s.x, l->engine, DNNL_MEMORY_NONE)) &&
	    !(status = dnnl_memory_create(&c->y, &s.y, l->engine, DNNL_MEMORY_NONE)) && !(status = dnnl_memory_create(&c->w, w, l->engine, DNNL_MEMORY_NONE)) &&
	    !(status = dnnl_memory_create(&c->scratch, scratch, l->engine, DNNL_MEMORY_NONE)) && !dnnl_memory_desc_equal(w, &s.w_kept))
		status = conv_make_reorder(l, c, &s.w_kept, w);
	dnnl_primitive_desc_destroy(desc);
	return status;
}

static bool key_equal(const struct conv_key *a, const struct conv_key *b)
{
	return a->n == b->n && a->in == b->in && a->out == b->out && a->h == b->h && a->w == b->w && a->direction == b->direction;
}

/* The primitive of a shape, made if need be; NULL after a failure. */
static struct conv *conv_find(struct cpu *cpu, const struct conv_key *key)
{
	struct cpu_linear *l = cpu->linear;
	for (size_t i = 0; i < l->convs; i++)
		if (key_equal(&l->conv[i].key, key))
			return &l->conv[i];
	struct conv *const convs = size_grow(l->conv, &l->room, l->convs + 1, sizeof *convs);
	if (!convs) {
		host_fail(&cpu->host, ERR_FAILED);
		return NULL;
	}
	struct conv *c = &(l->conv = convs)[l->convs];
	*c = (struct conv){ .key = *key };
	const dnnl_status_t status = conv_make(cpu, c);
	if (status) {
		host_fail(&cpu->host, dnnl_failed(status, "make a convolution"));
		conv_free(c);
		return NULL;
	}
	l->convs++;
	return c;
}

static void run_winograd(struct cpu *cpu, enum direction direction, struct tensor x, struct tensor y, float *w)
{
	struct backend *b = &cpu->host.table;
	if (direction == FORWARD)
		cpu->winograd.forward(b, y, x, w);
	else if (direction == BACKWARD_DATA)
		cpu->winograd.backward_data(b, x, y, w);
	else
		cpu->winograd.backward_weights(b, w, x, y);
}

static void conv_run(struct backend *b, enum direction direction, struct tensor x, struct tensor y, float *w)
{
	struct cpu *cpu = (struct cpu *)b;
	struct cpu_linear *l = cpu->linear;
	const int block = cpu->block;
	const struct conv_key key = { x.n, cpu_blocks(x.c, block) * block, cpu_blocks(y.c, block) * block, x.h, x.w, direction };
	dnnl_status_t status;

	assert(!tensor_is_planar(x) && !tensor_is_planar(y) && x.n == y.n && x.h == y.h && x.w == y.w);
	if (l->winograd && winograd_pays(&key)) {
		run_winograd(cpu, direction, x, y, w);
		return;
	}
	struct conv *c = conv_find(cpu, &key);
	void *scratch = c ? cpu_scratch(cpu, c->scratch_size + 1, 1) : NULL;
	if (!scratch)
		return;
	const dnnl_exec_arg_t args[] = {
		{ direction == BACKWARD_DATA ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, c->x },
		{ direction == FORWARD ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, c->y },
		{ direction == BACKWARD_WEIGHTS ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, c->w },
		{ DNNL_ARG_SCRATCHPAD, c->scratch },
	};
	if (!(status = dnnl_memory_set_data_handle(c->x, x.data)) && !(status = dnnl_memory_set_data_handle(c->y, y.data)) &&
	    !(status = dnnl_memory_set_data_handle(c->scratch, scratch)) && !(status = dnnl_memory_set_data_handle(c->reorder ? c->w_kept : c->w, w))) {
		if (c->reorder) {
			const dnnl_exec_arg_t copy[] = { { DNNL_ARG_FROM, c->w_kept }, { DNNL_ARG_TO, c->w } };
			status = dnnl_primitive_execute(c->reorder, l->stream, 2, copy);
		}
		if (!status)
			status = dnnl_primitive_execute(c->primitive, l->stream, 4, args);
		if (!status)
			status = dnnl_stream_wait(l->stream);
	}
	if (status)
		host_fail(&cpu->host, dnnl_failed(status, "run a convolution"));
}

static void cpu_conv(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	conv_run(b, FORWARD, x, y, (float *)w);
}

static void cpu_conv_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w)
{
	conv_run(b, BACKWARD_DATA, dx, dy, (float *)w);
}

static void cpu_conv_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	conv_run(b, BACKWARD_WEIGHTS, x, dy, dw);
}

/* -- dense: w is [values of an output sample][values of an input sample] -- */

struct matrix {
	const float *data;
	size_t row; /* floats from row to row, as it lies in memory */
	bool turned; /* it is to be transposed */
};

/* out (m,n) = p (m,k) q (k,n). For the few layers with planar outputs, which are not padded to whole vectors. */
static void multiply(struct backend *b, float *out, size_t m, size_t n, size_t k, struct matrix p, struct matrix q)
{
	const dnnl_status_t status = dnnl_sgemm(p.turned ? 'T' : 'N', q.turned ? 'T' : 'N', (dnnl_dim_t)m, (dnnl_dim_t)n, (dnnl_dim_t)k, 1, p.data,
	                                        (dnnl_dim_t)p.row, q.data, (dnnl_dim_t)q.row, 0, out, (dnnl_dim_t)n);
	if (status)
		host_fail((struct host *)b, dnnl_failed(status, "multiply matrices"));
}

/* A row for each sample. */
static struct matrix samples(struct tensor t)
{
	return (struct matrix){ t.data, t.sample_size, false };
}

static bool whole_vectors(struct cpu *cpu, struct tensor x, struct tensor y)
{
	const size_t block = (size_t)cpu->block;
	return x.sample_size % block == 0 && y.sample_size % block == 0;
}

static void cpu_dense(struct backend *b, struct tensor y, struct tensor x, const float *w)
{
	struct cpu *cpu = (struct cpu *)b;
	if (whole_vectors(cpu, x, y))
		cpu->dense.forward(b, y, x, w);
	else
		multiply(b, y.data, (size_t)x.n, y.sample_size, x.sample_size, samples(x), (struct matrix){ w, x.sample_size, true });
}

static void cpu_dense_backward_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w)
{
	struct cpu *cpu = (struct cpu *)b;
	if (whole_vectors(cpu, dx, dy))
		cpu->dense.backward_data(b, dx, dy, w);
	else
		multiply(b, dx.data, (size_t)dx.n, dx.sample_size, dy.sample_size, samples(dy), (struct matrix){ w, dx.sample_size, false });
}

static void cpu_dense_backward_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	struct cpu *cpu = (struct cpu *)b;
	if (whole_vectors(cpu, x, dy))
		cpu->dense.backward_weights(b, dw, x, dy);
	else
		multiply(b, dw, dy.sample_size, x.sample_size, (size_t)x.n, (struct matrix){ dy.data, dy.sample_size, true }, samples(x));
}

void cpu_linear_table(struct backend *b)
{
	b->conv = cpu_conv;
	b->conv_backward_data = cpu_conv_backward_data;
	b->conv_backward_weights = cpu_conv_backward_weights;
	b->dense = cpu_dense;
	b->dense_backward_data = cpu_dense_backward_data;
	b->dense_backward_weights = cpu_dense_backward_weights;
}
