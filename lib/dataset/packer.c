#include "packer.h"

#include <nettle/sha2.h>
#include <nettle/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ordered.h"
#include "picture.h"
#include "size.h"

/* One picture on its way. */
struct pack_item {
	int64_t i; /* in the source, or in the stream */
	struct bytes bytes;
	struct picture picture;
	void *raw;                  /* one image of the stream, as it came */
	uint8_t *planes;            /* the same as RGB bytes */
	uint8_t *square;            /* (3,side,side) */
	uint8_t *levels, *mirrored; /* as levels_make() leaves them */
	const float *label;
	char reason[ERROR_TEXT]; /* "" or why it is left out */
};

struct packer {
	const struct pack_settings *settings;
	struct source *source; /* NULL: the images come from `images` */
	struct images *images;
	int side;
	struct levels **maker; /* by thread */
	struct fitter **fitter;
	struct dataset_writer *writer;
	struct sha256_ctx sha;
	int64_t next, good, done;
	struct rejects *rejects;
	struct pack_item *item;
	size_t items;
};

static const char *input_name(const struct packer *p, int64_t i)
{
	return p->source ? source_name(p->source, i) : p->images->name;
}

static int64_t in_order(const struct packer *p, int64_t i)
{
	return p->settings->order ? p->settings->order[i] : i;
}

static int feed(void *ctx, void *data)
{
	struct packer *p = ctx;
	struct pack_item *item = data;
	item->reason[0] = 0;
	if (!p->source) {
		if (p->settings->limit && p->next == p->settings->limit)
			return 0; /* all of a stream's are good, and it may have no more for a long time */
		item->i = p->next++;
		return (int)images_read(p->images, item->raw, 1);
	}
	if (p->next == source_count(p->source))
		return 0;
	item->i = in_order(p, p->next++);
	return 1;
}

/* Whether the first pictures decide on the side, and this one is unlike them. */
static int check_size(const struct packer *p, const char *name, int w, int h)
{
	if (p->settings->side || p->settings->fit || w != h || w == p->side)
		return 0;
	if (w < DATASET_MIN_SIDE || w > DATASET_MAX_SIDE || (w & (w - 1)))
		return error_set(ERR_INPUT, "'%s' has %dx%d pixels: the side has to be a power of two from %d to %d (see --size)", name, w, h, DATASET_MIN_SIDE,
				 DATASET_MAX_SIDE);
	return p->side ? error_set(ERR_INPUT, "'%s' has %dx%d pixels, the first picture %dx%d (see --size)", name, w, h, p->side, p->side) : 0;
}

static int decode(struct packer *p, int thread, struct pack_item *item)
{
	const char *name = input_name(p, item->i);
	int rc;
	if (p->settings->table && !(item->label = label_table_find(p->settings->table, source_member(p->source, item->i))))
		return error_set(ERR_INPUT, "'%s' has no labels", name);
	if ((rc = source_picture(p->source, item->i, p->settings->background, &item->bytes, &item->picture)) || (rc = check_size(p, name, item->picture.w, item->picture.h)))
		return rc;
	return fitter_run(p->fitter[thread], item->square, &item->picture, name);
}

/* An image of a stream as RGB bytes, in the right size. */
static int convert(struct packer *p, int thread, struct pack_item *item)
{
	const struct images *in = p->images;
	const size_t plane = (size_t)in->side * (size_t)in->side;
	if (p->settings->labels)
		item->label = labels_row(p->settings->labels, item->i);
	images_as_bytes(in, item->planes, item->raw);
	for (size_t k = (size_t)in->c; k < 3; k++)
		memcpy(item->planes + k * plane, item->planes, plane);
	return fitter_run_planes(p->fitter[thread], item->square, item->planes, in->side, in->name);
}

static void mirror(uint8_t *planes, int side)
{
	for (int row = 0; row < 3 * side; row++, planes += side) {
		for (int x = 0; x < side / 2; x++) {
			const uint8_t left = planes[x];
			planes[x] = planes[side - 1 - x];
			planes[side - 1 - x] = left;
		}
	}
}

static int work(void *ctx, int thread, void *data)
{
	struct packer *p = ctx;
	struct pack_item *item = data;
	const int rc = p->source ? decode(p, thread, item) : convert(p, thread, item);
	if (rc == ERR_INPUT) {
		snprintf(item->reason, sizeof item->reason, "%s", error_text());
		return 0;
	}
	if (rc)
		return rc;
	levels_make(p->maker[thread], item->levels, item->square);
	if (p->settings->mirror) {
		mirror(item->square, p->side);
		levels_make(p->maker[thread], item->mirrored, item->square);
	}
	return 0;
}

static int append(struct packer *p, const struct pack_item *item, const uint8_t *levels)
{
	if (item->label)
		dataset_label(p->writer, item->label);
	return dataset_append(p->writer, levels);
}

static int drain(void *ctx, void *data)
{
	struct packer *p = ctx;
	struct pack_item *item = data;
	int rc;

	p->settings->progress(p->settings->progress_ctx, ++p->done);
	if (item->reason[0])
		return rejects_add(p->rejects, input_name(p, item->i), item->reason);
	p->good++;
	if (!p->source)
		sha256_update(&p->sha, images_size(p->images), item->raw);
	if ((rc = append(p, item, item->levels)))
		return rc;
	if (p->settings->mirror && (rc = append(p, item, item->mirrored)))
		return rc;
	return p->good == p->settings->limit; /* enough */
}

/* The side of the first picture that can be used: what the others are measured by. */
static int find_side(struct packer *p)
{
	struct pack_item first = { 0 };
	const struct images *in = p->images;
	int rc = ERR_INPUT;

	if ((p->side = p->settings->side)) {
		if (p->source || in->side >= p->side)
			return 0;
		return error_set(ERR_INPUT, "the images of '%s' are smaller than %dx%d: %dx%d pixels", in->name, p->side, p->side, in->side, in->side);
	}
	if (!p->source) {
		if (!(rc = check_size(p, in->name, in->side, in->side)))
			p->side = in->side;
		return rc;
	}
	for (int64_t i = 0; rc == ERR_INPUT && i < source_count(p->source); i++) {
		const int64_t k = in_order(p, i);
		if (p->settings->table && !label_table_find(p->settings->table, source_member(p->source, k)))
			continue;
		if ((rc = source_picture(p->source, k, p->settings->background, &first.bytes, &first.picture)))
			continue;
		if (p->settings->fit)
			p->side = fit_side(&first.picture);
		else if (first.picture.w == first.picture.h && !check_size(p, "", first.picture.w, first.picture.h))
			p->side = first.picture.w;
		rc = p->side ? 0 : ERR_INPUT;
	}
	free(first.bytes.data);
	picture_free(&first.picture);
	return rc == ERR_INPUT ? 0 : rc; /* when there is none, every picture is rejected with its reason */
}

static int make_item(const struct packer *p, struct pack_item *item)
{
	const size_t square = 3 * (size_t)p->side * (size_t)p->side;
	if (!(item->square = size_alloc(square, 1)) || !(item->levels = size_alloc(levels_size(p->side), 1)) ||
	    (p->settings->mirror && !(item->mirrored = size_alloc(levels_size(p->side), 1))))
		return ERR_FAILED;
	if (!p->source &&
	    (!(item->raw = images_alloc(p->images, 1)) || !(item->planes = size_alloc(3 * (size_t)p->images->side, (size_t)p->images->side))))
		return ERR_FAILED;
	return 0;
}

static int make_scratch(struct packer *p)
{
	const int threads = p->settings->threads;
	int rc = 0;

	p->items = ordered_items(threads);
	p->maker = size_zalloc((size_t)threads, sizeof(struct levels *));
	p->fitter = size_zalloc((size_t)threads, sizeof(struct fitter *));
	p->item = size_zalloc(p->items, sizeof *p->item);
	if (!p->maker || !p->fitter || !p->item)
		return ERR_FAILED;
	for (int i = 0; i < threads && !rc; i++)
		if (!(rc = levels_new(&p->maker[i], p->side, p->settings->filter)))
			rc = fitter_new(&p->fitter[i], p->side, p->settings->fit, p->settings->background);
	for (size_t i = 0; i < p->items && !rc; i++)
		rc = make_item(p, &p->item[i]);
	return rc;
}

static void free_scratch(struct packer *p)
{
	for (int i = 0; i < p->settings->threads; i++) {
		if (p->maker)
			levels_free(&p->maker[i]);
		if (p->fitter)
			fitter_free(&p->fitter[i]);
	}
	for (size_t i = 0; p->item && i < p->items; i++) {
		struct pack_item *item = &p->item[i];
		free(item->bytes.data);
		picture_free(&item->picture);
		free(item->raw);
		free(item->planes);
		free(item->square);
		free(item->levels);
		free(item->mirrored);
	}
	free(p->maker);
	free(p->fitter);
	free(p->item);
}

/* Where the data set comes from. */
static int describe(struct packer *p)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	char hex[2 * SHA256_DIGEST_SIZE + 1];
	int rc;

	for (int64_t i = 0; p->source && i < source_count(p->source); i++) {
		const char *member = source_member(p->source, i);
		sha256_update(&p->sha, strlen(member), (const uint8_t *)member);
		sha256_update(&p->sha, 1, (const uint8_t *)"\n");
	}
	sha256_digest(&p->sha, sizeof digest, digest);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	if ((rc = dataset_describe(p->writer, "tool", "pack-h5")) || (rc = dataset_describe(p->writer, "tool_version", PGAN_VERSION)) ||
	    (rc = dataset_describe(p->writer, "options", p->settings->options)))
		return rc;
	if ((p->settings->mirror || (!p->source && p->images->mirrored)) && (rc = dataset_describe(p->writer, "mirrored", "every other picture")))
		return rc;
	return dataset_describe(p->writer, p->source ? "input_names_sha256" : "input_pixels_sha256", hex);
}

int pack(struct pack_result *result, const struct pack_settings *settings, struct source *source, struct images *images)
{
	const struct labels *labels = settings->table ? label_table_labels(settings->table) : settings->labels;
	struct packer p = { .settings = settings, .source = source, .images = images, .rejects = &result->rejects };
	int rc;

	*result = (struct pack_result){ 0 };
	sha256_init(&p.sha);
	if ((rc = find_side(&p)))
		return rc;
	/* Without a usable picture the work is still done, to collect the reasons. */
	p.side = p.side ? p.side : DATASET_MIN_SIDE;
	if ((rc = make_scratch(&p)) || (rc = dataset_create(&p.writer, settings->output, p.side)))
		goto end;
	if (labels && (rc = dataset_label_columns(p.writer, labels->names, labels->columns)))
		goto end;
	const struct ordered o = { settings->threads, p.item, p.items, sizeof *p.item, &p, feed, work, drain };
	if ((rc = ordered_run(&o)))
		goto end;
	result->good = p.good;
	if (result->good || !result->rejects.n) {
		if (!(rc = describe(&p)))
			rc = dataset_commit(&p.writer);
	}
end:
	dataset_discard(&p.writer);
	free_scratch(&p);
	return rc;
}

const char *packer_library(void)
{
	static char text[32];
	snprintf(text, sizeof text, "nettle %d.%d", nettle_version_major(), nettle_version_minor());
	return text;
}
