#include "json_text.h"

#include <stdlib.h>
#include <string.h>

json_t *json_text(const char *text)
{
	json_t *s = json_string(text);
	char *ascii = s ? NULL : strdup(text);
	for (char *c = ascii; c && *c; c++)
		*c = (unsigned char)*c < 0x80 ? *c : '?';
	if (ascii)
		s = json_string(ascii);
	free(ascii);
	return s;
}

int json_print(FILE *f, const json_t *value, size_t flags)
{
	char *text = json_dumps(value, flags);
	if (!text)
		return error_set(ERR_FAILED, "out of memory");
	fprintf(f, "%s\n", text);
	free(text);
	return 0;
}
