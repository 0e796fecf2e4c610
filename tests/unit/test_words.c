#include <stdio.h>
#include <string.h>

#include "check.h"
#include "words.h"

/* Whether a line falls into these words, written one after another with '|' behind each. */
static bool falls_into(const char *line, char separator, const char *want)
{
	char copy[128], got[256] = "", *at = copy, *word;
	snprintf(copy, sizeof copy, "%s", line);
	while ((word = words_next(&at, separator))) {
		strcat(got, word);
		strcat(got, "|");
	}
	return !strcmp(got, want);
}

TEST(between_spaces)
{
	CHECK(falls_into("000001.jpg -1  1\t1 ", ' ', "000001.jpg|-1|1|1|"));
	CHECK(falls_into("  ", ' ', ""));
	CHECK(falls_into("a,b \"c d\"", ' ', "a,b|\"c|d\"|"));
}

TEST(between_commas)
{
	CHECK(falls_into("a.png, 1 ,2", ',', "a.png|1|2|"));
	CHECK(falls_into("a b,,", ',', "a b|||"));
	CHECK(falls_into("", ',', "|"));
}

TEST(quoted)
{
	CHECK(falls_into("\"a,b\",\"c \"\"d\"\"\" , \"\",e", ',', "a,b|c \"d\"||e|"));
	CHECK(falls_into("\" a \"", ',', " a |"));
	CHECK(falls_into("\"\"\"\"", ',', "\"|"));
}

/* A quote that does not end, or within a word, is a letter like others. */
TEST(quotes_that_are_none)
{
	CHECK(falls_into("\"a,b", ',', "\"a|b|"));
	CHECK(falls_into("a\"b\",c", ',', "a\"b\"|c|"));
	CHECK(falls_into("\"a\"b,c", ',', "\"a\"b|c|"));
}
