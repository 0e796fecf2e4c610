#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input_guard.h"
#include "manual.h"
#include "message.h"
#include "spelling.h"

/* -- what every tool knows -- */

static bool quiet, verbose, want_help, want_version, want_manual;
static int64_t threads;

static const struct option common[] = {
	{ "threads", 'j', OPTION_INT, &threads, "N", "threads; default: one for each processor", 1, 1024 },
	{ "quiet", 'q', OPTION_FLAG, &quiet, NULL, "say nothing but errors", 0, 0 },
	{ "verbose", 'v', OPTION_FLAG, &verbose, NULL, "say more", 0, 0 },
	{ "help", 'h', OPTION_FLAG, &want_help, NULL, "print this help", 0, 0 },
	{ "version", 'V', OPTION_FLAG, &want_version, NULL, "print the version, the compiler and the libraries", 0, 0 },
	{ 0 }
};
static const struct option hidden[] = { { "man", 0, OPTION_FLAG, &want_manual, NULL, "print the manual page", 0, 0 }, { 0 } };

/* What was parsed: the tool's own table, and which of its options were given, a bit each. */
static const struct option *parsed;
static uint64_t given;

const struct option *options_common(void)
{
	return common;
}

int options_threads(void)
{
	return (int)threads;
}

/* -- finding an option -- */

static const struct option *find_in(const struct option *table, const char *name, size_t length, char letter)
{
	for (const struct option *o = table; o && o->name; o++)
		if (letter ? o->letter == letter : strlen(o->name) == length && !strncmp(o->name, name, length))
			return o;
	return NULL;
}

static const struct option *find(const struct tool *t, const char *name, size_t length, char letter)
{
	const struct option *o = find_in(t->options, name, length, letter);
	if (!o)
		o = find_in(common, name, length, letter);
	return o ? o : find_in(hidden, name, length, letter);
}

static void guess_in(const struct option *table, const char *name, size_t length, const char **meant)
{
	for (const struct option *o = table; o && o->name; o++)
		spelling_guess(meant, name, length, o->name);
}

static int unknown(const struct tool *t, const char *name, size_t length)
{
	const char *meant = NULL;
	guess_in(t->options, name, length, &meant);
	guess_in(common, name, length, &meant);
	if (meant)
		return error_set(ERR_USAGE, "unknown option '--%.*s': did you mean '--%s'?", (int)length, name, meant);
	return error_set(ERR_USAGE, "unknown option '--%.*s': '%s --help' lists them", (int)length, name, t->name);
}

/* -- values -- */

static int set_int(const struct option *o, const char *text)
{
	char *end;
	errno = 0;
	const long long value = strtoll(text, &end, 10);
	if (!*text || *end)
		return error_set(ERR_USAGE, "--%s takes a whole number, not '%s'", o->name, text);
	if ((o->min != 0 || o->max != 0) && ((double)value < o->min || (double)value > o->max))
		return error_set(ERR_USAGE, "--%s takes a number from %.0f to %.0f, not '%s'", o->name, o->min, o->max, text);
	if (errno)
		return error_set(ERR_USAGE, "--%s takes a number from %lld to %lld, not '%s'", o->name, LLONG_MIN, LLONG_MAX, text);
	*(int64_t *)o->value = value;
	return 0;
}

static int set_real(const struct option *o, const char *text)
{
	char *end;
	const double value = strtod(text, &end);
	if (!*text || *end || !isfinite(value))
		return error_set(ERR_USAGE, "--%s takes a number, not '%s'", o->name, text);
	if ((o->min != 0 || o->max != 0) && (value < o->min || value > o->max))
		return error_set(ERR_USAGE, "--%s takes a number from %g to %g, not '%s'", o->name, o->min, o->max, text);
	*(double *)o->value = value;
	return 0;
}

static int set_choice(const struct option *o, const char *text)
{
	if (spelling_place(o->arg, text) < 0)
		return error_set(ERR_USAGE, "--%s takes one of %s, not '%s'", o->name, o->arg, text);
	*(const char **)o->value = text;
	return 0;
}

static int add_item(const struct option *o, const char *text)
{
	struct option_list *list = o->value;
	const char **item = realloc(list->item, (list->n + 1) * sizeof *item);
	if (!item)
		return error_set(ERR_FAILED, "out of memory");
	item[list->n++] = text;
	list->item = item;
	return 0;
}

static int set(const struct option *o, const char *text)
{
	switch (o->kind) {
	case OPTION_FLAG:
		*(bool *)o->value = true;
		return 0;
	case OPTION_INT:
		return set_int(o, text);
	case OPTION_REAL:
		return set_real(o, text);
	case OPTION_CHOICE:
		return set_choice(o, text);
	case OPTION_LIST:
		return add_item(o, text);
	case OPTION_TEXT:
		break;
	}
	*(const char **)o->value = text;
	return 0;
}

/* -- walking through argv -- */

struct words {
	int argc, at;
	char **argv;
};

static bool takes_several(const struct option *o)
{
	const size_t length = strlen(o->arg), mark = strlen("…");
	return o->kind == OPTION_LIST && length > mark && !strcmp(o->arg + length - mark, "…");
}

static void mark_given(const struct option *o)
{
	for (int i = 0; parsed[i].name; i++)
		if (&parsed[i] == o)
			given |= (uint64_t)1 << i;
}

/* A word that is an option of the tool was hardly meant as the value of another ("--option=--word" is). */
static bool is_option(const char *word)
{
	return !strncmp(word, "--", 2) && (find_in(parsed, word + 2, strcspn(word + 2, "="), 0) || find_in(common, word + 2, strcspn(word + 2, "="), 0));
}

/* text: the value that came with the option, or NULL. */
static int take(const struct option *o, const char *text, struct words *w)
{
	int rc;
	mark_given(o);
	if (o->kind == OPTION_FLAG)
		return text ? error_set(ERR_USAGE, "--%s takes no value", o->name) : set(o, NULL);
	if (!text) {
		if (w->at == w->argc || is_option(w->argv[w->at]))
			return error_set(ERR_USAGE, "--%s needs a value: %s", o->name, o->arg);
		text = w->argv[w->at++];
	}
	if ((rc = set(o, text)) || !takes_several(o))
		return rc;
	while (!rc && w->at < w->argc && (w->argv[w->at][0] != '-' || !w->argv[w->at][1]))
		rc = set(o, w->argv[w->at++]);
	return rc;
}

static int take_long(const struct tool *t, const char *word, struct words *w)
{
	const char *equals = strchr(word, '=');
	const size_t length = equals ? (size_t)(equals - word) : strlen(word);
	const struct option *o = find(t, word, length, 0);
	return o ? take(o, equals ? equals + 1 : NULL, w) : unknown(t, word, length);
}

/* "-n5", "-n 5", "-qv". */
static int take_short(const struct tool *t, const char *letters, struct words *w)
{
	for (; *letters; letters++) {
		const struct option *o = find(t, NULL, 0, *letters);
		if (!o)
			return error_set(ERR_USAGE, "unknown option '-%c': '%s --help' lists them", *letters, t->name);
		if (o->kind != OPTION_FLAG)
			return take(o, letters[1] ? letters + 1 : NULL, w);
		const int rc = take(o, NULL, w);
		if (rc)
			return rc;
	}
	return 0;
}

static void print_and_exit(const struct tool *t)
{
	if (want_help)
		manual_help(t);
	else if (want_manual)
		manual_page(t);
	else
		manual_version(t);
	exit(message_exit(0));
}

/* A stream that the tool was started without is opened so that its use fails, and stderr to nowhere: otherwise the first file that is opened would take its
 * place. */
static int open_missing_streams(void)
{
	static const int how[] = { O_WRONLY, O_RDONLY, O_WRONLY };
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", how[fd]) != fd)
			return error_set(ERR_FAILED, "cannot open '/dev/null': %s", strerror(errno));
	return 0;
}

int options_parse(const struct tool *t, int argc, char **argv)
{
	struct words w = { argc, 1, argv };
	int operands = 0, rc = open_missing_streams();
	bool ended = false;

	parsed = t->options;
	given = 0;
	message_name(t->name);
	input_guard_add_stdin();
	signal(SIGPIPE, SIG_DFL); /* a producer whose reader went away ends quietly, whatever its parent ignores */
	signal(SIGXFSZ, SIG_IGN); /* beyond a limit to the size of files a write fails, which is told */
	while (!rc && w.at < argc) {
		char *word = argv[w.at++];
		if (ended || word[0] != '-' || !word[1])
			argv[++operands] = word;
		else if (!strcmp(word, "--"))
			ended = true;
		else if (word[1] == '-')
			rc = take_long(t, word + 2, &w);
		else
			rc = take_short(t, word + 1, &w);
	}
	if (rc)
		return rc;
	if (want_help || want_version || want_manual)
		print_and_exit(t);
	message_level = quiet ? 0 : verbose ? 2 : 1;
	return operands;
}

int options_only(const char *task, const char *others)
{
	for (int i = 0; parsed[i].name; i++)
		if (given >> i & 1 && strcmp(parsed[i].name, task) && spelling_place(others, parsed[i].name) < 0)
			return error_set(ERR_USAGE, "--%s does not go with --%s", parsed[i].name, task);
	return 0;
}
