#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct check_test *first, **last = &first;
static jmp_buf leave;
static int failures; /* of the running test */
static const char *skipped;

void check_register(struct check_test *test)
{
	*last = test;
	last = &test->next;
}

bool check_that(bool ok, const char *file, int line, const char *format, ...)
{
	va_list args;
	if (ok)
		return true;
	if (failures++ < 20) {
		printf("# %s:%d: ", file, line);
		va_start(args, format);
		vprintf(format, args);
		va_end(args);
		putchar('\n');
	}
	return false;
}

void check_leave(void)
{
	longjmp(leave, 1);
}

void check_skip(const char *reason)
{
	skipped = reason;
	longjmp(leave, 1);
}

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	volatile int failed = 0, run = 0;
	for (struct check_test *volatile t = first; t; t = t->next) {
		if (!wanted(t->name, argc, argv))
			continue;
		failures = 0;
		skipped = NULL;
		run++;
		if (!setjmp(leave))
			t->run();
		printf("%s %d - %s", failures ? "not ok" : "ok", run, t->name);
		printf(skipped && !failures ? " # skip %s\n" : "\n", skipped);
		fflush(stdout);
		failed += failures != 0;
	}
	printf("1..%d\n", run);
	return failed || !run;
}
