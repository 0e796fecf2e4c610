/* bfloat16 with rounding to nearest even, as CUDA's header has it. */
#ifndef PGAN_EMULATED_CUDA_BF16_H
#define PGAN_EMULATED_CUDA_BF16_H

#include <stdint.h>
#include <string.h>

typedef struct {
	uint16_t bits;
} __nv_bfloat16;

static inline __nv_bfloat16 __float2bfloat16_rn(float x)
{
	__nv_bfloat16 out;
	uint32_t bits;
	memcpy(&bits, &x, sizeof bits);
	out.bits = (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? 0x7fff : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
	return out;
}

static inline float __bfloat162float(__nv_bfloat16 x)
{
	const uint32_t bits = (uint32_t)x.bits << 16;
	float out;
	memcpy(&out, &bits, sizeof out);
	return out;
}

#endif
