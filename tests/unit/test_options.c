/* The command line. */
#include <stdarg.h>
#include <string.h>

#include "check.h"
#include "options.h"

static bool flag;
static int64_t count;
static double rate;
static const char *name, *mode;
static struct option_list items, files;

static const struct option table[] = {
	{ "flag", 'f', OPTION_FLAG, &flag, NULL, "a flag", 0, 0 },
	{ "count", 'n', OPTION_INT, &count, "N", "a count", 1, 100 },
	{ "rate", 'r', OPTION_REAL, &rate, "X", "a rate", 0, 1 },
	{ "name", 0, OPTION_TEXT, &name, "NAME", "a name", 0, 0 },
	{ "mode", 'm', OPTION_CHOICE, &mode, "one|two|three", "a mode", 0, 0 },
	{ "set", 's', OPTION_LIST, &items, "KEY=VALUE", "a setting", 0, 0 },
	{ "verify", 0, OPTION_LIST, &files, "FILE…", "files", 0, 0 },
	{ 0 },
};
static const struct tool tool = { .name = "test", .summary = "tests", .synopsis = "[FILE]", .options = table };

static char *words[16];

/* The words up to NULL; operands are left in words[1…]. */
static int parse(const char *first, ...)
{
	va_list args;
	int n = 1;
	flag = false;
	count = 7;
	rate = .5;
	name = mode = NULL;
	items.n = files.n = 0;
	words[0] = (char *)"test";
	va_start(args, first);
	for (const char *w = first; w; w = va_arg(args, const char *))
		words[n++] = (char *)w;
	va_end(args);
	return options_parse(&tool, n, words);
}

TEST(spellings)
{
	CHECK(parse("-n5", "-f", NULL) == 0 && count == 5 && flag);
	CHECK(parse("-n", "6", NULL) == 0 && count == 6 && !flag);
	CHECK(parse("--count", "8", "--rate=.25", NULL) == 0 && count == 8 && rate == .25);
	CHECK(parse("-fn9", NULL) == 0 && count == 9 && flag);
	CHECK(parse("--name=", NULL) == 0 && name && !*name);
	CHECK(parse("--name", "-x", NULL) == 0 && name && !strcmp(name, "-x"));
	CHECK(parse("-m", "two", NULL) == 0 && !strcmp(mode, "two"));
	CHECK(parse("-n1", "-n2", NULL) == 0 && count == 2);
}

TEST(operands_stand_anywhere)
{
	CHECK(parse("a", "-f", "-", "--count=3", "b", "--", "-n4", NULL) == 4);
	CHECK(flag && count == 3);
	CHECK(!strcmp(words[1], "a") && !strcmp(words[2], "-") && !strcmp(words[3], "b") && !strcmp(words[4], "-n4"));
}

TEST(lists)
{
	CHECK(parse("-s", "a=1", "x", "--set=b=2", NULL) == 1);
	CHECK(items.n == 2 && !strcmp(items.item[0], "a=1") && !strcmp(items.item[1], "b=2"));
	CHECK(parse("--verify", "a", "b", "-f", "c", NULL) == 1);
	CHECK(files.n == 2 && !strcmp(files.item[1], "b") && flag && !strcmp(words[1], "c"));
}

static void refused(int result, const char *text)
{
	CHECK(result == ERR_USAGE);
	CHECK_MSG(strstr(error_text(), text), "'%s' does not say '%s'", error_text(), text);
}

TEST(mistakes)
{
	refused(parse("--cuont", "3", NULL), "did you mean '--count'");
	refused(parse("--hepl", NULL), "did you mean '--help'");
	refused(parse("--zzzzzzzzzzz", NULL), "'test --help' lists them");
	refused(parse("-x", NULL), "'-x'");
	refused(parse("--count", NULL), "needs a value");
	refused(parse("--count", "--quiet", NULL), "--count needs a value");
	refused(parse("--flag=1", NULL), "takes no value");
	refused(parse("-n", "0", NULL), "from 1 to 100");
	refused(parse("-n", "101", NULL), "'101'");
	refused(parse("-n", "1.5", NULL), "whole number");
	refused(parse("-n", "", NULL), "whole number");
	refused(parse("-n", "99999999999999999999", NULL), "from 1 to 100, not '99999999999999999999'");
	refused(parse("-r", "nan", NULL), "number");
	refused(parse("-r", "1e999", NULL), "number");
	refused(parse("-r", "2", NULL), "from 0 to 1");
	refused(parse("-m", "tw", NULL), "one|two|three");
	refused(parse("-m", "", NULL), "one|two|three");
	refused(parse("-m", "one|two", NULL), "one|two|three");
	refused(parse("-m", "three|", NULL), "one|two|three");
}

TEST(options_that_do_not_go_with_a_task)
{
	REQUIRE(parse("--verify", "a", "-n5", "-q", NULL) == 0);
	CHECK(options_only("verify", "count|rate") == 0);
	refused(options_only("verify", "rate"), "--count does not go with --verify");
	REQUIRE(parse("--verify", "a", NULL) == 0); /* what was parsed before is forgotten */
	CHECK(options_only("verify", "rate") == 0);
}
