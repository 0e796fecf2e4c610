/* Short digests that tell whether an input is still the same: FNV-1a with 64 bits (Fowler, Noll, Vo; RFC 9923). Against accidents, not against malice. */
#ifndef PGAN_DIGEST_H
#define PGAN_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { DIGEST_TEXT = 17 }; /* 16 hexadecimal digits and a zero */

static inline uint64_t digest_start(void) { return 0xcbf29ce484222325u; }
static inline uint64_t digest_add(uint64_t digest, const void *bytes, size_t size)
{
	const uint8_t *b = (const uint8_t *)bytes;
	for (size_t i = 0; i < size; i++)
		digest = (digest ^ b[i]) * 0x100000001b3u;
	return digest;
}

void digest_text(uint64_t digest, char out[DIGEST_TEXT]);
int digest_file(const char *path, char out[DIGEST_TEXT]) MUST_CHECK; /* a file that cannot be read is ERR_INPUT */

#endif
