#include "preview.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grid.h"
#include "images.h"
#include "latents.h"
#include "philox.h"
#include "size.h"

/* The latents of a conditional network, with their labels. */
static int draw_labelled(struct trainer *t, int64_t first, int64_t n)
{
	const struct latents latents = latents_of(&t->settings->arch, t->seed);
	const size_t inputs = (size_t)arch_inputs(&t->settings->arch);
	float *z = size_alloc((size_t)n + 2, inputs * sizeof *z);
	if (!z)
		return ERR_FAILED;
	latents_fill(&latents, first, n, z + 2 * inputs, z);
	t->be->upload(t->be, tensor_part(t->step.g.z, 0, n), z + 2 * inputs);
	free(z);
	return 0;
}

/* Images first … first + n of the latents' order, as bytes. */
static int generate(struct trainer *t, const float *w, int64_t first, int64_t n, float *values, uint8_t *bytes)
{
	struct backend *be = t->be;
	struct generator *g = &t->step.g;
	if (!t->settings->conditional)
		be->random_normal(be, tensor_part(g->z, 0, n), t->seed, STREAM_LATENT, 0, (uint64_t)first);
	else if (draw_labelled(t, first, n))
		return ERR_FAILED;
	generator_forward(g, n, w);
	be->download(be, values, tensor_part(g->image, 0, n));
	images_to_bytes(bytes, values, (size_t)n * 3 * (size_t)g->image.h * (size_t)g->image.w);
	return 0;
}

static int write_grid(struct trainer *t, const float *w, const char *path, int64_t images)
{
	const int side = arch_side(&t->settings->arch), columns = images < 8 ? (int)images : 8;
	const size_t size = 3 * (size_t)side * (size_t)side;
	const int64_t capacity = t->step.g.capacity;
	struct picture picture = { 0 };
	uint8_t *bytes = size_alloc((size_t)images, size);
	float *values = size_alloc((size_t)capacity, size * sizeof *values);
	int rc = bytes && values ? 0 : ERR_FAILED;
	for (int64_t first = 0; !rc && first < images; first += capacity)
		rc = generate(t, w, first, images - first < capacity ? images - first : capacity, values, bytes + (size_t)first * size);
	if (!rc && !(rc = t->be->check(t->be)) && !(rc = grid_picture(&picture, bytes, images, 3, side, columns, 2, side < 64 ? 64 / side : 1)))
		rc = picture_write(&picture, path);
	picture_free(&picture);
	free(values);
	free(bytes);
	return rc;
}

int preview_write(struct trainer *t, const char *folder, int64_t images)
{
	const struct { const char *name; const float *w; } both[] = { { "G", t->g.w }, { "avgG", t->g.average } };
	int rc = 0;
	if (mkdir(folder, 0777) && errno != EEXIST)
		return error_set(ERR_FAILED, "cannot create '%s': %s", folder, strerror(errno));
	for (size_t i = 0; !rc && i < 2; i++) {
		char path[4096];
		snprintf(path, sizeof path, "%s/%s-%06lld.png", folder, both[i].name, (long long)t->iteration);
		rc = write_grid(t, both[i].w, path, images);
	}
	return rc;
}

static bool is_preview(const char *name)
{
	int end = 0;
	long long number;
	if ((sscanf(name, "G-%lld.png%n", &number, &end) == 1 || sscanf(name, "avgG-%lld.png%n", &number, &end) == 1) && end > 0)
		return !name[end];
	return false;
}

int preview_clear(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *entry;
	if (!d)
		return errno == ENOENT ? 0 : error_set(ERR_FAILED, "cannot open '%s': %s", folder, strerror(errno));
	while ((entry = readdir(d)))
		if (is_preview(entry->d_name))
			unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	return 0;
}
