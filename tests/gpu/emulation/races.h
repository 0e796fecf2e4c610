/* Device and shared memory that knows who touched it. The kernels are compiled with the calls that the compiler has for a detector of races
 * (-fsanitize=thread), and races.cc answers them: two accesses during a kernel, at least one of them a write and not both atomic, must be by one thread, or by
 * threads of one block with a barrier between; and what a block reads from shared memory it must have written. Anything else is said on stderr and ends the
 * process. A volatile access is atomic, as in CUDA's memory model. */
#ifndef PGAN_EMULATED_RACES_H
#define PGAN_EMULATED_RACES_H

#include <stddef.h>

/* Device memory: `length` bytes, whole pages, at addresses that no earlier memory had. NULL when there is none. */
void *races_map(size_t length);
void races_unmap(void *start, size_t length);

/* What runs from here on: a kernel, one of its blocks, one of the block's threads after so many barriers; and no kernel. */
void races_kernel(const char *name);
void races_block(unsigned block);
void races_thread(unsigned thread, unsigned barriers);
void races_none(void);

/* That thread does something atomic to *at. */
void races_atomic(const volatile void *at, size_t size);

#endif
