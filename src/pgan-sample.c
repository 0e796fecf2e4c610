/* pgan-sample: images of a network. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "environment.h"
#include "growth.h"
#include "images.h"
#include "input_guard.h"
#include "message.h"
#include "options.h"
#include "picture.h"
#include "progress.h"
#include "sampler.h"
#include "sink.h"
#include "size.h"
#include "threads.h"

enum { PROTOCOL_IMAGES = 16384, GRID_IMAGES = 64, WALK_LEGS = 8, WALK_FRAMES = 30, FRAMES_MOST = 100000, GROWTH_IMAGES = 8 };

static int64_t count, seed = -1, first, frames;
static bool current, f32, walk;
static struct option_list labels;
static const char *output, *latents_file, *grid, *device = "auto";

static const struct option options[] = {
	{ "output", 'o', OPTION_TEXT, &output, "OUT", "OUT.png, OUT.h5, OUT.npy, OUT.y4m or DIR/ (an image stream on stdout)", 0, 0 },
	{ "count", 'n', OPTION_INT, &count, "N", "number of images (with --walk: of legs); default: 16384; of a grid 64, or as many as --grid holds; of a walk 8; with --latents all of them", 1, 1LL << 40 },
	{ "seed", 's', OPTION_INT, &seed, "S", "seed of the latents (0)", 0, OPTION_SEED_MAX },
	{ "first", 0, OPTION_INT, &first, "K", "begin with latent K (0)", 0, 1LL << 40 },
	{ "current", 0, OPTION_FLAG, &current, NULL, "sample G itself instead of its running average", 0, 0 },
	{ "latents", 0, OPTION_TEXT, &latents_file, "Z.npy", "read the latents, (N,latent) float32, from a file or - for stdin", 0, 0 },
	{ "label", 0, OPTION_LIST, &labels, "NAME=VALUE", "of a conditional network: images of this label; may be given for each attribute", 0, 0 },
	{ "f32", 0, OPTION_FLAG, &f32, NULL, "float32 in [-1,1], not clamped, instead of bytes (streams and OUT.npy)", 0, 0 },
	{ "grid", 0, OPTION_TEXT, &grid, "RxC", "rows and columns of OUT.png (about square; of a walk a leg per row)", 0, 0 },
	{ "walk", 0, OPTION_FLAG, &walk, NULL, "go from latent K to K + 1 to K + 2 …", 0, 0 },
	{ "frames", 0, OPTION_INT, &frames, "F", "images per leg of a walk (30)", 1, FRAMES_MOST },
	{ "device", 0, OPTION_TEXT, &device, "D", BACKEND_DEVICES " (auto)", 0, 0 },
	{ 0 }
};

static const char details[] =
	"Reads a network file of pgan-grow, or a checkpoint, and writes images of its running average avgG, or with --current of G as it stands. Without "
	"NET.h5 it takes the highest of scale0.h5, scale1.h5 … in the current folder, or else in $PGAN_RUN, and says which. A network that was saved while a "
	"scale faded in is sampled as it was trained: both paths mixed.\n\n"
	"Latent k of a seed is a function of the seed and k alone, and image k of the network, latent k and the kind of processor: the same bytes whatever -n, "
	"--first and --threads, so a large set may be made in parts by several processes. Each thread works on images of its own and takes up to 1 GB at the "
	"widths of the paper; fewer --threads take less.\n\n"
	"OUTPUT\n\n"
	"Without -o (or with -o -), an image stream: a .npy record, uint8 (N,3,R,R). Bytes are (x + 1) * 127.5, rounded half up and clamped to 0 … 255.\n\n"
	"OUT.npy holds the same in a file; OUT.h5 a data set data{R}x{R}, as swd, msssim and laplacian-pyr read it; OUT.png a grid, row by row, images below "
	"128 pixels enlarged to that; OUT.y4m video frames (YUV4MPEG2, 4:4:4, 30 a second), which players and encoders read. A name that ends in / or is a "
	"folder's: PNG files 000000.png …, numbered by latent, in place of files of the same names; others stay. A file appears when it is complete, or not at "
	"all.\n\n"
	"Several networks, as the scales of a run, with -o OUT.png: the same latents through each, a row of -n (8) images per network, enlarged to the size of "
	"the largest, or to 96 pixels if that is less.\n\n"
	"WALKS\n\n"
	"With --walk every image is a step on the way from one latent to the next, F to a leg, by spherical interpolation: step i lies at latent K + i / F. -n "
	"counts legs. With --latents the rows of the file are the stations, so that M of them have M - 1 legs.\n\n"
	"LABELS\n\n"
	"A network that was trained on labels (pgan-grow, weightConditionD) makes images of the labels that --label asks for. Where it does not, latent k has "
	"one of the attribute's values, each as likely and a function of the seed and k; a walk passes from one station's to the next's. --latents holds the "
	"noise alone. A wrong name or value is answered with what there is.\n\n"
	"EXIT STATUS\n\n"
	"0 done, 1 failed, 2 wrong usage, 3 bad, missing or truncated input.\n\n"
	"ENVIRONMENT\n\n"
	"PGAN_RUN: the folder that networks are looked for in after the current one.\n\n"
	ENVIRONMENT_PLUGINS ENVIRONMENT_CACHE ENVIRONMENT_WAITING
	"EXAMPLES\n\n"
	"  pgan-sample run/scale3.h5 -o faces.png\n"
	"  pgan-sample run/scale?.h5 -o growth.png\n"
	"  cd run && pgan-sample | swd --ref data.h5\n"
	"  pgan-sample scale5.h5 -n 1000 --seed 7 -o faces/\n"
	"  pgan-sample scale5.h5 --label Smiling=1 --label Male=-1 -o smiling-women.png\n"
	"  pgan-sample scale5.h5 --walk --frames 60 -o walk.y4m && ffmpeg -i walk.y4m walk.mp4\n"
	"  python3 -u -c 'import numpy, sys; numpy.save(sys.stdout.buffer, numpy.zeros((1, 512), \"f4\"))' | pgan-sample scale5.h5 --latents - -o mean.png";

/* -- what to make -- */

struct job {
	struct sampler_plan sample;
	struct sink_plan sink;
	struct latents latents;
};

static int check_options(enum sink_kind kind)
{
	if (grid && kind != SINK_GRID)
		return error_set(ERR_USAGE, "--grid goes with -o OUT.png");
	if (f32 && kind != SINK_STDOUT && kind != SINK_NPY)
		return error_set(ERR_USAGE, "--f32 goes with a stream or OUT.npy; '%s' holds bytes", output);
	if (frames && !walk)
		return error_set(ERR_USAGE, "--frames goes with --walk");
	if (latents_file && seed >= 0)
		return error_set(ERR_USAGE, "--seed and --latents exclude each other");
	return kind == SINK_STDOUT ? message_stdout_is_data() : 0;
}

static int parse_grid(int *rows, int *columns)
{
	int end = 0;
	if (sscanf(grid, "%5dx%5d%n", rows, columns, &end) != 2 || grid[end] || *rows < 1 || *columns < 1 || *rows > PICTURE_MAX_SIDE || *columns > PICTURE_MAX_SIDE)
		return error_set(ERR_USAGE, "--grid takes rows and columns, such as 8x8, not '%s'", grid);
	return 0;
}

/* How many latents there are from `first` on to be sampled, or legs between them. */
static int check_count(struct job *j)
{
	const int64_t there = j->latents.n - first - walk;
	if (!latents_file)
		return 0;
	if (there < 1 && walk)
		return error_set(ERR_USAGE, "'%s' has %" PRId64 " latents: a walk from number %" PRId64 " needs that and the next", latents_file, j->latents.n, first);
	if (there < 1)
		return error_set(ERR_USAGE, "'%s' has %" PRId64 " latents: too few to begin with number %" PRId64, latents_file, j->latents.n, first);
	if (count > there)
		return error_set(ERR_USAGE, "'%s' has %" PRId64 " latents: from number %" PRId64 " on that is %" PRId64 " %s, not %" PRId64, latents_file, j->latents.n, first,
		                 there, walk ? "legs" : "images", count);
	if (!count)
		count = there;
	return 0;
}

/* How many images, and the shape of a grid of them. */
static int plan_count(struct job *j)
{
	const int64_t per = walk ? frames : 1;
	int rows = 0, columns = 0, rc;
	if ((grid && (rc = parse_grid(&rows, &columns))) || (rc = check_count(j)))
		return rc;
	if (!count)
		count = grid ? (int64_t)rows * columns / per : walk ? WALK_LEGS : j->sink.kind == SINK_GRID ? GRID_IMAGES : PROTOCOL_IMAGES;
	j->sink.n = j->sample.n = count * per;
	j->sink.first = j->sample.first = first * per;
	if (grid && (!count || j->sink.n > (int64_t)rows * columns))
		return error_set(ERR_USAGE, "%" PRId64 " images do not fit into a grid of %s", count ? j->sink.n : per, grid);
	j->sink.columns = columns ? columns : walk ? (int)frames : (int)fmin(ceil(sqrt((double)j->sink.n)), PICTURE_MAX_SIDE);
	return 0;
}

static int plan(struct job *j, const struct netfile *net, const char *path)
{
	int rc;
	j->latents = latents_of(&net->arch, seed < 0 ? 0 : (uint64_t)seed);
	j->latents.frames = frames;
	if ((rc = latents_set_labels(&j->latents, labels.item, labels.n, path)))
		return rc;
	j->sample = (struct sampler_plan){ .device = device, .threads = options_threads(), .net = net, .group = current ? "/G" : "/avgG", .latents = &j->latents };
	j->sink.output = output;
	j->sink.type = f32 ? NPY_F32 : NPY_U8;
	j->sink.side = arch_side(&net->arch);
	if (latents_file && (rc = latents_read(&j->latents, latents_file)))
		return rc;
	return plan_count(j);
}

/* -- making it -- */

static int describe(struct sink *s, const char *path)
{
	char options_used[1024];
	int rc, at;
	at = snprintf(options_used, sizeof options_used, "%s %s --seed %" PRId64 " --first %" PRId64 "%s%s%s", path, current ? "--current" : "", seed < 0 ? 0 : seed, first,
	         latents_file ? " --latents " : "", latents_file ? latents_file : "", walk ? " --walk" : "");
	for (size_t i = 0; i < labels.n && at < (int)sizeof options_used; i++)
		at += snprintf(options_used + at, sizeof options_used - (size_t)at, " --label %s", labels.item[i]);
	if ((rc = sink_describe(s, "tool", "pgan-sample")) || (rc = sink_describe(s, "tool_version", PGAN_VERSION)))
		return rc;
	return sink_describe(s, "options", options_used);
}

struct output {
	struct sink *sink;
	struct progress progress;
	size_t image;   /* values of one */
	uint8_t *bytes; /* of as many as come at once */
	int64_t done;
};

/* From the sampler to the sink, while the sampler's threads go on. */
static int take(void *ctx, const float *images, int64_t n)
{
	struct output *o = ctx;
	if (!f32)
		images_to_bytes(o->bytes, images, (size_t)n * o->image);
	const int rc = sink_write(o->sink, f32 ? (const void *)images : o->bytes, n);
	progress_show(&o->progress, o->done += n, NULL);
	return rc;
}

static int sample(struct h5file *f, const struct netfile *net, struct job *j)
{
	const double start = clock_seconds();
	struct sampler *sampler = NULL;
	struct output o = { .image = 3 * (size_t)j->sink.side * (size_t)j->sink.side };
	o.bytes = size_alloc((size_t)sampler_batch(net->arch.scale), o.image);
	int rc = o.bytes ? sampler_open(&sampler, f, &j->sample) : ERR_FAILED;
	if (!rc && !(rc = sink_open(&o.sink, &j->sink)) && !(rc = describe(o.sink, h5_name(f)))) {
		progress_start(&o.progress, "images", j->sink.n);
		rc = sampler_run(sampler, take, &o);
		progress_end(&o.progress);
	}
	sampler_close(sampler);
	if (rc)
		sink_discard(&o.sink);
	else
		rc = sink_commit(&o.sink);
	free(o.bytes);
	if (!rc)
		message_verbose("%" PRId64 " images of %dx%d in %.2f s: %.1f a second", j->sink.n, j->sink.side, j->sink.side, clock_seconds() - start,
		                (double)j->sink.n / (clock_seconds() - start));
	return rc;
}

static int find_network(char **path)
{
	const char *run = getenv("PGAN_RUN");
	if (!(*path = netfile_highest(".")) && !(run && (*path = netfile_highest(run))))
		return error_set(ERR_USAGE, "no network: give NET.h5, or let the current folder%s hold scale0.h5, scale1.h5 …", run ? " or $PGAN_RUN" : "");
	message_note("sampling '%s'", *path);
	input_guard_add(*path);
	return 0;
}

/* Several networks: the same latents through each, a row of one picture per network. */
static int rows(char *const *path, int networks)
{
	struct growth_plan plan = { .device = device, .threads = options_threads(), .group = current ? "/G" : "/avgG", .seed = seed < 0 ? 0 : (uint64_t)seed, .first = first,
		                    .columns = count ? (int)count : GROWTH_IMAGES, .label = labels.item, .labels = labels.n };
	enum sink_kind kind;
	struct picture p = { 0 };
	int rc = sink_kind_of(output, &kind);
	const char *other = grid ? "--grid" : walk ? "--walk" : frames ? "--frames" : f32 ? "--f32" : latents_file ? "--latents" : NULL;
	if (!rc && (kind != SINK_GRID || count > PICTURE_MAX_SIDE))
		rc = error_set(ERR_USAGE, "several networks make rows of one picture: give -o OUT.png, and at most -n %d", PICTURE_MAX_SIDE);
	if (!rc && other)
		rc = error_set(ERR_USAGE, "%s does not go with several networks", other);
	if (!rc && !(rc = growth_picture(&p, path, networks, &plan)))
		rc = picture_write(&p, output);
	picture_free(&p);
	return rc;
}

static int run(const char *path)
{
	struct job j = { 0 };
	struct netfile net = { 0 };
	struct h5file *f = NULL;
	char *found = NULL;
	int rc;
	if (walk && !frames)
		frames = WALK_FRAMES;
	if (!(rc = sink_kind_of(output, &j.sink.kind)) && !(rc = check_options(j.sink.kind)) && (path || !(rc = find_network(&found))) &&
	    !(rc = h5_open(&f, path ? path : found)) && !(rc = netfile_read(f, &net)) && !(rc = plan(&j, &net, h5_name(f))))
		rc = sample(f, &net, &j);
	h5_release(&f);
	latents_free(&j.latents);
	netfile_free(&net);
	free(found);
	return rc;
}

int main(int argc, char **argv)
{
	threads_spin_briefly(argv);
	const struct tool tool = {
		.name = "pgan-sample",
		.summary = "images of a progressively grown generator",
		.synopsis = "[NET.h5…] [-o OUT] [-n N] [--seed S] [--first K] [--current] [--latents Z.npy] [--f32] [--grid RxC] [--walk]",
		.details = details,
		.options = options,
		.library = { h5_library, picture_libraries },
		.device = backend_describe,
	};
	const int operands = options_parse(&tool, argc, argv);
	if (operands < 0)
		return message_exit(operands);
	for (int i = 1; i <= operands; i++)
		input_guard_add(argv[i]);
	input_guard_add(latents_file);
	return message_exit(operands > 1 ? rows(argv + 1, operands) : run(operands ? argv[1] : NULL));
}
