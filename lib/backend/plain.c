#include "plain.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"
#include "threads.h"

static struct tensor plain_shape(struct backend *b, int64_t n, int c, int h, int w)
{
	(void)b;
	return (struct tensor){ NULL, n, c, h, w, (size_t)c * (size_t)h * (size_t)w };
}

static void plain_upload(struct backend *b, struct tensor t, const float *host)
{
	b->copy(b, t.data, host, (size_t)t.n * t.sample_size);
}

static void plain_download(struct backend *b, float *host, struct tensor t)
{
	b->copy(b, host, t.data, (size_t)t.n * t.sample_size);
}

static size_t plain_param_size(struct backend *b, struct param_shape p)
{
	const size_t out = (size_t)p.out, in = (size_t)p.in;
	(void)b;
	switch (p.kind) {
	case PARAM_CONV:
		return out * in * 9;
	case PARAM_DENSE:
		return out * (size_t)p.out_pixels * in * (size_t)p.in_pixels;
	case PARAM_FROM_RGB:
		return out * 3;
	case PARAM_TO_RGB:
		return 3 * in;
	case PARAM_BIAS:
		return out * (size_t)p.out_pixels;
	}
	assert(false);
	return 0;
}

static void plain_param_pack(struct backend *b, struct param_shape p, float *packed, const float *host)
{
	b->copy(b, packed, host, b->param_size(b, p));
}

static void plain_param_unpack(struct backend *b, struct param_shape p, float *host, const float *packed)
{
	b->copy(b, host, packed, b->param_size(b, p));
}

static void plain_close(struct backend *b)
{
	host_close((struct host *)b);
	free(b);
}

int backend_open_plain(struct backend **out, int threads)
{
	struct host *host = size_zalloc(1, sizeof *host);
	struct backend *b;
	if (!host)
		return ERR_FAILED;
	b = &host->table;
	b->name = "plain";
	b->details = "plain loops over NCHW, sums in double";
	b->threads = threads_available(threads);
	host_table(b);
	b->close = plain_close;
	b->shape = plain_shape;
	b->upload = plain_upload;
	b->download = plain_download;
	b->param_size = plain_param_size;
	b->param_pack = plain_param_pack;
	b->param_unpack = plain_param_unpack;
	plain_linear_table(b);
	plain_point_table(b);
	plain_stddev_table(b);
	*out = b;
	return 0;
}
