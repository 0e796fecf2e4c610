/* What a tool says on stderr. The only part of lib/ that prints, called from src/ and, on its behalf, by options.h and progress.h. */
#ifndef PGAN_MESSAGE_H
#define PGAN_MESSAGE_H

/* The name that starts every line ("swd: …"); set once by options_parse(). */
void message_name(const char *tool);
const char *message_tool(void);

/* 0 for -q, 1 by default, 2 for -v. */
extern int message_level;

/* Each is one line; control characters, which names may hold, are shown as '?'. */
void message_error(const char *format, ...) __attribute__((format(printf, 1, 2)));   /* always */
void message_note(const char *format, ...) __attribute__((format(printf, 1, 2)));    /* unless -q */
void message_verbose(const char *format, ...) __attribute__((format(printf, 1, 2))); /* with -v */

/* A line on stderr that the next one replaces (progress); NULL wipes it. Messages wipe it first. */
void message_line(const char *text);

/* Ends a tool: prints error_text() when code is negative, checks that stdout could be written (a full disk is a failure; a reader
 * that went away is not), and returns the exit code for main(): 0, 1, 2 or 3. */
int message_exit(int code);

/* Refuses to write binary to a terminal: ERR_USAGE when stdout is one. */
int message_stdout_is_data(void);

#endif
