#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char text[ERROR_TEXT];

/* Byte i, or the next after it that begins a letter of UTF-8. */
static const char *letter_at(const char *s, size_t i)
{
	while (((unsigned char)s[i] & 0xc0) == 0x80)
		i++;
	return s + i;
}

/* What is too long, which names of files make it, loses its middle: the cause stands at the end. */
static void keep_ends(const char *whole, size_t n)
{
	const size_t half = (sizeof text - sizeof "…") / 2 - 4; /* a letter has at most 4 bytes */
	const char *first = letter_at(whole, half), *last = letter_at(whole, n - half);
	snprintf(text, sizeof text, "%.*s…%s", (int)(first - whole), whole, last);
}

int error_set(int code, const char *format, ...)
{
	va_list args;
	char *whole;
	va_start(args, format);
	const int n = vasprintf(&whole, format, args);
	va_end(args);
	if (n < 0) {
		snprintf(text, sizeof text, "out of memory");
		return code;
	}
	if ((size_t)n < sizeof text)
		memcpy(text, whole, (size_t)n + 1);
	else
		keep_ends(whole, (size_t)n);
	free(whole);
	return code;
}

int error_of_reading(int number)
{
	static const int of_the_system[] = { ENOMEM, EMFILE, ENFILE, ENOBUFS, EIO, ESTALE, ETIMEDOUT, EAGAIN };
	for (size_t i = 0; i < sizeof of_the_system / sizeof *of_the_system; i++)
		if (number == of_the_system[i])
			return ERR_FAILED;
	return ERR_INPUT;
}

const char *error_text(void)
{
	return text;
}
