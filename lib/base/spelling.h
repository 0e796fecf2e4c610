/* Whether a word is one of those that are known, and which one somebody meant. */
#ifndef PGAN_SPELLING_H
#define PGAN_SPELLING_H

#include <stddef.h>

/* The place of a word in a list such as "crop|pad|stretch", from 0; -1: it is none of them. */
int spelling_place(const char *words, const char *word);

/* Letters to insert, delete or replace to get from a (a_length letters) to b: Levenshtein's distance. Words over 63 letters are 64 apart. */
int spelling_distance(const char *a, size_t a_length, const char *b);

/* The largest distance at which a word of `length` letters is still a misspelling and not another word. */
static inline int spelling_limit(size_t length) { return length < 5 ? 1 : 3; }

#endif
