/* Sentences about what limits a score, for its table and its JSON. */
#ifndef PGAN_NOTES_H
#define PGAN_NOTES_H

#include <jansson.h>
#include <stdio.h>

#include "images.h"

enum { NOTES_MOST = 12 };

/* A zeroed struct has none. */
struct notes {
	int n;
	char text[NOTES_MOST][320];
};

/* A first small letter becomes a capital, control characters of names '?'. Beyond NOTES_MOST: left out. */
void notes_add(struct notes *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What images_doubt_range() says of a set that was read; NULL: nothing. */
void notes_add_doubt(struct notes *, const struct images *);

/* A line each, behind an empty one; nothing if there are none. */
void notes_print(const struct notes *, FILE *);

/* An array of strings; the caller's. */
json_t *notes_json(const struct notes *);

#endif
