/* What --help, --version and --man print, from the same description of a tool that its command line is parsed by. */
#ifndef PGAN_MANUAL_H
#define PGAN_MANUAL_H

#include <stdio.h>

#include "options.h"

/* All to stdout. */
void manual_help(const struct tool *);
void manual_page(const struct tool *); /* roff, section 1 */
void manual_version(const struct tool *);

/* The words of text[0 … length) to `out` from `column` on, where it stands, broken before column 100; further lines start at `indent`. */
void manual_wrap(FILE *out, const char *text, size_t length, int column, int indent);

/* The options that every tool has, ended by a NULL name. */
const struct option *options_common(void);

#endif
