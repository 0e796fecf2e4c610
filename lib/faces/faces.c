#include "faces.h"

#include <math.h>

#include "faces_parts.h"

/* From the face's coordinates to pixels: turned, scaled and moved a little, as CelebA's alignment leaves its faces; perhaps mirrored. */
static struct affine pose(const struct face *f)
{
	const float turn = f->scale * cosf(f->tilt), lean = f->scale * sinf(f->tilt), side = f->mirrored ? -1 : 1;
	return (struct affine){ side * turn, -lean, 89 + f->shift_x, side * lean, turn, 121 + f->shift_y };
}

/* From back to front. */
static void draw_parts(struct canvas *c, const struct face *f, struct mask *head, struct mask *room)
{
	draw_background(c, f);
	draw_shoulders(c, f);
	draw_hair_behind(c, f);
	draw_neck(c, f);
	draw_ears(c, f);
	draw_head(c, f, head);
	draw_beard(c, f, head);
	draw_nose(c, f);
	draw_mouth(c, f, room);
	draw_eyes(c, f, room);
	draw_brows(c, f);
	draw_hair_before(c, f, head, room);
	draw_glasses(c, f);
}

int face_draw(struct picture *p, uint64_t seed, uint32_t k)
{
	struct canvas c = { 0 };
	struct mask head = { 0 }, room = { 0 };
	struct face f;
	int rc = canvas_init(&c, FACE_WIDTH, FACE_HEIGHT);

	if (!rc && !(rc = mask_init(&head, &c)) && !(rc = mask_init(&room, &c))) {
		face_choose(&f, seed, k);
		c.to_pixels = pose(&f);
		draw_parts(&c, &f, &head, &room);
		rc = canvas_picture(&c, p);
	}
	mask_free(&room);
	mask_free(&head);
	canvas_free(&c);
	return rc;
}
