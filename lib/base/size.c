#include "size.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

void *size_alloc(size_t n, size_t size)
{
	size_t bytes;
	void *p = NULL;
	if (!size_mul(n, size, &bytes) || posix_memalign(&p, 64, bytes ? bytes : 1)) {
		(void)error_set(ERR_FAILED, "out of memory: %zu values of %zu bytes do not fit", n, size);
		return NULL;
	}
	return p;
}

void *size_zalloc(size_t n, size_t size)
{
	void *p = size_alloc(n, size);
	if (p)
		memset(p, 0, n * size);
	return p;
}
