#include "sides.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "size.h"
#include "tensors.h"

/* The table that is watched: its operations have no other place for this. */
static struct {
	struct backend table; /* as it was */
	struct sides *sides;  /* NULL: no table is */
	bool force;
	int depth;            /* of operations that call each other */
} watched;

static void note(struct sides *s, const float *y, size_t n)
{
	uint8_t *const bits = size_grow(s->bits, &s->room, (s->count + n + 7) / 8, sizeof *bits);
	if (!bits) {
		s->failure = ERR_FAILED;
		return;
	}
	s->bits = bits;
	for (size_t i = 0; i < n; i++, s->count++) {
		if (s->count % 8 == 0)
			bits[s->count / 8] = 0;
		bits[s->count / 8] |= (uint8_t)((y[i] > 0) << s->count % 8);
	}
}

/* Whether a value was changed. */
static bool force(struct sides *s, float *y, size_t n)
{
	bool changed = false;
	if (s->count - s->next < n) {
		s->failure = error_set(ERR_FAILED, "a step has more units than the one whose sides it should take");
		return false;
	}
	for (size_t i = 0; i < n; i++, s->next++) {
		const bool positive = (s->bits[s->next / 8] >> s->next % 8) & 1;
		if (positive == (y[i] > 0))
			continue;
		y[i] = positive ? FLT_MIN : -FLT_MIN;
		changed = true;
	}
	return changed;
}

/* y: as an operation left it. What it calls of the table itself is in this already. */
static void watch(struct backend *b, struct tensor y, struct activation act)
{
	struct sides *const s = watched.sides;
	const size_t n = tensor_values(y);
	if (--watched.depth || s->failure || act.leak == 1)
		return;
	float *const host = size_zalloc(n, sizeof *host); /* a failed download leaves it so, and is told by check() */
	if (!host) {
		s->failure = ERR_FAILED;
		return;
	}
	watched.table.download(b, host, y);
	if (!watched.force)
		note(s, host, n);
	else if (force(s, host, n))
		watched.table.upload(b, y, host);
	free(host);
}

static void activate(struct backend *b, struct tensor y, const float *bias, struct activation act, struct tensor norm)
{
	watched.depth++;
	watched.table.activate(b, y, bias, act, norm);
	watch(b, y, act);
}

static void activate_pool(struct backend *b, struct tensor pooled, struct tensor y, const float *bias, struct activation act)
{
	watched.depth++;
	watched.table.activate_pool(b, pooled, y, bias, act);
	watch(b, y, act);
}

static void from_rgb(struct backend *b, struct tensor y, struct tensor image, const float *w, const float *bias, struct activation act)
{
	watched.depth++;
	watched.table.from_rgb(b, y, image, w, bias, act);
	watch(b, y, act);
}

static void begin(struct sides *s, struct backend *b, bool forced)
{
	assert(!watched.sides);
	s->failure = 0;
	watched.table = *b;
	watched.sides = s;
	watched.force = forced;
	watched.depth = 0;
	b->activate = activate;
	b->activate_pool = activate_pool;
	b->from_rgb = from_rgb;
}

void sides_note(struct sides *s, struct backend *b)
{
	s->count = 0;
	begin(s, b, false);
}

void sides_force(struct sides *s, struct backend *b)
{
	s->next = 0;
	begin(s, b, true);
}

int sides_end(struct sides *s, struct backend *b)
{
	b->activate = watched.table.activate;
	b->activate_pool = watched.table.activate_pool;
	b->from_rgb = watched.table.from_rgb;
	watched.sides = NULL;
	if (!s->failure && watched.force && s->next != s->count)
		s->failure = error_set(ERR_FAILED, "a step has fewer units than the one whose sides it should take");
	return s->failure;
}

void sides_free(struct sides *s)
{
	free(s->bits);
	*s = (struct sides){ .bits = NULL };
}
