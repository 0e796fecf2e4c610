/* The command line: one table gives the parsing, --help and the option list of the manual page. */
#ifndef PGAN_OPTIONS_H
#define PGAN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum option_kind {
	OPTION_FLAG,   /* bool *: set to true */
	OPTION_INT,    /* int64_t *: decimal, min <= value <= max */
	OPTION_REAL,   /* double *: min <= value <= max, finite */
	OPTION_TEXT,   /* const char **: the argument itself */
	OPTION_CHOICE, /* const char **: one of the words of arg ("karras|paddle") */
	OPTION_LIST    /* struct option_list *: may be given again; where arg ends with "…" one option also takes all words up to the next option */
};

struct option_list {
	const char **item;
	size_t n;
};

#define OPTION_SEED_MAX (0x1p53 - 1) /* of a seed, in every tool: up to there a double, as `max` is one and as JSON has them, tells all whole numbers apart */

struct option {
	const char *name; /* long name without the dashes; NULL ends the table */
	char letter;      /* short name or 0 */
	enum option_kind kind;
	void *value;
	const char *arg;  /* what --help calls the argument: "FILE", "N", "karras|paddle"; NULL for flags */
	const char *help; /* one sentence, lower case, no full stop; defaults are named in it */
	double min, max;  /* for OPTION_INT and OPTION_REAL; both 0: any */
};

struct tool {
	const char *name;     /* "swd" */
	const char *summary;  /* "sliced Wasserstein distance of two sets of images" */
	const char *synopsis; /* "--ref REF [INPUT] [-n N]" */
	const char *details;  /* for the manual page and the end of --help: paragraphs between empty lines; a line in capitals is a heading; lines that start with
	                       * two spaces stay as they are (examples, tables) */
	const struct option *options; /* 64 at most */
	/* For --version: names and versions of the libraries that are used, NULL at the end; and line i on the devices, false: there is none (NULL: the tool has no
	 * choice). */
	const char *(*library[8])(void);
	bool (*device)(int i, char *line, size_t size);
};

/* Parses argv; options may stand anywhere, "--" ends them, "-x VALUE", "-xVALUE", "--name VALUE" and "--name=VALUE" are equal, "-" is an operand.
 * -h, --help, -V, --version, --man (the manual page in roff, for `make install`), -q, -v and -j are known to every tool.
 * Returns the number of operands, left in argv[1..n]; or ERR_USAGE, with the nearest known name suggested for an unknown option.
 * First of all, before any file is opened: a missing stdin, stdout or stderr is opened, so that no file takes its place; what is then written to stdout fails.
 * Prints and exits itself for --help, --version and --man. Ignores nothing: an option given twice (not a list) takes the last value. */
int options_parse(const struct tool *tool, int argc, char **argv) MUST_CHECK;

/* Threads that were asked for with -j; 0: none said, one for each processor. */
int options_threads(void);

/* For an option that is a task of its own, such as "verify", which would leave others undone: ERR_USAGE, by name, when any was given but those of `others`
 * ("device|json": long names) and those that every tool has. */
int options_only(const char *task, const char *others) MUST_CHECK;

#endif
