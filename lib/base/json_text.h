/* What jansson leaves to its user. */
#ifndef PGAN_JSON_TEXT_H
#define PGAN_JSON_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "error.h"

/* A string; JSON is UTF-8, so of a text that is not, what is ASCII, and '?' for every other byte. NULL: out of memory. */
json_t *json_text(const char *text);

/* Prints a value (NULL: memory was short) as json_dumps() has it, and a line feed. Out of memory: ERR_FAILED, and nothing is printed. */
int json_print(FILE *, const json_t *, size_t flags) MUST_CHECK;

#endif
