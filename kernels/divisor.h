/* Division by a number that is known beforehand, as a multiplication and a shift: for device kernels, where dividing takes some thirty instructions.
 * n / d for n < 2^31, exactly: Granlund and Montgomery, Division by Invariant Integers using Multiplication, 1994, theorem 4.2. */
#ifndef PGAN_DIVISOR_H
#define PGAN_DIVISOR_H

#include <assert.h>

#include "pointwise.h"

/* 2^shift <= multiplier * d < 2^shift + d, with 2^shift / d at least 2^31. */
struct divisor {
	uint32_t d, multiplier;
	int shift;
};

static inline struct divisor divisor_of(int64_t d)
{
	struct divisor r = { (uint32_t)d, 0, 31 };
	assert(d > 0 && d <= INT32_MAX);
	while ((int64_t)1 << (r.shift - 31) < d)
		r.shift++;
	r.multiplier = (uint32_t)((((uint64_t)1 << r.shift) + r.d - 1) / r.d);
	return r;
}

POINTWISE uint32_t quotient(uint32_t n, struct divisor d)
{
	return (uint32_t)((uint64_t)n * d.multiplier >> d.shift);
}

POINTWISE uint32_t rest(uint32_t n, struct divisor d)
{
	return n - quotient(n, d) * d.d;
}

#endif
