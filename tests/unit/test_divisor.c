/* Division by multiplying (divisor.h) is division: for every divisor below some thousands and around every power of two, at the numbers where a quotient that
 * is off by one would show. */
#include "check.h"
#include "../../kernels/divisor.h"

/* Around multiples of d, small, in the middle and the largest. */
static void check_divisor(int64_t d)
{
	const struct divisor by = divisor_of(d);
	const int64_t most = INT32_MAX / d, multiples[] = { 0, 1, 2, most / 3, most / 2, most - 1, most };
	for (size_t i = 0; i < sizeof multiples / sizeof *multiples; i++)
		for (int64_t n = multiples[i] * d - 2; n <= multiples[i] * d + 2; n++)
			if (n >= 0 && n <= INT32_MAX)
				CHECK_MSG(quotient((uint32_t)n, by) == n / d && rest((uint32_t)n, by) == n % d, "%lld / %lld", (long long)n, (long long)d);
	CHECK(quotient(INT32_MAX, by) == INT32_MAX / d);
}

TEST(small_divisors)
{
	for (int64_t d = 1; d < 20000; d++)
		check_divisor(d);
}

TEST(divisors_around_powers_of_two)
{
	for (int bit = 1; bit < 32; bit++)
		for (int64_t d = ((int64_t)1 << bit) - 3; d <= ((int64_t)1 << bit) + 3; d++)
			if (d > 0 && d <= INT32_MAX)
				check_divisor(d);
}

TEST(every_number_by_a_few)
{
	static const int64_t d[] = { 1, 3, 5, 7, 65, 641, 49152, 6700417 };
	for (size_t i = 0; i < sizeof d / sizeof *d; i++) {
		const struct divisor by = divisor_of(d[i]);
		for (uint32_t n = 0; n < 1u << 24; n++)
			if (quotient(n, by) != n / (uint32_t)d[i] || quotient(INT32_MAX - n, by) != (INT32_MAX - n) / (uint32_t)d[i]) {
				CHECK_MSG(false, "%u / %lld", n, (long long)d[i]);
				break;
			}
	}
}
