/* Whether a word is one of those that are known, and which one somebody meant. */
#ifndef PGAN_SPELLING_H
#define PGAN_SPELLING_H

#include <stddef.h>

/* The place of a word in a list such as "crop|pad|stretch", from 0; -1: it is none of them. */
int spelling_place(const char *words, const char *word);

/* Which known word was meant by one of `length` letters that is none of them: called for each known word, it leaves in *meant, NULL at first, the nearest by
 * Levenshtein's distance that is not another word altogether; the first of equals. Borrowed. */
void spelling_guess(const char **meant, const char *written, size_t length, const char *known);

#endif
