/* canvas.h: what outlines cover, and how paint lies on it. */
#include <math.h>
#include <string.h>

#include "canvas.h"
#include "check.h"

enum { W = 40, H = 30 };

#define CURVE(canvas, ...) canvas_curve(canvas, (const struct point[]){ __VA_ARGS__ }, (int)(sizeof((const struct point[]){ __VA_ARGS__ }) / sizeof(struct point)))

static struct canvas c;
static const struct colour white = { 1, 1, 1 };

static void start(void)
{
	canvas_free(&c);
	REQUIRE(!canvas_init(&c, W, H));
}

/* Every point twice: four corners. */
static void add_box(float left, float top, float right, float bottom)
{
	CURVE(&c, { left, top }, { left, top }, { right, top }, { right, top }, { right, bottom }, { right, bottom }, { left, bottom }, { left, bottom });
}

static float pixel(int x, int y)
{
	return c.plane[0][y * W + x];
}

static double sum(void)
{
	double total = 0;
	for (int i = 0; i < W * H; i++)
		total += c.plane[0][i];
	return total;
}

static double share(double a, double b)
{
	return fmin(fmax(b - a, 0), 1);
}

TEST(cover_is_the_exact_area)
{
	const float left = 3.25f, right = 17.5f, top = 2.75f, bottom = 20.125f;
	double worst = 0;
	start();
	add_box(left, top, right, bottom);
	canvas_fill(&c, paint_plain(white));
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++) {
			const double want = share(fmax(left, x), fmin(right, x + 1)) * share(fmax(top, y), fmin(bottom, y + 1));
			worst = check_worse(worst, fabs(pixel(x, y) - want));
		}
	CHECK_MSG(worst < 1e-5, "a pixel differs by %g", worst); /* rounding of up to W additions */
}

TEST(slanted_edges)
{
	start();
	CURVE(&c, { 2, 3 }, { 2, 3 }, { 34, 9 }, { 34, 9 }, { 11, 27 }, { 11, 27 }); /* area: half of |32 * 24 - 9 * 6| */
	canvas_fill(&c, paint_plain(white));
	CHECK_MSG(fabs(sum() - 357) < 1e-2, "the triangle covers %g", sum());
}

TEST(outlines_beyond_the_canvas)
{
	start();
	canvas_ellipse(&c, W / 2, H / 2, 100, 100);
	canvas_fill(&c, paint_plain(white));
	CHECK(sum() == W * H);
	start();
	add_box(-9, -9, 4.5f, H + 9);
	canvas_fill(&c, paint_plain(white));
	CHECK_MSG(fabs(sum() - 4.5 * H) < 1e-3, "%g are covered on the left", sum());
	add_box(W - 3, H - 2, W + 50, H + 50);
	canvas_fill(&c, paint_plain(white));
	CHECK_MSG(fabs(sum() - 4.5 * H - 6) < 1e-3, "%g are covered then", sum());
	start();
	canvas_ellipse(&c, -50, 10, 20, 20);
	canvas_ellipse(&c, W + 50, 10, 20, 20);
	canvas_ellipse(&c, 10, -50, 20, 20);
	canvas_ellipse(&c, 10, H + 50, 20, 20);
	canvas_fill(&c, paint_plain(white));
	CHECK_MSG(fabs(sum()) < 1e-3, "%g are covered by outlines outside", sum());
}

TEST(fills_forget_their_outlines)
{
	start();
	canvas_ellipse(&c, 10, 10, 6, 6);
	canvas_fill(&c, paint_plain((struct colour){ 0, 0, 0 }));
	canvas_ellipse(&c, 30, 10, 4, 4);
	canvas_fill(&c, paint_plain(white));
	CHECK(pixel(10, 10) == 0 && pixel(30, 10) == 1);
}

TEST(ovals_and_rings)
{
	start();
	canvas_ellipse(&c, 20, 15, 12, 9);
	canvas_fill(&c, paint_plain(white));
	CHECK_MSG(fabs(sum() / (3.14159265 * 12 * 9) - 1) < .01, "the ellipse covers %g", sum()); /* a polygon of 40 corners: 0.4 % less */
	start();
	canvas_ring(&c, 20, 15, 12, 9, 2, 3);
	canvas_fill(&c, paint_plain(white));
	CHECK(fabsf(pixel(20, 15)) < 1e-5f && fabsf(pixel(9, 14) - 1) < 1e-5f);
	CHECK_MSG(fabs(sum() / (3.14159265 * (12 * 9 - 9 * 6)) - 1) < .01, "the ring covers %g", sum());
}

TEST(strokes)
{
	start();
	canvas_stroke(&c, (const struct knot[]){ { 8, 12, 4 }, { 20, 12, 4 }, { 32, 12, 4 } }, 3);
	canvas_fill(&c, paint_plain(white));
	CHECK(fabsf(pixel(20, 11) - 1) < 1e-5f && pixel(20, 14) == 0 && pixel(5, 12) == 0);
	CHECK_MSG(fabs(sum() - (24 * 4 + 20 * sin(3.14159265 / 5))) < 1e-2, "the stroke covers %g", sum()); /* its caps make a decagon of radius 2 */
}

TEST(clip_and_opacity)
{
	struct mask m = { 0 };
	start();
	REQUIRE(!mask_init(&m, &c));
	add_box(10, 10, 20.5f, 20);
	canvas_mask(&c, &m);
	CHECK(sum() == 0);
	c.clip = &m;
	add_box(5, 5, 35, 15);
	canvas_fill(&c, paint_veil(white, .5f));
	CHECK(fabsf(pixel(15, 12) - .5f) < 1e-5f && fabsf(pixel(20, 12) - .25f) < 1e-5f);
	CHECK(pixel(15, 16) == 0 && pixel(22, 12) == 0 && pixel(15, 9) == 0);
	canvas_glow(&c, 30, 25, 8, 8, white, 1);
	CHECK(pixel(30, 25) == 0);
	mask_free(&m);
}

TEST(gradients_and_glows)
{
	start();
	add_box(0, 0, W, H);
	canvas_fill(&c, paint_gradient((struct colour){ 0, 0, 0 }, (struct point){ 10, 0 }, white, (struct point){ 30, 0 }));
	CHECK(pixel(5, 3) == 0 && pixel(35, 3) == 1);
	CHECK_MSG(fabsf(pixel(20, 3) - .525f) < 1e-5f, "the middle has %g", (double)pixel(20, 3));
	start();
	canvas_glow(&c, 20.5f, 15.5f, 10, 8, white, .8f);
	CHECK(fabsf(pixel(20, 15) - .8f) < 1e-5f && pixel(31, 15) == 0 && pixel(20, 24) == 0);
	CHECK(pixel(24, 15) > pixel(27, 15) && fabsf(pixel(24, 15) - pixel(16, 15)) < 1e-5f);
}

TEST(coordinates_are_mapped)
{
	float upright[W * H];
	double worst = 0;
	start();
	canvas_ellipse(&c, 12, 10, 8, 5);
	canvas_fill(&c, paint_plain(white));
	memcpy(upright, c.plane[0], sizeof upright);
	start();
	c.to_pixels = (struct affine){ -1, 0, W, 0, 1, 0 };
	canvas_ellipse(&c, 12, 10, 8, 5);
	canvas_fill(&c, paint_plain(white));
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++)
			worst = check_worse(worst, fabsf(pixel(x, y) - upright[y * W + W - 1 - x]));
	CHECK_MSG(worst < 1e-4, "the mirrored picture differs by %g", worst);
	canvas_free(&c);
}
