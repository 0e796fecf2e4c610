/* Which side of 0 every unit fell on before its leaky ReLU: noted while one table computes a step, and forced upon another that computes the same.
 *
 * A unit within rounding of 0 may fall on either side, and its whole gradient goes with it: in small networks that moves a tensor by some percent where the
 * arithmetic errs by some thousandths. With the sides of one table, the other shows what the arithmetic does. */
#ifndef PGAN_SIDES_H
#define PGAN_SIDES_H

#include "backend.h"

struct sides {
	uint8_t *bits; /* in the order of the operations that activate, and of values within these */
	size_t room, count, next;
	int failure;
};

/* From here to sides_end() the table's operations note sides, or take those noted: units on the other side are put next to 0, on this one, however far they were.
 * One table at a time. Not while steps are recorded (begin_step()). */
void sides_note(struct sides *, struct backend *);
void sides_force(struct sides *, struct backend *);
/* ERR_FAILED: out of memory, or not as many units as were noted. */
int sides_end(struct sides *, struct backend *) MUST_CHECK;
void sides_free(struct sides *); /* a zeroed struct is fine */

#endif
