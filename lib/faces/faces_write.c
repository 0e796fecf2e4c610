#include "faces_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "faces.h"
#include "outfile.h"
#include "zipout.h"

enum { BATCH = 64 };

/* A face as a PNG file in memory, or why there is none. */
struct drawing {
	char name[32];
	char *png; /* owned */
	size_t size;
	int rc;
	char *error; /* owned: the message is kept per thread, and another one prints it */
};

static void draw(struct drawing *d, uint64_t seed, int64_t k)
{
	struct picture p = { 0 };
	*d = (struct drawing){ 0 };
	snprintf(d->name, sizeof d->name, "%06lld.png", (long long)k + 1);
	d->rc = face_draw(&p, seed, (uint32_t)k);
	if (!d->rc)
		d->rc = picture_encode_bytes(&p, d->name, &d->png, &d->size);
	if (d->rc)
		d->error = strdup(error_text());
	picture_free(&p);
}

static void drawing_free(struct drawing *d)
{
	free(d->png);
	free(d->error);
}

/* Where drawings go: an archive, or a folder if archive.out is NULL. */
struct faces_out {
	const struct faces_plan *plan;
	struct zipout archive;
	const char *folder;
};

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

	if (d->rc)
		return error_set(d->rc, "%s", d->error ? d->error : "out of memory");
	if (out->archive.out)
		return zipout_add(&out->archive, d->name, d->png, d->size);
	if (snprintf(path, sizeof path, "%s/%s", out->folder, d->name) >= (int)sizeof path)
		return error_set(ERR_FAILED, "cannot create '%s': %s", out->folder, strerror(ENAMETOOLONG));
	return outfile_write_one_of_many(path, write_png, d);
}

/* Threads draw a batch, one thread saves it in order. */
static int draw_all(struct faces_out *out)
{
	struct drawing batch[BATCH];
	const struct faces_plan *plan = out->plan;
	const int64_t count = plan->count;
	int rc = 0;

	for (int64_t first = 0; first < count && !rc; first += BATCH) {
		const int n = (int)(count - first < BATCH ? count - first : BATCH);
#pragma omp parallel for schedule(dynamic)
		for (int i = 0; i < n; i++)
			draw(&batch[i], plan->seed, first + i);
		for (int i = 0; i < n; i++) {
			if (!rc)
				rc = save(out, &batch[i]);
			drawing_free(&batch[i]);
		}
		plan->progress(plan->progress_ctx, first + n);
	}
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
	struct stat st;
	if (mkdir(path, 0777) && errno != EEXIST)
		return error_set(ERR_FAILED, "cannot create '%s': %s", path, strerror(errno));
	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return error_set(ERR_FAILED, "cannot create '%s': it is there and not a folder", path);
	outfile_sweep(path); /* once, and not for every face */
	return draw_all(&out);
}
