/* Fuzz target for tar archives: whatever the bytes are, listing and reading them ends in members or in an error, and stays within the file.
 *
 *   make fuzz [FUZZ_SECONDS=600]     needs clang with libFuzzer; new inputs go to build/fuzz/found/tar */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tar.h"

enum { BLOCK = 512, CHECKSUM = 148, MAGIC = 257 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* Every header gets its checksum, but now and then: otherwise hardly a change would get beyond it. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	size = LLVMFuzzerMutate(data, size, max);
	for (uint8_t *h = data; seed % 16 && h + BLOCK <= data + size; h += BLOCK) {
		unsigned sum = 0;
		if (memcmp(h + MAGIC, "ustar", 5))
			continue;
		memset(h + CHECKSUM, ' ', 8);
		for (int i = 0; i < BLOCK; i++)
			sum += h[i];
		for (int i = 5; i >= 0; i--, sum /= 8)
			h[CHECKSUM + i] = (uint8_t)('0' + sum % 8);
	}
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes content = { 0 };
	struct tar *t = NULL;
	char path[64];
	const int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (tar_open(&t, path) && t)
		abort();
	for (int64_t i = 0; t && i < tar_count(t); i++)
		if (strlen(tar_member(t, i)) > size || (!tar_read(t, i, &content) && (content.size > size || (int64_t)content.size != tar_size(t, i))))
			abort();
	tar_close(&t);
	free(content.data);
	close(fd);
	return 0;
}
