#include "packer.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ordered.h"
#include "picture.h"
#include "size.h"

/* One picture on its way. */
struct item {
	int64_t i;
	struct bytes bytes;
	struct picture picture;
	void *raw;         /* one image of the stream, as it came */
	uint8_t *square;   /* (3,side,side) */
	uint8_t *levels;   /* as levels_make() leaves them */
	char reason[1024]; /* "" or why it is left out */
};

struct packer {
	const struct pack_settings *settings;
	struct source *source; /* NULL: the images come from `images` */
	struct images *images;
	int side;
	struct levels **maker; /* by thread */
	struct dataset_writer *writer;
	struct sha256_ctx sha;
	int64_t next;
	struct rejects *rejects;
	struct item *item;
	int64_t items;
};

static const char *input_name(const struct packer *p, int64_t i)
{
	return p->source ? source_name(p->source, i) : p->images->name;
}

static int feed(void *ctx, void *data)
{
	struct packer *p = ctx;
	struct item *item = data;
	item->i = p->next++;
	item->reason[0] = 0;
	return p->source ? item->i < source_count(p->source) : (int)images_read(p->images, item->raw, 1);
}

/* Why a picture cannot be in a data set of this side (0: of any). */
static int check_size(const char *name, int w, int h, int wanted)
{
	if (w != h)
		return error_set(ERR_INPUT, "'%s' is not square: %dx%d pixels", name, w, h);
	if (w < DATASET_MIN_SIDE || w > DATASET_MAX_SIDE || (w & (w - 1)))
		return error_set(ERR_INPUT, "'%s' has %dx%d pixels: the side has to be a power of two from %d to %d", name, w, h, DATASET_MIN_SIDE, DATASET_MAX_SIDE);
	if (wanted && w != wanted)
		return error_set(ERR_INPUT, "'%s' has %dx%d pixels, the first picture %dx%d", name, w, h, wanted, wanted);
	return 0;
}

static int decode(struct packer *p, struct item *item)
{
	int rc;
	if ((rc = source_picture(p->source, item->i, &item->bytes, &item->picture)) ||
	    (rc = check_size(input_name(p, item->i), item->picture.w, item->picture.h, p->side))) {
		if (rc != ERR_INPUT)
			return rc;
		snprintf(item->reason, sizeof item->reason, "%s", error_text());
		return 0;
	}
	picture_to_planes(item->square, &item->picture);
	return 0;
}

/* An image of a stream as RGB bytes. */
static void convert(const struct packer *p, struct item *item)
{
	const size_t plane = (size_t)p->side * (size_t)p->side, n = (size_t)p->images->c * plane;
	if (p->images->type == NPY_F32)
		images_to_bytes(item->square, item->raw, n);
	else
		memcpy(item->square, item->raw, n);
	for (size_t k = (size_t)p->images->c; k < 3; k++)
		memcpy(item->square + k * plane, item->square, plane);
}

static int work(void *ctx, int thread, void *data)
{
	struct packer *p = ctx;
	struct item *item = data;
	int rc = 0;
	if (p->source)
		rc = decode(p, item);
	else
		convert(p, item);
	if (!rc && !item->reason[0])
		levels_make(p->maker[thread], item->levels, item->square);
	return rc;
}

static int drain(void *ctx, void *data)
{
	struct packer *p = ctx;
	struct item *item = data;
	p->settings->progress(p->settings->progress_ctx, item->i + 1);
	if (item->reason[0])
		return rejects_add(p->rejects, input_name(p, item->i), item->reason);
	if (!p->source)
		sha256_update(&p->sha, images_size(p->images), item->raw);
	return dataset_append(p->writer, item->levels);
}

/* The side of the first picture that can be used: what the others are measured by. */
static int find_side(struct packer *p)
{
	struct item first = { 0 };
	int rc = ERR_INPUT;

	if (!p->source) {
		p->side = p->images->side;
		return check_size(p->images->name, p->side, p->side, 0);
	}
	for (; rc == ERR_INPUT && first.i < source_count(p->source); first.i++)
		if (!(rc = source_picture(p->source, first.i, &first.bytes, &first.picture)) &&
		    !(rc = check_size(input_name(p, first.i), first.picture.w, first.picture.h, 0)))
			p->side = first.picture.w;
	free(first.bytes.data);
	picture_free(&first.picture);
	return rc == ERR_INPUT ? 0 : rc; /* when there is none, every picture is rejected with its reason */
}

static int make_scratch(struct packer *p)
{
	const int threads = p->settings->threads;
	const size_t square = 3 * (size_t)p->side * (size_t)p->side;
	int rc = 0;

	p->items = threads > 1 ? 4 * threads : 1;
	if (!(p->maker = size_zalloc((size_t)threads, sizeof(struct levels *))) || !(p->item = size_zalloc((size_t)p->items, sizeof *p->item)))
		return ERR_FAILED;
	for (int i = 0; i < threads && !rc; i++)
		rc = levels_new(&p->maker[i], p->side, p->settings->filter);
	for (int64_t i = 0; i < p->items && !rc; i++) {
		struct item *item = &p->item[i];
		if (!p->source && !(item->raw = size_alloc(images_size(p->images), 1)))
			rc = ERR_FAILED;
		if (!(item->square = size_alloc(square, 1)) || !(item->levels = size_alloc(levels_size(p->side), 1)))
			rc = ERR_FAILED;
	}
	return rc;
}

static void free_scratch(struct packer *p)
{
	for (int i = 0; p->maker && i < p->settings->threads; i++)
		levels_free(&p->maker[i]);
	for (int64_t i = 0; p->item && i < p->items; i++) {
		struct item *item = &p->item[i];
		free(item->bytes.data);
		picture_free(&item->picture);
		free(item->raw);
		free(item->square);
		free(item->levels);
	}
	free(p->maker);
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
	return dataset_describe(p->writer, p->source ? "input_names_sha256" : "input_pixels_sha256", hex);
}

int pack(struct pack_result *result, const struct pack_settings *settings, struct source *source, struct images *images)
{
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
	const struct ordered o = { settings->threads, p.item, (size_t)p.items, sizeof *p.item, &p, feed, work, drain };
	if ((rc = ordered_run(&o)))
		goto end;
	result->good = dataset_written(p.writer);
	if (result->good || !result->rejects.n) {
		if (!(rc = describe(&p)))
			rc = dataset_commit(&p.writer);
	}
end:
	dataset_discard(&p.writer);
	free_scratch(&p);
	return rc;
}
