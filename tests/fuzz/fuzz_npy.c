/* Fuzz target for .npy records: whatever the bytes are, reading them ends in values or in an error, and stays within memory.
 *
 *   make fuzz [FUZZ_SECONDS=600]     needs clang with libFuzzer; new inputs go to build/fuzz/found/npy */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char values[1 << 16];
	FILE *f = size ? fmemopen((void *)(uintptr_t)data, size, "rb") : NULL;
	struct npy_header h;
	if (!f)
		return 0;
	while (npy_read_header(f, "fuzz", &h) > 0) {
		size_t n = 1;
		for (int d = 0; d < h.ndim; d++)
			n *= (size_t)h.dim[d]; /* checked by npy_read_header, unless it is 0 */
		for (const size_t most = sizeof values / npy_type_size(h.type); n; n -= n < most ? n : most)
			if (npy_read(f, "fuzz", h.type, values, n < most ? n : most))
				goto done;
	}
done:
	fclose(f);
	return 0;
}
