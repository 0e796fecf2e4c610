#include "inputs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "h5file.h"
#include "npy.h"

/* What an input begins with. */
enum content { NOTHING, NPY, HDF5, OTHER };

/* Of a pipe one byte can be looked at. It is enough: neither a name, since it is no letter in UTF-8, nor a picture begins as .npy does. */
static enum content content_of_pipe(FILE *f)
{
	const int first = getc(f);
	ungetc(first, f);
	return first == EOF ? NOTHING : first == (unsigned char)*NPY_MAGIC ? NPY : OTHER;
}

static enum content content_of(const char *path)
{
	unsigned char head[8];
	FILE *f = fopen(path, "rb");
	const size_t got = f ? fread(head, 1, sizeof head, f) : 0;
	if (f)
		fclose(f);
	return npy_has_magic(head, got) ? NPY : h5_is(path) ? HDF5 : OTHER;
}

/* A pipe given by name: what has been looked at is gone from it, so the open file is handed on. */
static int open_pipe(struct inputs *in, const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return error_set(ERR_INPUT, "cannot open '%s': %s", path, strerror(errno));
	return content_of_pipe(f) == NPY ? images_open_pipe(&in->images, f, path) : source_open_pipe(&in->source, f, path);
}

int inputs_open(struct inputs *in, const char *const *inputs, size_t n)
{
	static const char *const in_stdin[] = { "-" };
	const bool from_stdin = !n || (n == 1 && !strcmp(inputs[0], "-"));
	const bool from_pipe = !from_stdin && n == 1 && images_from_pipe(inputs[0]);
	const enum content content = n > 1 || from_pipe ? OTHER : from_stdin ? content_of_pipe(stdin) : content_of(inputs[0]);

	*in = (struct inputs){ .hdf5 = content == HDF5, .npy = content == NPY && !from_stdin };
	if (from_pipe)
		return open_pipe(in, inputs[0]);
	if (content == NOTHING && ferror(stdin))
		return error_set(ERR_INPUT, "cannot read 'stdin': %s", strerror(errno));
	if (content == NOTHING)
		return error_set(ERR_INPUT, "stdin is empty: an image stream or a list of file names was expected");
	if (content == OTHER)
		return source_open(&in->source, from_stdin ? in_stdin : inputs, from_stdin ? 1 : n);
	return images_open(&in->images, from_stdin ? "-" : inputs[0], 0);
}

void inputs_close(struct inputs *in)
{
	source_close(&in->source);
	images_close(&in->images);
}

int64_t inputs_count(const struct inputs *in)
{
	return in->source ? source_count(in->source) : in->images.n > 0 ? in->images.n : 0;
}

const char *inputs_name(const struct inputs *in, int64_t i, char buffer[INPUT_NAME])
{
	if (in->source)
		return source_name(in->source, i);
	snprintf(buffer, INPUT_NAME, "%s, image %lld", in->images.name, (long long)i);
	return buffer;
}
