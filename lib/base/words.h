/* Texts that others wrote: words between spaces, or between commas and quoted where they hold commas (RFC 4180). */
#ifndef PGAN_WORDS_H
#define PGAN_WORDS_H

/* The next word, ended by a zero in place; NULL: the line has no more. *at: the rest of the line. separator ' ': any number of spaces and tabs; ',': one comma,
 * spaces and tabs around the word ignored, but for those between quotes. */
char *words_next(char **at, char separator);

/* Where a text begins: behind the byte order mark that Windows puts before UTF-8. */
char *words_begin(char *text);

#endif
