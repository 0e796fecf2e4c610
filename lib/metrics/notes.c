#include "notes.h"

#include <ctype.h>
#include <stdarg.h>

#include "json_text.h"
#include "printable.h"

void notes_add(struct notes *s, const char *format, ...)
{
	va_list args;
	if (s->n == NOTES_MOST)
		return;
	va_start(args, format);
	vsnprintf(s->text[s->n], sizeof *s->text, format, args);
	char *const text = s->text[s->n++];
	*text = (char)toupper((unsigned char)*text);
	printable_text(text);
	va_end(args);
}

void notes_add_doubt(struct notes *s, const struct images *set)
{
	char text[IMAGES_DOUBT];
	if (set && images_doubt_range(set, text))
		notes_add(s, "%s.", text);
}

void notes_print(const struct notes *s, FILE *f)
{
	for (int i = 0; i < s->n; i++)
		fprintf(f, "%s%s\n", i ? "" : "\n", s->text[i]);
}

json_t *notes_json(const struct notes *s)
{
	json_t *all = json_array();
	for (int i = 0; i < s->n; i++)
		json_array_append_new(all, json_text(s->text[i]));
	return all;
}
