#include "backend.h"

#include <string.h>

#include "size.h"

int backend_open(struct backend **out, const char *device, int threads)
{
	if (!strcmp(device, "auto") || !strcmp(device, "cpu"))
		return backend_open_cpu(out, threads, false);
	if (!strcmp(device, "cpu:direct"))
		return backend_open_cpu(out, threads, true);
	if (!strcmp(device, "plain"))
		return backend_open_plain(out, threads);
	return error_set(ERR_USAGE, "unknown device '%s': give auto, cpu, cpu:direct or plain", device);
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
