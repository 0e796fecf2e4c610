/* Names in JSON. */
#ifndef PGAN_JSON_TEXT_H
#define PGAN_JSON_TEXT_H

#include <jansson.h>

/* A string; JSON is UTF-8, so of a text that is not, what is ASCII, and '?' for every other byte. NULL: out of memory. */
json_t *json_text(const char *text);

#endif
