/* celeba-crop: cuts a square out of every picture, as an image stream or as lossless PNG files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "h5file.h"
#include "input_guard.h"
#include "inputs.h"
#include "message.h"
#include "npy.h"
#include "options.h"
#include "ordered.h"
#include "outnames.h"
#include "picture.h"
#include "progress.h"
#include "rejects.h"
#include "size.h"
#include "threads.h"

enum { RECORD = 64 }; /* pictures in a record of the stream */

static const char *dir, *center = "89,121", *box, *background = "white", *rejects_file;
static int64_t size = 128, threads;
static bool pad, keep_going;

static const struct option options[] = {
	{ "output", 'o', OPTION_TEXT, &dir, "DIR", "write a PNG file for every picture into this folder; default: an image stream on stdout", 0, 0 },
	{ "center", 'c', OPTION_TEXT, &center, "X,Y", "column and row of the square's centre; default: 89,121", 0, 0 },
	{ "size", 's', OPTION_INT, &size, "N", "side of the square in pixels; default: 128", 1, 16384 },
	{ "box", 'b', OPTION_TEXT, &box, "X,Y,W,H", "instead: column and row of the upper left corner, width and height; square unless there is -o", 0, 0 },
	{ "pad", 'p', OPTION_FLAG, &pad, NULL, "take pictures that are too small, and fill up with the background", 0, 0 },
	{ "background", 0, OPTION_TEXT, &background, "COLOUR", "what shows through transparent pixels and fills up; default: white", 0, 0 },
	{ "keep-going", 'k', OPTION_FLAG, &keep_going, NULL, "end successfully although pictures were left out", 0, 0 },
	{ "rejects", 0, OPTION_TEXT, &rejects_file, "FILE", "write the names of the pictures left out, with the reasons", 0, 0 },
	{ "threads", 'j', OPTION_INT, &threads, "N", "threads; default: one for each processor. The output does not depend on it", 1, 1024 },
	{ 0 }
};

static const struct tool tool = {
	.name = "celeba-crop",
	.summary = "cut the face out of every picture",
	.synopsis = "[-o DIR] [--center X,Y] [--size N] [--pad] INPUT…",
	.details = "Each INPUT is a PNG or JPEG file, a folder (with everything below it that is named .png, .jpg or .jpeg) or a zip or tar archive, which is "
		   "read in place (img_align_celeba.zip as downloaded). Folders and archives are read in the bytewise order of the paths. One HDF5 or .npy "
		   "file alone gives its images, the largest there are. '-' alone reads stdin: an image stream or a list of file names, one a line; the first "
		   "byte tells which.\n\n"
		   "The square has its upper left corner at X - N/2, Y - N/2; by default columns 25 to 152 and rows 57 to 184, which in the aligned pictures "
		   "of CelebA (178x218) is the face. Grey pictures become RGB, transparent pixels show the background, and pictures that a camera has marked "
		   "as turned are turned upright first.\n\n"
		   "Without -o, an image stream goes to stdout: .npy records of uint8 (n,3,N,N), 64 pictures each. How many pictures there will be is known "
		   "only when the last one has been decoded, so no record promises more than it holds. With -o DIR, every picture becomes DIR/PATH.png, where "
		   "PATH is its path below the INPUT without the ending; image number N of an HDF5 or .npy file or of a stream becomes DIR/NNNNNN.png. "
		   "PNG keeps every pixel; a second JPEG compression would add its own 8x8 blocks to "
		   "what a network learns.\n\n"
		   "A picture that is damaged, too small (unless there is --pad) or no picture is left out; the others are not affected. The reasons are told "
		   "at the end, the first 20 of them; --rejects FILE gets all, as a table of names and reasons.\n\n"
		   "EXIT STATUS\n\n"
		   "0 done, 1 pictures were left out (the output holds all the others) or the output could not be written, 2 wrong usage, 3 an INPUT is "
		   "missing or has no usable picture.\n\n"
		   "EXAMPLES\n\n"
		   "  celeba-crop img_align_celeba.zip | pack-h5 -o celeba.h5\n"
		   "  celeba-crop -o faces --center 89,121 --size 64 img_align_celeba\n"
		   "  celeba-crop --center 256,256 --size 512 --pad --background black snapshots/ | pack-h5 -o snapshots.h5\n",
	.options = options,
	.library = { h5_library, picture_libraries, archive_library },
};

/* One picture on its way. */
struct item {
	int64_t i;
	struct bytes bytes;           /* of a file */
	void *raw;                    /* or of an image, as it came */
	uint8_t *planes;              /* the same as bytes */
	struct picture picture, cut;
	char reason[1024]; /* "" or why it is left out */
};

struct crop {
	struct inputs in;
	int x, y, w, h; /* the box */
	struct picture_options decode_as;
	char **output; /* names of the files by picture, where these have names and there is -o */
	int64_t next, good;
	uint8_t *record; /* (RECORD,3,h,w) */
	int64_t gathered;
	struct rejects rejects;
	struct progress progress;
};

static int feed(void *ctx, void *data)
{
	struct crop *c = ctx;
	struct item *item = data;
	item->i = c->next++;
	item->reason[0] = 0;
	return c->in.source ? item->i < source_count(c->in.source) : (int)images_read(&c->in.images, item->raw, 1);
}

/* Leaves the picture out when the failure is its own. */
static int leave_out(struct item *item, int rc, const char *name)
{
	if (rc != ERR_INPUT)
		return rc;
	if (strstr(error_text(), name))
		snprintf(item->reason, sizeof item->reason, "%s", error_text());
	else
		snprintf(item->reason, sizeof item->reason, "'%s': %s", name, error_text());
	return 0;
}

/* The picture's pixels, wherever they come from. */
static int decode(struct crop *c, struct item *item)
{
	const struct images *in = &c->in.images;
	int rc;
	if (c->in.source)
		return source_picture(c->in.source, item->i, &item->bytes, &item->picture);
	if (!item->picture.pixel && (rc = picture_alloc(&item->picture, in->side, in->side, in->c)))
		return rc;
	images_as_bytes(in, item->planes, item->raw);
	picture_from_planes(&item->picture, item->planes);
	return 0;
}

static int write_file(struct crop *c, struct item *item, const char *name)
{
	char *path;
	if (c->output && !c->output[item->i])
		return leave_out(item, error_set(ERR_INPUT, "'%s' leads out of the folder", name), name);
	if (c->output)
		return picture_write_one_of_many(&item->cut, c->output[item->i]);
	if (asprintf(&path, "%s/%06lld.png", dir, (long long)item->i) < 0)
		return error_set(ERR_FAILED, "out of memory");
	const int rc = picture_write_one_of_many(&item->cut, path);
	free(path);
	return rc;
}

static int work(void *ctx, int thread, void *data)
{
	struct crop *c = ctx;
	struct item *item = data;
	char buffer[INPUT_NAME];
	const char *name = inputs_name(&c->in, item->i, buffer);
	int rc;

	(void)thread;
	if ((rc = decode(c, item)) || (rc = picture_cut(&item->cut, &item->picture, c->x, c->y, c->w, c->h, pad ? c->decode_as.background : NULL)))
		return leave_out(item, rc, name);
	return dir ? write_file(c, item, name) : 0;
}

static size_t image_size(const struct crop *c)
{
	return 3 * (size_t)c->w * (size_t)c->h;
}

static int write_record(struct crop *c)
{
	const struct npy_header h = { NPY_U8, 4, { c->gathered, 3, c->h, c->w } };
	int rc = 0;
	if (c->gathered && !(rc = npy_write_header(stdout, "stdout", &h)))
		rc = npy_write(stdout, "stdout", NPY_U8, c->record, (size_t)c->gathered * image_size(c));
	c->gathered = 0;
	return rc;
}

static int drain(void *ctx, void *data)
{
	struct crop *c = ctx;
	struct item *item = data;
	char buffer[INPUT_NAME];

	progress_show(&c->progress, item->i + 1, NULL);
	if (item->reason[0])
		return rejects_add(&c->rejects, inputs_name(&c->in, item->i, buffer), item->reason);
	c->good++;
	if (dir)
		return 0;
	picture_to_planes(c->record + (size_t)c->gathered * image_size(c), 3, &item->cut);
	return ++c->gathered == RECORD ? write_record(c) : 0;
}

static int parse_box(struct crop *c)
{
	enum { MOST = 65535 };
	int end = 0;

	if (box) {
		if (sscanf(box, "%d,%d,%d,%d%n", &c->x, &c->y, &c->w, &c->h, &end) != 4 || box[end] || abs(c->x) > MOST || abs(c->y) > MOST ||
		    c->w < 1 || c->h < 1 || c->w > MOST || c->h > MOST)
			return error_set(ERR_USAGE, "--box takes a column, a row, a width and a height, such as 25,57,128,128, not '%s'", box);
		if (!dir && c->w != c->h)
			return error_set(ERR_USAGE, "an image stream holds squares, and --box %s is none: give -o DIR", box);
		return 0;
	}
	if (sscanf(center, "%d,%d%n", &c->x, &c->y, &end) != 2 || center[end] || abs(c->x) > MOST || abs(c->y) > MOST)
		return error_set(ERR_USAGE, "--center takes a column and a row, such as 89,121, not '%s'", center);
	c->w = c->h = (int)size;
	c->x -= c->w / 2;
	c->y -= c->h / 2;
	return 0;
}

static int make_items(struct crop *c, struct item *item, int64_t items)
{
	const struct images *in = &c->in.images;
	for (int64_t i = 0; i < items && !c->in.source; i++)
		if (!(item[i].raw = images_alloc(in, 1)) || !(item[i].planes = size_alloc((size_t)in->c * (size_t)in->side, (size_t)in->side)))
			return ERR_FAILED;
	return 0;
}

static int crop_all(struct crop *c)
{
	const int64_t items = threads > 1 ? 4 * threads : 1;
	struct item *item = size_zalloc((size_t)items, sizeof *item);
	const struct ordered o = { (int)threads, item, (size_t)items, sizeof *item, c, feed, work, drain };
	int rc = item ? make_items(c, item, items) : ERR_FAILED;

	if (!dir && !(c->record = size_alloc(RECORD, image_size(c))))
		rc = ERR_FAILED;
	progress_start(&c->progress, "pictures", inputs_count(&c->in));
	if (!rc && !(rc = ordered_run(&o)))
		rc = write_record(c);
	progress_end(&c->progress);
	for (int64_t i = 0; item && i < items; i++) {
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

/* What named pictures need before the first is read. */
static int prepare_source(struct crop *c)
{
	const char *first;
	const int64_t left_out = source_left_out(c->in.source, &first);
	source_decode_as(c->in.source, &c->decode_as);
	if (left_out)
		message_note("files not named .png, .jpg or .jpeg are left alone: %lld, such as '%s'", (long long)left_out, first);
	return dir ? outnames_make(&c->output, c->in.source, dir) : 0;
}

static int run(const char *const *inputs, size_t n)
{
	struct crop c = { 0 };
	int rc;

	if (!n)
		return error_set(ERR_USAGE, "no INPUT: give files, folders or archives, or '-' for an image stream or a list of names on stdin");
	if ((rc = parse_box(&c)) || (rc = picture_colour(c.decode_as.background, background)) || (!dir && (rc = message_stdout_is_data())))
		return rc;
	if ((rc = rejects_try(rejects_file)) || (rc = inputs_open(&c.in, inputs, n)))
		return rc;
	if ((rc = c.in.source ? prepare_source(&c) : dir ? outnames_folder(dir) : 0) || (rc = crop_all(&c)))
		goto end;
	if (!c.good && !c.rejects.n) /* no record at all would be no stream */
		rc = error_set(ERR_INPUT, "'%s' holds no images", c.in.images.name);
	else if (!rejects_file || !(rc = rejects_write(&c.rejects, rejects_file)))
		rc = rejects_report(&c.rejects, c.good, keep_going, message_error);
end:
	outnames_free(c.output, inputs_count(&c.in));
	rejects_free(&c.rejects);
	inputs_close(&c.in);
	return rc;
}

int main(int argc, char **argv)
{
	int rc = options_parse(&tool, argc, argv);
	threads = threads_available((int)threads);
	for (int i = 1; i <= rc; i++)
		input_guard_add(argv[i]);
	if (rc >= 0)
		rc = run((const char *const *)argv + 1, (size_t)rc);
	return message_exit(rc);
}
