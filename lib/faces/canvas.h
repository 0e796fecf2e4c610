/* A small painter: smooth closed outlines, filled with exact antialiasing.
 *
 * Outlines are added one after another, then canvas_fill() paints what they enclose and forgets them. Each pixel's share is the exact area that the outlines
 * cover, found by summing signed areas along each row; an outline that runs the other way cuts a hole. Coordinates are the caller's own: `to_pixels` maps
 * them. */
#ifndef PGAN_CANVAS_H
#define PGAN_CANVAS_H

#include "error.h"
#include "picture.h"

struct colour {
	float r, g, b; /* 0..1, as stored in files (not linear light) */
};

struct point {
	float x, y;
};

struct knot { /* of a stroke */
	float x, y, width;
};

/* x' = a x + b y + c, y' = d x + e y + f; pixel (0,0) covers [0,1) x [0,1). */
struct affine {
	float a, b, c, d, e, f;
};

/* From colour `from` at a to `to` at b, constant beyond; opacity 0..1. */
struct paint {
	struct colour from, to;
	struct point a, b;
	float opacity;
};

/* What a shape covers, to keep later paint within it. */
struct mask {
	float *cover; /* (h,w) in 0..1, owned; only the box is defined */
	int left, right, top, bottom; /* right and bottom exclusive */
};

struct canvas {
	int w, h;
	float *plane[3]; /* (h,w) each, 0..1; owned, as is area */
	float *area;     /* (h, w+2): signed area that each outline adds at a pixel to all pixels from there on to the right */
	float left, right, top, bottom; /* bounds of the outlines added since the last fill, in pixels */
	struct affine to_pixels;
	const struct mask *clip; /* paint nothing outside it; NULL: everywhere. Borrowed */
};

int canvas_init(struct canvas *, int w, int h) MUST_CHECK; /* black, to_pixels the identity */
void canvas_free(struct canvas *);                         /* a zeroed struct is fine */
int canvas_picture(const struct canvas *, struct picture *) MUST_CHECK; /* allocates an RGB picture */

int mask_init(struct mask *, const struct canvas *) MUST_CHECK; /* empty, of the canvas's size */
void mask_free(struct mask *);

/* Outlines. A point given twice running is a corner. */
void canvas_curve(struct canvas *, const struct point *, int n);                                     /* closed, smooth through n >= 3 points */
void canvas_stroke(struct canvas *, const struct knot *, int n);                                     /* along a smooth open line of n >= 2 knots, round ends */
void canvas_oval(struct canvas *, float x, float y, float rx, float ry, float power);                /* |x/rx|^power + |y/ry|^power = 1; 2: an ellipse */
void canvas_ring(struct canvas *, float x, float y, float rx, float ry, float power, float width);   /* an oval's rim, `width` inwards */
void canvas_ellipse(struct canvas *, float x, float y, float rx, float ry);

void canvas_fill(struct canvas *, struct paint);
void canvas_mask(struct canvas *, struct mask *); /* the outlines' cover instead of painting them; the clip counts too */

/* Paint that fades from the middle of an ellipse to nothing at its rim. */
void canvas_glow(struct canvas *, float x, float y, float rx, float ry, struct colour, float opacity);

struct paint paint_plain(struct colour);
struct paint paint_veil(struct colour, float opacity);
struct paint paint_gradient(struct colour from, struct point a, struct colour to, struct point b);

struct colour colour_hex(unsigned rgb); /* 0xRRGGBB */
struct colour colour_mix(struct colour a, struct colour b, float t); /* t = 0: a */

#endif
