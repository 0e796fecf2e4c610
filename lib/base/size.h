/* Checked sizes and allocation. */
#ifndef PGAN_SIZE_H
#define PGAN_SIZE_H

#include <stdbool.h>
#include <stddef.h>

/* *out = a * b, false when it does not fit. */
static inline bool size_mul(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }

/* n * size bytes aligned to 64 (4 MiB and more: in huge pages where the system has them), uninitialized, or NULL with error_set(ERR_FAILED, "out of
 * memory …"); free with free(). */
void *size_alloc(size_t n, size_t size) __attribute__((malloc, warn_unused_result));
void *size_zalloc(size_t n, size_t size) __attribute__((malloc, warn_unused_result));

/* An array of `size` bytes per item and room for *room items, to which more are added: with room for n at least, moved and doubled if it has to be (array NULL:
 * none yet). NULL with error_set(ERR_FAILED): it is where it was. */
void *size_grow(void *array, size_t *room, size_t n, size_t size) __attribute__((warn_unused_result));

#endif
