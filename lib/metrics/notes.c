#include "notes.h"

#include <stdarg.h>

#include "printable.h"

void notes_add(struct notes *s, const char *format, ...)
{
	va_list args;
	if (s->n == NOTES_MOST)
		return;
	va_start(args, format);
	vsnprintf(s->text[s->n], sizeof *s->text, format, args);
	printable_text(s->text[s->n++]);
	va_end(args);
}

void notes_print(const struct notes *s, FILE *f)
{
	for (int i = 0; i < s->n; i++)
		fprintf(f, "%s%s\n", i ? "" : "\n", s->text[i]);
}

/* JSON is UTF-8: of a note with a name that is not, only what is ASCII. */
static json_t *string_of(const char *note)
{
	char text[sizeof *((struct notes *)0)->text];
	json_t *s = json_string(note);
	if (s)
		return s;
	snprintf(text, sizeof text, "%s", note);
	for (char *c = text; *c; c++)
		*c = (unsigned char)*c < 0x80 ? *c : '?';
	return json_string(text);
}

json_t *notes_json(const struct notes *s)
{
	json_t *all = json_array();
	for (int i = 0; i < s->n; i++)
		json_array_append_new(all, string_of(s->text[i]));
	return all;
}
