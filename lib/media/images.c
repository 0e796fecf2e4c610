#include "images.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "h5file.h"
#include "images_input.h"
#include "size.h"

bool images_shape_ok(int64_t c, int64_t h, int64_t w)
{
	return (c == 1 || c == 3) && h == w && h >= 1 && h <= IMAGES_MAX_SIDE;
}

int images_same_channels(const char *name, int c, const char *other, int other_c)
{
	return c == other_c ? 0 : error_set(ERR_INPUT, "'%s' holds %s images, '%s' %s ones", name, c == 1 ? "grey" : "RGB", other, other_c == 1 ? "grey" : "RGB");
}

void images_data_name(char out[IMAGES_DATA_NAME], int side)
{
	snprintf(out, IMAGES_DATA_NAME, "data%dx%d", side, side);
}

char *images_labels_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
	const int stem = dot && (!slash || dot > slash) ? (int)(dot - path) : (int)strlen(path);
	char *name;
	if (asprintf(&name, "%.*s-labels.npy", stem, path) >= 0)
		return name;
	(void)error_set(ERR_FAILED, "out of memory");
	return NULL;
}

void *images_start(struct images *i, size_t size, const struct images_kind *kind, const char *name)
{
	struct images_input *s = size_zalloc(1, size);

	*i = (struct images){ .n = -1 };
	if (!s)
		return NULL;
	if (!(s->name = strdup(name))) {
		free(s);
		(void)error_set(ERR_FAILED, "out of memory");
		return NULL;
	}
	s->kind = kind;
	i->name = s->name;
	return i->source = s;
}

/* -- opening -- */

/* Told by the first bytes. */
static int open_file(struct images *i, const char *path, int side)
{
	char head[8];
	struct stat st;
	FILE *f = fopen(path, "rb");
	if (!f || fstat(fileno(f), &st)) {
		const int rc = error_set(ERR_INPUT, "cannot open '%s': %s", path, strerror(errno));
		if (f)
			fclose(f);
		return rc;
	}
	const size_t got = S_ISREG(st.st_mode) ? fread(head, 1, sizeof head, f) : 0;
	const bool stream = !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode); /* a named pipe holds what stdin would */
	if (stream || (npy_has_magic(head, got) && !fseeko(f, 0, SEEK_SET)))
		return images_open_npy(i, f, true, path);
	fclose(f);
	return h5_is(path) ? images_open_h5(i, path, side) : images_open_pictures(i, path);
}

int images_open(struct images *i, const char *input, int side)
{
	*i = (struct images){ .n = -1 };
	int rc = strcmp(input, "-") ? open_file(i, input, side) : images_open_npy(i, stdin, false, "stdin");
	if (!rc && side && i->side != side)
		rc = error_set(ERR_INPUT, "'%s' holds images of side %d where %d is expected", i->name, i->side, side);
	if (rc)
		images_close(i);
	return rc;
}

int images_open_pipe(struct images *i, FILE *f, const char *name)
{
	const int rc = images_open_npy(i, f, true, name);
	if (rc)
		images_close(i);
	return rc;
}

bool images_from_pipe(const char *input)
{
	struct stat st;
	return !strcmp(input, "-") || (!stat(input, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

/* -- memory -- */

struct memory_input {
	struct images_input base;
	const uint8_t *data;
};

static int64_t memory_read(struct images *i, void *data, int64_t max)
{
	const struct memory_input *s = i->source;
	memcpy(data, s->data + (size_t)s->base.next * images_size(i), (size_t)max * images_size(i));
	return max;
}

static void memory_close(struct images *i)
{
	(void)i; /* borrowed */
}

static const struct images_kind memory_kind = { .read = memory_read, .close = memory_close };

int images_borrow(struct images *i, const char *name, const uint8_t *data, int64_t n, int c, int side)
{
	struct memory_input *s = images_start(i, sizeof *s, &memory_kind, name);
	if (!s)
		return ERR_FAILED;
	s->data = data;
	i->type = NPY_U8;
	i->c = c;
	i->side = side;
	i->n = n;
	return 0;
}

/* -- every kind of input -- */

int64_t images_left(struct images *i)
{
	const struct images_input *s = i->source;
	return s->kind->left ? s->kind->left(i) : i->n - s->next;
}

/* What no generator draws, and bytes taken for floats have. */
static const float MOST = 100;
/* A generator leaves [-1,1] by a little, and rounding by less; pictures made to have mean 0 and deviation 1 with a third of their values. */
static const float SLIGHTLY_BEYOND = 1.01f;
static const double MANY_BEYOND = .1;

/* n images that have just been read: as floats in [-1,1], which a generator may leave by some, but not as floats of 0 to 255. */
static int check_floats(const struct images *i, const float *x, int64_t n)
{
	struct images_input *s = i->source;
	const size_t values = images_size(i) / sizeof *x;
	for (int64_t k = 0; k < n; k++, x += values) {
		float largest = 0, lowest = 0;
		int bad = 0;
		uint64_t beyond = 0;
		for (size_t v = 0; v < values; v++) {
			bad |= !(fabsf(x[v]) <= FLT_MAX);
			largest = fabsf(x[v]) > largest ? fabsf(x[v]) : largest;
			lowest = x[v] < lowest ? x[v] : lowest;
			beyond += fabsf(x[v]) > SLIGHTLY_BEYOND;
		}
		s->negative |= lowest < 0;
		s->floats += values;
		s->beyond += beyond;
		if (bad)
			return error_set(ERR_INPUT, "'%s': image %lld holds values that are not finite", i->name, (long long)(s->next + k));
		if (largest > MOST)
			return error_set(ERR_INPUT, "'%s': image %lld holds values up to %g; floats are images in [-1,1], bytes have the type uint8", i->name,
			                 (long long)(s->next + k), (double)largest);
	}
	return 0;
}

int64_t images_read(struct images *i, void *data, int64_t max)
{
	struct images_input *s = i->source;
	const int64_t left = s->kind->left ? max : i->n - s->next, n = s->kind->read(i, data, left < max ? left : max);
	const int rc = n > 0 && i->type == NPY_F32 ? check_floats(i, data, n) : 0;
	if (!rc && n > 0)
		s->next += n;
	return rc ? rc : n;
}

bool images_doubt_range(const struct images *i, char text[IMAGES_DOUBT])
{
	const struct images_input *s = i->source;
	const double share = s && s->floats ? (double)s->beyond / (double)s->floats : 0;
	if (share > MANY_BEYOND)
		snprintf(text, IMAGES_DOUBT, "%.0f %% of the values of '%.200s' lie outside [-1,1], the range of float images", 100 * share, i->name);
	else if (s && s->floats && !s->negative)
		snprintf(text, IMAGES_DOUBT, "no value of '%.200s' is below 0: floats are images in [-1,1], and 0 is grey", i->name);
	else
		return false;
	return true;
}

void images_tell_range(const struct images *i, void (*say)(const char *format, ...))
{
	char text[IMAGES_DOUBT];
	if (images_doubt_range(i, text))
		say("%s", text);
}

void *images_alloc(const struct images *i, int64_t n)
{
	n = i->n >= 0 && i->n < n ? i->n : n;
	void *room = size_alloc((size_t)n, images_size(i));
	if (!room)
		(void)error_set(ERR_FAILED, "out of memory: %lld images of %dx%d, as '%s' has them, do not fit", (long long)n, i->side, i->side, i->name);
	return room;
}

bool images_decodes(const struct images *i)
{
	const struct images_input *s = i->source;
	return s->kind->decodes;
}

void images_close(struct images *i)
{
	struct images_input *s = i->source;
	if (s) {
		s->kind->close(i);
		free(s->name);
		free(s);
	}
	*i = (struct images){ .n = -1 };
}

void images_to_bytes(uint8_t *out, const float *in, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const float x = floorf((in[i] + 1) * 127.5f + 0.5f);
		out[i] = (uint8_t)(!(x > 0) ? 0 : x > 255 ? 255 : x);
	}
}
