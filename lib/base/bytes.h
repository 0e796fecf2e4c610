/* Bytes that grow as needed and are used again from one read to the next. */
#ifndef PGAN_BYTES_H
#define PGAN_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

/* A zeroed struct is empty. Owned by whoever has it: free() data. */
struct bytes {
	uint8_t *data;
	size_t size, room;
};

/* Neither a picture nor a table of labels is larger: what says it is, is damaged, or has no end. */
#define BYTES_MOST ((int64_t)1 << 30)

int bytes_reserve(struct bytes *, size_t room) MUST_CHECK;                      /* keeps what is there; ERR_FAILED when out of memory */
int bytes_append(struct bytes *, FILE *, const char *name) MUST_CHECK; /* the rest of an open one, behind what is there, BYTES_MOST in all; ERR_INPUT says `name` */

#endif
