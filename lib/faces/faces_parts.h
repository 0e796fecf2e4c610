/* What the drawing of a face shares. Only faces*.c include this.
 *
 * Parts are drawn in the face's own coordinates, pixels of CelebA's frame before the pose: (0,0) is picture point (89,121), x to the right, y down; the eyes
 * are at (+-20,-10), the mouth at (0,31), the chin near (0,57), the skull's top at (0,-62). */
#ifndef PGAN_FACES_PARTS_H
#define PGAN_FACES_PARTS_H

#include <stdbool.h>

#include "canvas.h"

enum { EYE_X = 20, EYE_Y = -10, MOUTH_Y = 31, SKULL_Y = -62, FRAME_LEFT = -89, FRAME_RIGHT = 89, FRAME_TOP = -121, FRAME_BOTTOM = 97 };

enum background { BACKGROUND_PLAIN, BACKGROUND_VERTICAL, BACKGROUND_DIAGONAL, BACKGROUND_RADIAL };
enum neckline { NECK_CREW, NECK_V, NECK_COLLAR, NECK_TURTLE };
enum mouth { MOUTH_NEUTRAL, MOUTH_SMILE, MOUTH_TEETH, MOUTH_OPEN };
enum beard { BEARD_NONE, BEARD_STUBBLE, BEARD_FULL, BEARD_GOATEE, BEARD_MOUSTACHE };
enum glasses { GLASSES_NONE, GLASSES_ROUND, GLASSES_SQUARE, GLASSES_SUN };
enum hair {
	HAIR_BALD,
	HAIR_BUZZ,
	HAIR_SHORT,
	HAIR_QUIFF,
	HAIR_RECEDING,
	HAIR_CURLY,
	HAIR_AFRO,
	HAIR_BUN,
	HAIR_BOB,
	HAIR_FRINGE,
	HAIR_LONG,
	HAIR_SWEPT,
	HAIR_WAVY,
	HAIR_BEANIE,
	HAIR_SCARF,
	HAIR_KINDS
};

struct face {
	/* pose */
	float shift_x, shift_y, scale, tilt; /* pixels, pixels, factor, radians */
	bool mirrored;
	bool masculine; /* how often each kind of hair, beard and jaw comes; nothing is tied to it */

	struct colour skin, shade, bloom, gleam, hair, hair_light, hair_dark, lips, iris, cloth, cloth_dark, back, back_far, frame, hat;
	enum background background;
	enum neckline neckline;
	enum mouth mouth;
	enum beard beard;
	enum glasses glasses;
	enum hair hair_kind;

	float cheek, jaw, chin;               /* half width of the head at the cheeks, of the jaw in cheeks; y of the chin */
	float neck, shoulder;                 /* half widths */
	float eye_width, eye_open, iris_size; /* half width, half height, radius */
	float gaze_x, gaze_y, lash;           /* pixels; width of the lid's line */
	float brow_width, brow_y, brow_arch, brow_slant;
	float nose_width, nose_y;
	float mouth_width, smile, mouth_open, lip;
	float blush, volume, part, length; /* cheek colour 0..1; of the hair: 0..1, place of the parting -1..1, y of its ends */
	bool earring, freckles;
};

static inline struct point at(float x, float y)
{
	return (struct point){ x, y };
}

/* An outline or a stroke from points written in place. */
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define CURVE(canvas, ...) canvas_curve(canvas, (const struct point[]){ __VA_ARGS__ }, COUNT(((const struct point[]){ __VA_ARGS__ })))
#define STROKE(canvas, ...) canvas_stroke(canvas, (const struct knot[]){ __VA_ARGS__ }, COUNT(((const struct knot[]){ __VA_ARGS__ })))

void face_choose(struct face *, uint64_t seed, uint32_t k);

/* Each draws one part; `head` is the mask of the head's outline. */
void draw_background(struct canvas *, const struct face *);
void draw_shoulders(struct canvas *, const struct face *);
void draw_neck(struct canvas *, const struct face *);
void draw_ears(struct canvas *, const struct face *);
void draw_head(struct canvas *, const struct face *, struct mask *head);
void draw_nose(struct canvas *, const struct face *);
void draw_mouth(struct canvas *, const struct face *, struct mask *room);
void draw_eyes(struct canvas *, const struct face *, struct mask *room);
void draw_brows(struct canvas *, const struct face *);
void draw_beard(struct canvas *, const struct face *, const struct mask *head);
void draw_glasses(struct canvas *, const struct face *);
void draw_hair_behind(struct canvas *, const struct face *);
void draw_hair_before(struct canvas *, const struct face *, const struct mask *head, struct mask *room);

#endif
