/* The C tests: TEST(name) { … } registers itself; check.c has main(), which runs them in order and prints TAP.
 *
 *   CHECK(x)               the test fails if x is false, and goes on
 *   CHECK_MSG(x, "…", …)   the same, saying what was measured
 *   REQUIRE(x)             the test fails and ends there
 *   SKIP("reason")         the test ends and counts as skipped
 *
 *   worst = check_worse(worst, e)   the larger error; not a number is larger than any, and stays (fmax() would drop it)
 *
 * `test_x NAME…` runs the tests of those names alone. */
#ifndef PGAN_CHECK_H
#define PGAN_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdbool.h>

struct check_test {
	const char *name;
	void (*run)(void);
	struct check_test *next;
};

void check_register(struct check_test *);
bool check_that(bool ok, const char *file, int line, const char *format, ...) __attribute__((format(printf, 4, 5)));
void check_skip(const char *reason) __attribute__((noreturn));
void check_leave(void) __attribute__((noreturn));

static inline double check_worse(double worst, double error)
{
	return isnan(error) || error > worst ? error : worst;
}

#define TEST(name)                                                                          \
	static void test_##name(void);                                                      \
	__attribute__((constructor)) static void register_##name(void)                      \
	{                                                                                   \
		static struct check_test test = { #name, test_##name, 0 };                  \
		check_register(&test);                                                      \
	}                                                                                   \
	static void test_##name(void)

#define CHECK(x) ((void)check_that((x), __FILE__, __LINE__, "%s", #x))
#define CHECK_MSG(x, ...) ((void)check_that((x), __FILE__, __LINE__, __VA_ARGS__))
/* An `if`, so that compilers know that x holds afterwards. */
#define REQUIRE(x)                                                                          \
	do {                                                                                \
		if (!(x)) {                                                                 \
			check_that(false, __FILE__, __LINE__, "%s", #x);                    \
			check_leave();                                                      \
		}                                                                           \
	} while (0)
#define SKIP(reason) check_skip(reason)

#endif
