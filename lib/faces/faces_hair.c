/* Hair and what is worn over it. Hair is drawn twice: what hangs behind the neck, then what lies on the head. */
#include "faces_parts.h"

#include <math.h>
#include <stddef.h>

enum { LINE_MAX_POINTS = 7 };

/* The hair on a head lies between the skull's outline, grown by some pixels, and the hairline. */
struct style {
	float top, more, side; /* growth at the top, its part that goes with the volume, growth at the sides */
	float left, right;     /* y of its ends */
	int n;
	struct point line[LINE_MAX_POINTS]; /* the hairline from right to left: x in half widths of the head, y in pixels */
	bool parted;                        /* the middle of the line follows the parting */
};

static const struct style styles[HAIR_KINDS] = {
	[HAIR_BUZZ] = { 1.5f, 1, .8f, -10, -10, 5, { { .88f, -27 }, { .6f, -43 }, { 0, -47 }, { -.6f, -43 }, { -.88f, -27 } }, false },
	[HAIR_SHORT] = { 6, 6, 2.5f, -4, -4, 6, { { .87f, -24 }, { .72f, -40 }, { .2f, -37 }, { -.4f, -46 }, { -.78f, -38 }, { -.88f, -24 } }, true },
	[HAIR_QUIFF] = { 9, 5, 2, -6, -6, 5, { { .88f, -26 }, { .66f, -43 }, { 0, -47 }, { -.66f, -43 }, { -.88f, -26 } }, false },
	[HAIR_RECEDING] = { 2.5f,
			    3,
			    3,
			    -2,
			    -2,
			    7,
			    { { .9f, -22 }, { .8f, -42 }, { .5f, -55 }, { 0, -50 }, { -.5f, -55 }, { -.8f, -42 }, { -.9f, -22 } },
			    false },
	[HAIR_CURLY] = { 6, 3, 4, -2, -2, 5, { { .88f, -22 }, { .6f, -40 }, { 0, -42 }, { -.6f, -40 }, { -.88f, -22 } }, false },
	[HAIR_AFRO] = { 10, 5, 8, 0, 0, 5, { { .9f, -22 }, { .62f, -42 }, { 0, -46 }, { -.62f, -42 }, { -.9f, -22 } }, false },
	[HAIR_BUN] = { 4, 3, 2, -2, -2, 5, { { .9f, -20 }, { .62f, -42 }, { 0, -49 }, { -.62f, -42 }, { -.9f, -20 } }, true },
	[HAIR_BOB] = { 7, 5, 6, 34, 34, 7, { { .95f, 6 }, { .86f, -22 }, { .48f, -43 }, { 0, -53 }, { -.48f, -43 }, { -.86f, -22 }, { -.95f, 6 } }, true },
	[HAIR_FRINGE] = { 8, 5, 5, 26, 26, 7, { { .94f, 2 }, { .84f, -23 }, { .45f, -27 }, { 0, -28 }, { -.45f, -27 }, { -.84f, -23 }, { -.94f, 2 } }, false },
	[HAIR_LONG] = { 7, 5, 5, 40, 40, 7, { { .96f, 8 }, { .88f, -20 }, { .5f, -42 }, { 0, -54 }, { -.5f, -42 }, { -.88f, -20 }, { -.96f, 8 } }, true },
	[HAIR_SWEPT] = { 9, 6, 5, 40, 34, 7, { { .95f, 6 }, { .9f, -12 }, { .62f, -27 }, { .1f, -42 }, { -.45f, -53 }, { -.86f, -28 }, { -.95f, 6 } }, false },
	[HAIR_WAVY] = { 10, 6, 7, 38, 38, 7, { { .95f, 8 }, { .86f, -22 }, { .5f, -42 }, { 0, -52 }, { -.5f, -42 }, { -.86f, -22 }, { -.95f, 8 } }, true },
};

static struct paint hair_paint(const struct face *f)
{
	return paint_gradient(f->hair_light, at(-28, SKULL_Y - 14), f->hair_dark, at(46, 55));
}

/* -- behind -- */

/* Both sides of the neck down to `end`, `flare` wider there than at the head; waves: how far its rim swings. */
static void outline_hanging(struct canvas *c, const struct face *f, float end, float flare, float waves)
{
	const float w = f->cheek + styles[f->hair_kind].side + 1, n = f->neck - 3;
	struct point p[24];
	int k = 0;
	p[k++] = at(.55f * w, -48);
	for (int i = 0; i <= 4; i++) { /* down on the right, from the ear */
		const float t = (float)i / 4;
		p[k++] = at(w + flare * t + waves * sinf(2.2f + 7.5f * t), -24 + t * (end + 24));
	}
	p[k++] = at(n + .5f * (w + flare - n), end + 4);
	p[k++] = at(n + 1, end - 4);
	p[k++] = at(n, 40);
	p[k++] = at(n, 20);
	for (int i = k - 1; i >= 0; i--, k++)
		p[k] = at(-p[i].x, p[i].y);
	canvas_curve(c, p, k);
}

/* Curls: discs around the head from one ear over the top to the other. */
static void outline_curls(struct canvas *c, const struct face *f, float reach_x, float reach_y, float size, float from, int n)
{
	for (int i = 0; i < n; i++) {
		const float a = from + (3.14159265f - 2 * from) * (float)i / (float)(n - 1), wobble = sinf((float)i * 2.4f + 6 * f->volume);
		canvas_ellipse(c, (reach_x + wobble) * cosf(a), -12 - (reach_y + wobble) * sinf(a), size + wobble, size + wobble);
	}
}

static void draw_scarf_behind(struct canvas *c, const struct face *f)
{
	const float w = f->cheek;
	CURVE(c, { 0, SKULL_Y - 14 }, { .7f * w, SKULL_Y }, { w + 11, -20 }, { w + 10, 30 }, { w + 16, 78 }, { 30, 104 }, { -30, 104 }, { -w - 16, 78 },
	      { -w - 10, 30 }, { -w - 11, -20 }, { -.7f * w, SKULL_Y });
	canvas_fill(c, paint_gradient(f->hat, at(-40, -60), colour_mix(f->hat, colour_hex(0x1A1214), .45f), at(40, 100)));
}

void draw_hair_behind(struct canvas *c, const struct face *f)
{
	const struct paint dark = paint_gradient(f->hair, at(-30, -40), colour_mix(f->hair, f->hair_dark, .8f), at(30, 90));
	switch (f->hair_kind) {
	case HAIR_BOB:
		outline_hanging(c, f, .45f * f->length + 14, 5 * f->volume, 0);
		break;
	case HAIR_FRINGE:
		outline_hanging(c, f, f->volume > .5f ? f->length : 46, 2 + 4 * f->volume, 0);
		break;
	case HAIR_LONG:
	case HAIR_SWEPT:
		outline_hanging(c, f, f->length, 4 + 6 * f->volume, 0);
		break;
	case HAIR_WAVY:
		outline_hanging(c, f, f->length, 8 + 6 * f->volume, 3.2f);
		break;
	case HAIR_BEANIE:
		if (!f->masculine)
			outline_hanging(c, f, f->length, 4, 1.5f * f->volume);
		break;
	case HAIR_CURLY:
		outline_curls(c, f, f->cheek + 3, 50 + 4 * f->volume, 12, f->masculine ? .1f : -.7f, 17);
		break;
	case HAIR_AFRO:
		outline_curls(c, f, f->cheek + 8 + 8 * f->volume, 58 + 10 * f->volume, 17, -.45f, 19);
		break;
	case HAIR_BUN:
		canvas_ellipse(c, 8 * f->part, SKULL_Y - 14, 17, 15);
		break;
	case HAIR_SCARF:
		draw_scarf_behind(c, f);
		return;
	default:
		return;
	}
	canvas_fill(c, f->hair_kind == HAIR_AFRO || f->hair_kind == HAIR_CURLY || f->hair_kind == HAIR_BUN ? hair_paint(f) : dark);
}

/* -- on the head -- */

static void outline_cap(struct canvas *c, const struct face *f, const struct style *s)
{
	const float w = f->cheek, side = s->side, top = s->top + s->more * f->volume;
	const float tip = s->left > 0 ? w + side - 1 : w - 2.5f; /* locks taper, sideburns do not */
	struct point p[20];
	int k = 0;
	p[k++] = at(-w - side, s->left);
	p[k++] = at(-w - side, s->left);
	p[k++] = at(-.98f * w - side, -30);
	p[k++] = at(-.66f * w - .6f * side, SKULL_Y + 10 - .8f * top);
	p[k++] = at(0, SKULL_Y - top);
	p[k++] = at(.66f * w + .6f * side, SKULL_Y + 10 - .8f * top);
	p[k++] = at(.98f * w + side, -30);
	p[k++] = at(w + side, s->right);
	p[k++] = at(w + side, s->right);
	p[k++] = at(tip, s->right);
	p[k++] = at(tip, s->right);
	for (int i = 0; i < s->n; i++) {
		const float x = s->line[i].x, shift = s->parted ? .42f * f->part * (1 - x * x) : 0;
		p[k++] = at((x + shift) * w, s->line[i].y);
	}
	p[k++] = at(-tip, s->left);
	p[k++] = at(-tip, s->left);
	canvas_curve(c, p, k);
}

/* Everything on the head in one outline; drawn for the shadow it throws, the hair, and the room its strands have. */
static void outline_on_head(struct canvas *c, const struct face *f)
{
	const float w = f->cheek, v = f->volume;
	outline_cap(c, f, &styles[f->hair_kind]);
	switch (f->hair_kind) {
	case HAIR_QUIFF:
		CURVE(c, { -.8f * w, -46 }, { -.7f * w, -62 }, { -.2f * w, -74 - 6 * v }, { .4f * w, -80 - 8 * v }, { .86f * w, -70 - 4 * v }, { .8f * w, -46 },
		      { .3f * w, -44 }, { -.4f * w, -42 });
		break;
	case HAIR_CURLY:
		outline_curls(c, f, .8f * w, 30 + 4 * v, 10, .15f, 9);
		outline_curls(c, f, .9f * w, 46 + 4 * v, 11, .1f, 11);
		break;
	case HAIR_AFRO:
		outline_curls(c, f, .92f * w, 42, 10, .1f, 11);
		break;
	default:
		break;
	}
}

/* Strands from the parting outwards, lighter and darker in turn. */
static void draw_strands(struct canvas *c, const struct face *f)
{
	const float w = f->cheek, x0 = .42f * f->part * w, top = SKULL_Y - styles[f->hair_kind].top - 2;
	for (int i = 0; i < 8; i++) {
		const float t = ((float)i + .5f) / 4 - 1, x = t * (w + 4);
		STROKE(c, { x0 + .3f * (x - x0), top + 4, .6f }, { x0 + .8f * (x - x0), top + 16 + 12 * t * t, 2 }, { x * 1.02f, -26 + 6 * t * t, 1.6f },
		       { x * 1.08f, 20, .8f });
		canvas_fill(c, paint_veil(i % 2 ? f->hair_light : f->hair_dark, .35f));
	}
}

static void draw_beanie(struct canvas *c, const struct face *f, const struct mask *head)
{
	const float w = f->cheek + 4, y = -27 + 3 * f->part;
	const struct colour dark = colour_mix(f->hat, colour_hex(0x14100F), .35f);
	c->clip = head;
	canvas_oval(c, 0, y - 2, w, 12, 4);
	canvas_fill(c, paint_veil(f->shade, .6f));
	c->clip = NULL;
	CURVE(c, { -w, y - 4 }, { -w, y - 4 }, { -w, -50 }, { -.62f * w, SKULL_Y - 10 }, { 0, SKULL_Y - 17 - 6 * f->volume }, { .62f * w, SKULL_Y - 10 },
	      { w, -50 }, { w, y - 4 }, { w, y - 4 });
	canvas_fill(c, paint_gradient(f->hat, at(-20, -60), dark, at(60, -30)));
	canvas_oval(c, 0, y - 8, w + 1.5f, 11, 5);
	canvas_fill(c, paint_gradient(colour_mix(f->hat, colour_hex(0xFFFFFF), .18f), at(-20, 0), colour_mix(f->hat, dark, .6f), at(50, 0)));
	for (float x = -.84f * w; x < .9f * w; x += .14f * w)
		STROKE(c, { x, y - 16, 1.2f }, { x, y, 1.2f });
	canvas_fill(c, paint_veil(dark, .5f));
}

static void draw_scarf_before(struct canvas *c, const struct face *f, const struct mask *head)
{
	const float w = f->cheek, y = f->chin;
	const struct colour dark = colour_mix(f->hat, colour_hex(0x14100F), .4f);
	c->clip = head;
	canvas_ring(c, 0, -2, w + 10, 66, 2.1f, 20);
	canvas_fill(c, paint_veil(f->shade, .5f));
	c->clip = NULL;
	CURVE(c, { 0, SKULL_Y - 14 }, { .7f * w, SKULL_Y }, { w + 10, -20 }, { w + 8, 25 }, { w - 4, 62 }, { 0, 92 }, { -w + 4, 62 }, { -w - 8, 25 },
	      { -w - 10, -20 }, { -.7f * w, SKULL_Y });
	CURVE(c, { 0, -44 }, { -.66f * w, -36 }, { -.93f * w, -8 }, { -.86f * w, 24 }, { -.5f * w, y - 6 }, { 0, y + 1 }, { .5f * w, y - 6 }, { .86f * w, 24 },
	      { .93f * w, -8 }, { .66f * w, -36 });
	canvas_fill(c, paint_gradient(colour_mix(f->hat, colour_hex(0xFFFFFF), .12f), at(-40, -50), dark, at(60, 80)));
	STROKE(c, { -w - 4, 20, 1 }, { -.6f * w, 66, 2.2f }, { 10, 84, 1 });
	STROKE(c, { -20, SKULL_Y - 6, 1 }, { .8f * w, -44, 2 }, { w + 6, 0, 1 });
	canvas_fill(c, paint_veil(dark, .45f));
}

void draw_hair_before(struct canvas *c, const struct face *f, const struct mask *head, struct mask *room)
{
	const struct affine pose = c->to_pixels;
	if (f->hair_kind == HAIR_BEANIE)
		draw_beanie(c, f, head);
	if (f->hair_kind == HAIR_SCARF)
		draw_scarf_before(c, f, head);
	if (f->hair_kind == HAIR_BALD || f->hair_kind == HAIR_BEANIE || f->hair_kind == HAIR_SCARF)
		return;

	c->clip = head;
	c->to_pixels.f += 4;
	outline_on_head(c, f);
	canvas_fill(c, paint_veil(colour_mix(f->shade, f->hair_dark, .3f), .4f));
	c->to_pixels = pose;
	c->clip = NULL;
	outline_on_head(c, f);
	canvas_fill(c, hair_paint(f));
	outline_on_head(c, f);
	canvas_mask(c, room);
	c->clip = room;
	if (f->hair_kind != HAIR_BUZZ && f->hair_kind != HAIR_AFRO && f->hair_kind != HAIR_CURLY)
		draw_strands(c, f);
	canvas_glow(c, -16, SKULL_Y + 4, 30, 14, f->hair_light, .5f);
	c->clip = NULL;
}
