#include "backend.h"

#include <stdio.h>
#include <string.h>

#include "plugin.h"
#include "ranks.h"
#include "size.h"

static _Thread_local char fallback[1024];

const char *backend_fallback(void)
{
	return fallback;
}

/* The GPU where there is one, the processor otherwise; why not the GPU is kept. */
static int open_auto(struct backend **out, int threads, int local)
{
	if (!plugin_open(out, "cuda", "", threads, local))
		return 0;
	snprintf(fallback, sizeof fallback, "%s", error_text());
	return backend_open_cpu(out, threads, false);
}

int backend_open_local(struct backend **out, const char *device, int threads, int local)
{
	fallback[0] = 0;
	if (!strcmp(device, "auto"))
		return open_auto(out, threads, local);
	if (!strcmp(device, "cpu"))
		return backend_open_cpu(out, threads, false);
	if (!strcmp(device, "cpu:direct"))
		return backend_open_cpu(out, threads, true);
	if (!strcmp(device, "plain"))
		return backend_open_plain(out, threads);
	if (!strcmp(device, "cuda") || !strncmp(device, "cuda:", strlen("cuda:")))
		return plugin_open(out, "cuda", device + (device[4] ? 5 : 4), threads, local);
	return error_set(ERR_USAGE, "unknown device '%s': give " BACKEND_DEVICES, device);
}

int backend_open(struct backend **out, const char *device, int threads)
{
	return backend_open_local(out, device, threads, 0);
}

int backend_join(struct backend *b, struct ranks *ranks)
{
	static const struct rank_calls calls = { ranks_broadcast, ranks_sum_f64, ranks_watch };
	b->ranks = ranks;
	return b->join(b, &calls);
}

void backend_title(const struct backend *b, char *line, size_t size)
{
	snprintf(line, size, "%s: %s%s%s", b->name, b->details, *b->notes ? ", " : "", b->notes);
}

bool backend_describe(int i, char *line, size_t size)
{
	static const char *const devices[] = { "cpu", "cuda", "plain" };
	struct backend *b;
	if (i < 0 || (size_t)i >= sizeof devices / sizeof *devices)
		return false;
	if (backend_open(&b, devices[i], 0)) {
		snprintf(line, size, "%s: not usable: %s", devices[i], error_text());
		return true;
	}
	backend_title(b, line, size);
	backend_close(b);
	return true;
}

void backend_close(struct backend *b)
{
	if (b)
		b->close(b);
}

int backend_tensor(struct backend *b, struct tensor *t, int64_t n, int c, int h, int w)
{
	size_t count;
	*t = b->shape(b, n, c, h, w);
	if (!size_mul((size_t)n, t->sample_size, &count))
		return error_set(ERR_FAILED, "a tensor of %lld samples of %zu values does not fit in memory", (long long)n, t->sample_size);
	t->data = b->alloc(b, count);
	return t->data ? 0 : ERR_FAILED;
}
