/* What makes a face a face: mouth, eyes, brows, and what may lie over them: beard, glasses. */
#include "faces_parts.h"

#include <math.h>

static const unsigned gum = 0x4C1519, tooth = 0xFBF7F0, tongue = 0xC9525A, eye_white = 0xFAF7F3, ink = 0x1E1311;

/* Lips that meet in a line; corners raised by the smile. */
static void draw_lips(struct canvas *c, const struct face *f)
{
	const float m = f->mouth_width, l = f->lip, up = MOUTH_Y - f->smile, low = MOUTH_Y + .35f * f->smile;
	CURVE(c, { -m, up }, { -m, up }, { -.5f * m, low - .9f * l }, { -.16f * m, low - 1.25f * l }, { 0, low - l }, { .16f * m, low - 1.25f * l },
	      { .5f * m, low - .9f * l }, { m, up }, { m, up }, { .5f * m, low + .6f * l }, { 0, low + l }, { -.5f * m, low + .6f * l });
	canvas_fill(c, paint_plain(colour_mix(f->lips, colour_hex(gum), .12f)));
	CURVE(c, { -m, up }, { -m, up }, { -.5f * m, low - .2f * (low - up) }, { 0, low }, { .5f * m, low - .2f * (low - up) }, { m, up }, { m, up },
	      { .52f * m, low + 1.1f * l }, { 0, low + 1.7f * l }, { -.52f * m, low + 1.1f * l });
	canvas_fill(c, paint_plain(f->lips));
	canvas_glow(c, -.15f * m, low + .8f * l, .4f * m, .7f * l, colour_hex(0xFFFFFF), .3f);
	STROKE(c, { -m - .5f, up, 1.6f }, { -.5f * m, low - .2f * (low - up), 1.7f }, { 0, low, 1.5f }, { .5f * m, low - .2f * (low - up), 1.7f },
	       { m + .5f, up, 1.6f });
	canvas_fill(c, paint_veil(colour_hex(gum), .85f));
}

/* The opening between the lips, grown by `lip` above and below. */
static void outline_opening(struct canvas *c, const struct face *f, float lip)
{
	const float m = f->mouth_width + .4f * lip, up = MOUTH_Y - f->smile, top = MOUTH_Y - 2 - .1f * f->smile - .8f * lip,
		    low = MOUTH_Y - 2 + f->mouth_open + lip;
	CURVE(c, { -m, up }, { -m, up }, { -.5f * m, top + .25f * (up - top) }, { 0, top }, { .5f * m, top + .25f * (up - top) }, { m, up }, { m, up },
	      { .62f * m, low - .22f * (low - up) }, { 0, low }, { -.62f * m, low - .22f * (low - up) });
}

static void draw_open_mouth(struct canvas *c, const struct face *f, struct mask *room)
{
	const float m = f->mouth_width, low = MOUTH_Y - 2 + f->mouth_open;
	outline_opening(c, f, f->lip);
	canvas_fill(c, paint_plain(f->lips));
	outline_opening(c, f, 0);
	canvas_mask(c, room);
	c->clip = room;
	canvas_ellipse(c, 0, MOUTH_Y, 2 * m, 30);
	canvas_fill(c, paint_plain(colour_hex(gum)));
	if (f->mouth == MOUTH_OPEN) {
		canvas_ellipse(c, 0, low + 1, .62f * m, .45f * f->mouth_open);
		canvas_fill(c, paint_plain(colour_hex(tongue)));
		canvas_oval(c, 0, MOUTH_Y - 5, .86f * m, 6.5f, 2.6f);
	} else {
		canvas_oval(c, 0, MOUTH_Y - 4, .93f * m, f->mouth_open + .6f, 2.6f);
	}
	canvas_fill(c, paint_plain(colour_hex(tooth)));
	c->clip = NULL;
}

void draw_mouth(struct canvas *c, const struct face *f, struct mask *room)
{
	const float m = f->mouth_width, up = MOUTH_Y - f->smile;
	if (f->beard != BEARD_FULL && f->beard != BEARD_GOATEE)
		canvas_glow(c, 0, MOUTH_Y + 12, 13, 5, f->shade, .6f);
	if (f->mouth == MOUTH_TEETH || f->mouth == MOUTH_OPEN)
		draw_open_mouth(c, f, room);
	else
		draw_lips(c, f);
	if (f->mouth == MOUTH_NEUTRAL)
		return;
	for (int side = -1; side <= 1; side += 2) { /* the folds of a smile */
		const float x = (float)side;
		STROKE(c, { x * (m + 1), up - 6, .4f }, { x * (m + 4), up - 1, 1.3f }, { x * (m + 3.2f), up + 4, .4f });
	}
	canvas_fill(c, paint_veil(f->shade, .7f));
}

/* side: -1 the left eye, 1 the right one; corners at +-w, the outer one a little higher. */
static void draw_eye(struct canvas *c, const struct face *f, float side, struct mask *room)
{
	const float x = side * EYE_X, y = EYE_Y, w = side * f->eye_width, h = f->eye_open, iris_x = x + f->gaze_x, iris_y = y + f->gaze_y - .4f;
	CURVE(c, { x - w, y + 1.5f }, { x - w, y + 1.5f }, { x - .5f * w, y - .78f * h }, { x + .1f * w, y - h }, { x + .65f * w, y - .66f * h },
	      { x + w, y - .3f }, { x + w, y - .3f }, { x + .55f * w, y + .62f * h }, { x, y + .8f * h }, { x - .55f * w, y + .62f * h });
	canvas_mask(c, room);
	c->clip = room;
	canvas_ellipse(c, x, y, 16, 16);
	canvas_fill(c, paint_plain(colour_hex(eye_white)));
	canvas_ellipse(c, iris_x, iris_y, f->iris_size, f->iris_size);
	canvas_fill(c, paint_gradient(colour_mix(f->iris, colour_hex(ink), .45f), at(iris_x, iris_y - 5), f->iris, at(iris_x, iris_y + 4)));
	canvas_ellipse(c, iris_x, iris_y, .5f * f->iris_size, .5f * f->iris_size);
	canvas_fill(c, paint_plain(colour_hex(ink)));
	STROKE(c, { x - w, y + 1.5f, 3 }, { x - .5f * w, y - .78f * h, 4 }, { x + .1f * w, y - h, 4 }, { x + .65f * w, y - .66f * h, 4 },
	       { x + w, y - .3f, 3 });
	canvas_fill(c, paint_veil(colour_hex(ink), .22f)); /* the lid's shadow */
	c->clip = NULL;
	canvas_ellipse(c, iris_x - 1.7f, iris_y - 1.8f, 1.4f, 1.4f);
	canvas_fill(c, paint_plain(colour_hex(0xFFFFFF)));
	STROKE(c, { x - w, y + 1.5f, .4f * f->lash }, { x - .5f * w, y - .78f * h, .8f * f->lash }, { x + .1f * w, y - h, f->lash },
	       { x + .65f * w, y - .66f * h, f->lash }, { x + 1.08f * w, y - .6f - .3f * f->lash, .5f * f->lash });
	canvas_fill(c, paint_plain(colour_hex(ink)));
	STROKE(c, { x - .8f * w, y + .6f * h, .3f }, { x, y + .86f * h, 1.1f }, { x + w, y + .2f, .8f });
	STROKE(c, { x - .85f * w, y - .75f * h, .3f }, { x, y - h - 3.6f, 1.2f }, { x + w, y - .6f * h - 1.5f, .3f });
	canvas_fill(c, paint_veil(colour_mix(f->shade, colour_hex(gum), .35f), .7f));
}

void draw_eyes(struct canvas *c, const struct face *f, struct mask *room)
{
	draw_eye(c, f, -1, room);
	draw_eye(c, f, 1, room);
}

void draw_brows(struct canvas *c, const struct face *f)
{
	const float y = f->brow_y, w = f->brow_width, arch = f->brow_arch, slant = f->brow_slant;
	const bool hairless = f->hair_kind == HAIR_SCARF || f->hair_kind == HAIR_BALD;
	for (int side = -1; side <= 1; side += 2) {
		const float x = (float)side;
		STROKE(c, { x * 9.5f, y + slant + 1, .9f * w }, { x * 18, y - .6f * arch, w }, { x * 26, y - arch, .8f * w },
		       { x * 33.5f, y - slant + 1.5f, .25f * w });
	}
	canvas_fill(c, paint_veil(colour_mix(f->hair_dark, f->shade, hairless ? .1f : .2f), .95f));
}

/* Down one cheek, around the chin `out` beyond the head's outline, up the other, and back along the edge above the mouth. */
static void outline_beard(struct canvas *c, const struct face *f, float out)
{
	const float w = f->cheek, j = f->jaw * f->cheek + out, y = f->chin + 1.2f * out, above = .45f * f->nose_y + .55f * MOUTH_Y;
	CURVE(c, { -w, -8 }, { -w, -8 }, { -.975f * w - .4f * out, 15 }, { -j, 39 }, { -.46f * j, y - 3 }, { 0, y }, { .46f * j, y - 3 }, { j, 39 },
	      { .975f * w + .4f * out, 15 }, { w, -8 }, { w, -8 }, { .93f * w, 8 }, { .74f * w, 22 }, { .45f * w, above }, { 5, above - 4 }, { 0, above - 3 },
	      { -5, above - 4 }, { -.45f * w, above }, { -.74f * w, 22 }, { -.93f * w, 8 });
}

static void outline_moustache(struct canvas *c, const struct face *f)
{
	const float m = f->mouth_width + 2, y = MOUTH_Y - .5f * f->smile, nose = f->nose_y + 6;
	CURVE(c, { -m, y + 1 }, { -m, y + 1 }, { -.6f * m, y - 7 }, { -3, nose }, { 0, nose + 1 }, { 3, nose }, { .6f * m, y - 7 }, { m, y + 1 }, { m, y + 1 },
	      { .5f * m, y - 2.5f }, { 0, y - 3 }, { -.5f * m, y - 2.5f });
}

static void outline_goatee(struct canvas *c, const struct face *f)
{
	const float m = f->mouth_width + 3, y = f->chin + 3;
	outline_moustache(c, f);
	CURVE(c, { -m, MOUTH_Y - 2 }, { -m + 1, MOUTH_Y + 9 }, { -.55f * m, y - 4 }, { 0, y }, { .55f * m, y - 4 }, { m - 1, MOUTH_Y + 9 }, { m, MOUTH_Y - 2 },
	      { m - 4, MOUTH_Y + 2 }, { .5f * m, MOUTH_Y + 9 }, { 0, MOUTH_Y + 10 }, { -.5f * m, MOUTH_Y + 9 }, { -m + 4, MOUTH_Y + 2 });
}

void draw_beard(struct canvas *c, const struct face *f, const struct mask *head)
{
	const struct paint hair = paint_gradient(f->hair, at(-10, 15), f->hair_dark, at(25, 60));
	switch (f->beard) {
	case BEARD_NONE:
		break;
	case BEARD_STUBBLE:
		c->clip = head;
		outline_beard(c, f, 0);
		canvas_fill(c, paint_veil(f->hair_dark, .32f));
		c->clip = NULL;
		break;
	case BEARD_FULL:
		outline_beard(c, f, 2 + 3 * f->volume);
		canvas_fill(c, hair);
		break;
	case BEARD_GOATEE:
		outline_goatee(c, f);
		canvas_fill(c, hair);
		break;
	case BEARD_MOUSTACHE:
		outline_moustache(c, f);
		canvas_fill(c, hair);
		break;
	}
}

void draw_glasses(struct canvas *c, const struct face *f)
{
	if (f->glasses == GLASSES_NONE)
		return;
	const float power = f->glasses == GLASSES_ROUND ? 2 : 3.4f, w = 16.5f, h = f->glasses == GLASSES_ROUND ? 15.5f : 12.5f, y = EYE_Y + 1;
	const bool sun = f->glasses == GLASSES_SUN;
	for (int side = -1; side <= 1; side += 2) {
		canvas_oval(c, (float)side * EYE_X, y, w, h, power);
		canvas_fill(c, sun ? paint_gradient(colour_hex(0x17191F), at(0, y - h), colour_hex(0x4A4C55), at(0, y + h))
				   : paint_veil(colour_hex(0xFFFFFF), .09f));
		STROKE(c, { (float)side * EYE_X - 8, y + 4, 1 }, { (float)side * EYE_X - 1, y - 7, 2.4f });
		canvas_fill(c, paint_veil(colour_hex(0xFFFFFF), .32f));
	}
	for (int side = -1; side <= 1; side += 2) {
		const float x = (float)side;
		canvas_ring(c, x * EYE_X, y, w, h, power, 2.5f);
		STROKE(c, { x * (EYE_X + w - 1), y - 3, 2.6f }, { x * (f->cheek + 1), y - 5, 2 });
	}
	STROKE(c, { -5, y - 2, 2.4f }, { 0, y - 4, 2.4f }, { 5, y - 2, 2.4f });
	canvas_fill(c, paint_plain(f->frame));
}
