#include "words.h"

#include <string.h>

/* After the quote that ends a quoted word, and spaces: a comma or the end of the line; NULL: something else. text: after the first quote. */
static char *after_quoted(char *text)
{
	for (; (text = strchr(text, '"')) && text[1] == '"'; text += 2)
		;
	if (!text)
		return NULL;
	text += 1 + strspn(text + 1, " \t");
	return *text && *text != ',' ? NULL : text;
}

/* In place: a quoted word without its quotes, of which two are one inside. text: after the first quote. */
static char *unquote(char *text)
{
	char *to = text;
	for (const char *from = text; *from != '"' || *++from == '"'; from++)
		*to++ = *from;
	*to = 0;
	return text;
}

char *words_next(char **at, char separator)
{
	char *word, *after;
	if (!*at)
		return NULL;
	if (separator == ' ') {
		do
			word = strsep(at, " \t");
		while (word && !*word);
		return word;
	}
	word = *at + strspn(*at, " \t");
	if (*word == '"' && (after = after_quoted(word + 1))) {
		*at = *after ? after + 1 : NULL;
		return unquote(word + 1);
	}
	strsep(at, ",");
	for (size_t n = strlen(word); n && strchr(" \t", word[n - 1]); n--)
		word[n - 1] = 0;
	return word;
}

char *words_begin(char *text)
{
	return text + (strncmp(text, "\xef\xbb\xbf", 3) ? 0 : 3);
}
