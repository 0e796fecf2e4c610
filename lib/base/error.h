/* Errors of the library: a negative code, and one line of text that a tool prints.
 *
 * A function of lib/ that can fail returns 0 (or a useful non-negative value) or one of these codes. It neither prints nor exits;
 * it calls error_set(), which names the file and the cause, and passes the code up. The text is kept per thread, and only the first
 * failure matters: callers add nothing unless they know the file's name better. */
#ifndef PGAN_ERROR_H
#define PGAN_ERROR_H

enum {
	ERR_FAILED = -1, /* the work could not be done: exit code 1 */
	ERR_USAGE = -2,  /* the command line or a setting is wrong: exit code 2 */
	ERR_INPUT = -3   /* bad, missing or truncated input: exit code 3 */
};

enum { ERROR_TEXT = 1024 }; /* bytes of a message, with the zero at its end; a longer one has "…" for its middle */

#define MUST_CHECK __attribute__((warn_unused_result))

/* Keeps the message (lower case, no full stop, the thing quoted) and returns code, so that `return error_set(…)` reads well. */
int error_set(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The code for an input that the system does not let be read, by errno: ERR_INPUT, or ERR_FAILED where that says nothing of the input (no memory, no
 * descriptors, a disk or a network that fails): to leave the input out as damaged would be wrong. */
int error_of_reading(int number);

/* The last message of this thread, "" if there was none. Valid until the next error_set() of this thread. */
const char *error_text(void);

#endif
