/* The hash FNV-1a, 32 bits. */
#ifndef PGAN_FNV_H
#define PGAN_FNV_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t fnv1a(const char *text, size_t size)
{
	uint32_t sum = 2166136261u;
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ (uint8_t)text[i]) * 16777619u;
	return sum;
}

#endif
