/* races.h of this folder. */
#include "races.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Variables of the plug-in, shared memory among them. */
extern "C" __attribute__((visibility("hidden"))) char __bss_start[], _end[];

namespace {

enum { GRAIN = 2 }; /* bytes that are watched as one: no kernel writes fewer */
constexpr uint32_t SEVERAL_BLOCKS = UINT32_MAX;
constexpr uint16_t SEVERAL = UINT16_MAX;

/* By whom; `during` is the number of a kernel or, in shared memory, of a block. Several reads, or several atomic operations, are kept as one. */
struct access {
	uint32_t during, block;
	uint16_t thread, barriers;
};

struct grain {
	struct access read, written;
	uint32_t atomically; /* written so */
};

enum kind { READ, WRITE, ATOMIC_READ, ATOMIC_WRITE };

/* Addresses alone: memory is where something was mapped. */
constexpr size_t DEVICE_BYTES = (size_t)1 << 40, DEVICE_GRAINS = DEVICE_BYTES / GRAIN;
char *device, *unused;
struct grain *device_grains, *shared_grains;

struct access me;
uint32_t kernels, blocks;
const char *kernel_name; /* NULL: none runs */

size_t shared_bytes() { return (size_t)(_end - __bss_start); }

void *addresses(size_t bytes)
{
	void *start = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start == MAP_FAILED) {
		perror("emulation: no addresses for device memory");
		abort();
	}
	return start;
}

void begin()
{
	device = unused = (char *)addresses(DEVICE_BYTES);
	device_grains = (struct grain *)addresses(DEVICE_GRAINS * sizeof(struct grain));
	shared_grains = (struct grain *)calloc(shared_bytes() / GRAIN + 1, sizeof(struct grain));
	if (!shared_grains)
		abort();
}

/* Nothing between orders them. */
inline bool at_once(const struct access &a, const struct access &b)
{
	return a.during == b.during && (a.block != b.block || (a.barriers == b.barriers && a.thread != b.thread));
}

inline struct access joined(const struct access &earlier, struct access now)
{
	if (at_once(earlier, now)) {
		now.thread = SEVERAL;
		if (earlier.block != now.block)
			now.block = SEVERAL_BLOCKS;
	}
	return now;
}

[[noreturn]] void stop(const void *at, const char *what, const struct access &other, const void *caller)
{
	Dl_info file = {};
	dladdr(caller, &file);
	fprintf(stderr, "emulated kernel '%s': thread %u of block %u %s", kernel_name, me.thread, me.block, what);
	if (other.block == SEVERAL_BLOCKS)
		fprintf(stderr, " threads of several blocks");
	else if (other.thread == SEVERAL)
		fprintf(stderr, " several threads of block %u", other.block);
	else
		fprintf(stderr, " thread %u of block %u", other.thread, other.block);
	fprintf(stderr, ", no barrier between: %p (addr2line -e %s %#zx)\n", at, file.dli_fname, (size_t)((const char *)caller - (const char *)file.dli_fbase));
	abort();
}

inline void touch(struct grain *g, const void *at, const struct access &now, enum kind kind, const void *caller)
{
	const bool writes = kind == WRITE || kind == ATOMIC_WRITE, both_atomic = g->atomically && kind >= ATOMIC_READ;
	if (at_once(g->written, now) && !both_atomic)
		stop(at, writes ? "writes what is written by" : "reads what is written by", g->written, caller);
	if (at_once(g->read, now) && writes)
		stop(at, "writes what is read by", g->read, caller);
	if (writes) {
		g->written = both_atomic ? joined(g->written, now) : now;
		g->atomically = kind == ATOMIC_WRITE;
	} else if (kind == READ) {
		g->read = joined(g->read, now);
	}
}

/* Not compiled for races: memory that is not the kernels' passes. */
void touched(const void *at, size_t size, enum kind kind, const void *caller)
{
	if (!kernel_name)
		return;
	const size_t in_device = (size_t)((const char *)at - device), in_shared = (size_t)((const char *)at - __bss_start);
	struct access now = me;
	if (in_device < DEVICE_BYTES) {
		now.during = kernels;
		for (size_t i = in_device / GRAIN; i <= (in_device + size - 1) / GRAIN; i++)
			touch(&device_grains[i], at, now, kind, caller);
	} else if (in_shared < shared_bytes()) {
		now.during = blocks;
		for (size_t i = in_shared / GRAIN; i <= (in_shared + size - 1) / GRAIN; i++) {
			if (kind == READ && shared_grains[i].written.during != blocks) {
				fprintf(stderr, "emulated kernel '%s': reads from shared memory what its block has not written\n", kernel_name);
				abort();
			}
			touch(&shared_grains[i], at, now, kind, caller);
		}
	}
}

}

void *races_map(size_t length)
{
	if (!device)
		begin();
	if (length > DEVICE_BYTES - (size_t)(unused - device))
		return nullptr;
	char *start = unused;
	if (mprotect(start, length, PROT_READ | PROT_WRITE) ||
		mprotect(device_grains + (start - device) / GRAIN, length / GRAIN * sizeof(struct grain), PROT_READ | PROT_WRITE))
		return nullptr;
	unused += length;
	return start;
}

void races_unmap(void *start, size_t length)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
	mmap(start, length, PROT_NONE, flags, -1, 0);
	mmap(device_grains + ((char *)start - device) / GRAIN, length / GRAIN * sizeof(struct grain), PROT_NONE, flags, -1, 0);
}

void races_kernel(const char *name)
{
	kernel_name = name;
	kernels++;
}

void races_block(unsigned block)
{
	me.block = block;
	blocks++;
}

void races_thread(unsigned thread, unsigned barriers)
{
	me.thread = (uint16_t)thread;
	me.barriers = (uint16_t)barriers;
}

void races_none() { kernel_name = nullptr; }

void races_atomic(const volatile void *at, size_t size) { touched((const void *)at, size, ATOMIC_WRITE, __builtin_return_address(0)); }

/* -- what the compiler calls -- */

#define ACCESS(NAME, KIND, SIZE) \
	void __tsan_##NAME##SIZE(void *at) { touched(at, SIZE, KIND, __builtin_return_address(0)); }
#define ACCESSES(SIZE) \
	ACCESS(read, READ, SIZE) \
	ACCESS(write, WRITE, SIZE) \
	ACCESS(volatile_read, ATOMIC_READ, SIZE) \
	ACCESS(volatile_write, ATOMIC_WRITE, SIZE) \
	ACCESS(unaligned_read, READ, SIZE) \
	ACCESS(unaligned_write, WRITE, SIZE)

extern "C" {
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)
void __tsan_read_range(void *at, size_t size) { touched(at, size, READ, __builtin_return_address(0)); }
void __tsan_write_range(void *at, size_t size) { touched(at, size, WRITE, __builtin_return_address(0)); }
void __tsan_vptr_update(void **, void *) {}
void __tsan_vptr_read(void **) {}
void __tsan_init() {}
}
