/* What lies around a face's features: background, shoulders, neck, ears, head, nose. */
#include "faces_parts.h"


void draw_background(struct canvas *c, const struct face *f)
{
	const struct point middle = { 0, 0 }, top = { 0, FRAME_TOP }, bottom = { 0, FRAME_BOTTOM }, corner = { FRAME_RIGHT, FRAME_TOP },
			   opposite = { FRAME_LEFT, FRAME_BOTTOM };
	canvas_ellipse(c, 0, 0, 300, 300);
	switch (f->background) {
	case BACKGROUND_PLAIN:
		canvas_fill(c, paint_plain(f->back));
		break;
	case BACKGROUND_VERTICAL:
		canvas_fill(c, paint_gradient(f->back, top, f->back_far, bottom));
		break;
	case BACKGROUND_DIAGONAL:
		canvas_fill(c, paint_gradient(f->back, corner, f->back_far, opposite));
		break;
	case BACKGROUND_RADIAL:
		canvas_fill(c, paint_plain(f->back_far));
		canvas_glow(c, middle.x, middle.y, 150, 170, f->back, 1);
		break;
	}
}

/* The chest's skin and the cloth over it, open at the neck. */
void draw_shoulders(struct canvas *c, const struct face *f)
{
	const float n = f->neck + 5, s = f->shoulder, depth = f->neckline == NECK_V ? 112 : f->neckline == NECK_COLLAR ? 96 : 86;
	canvas_ellipse(c, 0, 100, n + 12, 34);
	canvas_fill(c, paint_gradient(f->shade, at(0, 70), f->skin, at(0, 96)));
	CURVE(c, { -n, 70 }, { -n, 70 }, { -.72f * s, 80 }, { -s, 95 }, { -s - 10, 135 }, { -s - 10, 135 }, { s + 10, 135 }, { s + 10, 135 }, { s, 95 },
	      { .72f * s, 80 }, { n, 70 }, { n, 70 }, { .72f * n, .5f * (70 + depth) + 3 }, { 0, depth }, { 0, depth }, { -.72f * n, .5f * (70 + depth) + 3 });
	canvas_fill(c, paint_gradient(f->cloth, at(-50, 75), f->cloth_dark, at(85, 130)));
}

static void draw_collar(struct canvas *c, const struct face *f)
{
	const float n = f->neck + 5;
	const struct colour white = colour_mix(f->cloth, colour_hex(0xFFFFFF), .75f);
	for (int side = -1; side <= 1; side += 2) {
		const float x = (float)side * n;
		CURVE(c, { x, 64 }, { x, 64 }, { x + (float)side * 9, 76 }, { x + (float)side * 9, 76 }, { .45f * x, 98 }, { .45f * x, 98 }, { 0, 90 },
		      { 0, 90 });
	}
	canvas_fill(c, paint_plain(white));
}

void draw_neck(struct canvas *c, const struct face *f)
{
	const float n = f->neck;
	CURVE(c, { -n, 20 }, { -n, 20 }, { -n, 55 }, { -n - 3, 72 }, { -.6f * n, 83 }, { 0, 86 }, { .6f * n, 83 }, { n + 3, 72 }, { n, 55 }, { n, 20 },
	      { n, 20 });
	canvas_fill(c, paint_gradient(f->shade, at(0, f->chin + 5), f->skin, at(0, f->chin + 36)));
	if (f->neckline == NECK_COLLAR)
		draw_collar(c, f);
	if (f->neckline == NECK_TURTLE) {
		CURVE(c, { -n - 2, 66 }, { -n - 2, 66 }, { 0, 72 }, { n + 2, 66 }, { n + 2, 66 }, { n + 7, 90 }, { n + 7, 90 }, { -n - 7, 90 }, { -n - 7, 90 });
		canvas_fill(c, paint_gradient(f->cloth, at(-20, 66), f->cloth_dark, at(30, 90)));
	}
}

void draw_ears(struct canvas *c, const struct face *f)
{
	if (f->hair_kind >= HAIR_BOB && f->hair_kind != HAIR_BEANIE)
		return; /* covered */
	for (int side = -1; side <= 1; side += 2) {
		const float x = (float)side * (f->cheek + 2);
		canvas_oval(c, x, -1, 7, 12.5f, 2.3f);
		canvas_fill(c, paint_gradient(f->skin, at(x, -12), f->shade, at(x, 14)));
		canvas_ellipse(c, x + (float)side, -1, 3.2f, 7);
		canvas_fill(c, paint_veil(f->shade, .8f));
		if (f->earring) {
			canvas_ellipse(c, x + (float)side, 14, 2.8f, 2.8f);
			canvas_fill(c, paint_plain(colour_hex(0xE6C569)));
		}
	}
}

static void outline_head(struct canvas *c, const struct face *f)
{
	const float w = f->cheek, j = f->jaw * f->cheek, y = f->chin;
	CURVE(c, { 0, SKULL_Y }, { .58f * w, SKULL_Y + 8 }, { .93f * w, -32 }, { w, -6 }, { .955f * w, 15 }, { j, 38 }, { .42f * j, y - 3.5f }, { 0, y },
	      { -.42f * j, y - 3.5f }, { -j, 38 }, { -.955f * w, 15 }, { -w, -6 }, { -.93f * w, -32 }, { -.58f * w, SKULL_Y + 8 });
}

static void draw_freckles(struct canvas *c, const struct face *f)
{
	static const struct point spot[] = { { 15, 9 }, { 20, 12 }, { 25, 8 }, { 29, 13 }, { 22, 17 }, { 33, 8 } };
	for (int i = 0; i < 2 * COUNT(spot); i++)
		canvas_ellipse(c, (i % 2 ? 1.f : -1.f) * spot[i / 2].x, spot[i / 2].y, 1, 1);
	canvas_fill(c, paint_veil(f->shade, .7f));
}

void draw_head(struct canvas *c, const struct face *f, struct mask *head)
{
	const float w = f->cheek;
	outline_head(c, f);
	canvas_mask(c, head);
	outline_head(c, f);
	canvas_fill(c, paint_gradient(f->skin, at(0, 0), colour_mix(f->skin, f->shade, .75f), at(1.15f * w, 22)));
	c->clip = head;
	canvas_glow(c, -12, -26, 34, 30, f->gleam, .55f);
	for (int side = -1; side <= 1; side += 2) {
		const float x = (float)side * .62f * w;
		canvas_glow(c, x, 16, 19, 14, f->bloom, f->blush);
		canvas_glow(c, (float)side * EYE_X, EYE_Y - 3, 18, 14, f->shade, .38f);
	}
	if (f->freckles)
		draw_freckles(c, f);
	c->clip = NULL;
}

/* The light comes from the left: the nose's right side is in shade. */
void draw_nose(struct canvas *c, const struct face *f)
{
	const float w = f->nose_width, y = f->nose_y;
	CURVE(c, { 2, EYE_Y }, { 5, EYE_Y + 8 }, { w, y - 3 }, { w + 1, y + 1 }, { .5f * w, y + 4 }, { -.6f * w, y + 4 }, { 0, y - 1 }, { 1.5f, EYE_Y + 6 });
	canvas_fill(c, paint_veil(f->shade, .55f));
	canvas_glow(c, -1.5f, y - 3, .75f * w, 6, f->gleam, .7f);
	for (int side = -1; side <= 1; side += 2) {
		const float x = (float)side;
		STROKE(c, { x * (w + .6f), y - 2, 1.2f }, { x * (w + 1), y + 1.5f, 1.8f }, { x * .62f * w, y + 3.2f, 1 });
		canvas_ellipse(c, x * .48f * w, y + 3.4f, 2.2f, 1.2f);
	}
	canvas_fill(c, paint_veil(colour_mix(f->shade, colour_hex(0x4A150C), .45f), .8f));
}
