#include <errno.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "faces.h"
#include "message.h"
#include "options.h"
#include "outfile.h"
#include "picture.h"
#include "progress.h"
#include "threads.h"
#include "zipout.h"

enum { BATCH = 64, MAX_FACES = 999999 /* six digits of a name */ };

static int64_t count, seed = 1, threads;
static const char *output;

static const struct option options[] = {
	{ "count", 'n', OPTION_INT, &count, "N", "number of faces; has to be given", 1, MAX_FACES },
	{ "seed", 's', OPTION_INT, &seed, "S", "seed of the random numbers (1)", 0, OPTION_SEED_MAX },
	{ "output", 'o', OPTION_TEXT, &output, "DIR|FILE.zip", "folder, or zip archive if the name ends in .zip (an archive on stdout)", 0, 0 },
	{ "threads", 'j', OPTION_INT, &threads, "N", "threads; default: one for each processor. The output does not depend on it", 1, 1024 },
	{ 0 },
};

static const struct tool tool = {
	.name = "toy-faces",
	.summary = "drawn faces in the shape of CelebA, to train on when there is nothing else",
	.synopsis = "-n N [--seed S] [-o DIR|FILE.zip]",
	.details = "Draws N faces as PNG files 000001.png, 000002.png, ... of 178 x 218 pixels, framed as img_align_celeba frames its own: the eyes near (69,111) and "
	           "(109,111), the mouth near (89,152), each moved, turned and scaled a little, so that celeba-crop's square shows the face. Skin, hair, eyes, brows, "
	           "nose, mouth, beard, glasses, headwear, clothes and background vary independently or as they do among people.\n\n"
	           "The files go into the folder DIR, which is made if it is missing (not its parents), each whole or not at all, in place of files of the same "
	           "name; or into a zip archive, whole or not at all, that celeba-crop and pack-h5 read as it is. Without -o the archive goes to stdout. (Image streams "
	           "hold square images; these are not.) There are at most 999999.\n\n"
	           "Face k of a seed is a function of the seed and k alone: the same file whatever N and the number of threads.\n\n"
	           "EXIT STATUS\n\n"
	           "0 done, 1 failed, 2 wrong usage.\n\n"
	           "EXAMPLES\n\n"
	           "  toy-faces -n 4000 -o faces.zip && celeba-crop faces.zip | pack-h5 -o data.h5\n"
	           "  toy-faces -n 100 --seed 7 -o faces",
	.options = options,
	.library = { picture_libraries, zipout_library },
};

/* A face as a PNG file in memory, or why there is none. */
struct drawing {
	char name[32];
	char *png; /* owned */
	size_t size;
	int rc;
	char *error; /* owned: the message is kept per thread, and another one prints it */
};

static int encode(struct drawing *d, const struct picture *p)
{
	FILE *f = open_memstream(&d->png, &d->size);
	if (!f)
		return error_set(ERR_FAILED, "out of memory");
	const int rc = picture_encode(p, d->name, f);
	if (fclose(f) && !rc)
		return error_set(ERR_FAILED, "out of memory");
	return rc;
}

static void draw(struct drawing *d, int64_t k)
{
	struct picture p = { 0 };
	*d = (struct drawing){ 0 };
	snprintf(d->name, sizeof d->name, "%06lld.png", (long long)k + 1);
	d->rc = face_draw(&p, (uint64_t)seed, (uint32_t)k);
	if (!d->rc)
		d->rc = encode(d, &p);
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
struct sink {
	struct zipout archive;
	const char *folder;
};

static int save(struct sink *s, const struct drawing *d)
{
	struct outfile out;
	char path[4096];
	int rc;

	if (d->rc)
		return error_set(d->rc, "%s", d->error ? d->error : "out of memory");
	if (s->archive.out)
		return zipout_add(&s->archive, d->name, d->png, d->size);
	if (snprintf(path, sizeof path, "%s/%s", s->folder, d->name) >= (int)sizeof path)
		return error_set(ERR_FAILED, "cannot create '%s': %s", s->folder, strerror(ENAMETOOLONG));
	if ((rc = outfile_open_one_of_many(&out, path)))
		return rc;
	FILE *f = outfile_stream(&out);
	if (!f || fwrite(d->png, 1, d->size, f) != d->size) {
		rc = f ? error_set(ERR_FAILED, "cannot write '%s': %s", path, strerror(errno)) : ERR_FAILED;
		outfile_discard(&out);
		return rc;
	}
	return outfile_commit(&out);
}

/* Threads draw a batch, one thread saves it in order. */
static int draw_all(struct sink *s)
{
	struct drawing batch[BATCH];
	struct progress progress;
	int rc = 0;

	progress_start(&progress, "faces", count);
	for (int64_t first = 0; first < count && !rc; first += BATCH) {
		const int n = (int)(count - first < BATCH ? count - first : BATCH);
#pragma omp parallel for schedule(dynamic)
		for (int i = 0; i < n; i++)
			draw(&batch[i], first + i);
		for (int i = 0; i < n; i++) {
			if (!rc)
				rc = save(s, &batch[i]);
			drawing_free(&batch[i]);
		}
		progress_show(&progress, first + n, NULL);
	}
	progress_end(&progress);
	return rc;
}

static int draw_archive(FILE *f, const char *name)
{
	struct sink s = { 0 };
	zipout_start(&s.archive, f, name);
	int rc = draw_all(&s);
	if (!rc)
		rc = zipout_finish(&s.archive);
	zipout_free(&s.archive);
	return rc;
}

static int draw_file(const char *path)
{
	struct outfile out;
	int rc = outfile_open(&out, path);
	if (rc)
		return rc;
	FILE *f = outfile_stream(&out);
	if ((rc = f ? draw_archive(f, path) : ERR_FAILED)) {
		outfile_discard(&out);
		return rc;
	}
	return outfile_commit(&out);
}

static int draw_folder(const char *path)
{
	struct sink s = { .folder = path };
	struct stat st;
	if (mkdir(path, 0777) && errno != EEXIST)
		return error_set(ERR_FAILED, "cannot create '%s': %s", path, strerror(errno));
	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return error_set(ERR_FAILED, "cannot create '%s': it is there and not a folder", path);
	outfile_sweep(path); /* once, and not for every face */
	return draw_all(&s);
}

static bool is_archive(const char *path)
{
	const size_t n = strlen(path);
	return n > 4 && !strcmp(path + n - 4, ".zip");
}

static int run(int argc, char **argv)
{
	const int operands = options_parse(&tool, argc, argv);
	if (operands < 0)
		return operands;
	if (operands > 0)
		return error_set(ERR_USAGE, "'%s' is not expected: toy-faces reads nothing", argv[1]);
	if (!count)
		return error_set(ERR_USAGE, "how many faces? give -n");
	omp_set_num_threads(threads_available((int)threads));
	const bool to_stdout = !output || !strcmp(output, "-");
	if (to_stdout) {
		const int rc = message_stdout_is_data();
		return rc ? rc : draw_archive(stdout, "stdout");
	}
	return is_archive(output) ? draw_file(output) : draw_folder(output);
}

int main(int argc, char **argv)
{
	return message_exit(run(argc, argv));
}
