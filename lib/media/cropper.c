#include "cropper.h"

#include <stdlib.h>

#include "npy.h"
#include "ordered.h"
#include "outfile.h"
#include "outnames.h"
#include "size.h"

/* Pictures in a record of the stream, and its bytes unless one has more. */
enum { RECORD = 64 };
static const size_t RECORD_BYTES = (size_t)256 << 20;

/* One picture on its way. */
struct crop_item {
	int64_t i;
	struct bytes bytes;           /* of a file */
	void *raw;                    /* or of an image, as it came */
	uint8_t *planes;              /* the same as bytes */
	struct picture picture, cut;
	char reason[ERROR_TEXT]; /* "" or why it is left out */
};

struct cropper {
	const struct crop_settings *settings;
	struct inputs *in;
	char **output; /* names of the files by picture, where these have names and there is a folder */
	int64_t next;
	uint8_t *record; /* (room,3,h,w) */
	int64_t room, gathered;
	bool begun; /* there are records in the stream */
	struct crop_result *result;
};

static int feed(void *ctx, void *data)
{
	struct cropper *c = ctx;
	struct crop_item *item = data;
	item->i = c->next++;
	item->reason[0] = 0;
	return c->in->source ? item->i < source_count(c->in->source) : (int)images_read(&c->in->images, item->raw, 1);
}

/* Leaves the picture out when the failure is its own. */
static int leave_out(struct crop_item *item, int rc)
{
	if (rc != ERR_INPUT)
		return rc;
	snprintf(item->reason, sizeof item->reason, "%s", error_text());
	return 0;
}

/* The picture's pixels, wherever they come from. */
static int decode(struct cropper *c, struct crop_item *item)
{
	const struct images *in = &c->in->images;
	int rc;
	if (c->in->source)
		return source_picture(c->in->source, item->i, c->settings->background, &item->bytes, &item->picture);
	if (!item->picture.pixel && (rc = picture_alloc(&item->picture, in->side, in->side, in->c)))
		return rc;
	images_as_bytes(in, item->planes, item->raw);
	picture_from_planes(&item->picture, item->planes);
	return 0;
}

static int write_file(struct cropper *c, struct crop_item *item, const char *name)
{
	char *path;
	if (c->output && !c->output[item->i])
		return leave_out(item, error_set(ERR_INPUT, "'%s' leads out of the folder, or is longer than a file's name can be", name));
	if (c->output)
		return picture_write_one_of_many(&item->cut, c->output[item->i]);
	if (asprintf(&path, "%s/%06lld.png", c->settings->dir, (long long)item->i) < 0)
		return error_set(ERR_FAILED, "out of memory");
	const int rc = picture_write_one_of_many(&item->cut, path);
	free(path);
	return rc;
}

static int work(void *ctx, int thread, void *data)
{
	struct cropper *c = ctx;
	struct crop_item *item = data;
	const struct crop_settings *s = c->settings;
	char buffer[INPUT_NAME];
	const char *name = inputs_name(c->in, item->i, buffer);
	int rc;

	(void)thread;
	if ((rc = decode(c, item)) || (rc = picture_cut(&item->cut, &item->picture, name, s->x, s->y, s->w, s->h, s->pad ? s->background : NULL)))
		return leave_out(item, rc);
	return s->dir ? write_file(c, item, name) : 0;
}

static size_t image_size(const struct cropper *c)
{
	return 3 * (size_t)c->settings->w * (size_t)c->settings->h;
}

static int make_record(struct cropper *c)
{
	const size_t fit = RECORD_BYTES / image_size(c);
	c->room = fit > RECORD ? RECORD : fit ? (int64_t)fit : 1;
	c->record = size_alloc((size_t)c->room, image_size(c));
	return c->record ? 0 : ERR_FAILED;
}

static struct npy_header record_of(const struct cropper *c, int64_t n)
{
	return (struct npy_header){ NPY_U8, 4, { n, 3, c->settings->h, c->settings->w } };
}

static int write_record(struct cropper *c)
{
	const struct crop_settings *s = c->settings;
	const struct npy_header h = record_of(c, c->gathered);
	int rc = 0;
	if (c->gathered) {
		c->begun = true;
		if (!(rc = npy_write_header(s->stream, s->name, &h)))
			rc = npy_write(s->stream, s->name, NPY_U8, c->record, (size_t)c->gathered * image_size(c));
	}
	c->gathered = 0;
	return rc;
}

static int drain(void *ctx, void *data)
{
	struct cropper *c = ctx;
	struct crop_item *item = data;
	char buffer[INPUT_NAME];

	c->settings->progress(c->settings->progress_ctx, item->i + 1);
	if (item->reason[0])
		return rejects_add(&c->result->rejects, inputs_name(c->in, item->i, buffer), item->reason);
	c->result->good++;
	if (c->settings->dir)
		return 0;
	picture_to_planes(c->record + (size_t)c->gathered * image_size(c), 3, &item->cut);
	return ++c->gathered == c->room ? write_record(c) : 0;
}

static int make_items(struct cropper *c, struct crop_item *item, size_t items)
{
	const struct images *in = &c->in->images;
	for (size_t i = 0; i < items && !c->in->source; i++)
		if (!(item[i].raw = images_alloc(in, 1)) || !(item[i].planes = size_alloc((size_t)in->c * (size_t)in->side, (size_t)in->side)))
			return ERR_FAILED;
	return 0;
}

static int crop_all(struct cropper *c)
{
	const int threads = c->settings->threads;
	const size_t items = ordered_items(threads);
	struct crop_item *item = size_zalloc(items, sizeof *item);
	const struct ordered o = { threads, item, items, sizeof *item, c, feed, work, drain };
	int rc = item ? make_items(c, item, items) : ERR_FAILED;

	if (!rc && !c->settings->dir)
		rc = make_record(c);
	if (!rc && !(rc = ordered_run(&o)))
		rc = write_record(c);
	for (size_t i = 0; item && i < items; i++) {
		free(item[i].bytes.data);
		free(item[i].raw);
		free(item[i].planes);
		picture_free(&item[i].picture);
		picture_free(&item[i].cut);
	}
	free(item);
	free(c->record);
	return rc;
}

/* Where the files go. */
static int make_outputs(struct cropper *c)
{
	const char *dir = c->settings->dir;
	return !dir ? 0 : c->in->source ? outnames_make(&c->output, c->in->source, dir) : outfile_folder(dir);
}

int crop(struct crop_result *result, const struct crop_settings *settings, struct inputs *in)
{
	struct cropper c = { .settings = settings, .in = in, .result = result };
	int rc;

	*result = (struct crop_result){ 0 };
	if (!(rc = make_outputs(&c)))
		rc = crop_all(&c);
	if (!rc && !result->good && !result->rejects.n) /* no record at all would be no stream */
		rc = error_set(ERR_INPUT, "'%s' holds no images", in->images.name);
	if (rc && c.begun) {
		const struct npy_header h = record_of(&c, 1);
		npy_write_broken(settings->stream, &h);
	}
	outnames_free(c.output, inputs_count(in));
	return rc;
}
