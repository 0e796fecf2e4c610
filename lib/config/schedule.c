#include "schedule.h"

/* The reference subtracts 1 / jumps once per jump, and the rounding errors of those subtractions are part of its schedule
 * (pytorch_GAN_zoo, progressive_gan_trainer.py, updateAlphaJumps). */
static double linear(int64_t jumps, int64_t size, int64_t iteration)
{
	double alpha = jumps > 0 ? 1 : 0;
	for (int64_t next = size; alpha > 0 && next <= iteration; next += size)
		alpha -= 1 / (double)jumps;
	return alpha > 0 ? alpha : 0;
}

static double custom(const struct schedule *s, int64_t iteration)
{
	double alpha = 0;
	for (size_t i = 0; i < s->n && s->at[i] <= iteration; i++)
		alpha = s->value[i];
	return alpha;
}

/* Karras et al.'s code, train.py, TrainingSchedule, within one scale. */
static double by_images(int64_t images, int64_t seen)
{
	return seen < images ? 1 - (double)seen / (double)images : 0;
}

double schedule_alpha(const struct schedule *s, int64_t iteration)
{
	switch (s->mode) {
	case SCHEDULE_LINEAR:
		break;
	case SCHEDULE_CUSTOM:
		return custom(s, iteration);
	case SCHEDULE_IMAGES:
		return by_images(s->images, iteration * s->batch);
	}
	return linear(s->jumps, s->size, iteration);
}
