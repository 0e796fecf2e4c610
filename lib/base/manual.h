/* What --help, --version and --man print, from the same description of a tool that its command line is parsed by. */
#ifndef PGAN_MANUAL_H
#define PGAN_MANUAL_H

#include "options.h"

/* All to stdout. */
void manual_help(const struct tool *);
void manual_page(const struct tool *); /* roff, section 1 */
void manual_version(const struct tool *);

/* The options that every tool has, ended by a NULL name. */
const struct option *options_common(void);

#endif
