/* Who a face is: every choice, drawn in a fixed order from the random numbers of (seed, k). New choices go to the end, or all faces change. */
#include <math.h>

#include "faces_parts.h"
#include "philox.h"

struct dice {
	uint64_t seed, at;
	uint32_t k;
};

struct choice {
	unsigned rgb;
	float weight;
};

/* From light to dark; a face takes a place between two. */
static const unsigned skins[] = { 0xFBE0CF, 0xF5CFB4, 0xEDBE9B, 0xE0A984, 0xCE9166, 0xB57649, 0x945A38, 0x744229, 0x56311F };

static const struct choice hairs[] = {
	{ 0x1F1917, 4 },    { 0x35241C, 4 }, { 0x523627, 3.5f }, { 0x72492F, 2.5f }, { 0x8C4A2A, 1.2f }, { 0xBC6530, 1.2f }, { 0xA87F4E, 1.6f },
	{ 0xD9B36C, 2.2f }, { 0xEBD7A4, 1 }, { 0x8F8B8A, 1 },    { 0xE4E1DC, .6f },  { 0xC9618A, .3f },  { 0x5377B8, .3f },  { 0x479A8E, .3f },
};
enum { DARK_HAIRS = 3 }; /* the first of the table: nearly all that dark skins have */

static const struct choice irises[] = { { 0x35211A, 4 }, { 0x5B3A22, 4 }, { 0x80602F, 1.5f }, { 0x4F7A4C, 1.5f }, { 0x3F78AE, 2.5f }, { 0x6A8AA0, 1.5f } };

static const struct choice lipsticks[] = { { 0xC23446, 2 }, { 0xD45B72, 2 }, { 0x96304A, 1 }, { 0xC9574A, 1 } };

static const struct choice cloths[] = {
	{ 0x2E3A4E, 2 }, { 0x3D4148, 2 },   { 0xE8E6E1, 2 }, { 0x5B7FB5, 1.5f }, { 0xA8C3DC, 1.2f }, { 0xB5413F, 1.2f },
	{ 0x4F7D5E, 1 }, { 0x7A4B7E, .8f }, { 0xD99B3C, 1 }, { 0xD98A8A, 1 },    { 0x6B5140, 1 },    { 0x3A8A8C, 1 },
};

static const struct choice backs[] = {
	{ 0xC9D8E6, 2 },    { 0x8FB3D0, 2 },    { 0x5E86A8, 1.2f }, { 0xD9E3D2, 1.2f }, { 0x9DBB98, 1.4f }, { 0x66907A, 1 },
	{ 0xF0DFC0, 1.4f }, { 0xE3B98C, 1.2f }, { 0xD98F7C, 1.2f }, { 0xE6C3CB, 1.2f }, { 0xB9A3CC, 1.2f }, { 0x7F749E, 1 },
	{ 0xDAD7D2, 1.6f }, { 0x9A9A9E, 1 },    { 0x5A5F6B, 1 },    { 0xEBD07C, .8f },
};

static const struct choice frames[] = { { 0x26221F, 4 }, { 0x5E3A22, 2 }, { 0x8A8D92, 1 }, { 0x9C2F35, .8f }, { 0x2F4A7D, .8f }, { 0xB8903F, .8f } };

static const struct choice hats[] = { { 0x3B4A63, 2 }, { 0x8E2F3C, 1.5f }, { 0x3F6B57, 1.5f }, { 0x7B7F86, 1.5f },
				      { 0xC98F3A, 1 }, { 0x6C4A80, 1 },    { 0xE3DED2, 1 } };

/* How often each kind of hair comes. */
static const float hair_weights[2][HAIR_KINDS] = {
	/* bald buzz short quiff receding curly afro bun bob fringe long swept wavy beanie scarf */
	{ 0, .3f, .6f, .4f, 0, 1, 1, 1.5f, 2, 2, 3, 2.2f, 2.5f, .5f, .8f },
	{ 1, 1.8f, 3.5f, 2.5f, 1, 1.5f, .8f, .2f, .2f, .8f, .5f, .3f, .4f, .8f, 0 },
};

static float uniform(struct dice *d)
{
	float u;
	philox_uniform(d->seed, STREAM_FACES, d->k, d->at++, 1, &u);
	return u;
}

static float between(struct dice *d, float low, float high)
{
	return low + (high - low) * uniform(d);
}

/* Mostly near 0, never beyond +-reach. */
static float around(struct dice *d, float reach)
{
	const float a = uniform(d), b = uniform(d);
	return (a + b - 1) * reach;
}

static bool chance(struct dice *d, float p)
{
	return uniform(d) < p;
}

static int pick(struct dice *d, const float *weight, int n)
{
	float sum = 0, at;
	for (int i = 0; i < n; i++)
		sum += weight[i];
	at = uniform(d) * sum;
	for (int i = 0; i + 1 < n; i++)
		if ((at -= weight[i]) < 0)
			return i;
	return n - 1;
}

static struct colour pick_colour(struct dice *d, const struct choice *c, int n)
{
	float weight[16], tint = around(d, .06f);
	for (int i = 0; i < n; i++)
		weight[i] = c[i].weight;
	const struct colour chosen = colour_hex(c[pick(d, weight, n)].rgb);
	return colour_mix(chosen, colour_hex(tint < 0 ? 0x000000 : 0xFFFFFF), fabsf(tint));
}

#define PICK_COLOUR(d, table) pick_colour(d, table, (int)(sizeof(table) / sizeof *(table)))

static struct colour darker(struct colour c, float t)
{
	return colour_mix(c, colour_hex(0x24120E), t);
}

static struct colour lighter(struct colour c, float t)
{
	return colour_mix(c, colour_hex(0xFFF6E8), t);
}

static void choose_pose(struct face *f, struct dice *d)
{
	f->shift_x = around(d, 3);
	f->shift_y = around(d, 3);
	f->scale = 1 + around(d, .06f);
	f->tilt = around(d, .09f);
	f->mirrored = chance(d, .5f);
	f->masculine = chance(d, .5f);
}

static void choose_colours(struct face *f, struct dice *d)
{
	const int last = (int)(sizeof skins / sizeof *skins) - 1;
	const float tone = powf(uniform(d), 1.3f) * (float)last * .9999f;
	const int i = (int)tone;
	const bool dark_hair = chance(d, tone / (float)last * 1.6f - .3f);
	f->skin = colour_mix(colour_hex(skins[i]), colour_hex(skins[i + 1]), tone - (float)i);
	f->shade = colour_mix(f->skin, colour_hex(0x6A2312), .2f + .12f * tone / (float)last);
	f->hair = dark_hair ? pick_colour(d, hairs, DARK_HAIRS) : PICK_COLOUR(d, hairs);
	f->hair_light = lighter(f->hair, .2f);
	f->hair_dark = darker(f->hair, .35f);
	f->iris = tone > .5f * (float)last ? pick_colour(d, irises, 2) : PICK_COLOUR(d, irises);
	f->cloth = PICK_COLOUR(d, cloths);
	f->cloth_dark = darker(f->cloth, .3f);
	f->background = (enum background)pick(d, (const float[]){ 1, 1.3f, 1, 1.3f }, 4);
	f->back = PICK_COLOUR(d, backs);
	const struct colour near = darker(f->back, between(d, .12f, .4f)), other = PICK_COLOUR(d, backs);
	f->back_far = f->background == BACKGROUND_RADIAL || chance(d, .6f) ? near : other;
	f->hat = PICK_COLOUR(d, hats);
	f->frame = PICK_COLOUR(d, frames);
	const float painted = f->masculine ? 0 : between(d, 0, 1.1f);
	f->bloom = colour_mix(f->skin, colour_hex(0xE0525A), .55f - .3f * tone / (float)last);
	f->gleam = colour_mix(f->skin, colour_hex(0xFFF0DC), .6f - .3f * tone / (float)last);
	f->lips = colour_mix(colour_mix(f->skin, colour_hex(0xA83A3E), .42f), PICK_COLOUR(d, lipsticks), fminf(painted * painted, .9f));
}

static void choose_head(struct face *f, struct dice *d)
{
	f->cheek = 43 + around(d, 3.5f);
	f->jaw = (f->masculine ? .76f : .66f) + around(d, .1f);
	f->chin = 57 + around(d, 4);
	f->neck = (f->masculine ? 27 : 21) + around(d, 3);
	f->shoulder = (f->masculine ? 84 : 74) + around(d, 8);
	f->blush = f->masculine ? between(d, 0, .35f) : between(d, .1f, .6f);
	f->nose_width = 7.5f + around(d, 2) + (f->masculine ? .8f : 0);
	f->nose_y = 13 + around(d, 2.5f);
	f->earring = chance(d, f->masculine ? .06f : .35f);
	f->freckles = chance(d, .08f);
}

static void choose_eyes(struct face *f, struct dice *d)
{
	f->eye_width = 10.5f + around(d, 1.3f);
	f->eye_open = 6 + around(d, 1.4f);
	f->iris_size = 5.4f + around(d, .6f);
	f->gaze_x = around(d, 3);
	f->gaze_y = around(d, 1);
	f->lash = f->masculine ? between(d, 1.4f, 2.2f) : between(d, 2, 3.4f);
	f->brow_width = f->masculine ? between(d, 3.6f, 5.8f) : between(d, 2.4f, 4.2f);
	f->brow_y = -24.5f + around(d, 2.5f);
	f->brow_arch = between(d, 1, 4.5f);
	f->brow_slant = around(d, 3);
}

static void choose_mouth(struct face *f, struct dice *d)
{
	f->mouth = (enum mouth)pick(d, (const float[]){ 2, 3, 3, 1.3f }, 4);
	f->mouth_width = 15.5f + around(d, 3) + (f->mouth >= MOUTH_SMILE ? 2 : 0);
	f->smile = f->mouth == MOUTH_NEUTRAL ? around(d, 2) : between(d, 3, 6.5f);
	f->mouth_open = f->mouth == MOUTH_OPEN ? between(d, 8, 13) : between(d, 5, 8);
	f->lip = f->masculine ? between(d, 1.8f, 3.2f) : between(d, 2.8f, 4.4f);
}

static void choose_hair(struct face *f, struct dice *d)
{
	f->hair_kind = (enum hair)pick(d, hair_weights[f->masculine], HAIR_KINDS);
	f->volume = uniform(d);
	f->part = around(d, 1);
	f->length = between(d, 62, 110);
	const enum beard grown = (enum beard)pick(d, (const float[]){ 4.2f, 1.4f, 2.2f, 1, 1.2f }, 5);
	f->beard = f->masculine ? grown : BEARD_NONE;
	f->glasses = (enum glasses)pick(d, (const float[]){ 7.6f, 1, 1, .6f }, 4);
	f->neckline = (enum neckline)pick(d, (const float[]){ 3, 2, 2.5f, 1 }, 4);
}

void face_choose(struct face *f, uint64_t seed, uint32_t k)
{
	struct dice d = { .seed = seed, .k = k };
	*f = (struct face){ 0 };
	choose_pose(f, &d);
	choose_colours(f, &d);
	choose_head(f, &d);
	choose_eyes(f, &d);
	choose_mouth(f, &d);
	choose_hair(f, &d);
}
