#include "judge.h"

#include <stdlib.h>

#include "draw.h"
#include "metric_open.h"
#include "pairs.h"
#include "size.h"
#include "swd.h"

static int measure_swd(double *swd, struct metric_device *device, struct image_set *real, const uint8_t *images, int64_t n)
{
	struct image_set fake;
	const struct swd_settings settings = { .protocol = SWD_KARRAS };
	struct swd_result result;
	const struct swd_part a = { real, 0, n, 0 }, b = { &fake, 0, n, 1 };
	int rc = image_set_borrow(&fake, "the generator's images", images, n, 3, real->side);
	if (!rc && !(rc = swd_compute(&result, device, &a, &b, &settings)))
		*swd = result.average;
	image_set_close(&fake);
	return rc;
}

static int measure_msssim(double *mean, struct metric_device *device, int side, const uint8_t *images, int64_t n)
{
	struct images set;
	struct pairs pairs = { 0 };
	int rc = images_borrow(&set, "the generator's images", images, n, 3, side);
	if (!rc && !(rc = pairs_compute(&pairs, device, MSSSIM_KARRAS, &set, NULL, n / 2, NULL, NULL)))
		*mean = pairs.mean;
	images_close(&set);
	free(pairs.value);
	return rc;
}

int judge(struct judgement *j, struct trainer *t, const char *data, int64_t most)
{
	const int side = arch_side(&t->settings->arch);
	struct metric_device *device = NULL;
	struct image_set real = { 0 };
	int rc = swd_open_set(&real, data, side, most, SWD_KARRAS);
	*j = (struct judgement){ .n = real.read };
	uint8_t *images = rc ? NULL : size_alloc((size_t)j->n, 3 * (size_t)side * (size_t)side);
	if (!rc && !images)
		rc = ERR_FAILED;
	if (!rc && !(rc = draw_images(t, t->g.average, j->n, images)) && !(rc = metric_open_cpu(&device)) &&
	    !(rc = measure_swd(&j->swd, device, &real, images, j->n)))
		rc = measure_msssim(&j->msssim, device, side, images, j->n);
	metric_close(device);
	image_set_close(&real);
	free(images);
	return rc;
}
