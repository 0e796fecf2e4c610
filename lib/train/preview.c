#include "preview.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "draw.h"
#include "grid.h"
#include "outfile.h"
#include "size.h"

enum { TILE = 64 };

static int write_grid(struct trainer *t, const float *w, const char *path, int64_t images)
{
	const int side = arch_side(&t->settings->arch), columns = images < 8 ? (int)images : 8;
	struct picture picture = { 0 };
	uint8_t *bytes = size_alloc((size_t)images, 3 * (size_t)side * (size_t)side);
	int rc = bytes ? draw_images(t, w, images, bytes) : ERR_FAILED;
	if (!rc && !(rc = grid_picture(&picture, bytes, images, 3, side, columns, grid_scale(side, TILE))))
		rc = picture_write(&picture, path);
	picture_free(&picture);
	free(bytes);
	return rc;
}

int preview_write(struct trainer *t, const char *folder, int64_t images)
{
	const struct { const char *name; const float *w; } both[] = { { "G", t->g.w }, { "avgG", t->g.average } };
	int rc = outfile_folder(folder);
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
