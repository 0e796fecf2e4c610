#include "message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "printable.h"

int message_level = 1;

static const char *tool = "pgan";
static bool line_shown;

void message_name(const char *name)
{
	tool = name;
}

const char *message_tool(void)
{
	return tool;
}

void message_line(const char *text)
{
	if (!text && !line_shown)
		return;
	fprintf(stderr, "\r%s\033[K", text ? text : "");
	fflush(stderr);
	line_shown = text != NULL;
}

/* One write, so that the lines of several processes of a pipeline do not mix. */
static void say(const char *format, va_list args)
{
	char text[2048];
	int at = snprintf(text, sizeof text, "%s: ", tool);
	const int more = vsnprintf(text + at, sizeof text - (size_t)at - 1, format, args);
	at += more < 0 ? 0 : more;
	if (at > (int)sizeof text - 2)
		at = (int)sizeof text - 2;
	text[at] = 0;
	printable_text(text);
	text[at] = '\n';
	text[at + 1] = 0;
	message_line(NULL);
	fputs(text, stderr);
}

void message_error(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void message_note(const char *format, ...)
{
	va_list args;
	if (message_level < 1)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void message_verbose(const char *format, ...)
{
	va_list args;
	if (message_level < 2)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

int message_exit(int code)
{
	message_line(NULL);
	if (code < 0)
		message_error("%s", error_text());
	errno = 0;
	const bool failed = ferror(stdout), unwritten = fclose(stdout) != 0;
	if ((failed || unwritten) && errno != EPIPE) {
		if (code >= 0)
			message_error("cannot write to stdout: %s", errno ? strerror(errno) : "an earlier write failed");
		code = code < 0 ? code : ERR_FAILED;
	}
	return code < 0 ? -code : 0;
}

int message_stdout_is_data(void)
{
	if (isatty(STDOUT_FILENO))
		return error_set(ERR_USAGE, "binary data is not written to a terminal: give -o or a pipe");
	return 0;
}
