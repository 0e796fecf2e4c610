#include "faces_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "faces.h"
#include "ordered.h"
#include "outfile.h"
#include "size.h"
#include "zipout.h"

/* A face on its way, as a PNG file in memory. */
struct drawing {
	int64_t k;
	char name[32];
	char *png; /* owned */
	size_t size;
};

/* Where drawings go: an archive, or a folder if archive.out is NULL. */
struct faces_out {
	const struct faces_plan *plan;
	struct zipout archive;
	const char *folder;
	int64_t next;
};

static int feed(void *ctx, void *drawing)
{
	struct faces_out *out = ctx;
	struct drawing *d = drawing;
	d->k = out->next++;
	return d->k < out->plan->count;
}

static int draw(void *ctx, int thread, void *drawing)
{
	const struct faces_out *out = ctx;
	struct drawing *d = drawing;
	struct picture p = { 0 };
	(void)thread;
	snprintf(d->name, sizeof d->name, "%06lld.png", (long long)d->k + 1);
	int rc = face_draw(&p, out->plan->seed, (uint32_t)d->k);
	if (!rc)
		rc = picture_encode_bytes(&p, d->name, &d->png, &d->size);
	picture_free(&p);
	return rc;
}

static int write_png(void *drawing, FILE *f, const char *name)
{
	const struct drawing *d = drawing;
	if (fwrite(d->png, 1, d->size, f) == d->size)
		return 0;
	return error_set(ERR_FAILED, "cannot write '%s': %s", name, strerror(errno));
}

static int save(struct faces_out *out, struct drawing *d)
{
	char path[4096];

	if (out->archive.out)
		return zipout_add(&out->archive, d->name, d->png, d->size);
	if (snprintf(path, sizeof path, "%s/%s", out->folder, d->name) >= (int)sizeof path)
		return error_set(ERR_FAILED, "cannot create '%s': %s", out->folder, strerror(ENAMETOOLONG));
	return outfile_write_one_of_many(path, write_png, d);
}

static int drain(void *ctx, void *drawing)
{
	struct faces_out *out = ctx;
	struct drawing *d = drawing;
	const int rc = save(out, d);
	free(d->png);
	d->png = NULL;
	out->plan->progress(out->plan->progress_ctx, d->k + 1);
	return rc;
}

static int draw_all(struct faces_out *out)
{
	const int threads = out->plan->threads;
	const size_t items = ordered_items(threads);
	struct drawing *drawing = size_zalloc(items, sizeof *drawing);
	const struct ordered o = { threads, drawing, items, sizeof *drawing, out, feed, draw, drain };
	const int rc = drawing ? ordered_run(&o) : ERR_FAILED;
	for (size_t i = 0; drawing && i < items; i++)
		free(drawing[i].png);
	free(drawing);
	return rc;
}

int faces_write_zip(const struct faces_plan *plan, FILE *f, const char *name)
{
	struct faces_out out = { .plan = plan };
	zipout_start(&out.archive, f, name);
	int rc = draw_all(&out);
	if (!rc)
		rc = zipout_finish(&out.archive);
	zipout_free(&out.archive);
	return rc;
}

static int write_zip(void *plan, FILE *f, const char *name)
{
	return faces_write_zip(plan, f, name);
}

int faces_write_zip_file(const struct faces_plan *plan, const char *path)
{
	return outfile_write(path, write_zip, (void *)plan /* only read */);
}

int faces_write_folder(const struct faces_plan *plan, const char *path)
{
	struct faces_out out = { .plan = plan, .folder = path };
	const int rc = outfile_folder(path);
	return rc ? rc : draw_all(&out);
}
