#include "size.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "error.h"

enum { HUGE_PAGE = 2 << 20 };

void *size_alloc(size_t n, size_t size)
{
	size_t bytes;
	void *p = NULL;
	const bool fits = size_mul(n, size, &bytes), large = fits && bytes >= 2 * HUGE_PAGE;
	if (!fits || posix_memalign(&p, large ? HUGE_PAGE : 64, bytes ? bytes : 1)) {
		(void)error_set(ERR_FAILED, "out of memory: %zu values of %zu bytes do not fit", n, size);
		return NULL;
	}
	if (large)
		(void)madvise(p, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE); /* where the system has none, small pages do */
	return p;
}

void *size_zalloc(size_t n, size_t size)
{
	void *p = size_alloc(n, size);
	if (p)
		memset(p, 0, n * size);
	return p;
}

void *size_grow(void *array, size_t *room, size_t n, size_t size)
{
	enum { FEWEST = 64 };
	const size_t doubled = *room < FEWEST / 2 ? FEWEST : 2 * *room, more = doubled < n ? n : doubled;
	size_t bytes;
	if (array && n <= *room)
		return array;
	void *grown = size_mul(more, size, &bytes) ? realloc(array, bytes) : NULL;
	if (grown)
		*room = more;
	else
		(void)error_set(ERR_FAILED, "out of memory: %zu values of %zu bytes do not fit", more, size);
	return grown;
}
