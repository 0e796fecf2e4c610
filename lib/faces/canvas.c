#include "canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

enum { CURVE_STEPS = 6, OVAL_STEPS = 40, STROKE_MAX = 64, CAP_STEPS = 5 };

#define PI_F 3.14159265f

static void forget_outlines(struct canvas *c)
{
	c->left = (float)c->w;
	c->top = (float)c->h;
	c->right = c->bottom = 0;
}

int canvas_init(struct canvas *c, int w, int h)
{
	*c = (struct canvas){ .w = w, .h = h, .to_pixels = { .a = 1, .e = 1 } };
	const size_t n = (size_t)w * (size_t)h;
	c->plane[0] = size_zalloc(3 * n, sizeof(float));
	c->area = size_zalloc(((size_t)w + 2) * (size_t)h, sizeof(float));
	if (!c->plane[0] || !c->area) {
		canvas_free(c);
		return ERR_FAILED;
	}
	c->plane[1] = c->plane[0] + n;
	c->plane[2] = c->plane[1] + n;
	forget_outlines(c);
	return 0;
}

void canvas_free(struct canvas *c)
{
	free(c->plane[0]);
	free(c->area);
	*c = (struct canvas){ 0 };
}

int canvas_picture(const struct canvas *c, struct picture *p)
{
	int rc = picture_alloc(p, c->w, c->h, 3);
	if (rc)
		return rc;
	const size_t n = (size_t)c->w * (size_t)c->h;
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < 3; k++)
			p->pixel[3 * i + (size_t)k] = (uint8_t)(fminf(fmaxf(c->plane[k][i], 0), 1) * 255 + 0.5f);
	return 0;
}

int mask_init(struct mask *m, const struct canvas *c)
{
	*m = (struct mask){ .cover = size_alloc((size_t)c->w * (size_t)c->h, sizeof(float)) };
	return m->cover ? 0 : ERR_FAILED;
}

void mask_free(struct mask *m)
{
	free(m->cover);
	*m = (struct mask){ 0 };
}

/* -- outlines -- */

/* A piece of an edge within one row, from x0 to x1 (x0 <= x1, within the row), `height` high with its sign. */
static void add_span(float *row, float x0, float x1, float height)
{
	const float per_x = x1 > x0 ? height / (x1 - x0) : 0;
	for (int i = (int)x0; (float)i < x1 || i == (int)x0; i++) {
		const float from = fmaxf(x0, (float)i), to = fminf(x1, (float)i + 1);
		const float part = x1 > x0 ? per_x * (to - from) : height, beyond = (from + to) / 2 - (float)i;
		row[i] += part * (1 - beyond);
		row[i + 1] += part * beyond;
	}
}

static float clamp(float x, float low, float high)
{
	return fminf(fmaxf(x, low), high);
}

static void add_edge(struct canvas *c, struct point p, struct point q)
{
	const float sign = p.y < q.y ? 1 : -1, w = (float)c->w;
	if (p.y > q.y) {
		const struct point swap = p;
		p = q;
		q = swap;
	}
	const float top = fmaxf(p.y, 0), bottom = fminf(q.y, (float)c->h);
	if (!(top < bottom))
		return;
	const float slope = (q.x - p.x) / (q.y - p.y);
	for (int y = (int)top; (float)y < bottom; y++) {
		const float from = fmaxf(top, (float)y), to = fminf(bottom, (float)y + 1);
		const float x0 = clamp(p.x + (from - p.y) * slope, 0, w), x1 = clamp(p.x + (to - p.y) * slope, 0, w);
		add_span(c->area + (size_t)y * ((size_t)c->w + 2), fminf(x0, x1), fmaxf(x0, x1), (to - from) * sign);
	}
	c->left = fminf(c->left, fminf(p.x, q.x));
	c->right = fmaxf(c->right, fmaxf(p.x, q.x));
	c->top = fminf(c->top, top);
	c->bottom = fmaxf(c->bottom, bottom);
}

static struct point to_pixels(const struct canvas *c, float x, float y)
{
	const struct affine *t = &c->to_pixels;
	return (struct point){ t->a * x + t->b * y + t->c, t->d * x + t->e * y + t->f };
}

/* Catmull-Rom: the cubic from b to c whose tangents there are (c - a) / 2 and (d - b) / 2. */
static float spline(float a, float b, float c, float d, float t)
{
	return b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

void canvas_curve(struct canvas *c, const struct point *p, int n)
{
	struct point last = to_pixels(c, p[0].x, p[0].y);
	for (int i = 0; i < n; i++) {
		const struct point p0 = p[(i + n - 1) % n], p1 = p[i], p2 = p[(i + 1) % n], p3 = p[(i + 2) % n];
		if (p1.x == p2.x && p1.y == p2.y)
			continue; /* a corner */
		for (int s = 1; s <= CURVE_STEPS; s++) {
			const float t = (float)s / CURVE_STEPS;
			const struct point next = to_pixels(c, spline(p0.x, p1.x, p2.x, p3.x, t), spline(p0.y, p1.y, p2.y, p3.y, t));
			add_edge(c, last, next);
			last = next;
		}
	}
}

static void add_polygon(struct canvas *c, const struct point *p, int n)
{
	struct point last = to_pixels(c, p[n - 1].x, p[n - 1].y);
	for (int i = 0; i < n; i++) {
		const struct point next = to_pixels(c, p[i].x, p[i].y);
		add_edge(c, last, next);
		last = next;
	}
}

/* The smooth line through the knots as points CURVE_STEPS apart. Returns how many; at most STROKE_MAX. */
static int stroke_line(struct knot *line, const struct knot *k, int n)
{
	int m = 0;
	line[m++] = k[0];
	for (int i = 0; i + 1 < n && m + CURVE_STEPS <= STROKE_MAX; i++) {
		const struct knot *p0 = &k[i ? i - 1 : 0], *p1 = &k[i], *p2 = &k[i + 1], *p3 = &k[i + 2 < n ? i + 2 : n - 1];
		for (int s = 1; s <= CURVE_STEPS; s++) {
			const float t = (float)s / CURVE_STEPS;
			line[m++] = (struct knot){ spline(p0->x, p1->x, p2->x, p3->x, t), spline(p0->y, p1->y, p2->y, p3->y, t),
						   p1->width + t * (p2->width - p1->width) };
		}
	}
	return m;
}

/* Half a turn around the end of a line, from the direction `angle` on. */
static int add_cap(struct point *side, struct knot end, float angle)
{
	for (int s = 0; s <= CAP_STEPS; s++) {
		const float a = angle + PI_F * (float)s / CAP_STEPS;
		side[s] = (struct point){ end.x + end.width / 2 * cosf(a), end.y + end.width / 2 * sinf(a) };
	}
	return CAP_STEPS + 1;
}

void canvas_stroke(struct canvas *c, const struct knot *knots, int n)
{
	struct knot line[STROKE_MAX];
	struct point rim[2 * (STROKE_MAX + CAP_STEPS + 1)];
	float angle[STROKE_MAX]; /* of the line, at each of its points */
	const int m = stroke_line(line, knots, n);
	for (int i = 0; i < m; i++) {
		const struct knot *a = &line[i ? i - 1 : 0], *b = &line[i + 1 < m ? i + 1 : i];
		angle[i] = atan2f(b->y - a->y, b->x - a->x);
	}
	int k = add_cap(rim, line[m - 1], angle[m - 1] - PI_F / 2);
	for (int i = m - 2; i > 0; i--, k++)
		rim[k] = (struct point){ line[i].x - line[i].width / 2 * sinf(angle[i]), line[i].y + line[i].width / 2 * cosf(angle[i]) };
	k += add_cap(rim + k, line[0], angle[0] + PI_F / 2);
	for (int i = 1; i < m - 1; i++, k++)
		rim[k] = (struct point){ line[i].x + line[i].width / 2 * sinf(angle[i]), line[i].y - line[i].width / 2 * cosf(angle[i]) };
	add_polygon(c, rim, k);
}

static float signed_power(float x, float power)
{
	return power == 1 ? x : copysignf(powf(fabsf(x), power), x);
}

/* turn: 1 or -1, the direction it runs in. */
static void add_oval(struct canvas *c, float x, float y, float rx, float ry, float power, float turn)
{
	struct point p[OVAL_STEPS];
	for (int i = 0; i < OVAL_STEPS; i++) {
		const float a = turn * 2 * PI_F * (float)i / OVAL_STEPS;
		p[i] = (struct point){ x + rx * signed_power(cosf(a), 2 / power), y + ry * signed_power(sinf(a), 2 / power) };
	}
	add_polygon(c, p, OVAL_STEPS);
}

void canvas_oval(struct canvas *c, float x, float y, float rx, float ry, float power)
{
	add_oval(c, x, y, rx, ry, power, 1);
}

void canvas_ellipse(struct canvas *c, float x, float y, float rx, float ry)
{
	add_oval(c, x, y, rx, ry, 2, 1);
}

void canvas_ring(struct canvas *c, float x, float y, float rx, float ry, float power, float width)
{
	add_oval(c, x, y, rx, ry, power, 1);
	add_oval(c, x, y, rx - width, ry - width, power, -1);
}

/* -- painting -- */

struct box {
	int left, right, top, bottom; /* right and bottom exclusive */
};

static int at_least(int a, int b)
{
	return a > b ? a : b;
}
static int at_most(int a, int b)
{
	return a < b ? a : b;
}

/* The pixels that the outlines touch. */
static struct box outlined(const struct canvas *c)
{
	return (struct box){ (int)clamp(floorf(c->left), 0, (float)c->w), (int)clamp(ceilf(c->right), 0, (float)c->w),
			     (int)clamp(floorf(c->top), 0, (float)c->h), (int)clamp(ceilf(c->bottom), 0, (float)c->h) };
}

/* Turns the areas of row y into cover, in place, and returns it; the caller clears it. */
static float *sum_row(struct canvas *c, struct box b, int y)
{
	float *row = c->area + (size_t)y * ((size_t)c->w + 2), sum = 0;
	for (int x = b.left; x < b.right; x++) {
		sum += row[x];
		row[x] = fminf(fabsf(sum), 1);
	}
	return row;
}

static void clear_row(float *row, struct box b)
{
	memset(row + b.left, 0, (size_t)(b.right - b.left + 2) * sizeof *row);
}

/* Lays a colour over pixels x = left … right of row y: cover[x] and the clip say how much of it. */
static void blend_row(struct canvas *c, int y, int left, int right, const float *cover, const struct paint *p)
{
	const size_t row = (size_t)y * (size_t)c->w;
	const float from[3] = { p->from.r, p->from.g, p->from.b }, to[3] = { p->to.r, p->to.g, p->to.b };
	const struct point a = to_pixels(c, p->a.x, p->a.y), b = to_pixels(c, p->b.x, p->b.y);
	const float dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
	const float step = length2 > 0 ? dx / length2 : 0, start = length2 > 0 ? ((0.5f - a.x) * dx + ((float)y + 0.5f - a.y) * dy) / length2 : 0;
	const float *clip = c->clip ? c->clip->cover + row : NULL;
	if (clip) {
		left = at_least(left, c->clip->left);
		right = at_most(right, c->clip->right);
		if (y < c->clip->top || y >= c->clip->bottom)
			return;
	}
	for (int k = 0; k < 3; k++) {
		float *const restrict out = c->plane[k] + row;
		const float first = from[k], change = to[k] - from[k];
		for (int x = left; x < right; x++) {
			float t = start + step * (float)x;
			t = t < 0 ? 0 : t > 1 ? 1 : t;
			const float share = cover[x] * p->opacity * (clip ? clip[x] : 1);
			out[x] += share * (first + t * change - out[x]);
		}
	}
}

void canvas_fill(struct canvas *c, struct paint p)
{
	const struct box b = outlined(c);
	for (int y = b.top; y < b.bottom; y++) {
		float *cover = sum_row(c, b, y);
		blend_row(c, y, b.left, b.right, cover, &p);
		clear_row(cover, b);
	}
	forget_outlines(c);
}

void canvas_mask(struct canvas *c, struct mask *m)
{
	const struct box b = outlined(c);
	const struct mask *clip = c->clip;
	m->left = clip ? at_least(b.left, clip->left) : b.left;
	m->right = clip ? at_most(b.right, clip->right) : b.right;
	m->top = clip ? at_least(b.top, clip->top) : b.top;
	m->bottom = clip ? at_most(b.bottom, clip->bottom) : b.bottom;
	for (int y = b.top; y < b.bottom; y++) {
		float *cover = sum_row(c, b, y);
		const size_t row = (size_t)y * (size_t)c->w;
		for (int x = m->left; x < m->right && y >= m->top && y < m->bottom; x++)
			m->cover[row + (size_t)x] = cover[x] * (clip ? clip->cover[row + (size_t)x] : 1);
		clear_row(cover, b);
	}
	forget_outlines(c);
}

/* The first row of area serves as room for a row's cover: it is zero between fills. */
void canvas_glow(struct canvas *c, float x, float y, float rx, float ry, struct colour colour, float opacity)
{
	const struct affine t = c->to_pixels;
	const struct point centre = to_pixels(c, x, y);
	const float det = t.a * t.e - t.b * t.d, reach_x = fabsf(t.a) * rx + fabsf(t.b) * ry, reach_y = fabsf(t.d) * rx + fabsf(t.e) * ry;
	const struct box b = { (int)clamp(centre.x - reach_x, 0, (float)c->w), (int)clamp(centre.x + reach_x + 1, 0, (float)c->w),
			       (int)clamp(centre.y - reach_y, 0, (float)c->h), (int)clamp(centre.y + reach_y + 1, 0, (float)c->h) };
	const struct paint p = paint_veil(colour, opacity);
	float *cover = c->area;
	for (int row = b.top; row < b.bottom; row++) {
		for (int i = b.left; i < b.right; i++) {
			const float dx = (float)i + 0.5f - centre.x, dy = (float)row + 0.5f - centre.y;
			const float u = (t.e * dx - t.b * dy) / (det * rx), v = (t.a * dy - t.d * dx) / (det * ry), inside = fmaxf(1 - u * u - v * v, 0);
			cover[i] = inside * inside;
		}
		blend_row(c, row, b.left, b.right, cover, &p);
	}
	clear_row(cover, b);
}

struct paint paint_plain(struct colour colour)
{
	return paint_veil(colour, 1);
}

struct paint paint_veil(struct colour colour, float opacity)
{
	return (struct paint){ .from = colour, .to = colour, .opacity = opacity };
}

struct paint paint_gradient(struct colour from, struct point a, struct colour to, struct point b)
{
	return (struct paint){ from, to, a, b, 1 };
}

struct colour colour_hex(unsigned rgb)
{
	return (struct colour){ (float)(rgb >> 16 & 255) / 255, (float)(rgb >> 8 & 255) / 255, (float)(rgb & 255) / 255 };
}

struct colour colour_mix(struct colour a, struct colour b, float t)
{
	return (struct colour){ a.r + t * (b.r - a.r), a.g + t * (b.g - a.g), a.b + t * (b.b - a.b) };
}
