#include "manual.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* "-n, --number N" */
static void option_head(const struct option *o, char *out, size_t size)
{
	int at = o->letter ? snprintf(out, size, "-%c, ", o->letter) : snprintf(out, size, "    ");
	at += snprintf(out + at, size - (size_t)at, "--%s", o->name);
	if (o->arg)
		snprintf(out + at, size - (size_t)at, " %s", o->arg);
}

/* -- --help -- */

enum { TEXT_AT = 30, WIDTH = 100 };

/* Letters of UTF-8, not bytes. */
static int width_of(const char *text, size_t length)
{
	int width = 0;
	for (size_t i = 0; i < length; i++)
		width += (text[i] & 0xc0) != 0x80;
	return width;
}

void manual_wrap(FILE *out, const char *text, size_t length, int column, int indent)
{
	const char *const end = text + length;
	const int start = column;
	while (text < end) {
		size_t word = strcspn(text, " \n");
		word = word < (size_t)(end - text) ? word : (size_t)(end - text);
		const int width = width_of(text, word);
		if (column > start && column + 1 + width > WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (column > start) {
			putc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", (int)word, text);
		column += width;
		text += word;
		text += text < end;
	}
	putc('\n', out);
}

static void help_options(const struct option *table)
{
	for (const struct option *o = table; o && o->name; o++) {
		char head[128];
		option_head(o, head, sizeof head);
		const int width = width_of(head, strlen(head)) + 2;
		printf("  %s", head);
		if (width + 1 > TEXT_AT)
			printf("\n%*s", TEXT_AT, "");
		else
			printf("%*s", TEXT_AT - width, "");
		manual_wrap(stdout, o->help, strlen(o->help), TEXT_AT, TEXT_AT);
	}
}

static bool is_heading(const char *line, size_t length)
{
	bool letters = false;
	for (size_t i = 0; i < length; i++) {
		if (!isupper((unsigned char)line[i]) && line[i] != ' ')
			return false;
		letters |= line[i] != ' ';
	}
	return letters && line[0] != ' ';
}

/* The line of the first heading, or the end. */
static const char *first_heading(const char *text)
{
	while (*text && !is_heading(text, strcspn(text, "\n"))) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return text;
}

/* Lines up to an empty one, a heading or one that stays as it is. */
static size_t paragraph_length(const char *text)
{
	size_t length = 0;
	for (;;) {
		length += strcspn(text + length, "\n");
		const char *next = text + length + 1;
		if (!text[length] || *next == '\n' || !*next || !strncmp(next, "  ", 2) || is_heading(next, strcspn(next, "\n")))
			return length;
		length++;
	}
}

static void help_details(const char *text)
{
	while (*text) {
		const size_t line = strcspn(text, "\n"), length = !line || text[0] == ' ' || is_heading(text, line) ? line : paragraph_length(text);
		if (length == line && (!line || text[0] == ' '))
			printf("%.*s\n", (int)line, text);
		else
			manual_wrap(stdout, text, length, 0, 0);
		text += length + (text[length] == '\n');
	}
}

void manual_help(const struct tool *t)
{
	printf("Usage: %s ", t->name);
	const int indent = 8 + (int)strlen(t->name);
	manual_wrap(stdout, t->synopsis, strlen(t->synopsis), indent, indent);
	printf("\n%s: %s.\n\nOptions:\n", t->name, t->summary);
	help_options(t->options);
	help_options(options_common());
	if (t->details) {
		putchar('\n');
		help_details(t->details);
	}
}

/* -- --man -- */

/* Text where roff would see commands or escapes. */
static void roff_text(const char *text, size_t length)
{
	if (length && (*text == '.' || *text == '\''))
		fputs("\\&", stdout);
	for (size_t i = 0; i < length; i++)
		if (text[i] == '\\')
			fputs("\\e", stdout);
		else if (text[i] == '-')
			fputs("\\-", stdout);
		else
			putchar(text[i]);
}

static void roff_line(const char *text)
{
	roff_text(text, strlen(text));
	putchar('\n');
}

/* Up to `end`. */
static void roff_details(const char *text, const char *end)
{
	bool verbatim = false;
	while (text < end) {
		const size_t length = strcspn(text, "\n");
		const bool indented = !strncmp(text, "  ", 2);
		if (indented != verbatim) {
			puts(indented ? ".nf" : ".fi");
			verbatim = indented;
		}
		if (!length) {
			puts(".PP");
		} else if (is_heading(text, length)) {
			printf(".SH %.*s\n", (int)length, text);
		} else {
			roff_text(text, length);
			putchar('\n');
		}
		text += length + (text[length] == '\n');
	}
	if (verbatim)
		puts(".fi");
}

static void roff_options(const struct option *table)
{
	for (const struct option *o = table; o && o->name; o++) {
		char head[128];
		option_head(o, head, sizeof head);
		fputs(".TP\n.B ", stdout);
		roff_line(head + strspn(head, " "));
		roff_line(o->help);
	}
}

void manual_page(const struct tool *t)
{
	printf(".TH %s 1 \"\" \"pgan " PGAN_VERSION "\"\n.SH NAME\n%s \\- ", t->name, t->name);
	roff_line(t->summary);
	printf(".SH SYNOPSIS\n.B %s\n", t->name);
	roff_line(t->synopsis);
	const char *const details = t->details ? t->details : "", *const sections = first_heading(details), *const end = details + strlen(details);
	if (sections > details)
		puts(".SH DESCRIPTION");
	roff_details(details, sections);
	puts(".SH OPTIONS");
	roff_options(t->options);
	roff_options(options_common());
	roff_details(sections, end);
}

/* -- --version -- */

void manual_version(const struct tool *t)
{
	char line[1024];
#ifdef __clang__
	printf("%s (pgan) " PGAN_VERSION "\ncompiler: clang " __clang_version__ "\n", t->name);
#else
	printf("%s (pgan) " PGAN_VERSION "\ncompiler: gcc " __VERSION__ "\n", t->name);
#endif
	for (int i = 0; t->library[i]; i++)
		printf("%s%s", i ? ", " : "libraries: ", t->library[i]());
	if (t->library[0])
		putchar('\n');
	for (int i = 0; t->device && t->device(i, line, sizeof line); i++)
		printf("backend: %s\n", line);
}
