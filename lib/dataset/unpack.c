#include "unpack.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "images.h"
#include "input_guard.h"
#include "labels.h"
#include "outfile.h"
#include "picture.h"
#include "sink.h"
#include "size.h"
#include "zipout.h"

enum { C = 3 };

struct unpacker {
	const char *output;
	struct dataset *d;
	struct labels labels;
	int side;
	uint8_t *planes; /* one picture */
	void (*progress)(void *ctx, int64_t done);
	void *progress_ctx;
};

static int read_picture(struct unpacker *u, int64_t i)
{
	const int rc = dataset_rows(u->d, &i, 1, u->planes);
	if (!rc && u->progress)
		u->progress(u->progress_ctx, i + 1);
	return rc;
}

static int write_npy(void *unpacker, FILE *f, const char *name)
{
	const struct unpacker *u = unpacker;
	const struct npy_header h = { NPY_F32, 2, { dataset_count(u->d), u->labels.columns } };
	const int rc = npy_write_header(f, name, &h);
	return rc ? rc : npy_write(f, name, NPY_F32, labels_row(&u->labels, 0), (size_t)h.dim[0] * (size_t)h.dim[1]);
}

static int write_csv(void *unpacker, FILE *f, const char *name)
{
	const struct unpacker *u = unpacker;
	(void)name;
	fprintf(f, "file,%s\n", u->labels.names);
	for (int64_t i = 0; i < dataset_count(u->d); i++) {
		fprintf(f, "%06lld.png", (long long)i);
		for (int k = 0; k < u->labels.columns; k++)
			fprintf(f, ",%.9g", (double)labels_row(&u->labels, i)[k]);
		fputc('\n', f);
	}
	return 0;
}

/* Of the labels of a folder's pictures; the caller's. NULL: out of memory, error set. */
static char *table_name(const char *folder)
{
	const size_t length = strlen(folder);
	char *name;
	if (asprintf(&name, "%s%slabels.csv", folder, length && folder[length - 1] == '/' ? "" : "/") >= 0)
		return name;
	(void)error_set(ERR_FAILED, "out of memory");
	return NULL;
}

/* The labels go into a file beside the pictures, or in their folder. */
static int to_sink(struct unpacker *u, enum sink_kind kind)
{
	const struct sink_plan plan = { .output = u->output, .kind = kind, .type = NPY_U8, .side = u->side, .n = dataset_count(u->d), .labelled = u->labels.columns > 0 };
	const bool array = kind == SINK_NPY;
	char *labels = NULL;
	struct sink *s;
	int rc = 0;

	if (plan.labelled && !(labels = array ? images_labels_name(u->output) : table_name(u->output)))
		return ERR_FAILED;
	if ((labels && (rc = input_guard_check(labels))) || (rc = sink_open(&s, &plan)))
		goto end;
	for (int64_t i = 0; !rc && i < plan.n; i++)
		if (!(rc = read_picture(u, i)))
			rc = sink_write(s, u->planes, 1);
	if (rc)
		sink_discard(&s);
	else if (!(rc = sink_commit(&s)) && labels)
		rc = outfile_write(labels, array ? write_npy : write_csv, u);
end:
	free(labels);
	return rc;
}

/* -- StyleGAN's archive -- */

static void member_name(char out[64], int64_t i)
{
	snprintf(out, 64, "%05lld/img%08lld.png", (long long)i / 1000, (long long)i);
}

static int add_picture(struct unpacker *u, struct zipout *z, struct picture *p, int64_t i)
{
	char name[64], *png;
	size_t size;
	int rc = read_picture(u, i);

	if (rc)
		return rc;
	picture_from_planes(p, u->planes);
	member_name(name, i);
	if ((rc = picture_encode_bytes(p, name, &png, &size)))
		return rc;
	rc = zipout_add(z, name, png, size);
	free(png);
	return rc;
}

/* Whether the labels are the numbers of classes, which StyleGAN takes as such. */
static bool are_classes(const struct labels *l, int64_t n)
{
	bool yes = l->columns == 1;
	for (int64_t i = 0; yes && i < n; i++)
		yes = *labels_row(l, i) >= 0 && *labels_row(l, i) == floorf(*labels_row(l, i));
	return yes;
}

static void print_labels(const struct unpacker *u, FILE *f)
{
	const int64_t n = dataset_count(u->d);
	const bool classes = are_classes(&u->labels, n);
	for (int64_t i = 0; i < n; i++) {
		char name[64];
		member_name(name, i);
		fprintf(f, "%s[\"%s\", %s", i ? ",\n" : "", name, classes ? "" : "[");
		for (int k = 0; k < u->labels.columns; k++)
			fprintf(f, "%s%.9g", k ? ", " : "", (double)labels_row(&u->labels, i)[k]);
		fputs(classes ? "]" : "]]", f);
	}
}

static int add_table(struct unpacker *u, struct zipout *z)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return error_set(ERR_FAILED, "out of memory");
	fputs("{\"labels\": ", f);
	if (u->labels.columns) {
		fputs("[\n", f);
		print_labels(u, f);
		fputs("\n]", f);
	} else {
		fputs("null", f);
	}
	fputs("}\n", f);
	const int rc = fclose(f) ? error_set(ERR_FAILED, "out of memory") : zipout_add(z, "dataset.json", text, size);
	free(text);
	return rc;
}

static int write_zip(void *unpacker, FILE *f, const char *name)
{
	struct unpacker *u = unpacker;
	struct zipout z;
	struct picture p;
	int rc = picture_alloc(&p, u->side, u->side, C);

	zipout_start(&z, f, name);
	for (int64_t i = 0; !rc && i < dataset_count(u->d); i++)
		rc = add_picture(u, &z, &p, i);
	if (!rc && !(rc = add_table(u, &z)))
		rc = zipout_finish(&z);
	zipout_free(&z);
	picture_free(&p);
	return rc;
}

int unpack(const char *data, const char *output, int side, void (*progress)(void *ctx, int64_t done), void *progress_ctx)
{
	struct unpacker u = { .output = output, .progress = progress, .progress_ctx = progress_ctx };
	const bool zip = zipout_is_named(output);
	enum sink_kind kind = SINK_FOLDER;
	int rc;

	if (!zip && (sink_kind_of(output, &kind) || (kind != SINK_FOLDER && kind != SINK_NPY)))
		return error_set(ERR_USAGE, "a data set is unpacked into NAME.zip, NAME.npy or FOLDER/, not '%s'", output);
	if ((rc = dataset_open(&u.d, data)))
		return rc;
	u.side = side ? side : dataset_side(u.d);
	if (!(rc = labels_of_h5(&u.labels, data, dataset_count(u.d))) && !(rc = dataset_select(u.d, u.side, 0))) {
		if (!(u.planes = size_alloc(level_size(u.side), 1)))
			rc = ERR_FAILED;
		else
			rc = zip ? outfile_write(output, write_zip, &u) : to_sink(&u, kind);
	}
	free(u.planes);
	labels_free(&u.labels);
	dataset_close(&u.d);
	return rc;
}
