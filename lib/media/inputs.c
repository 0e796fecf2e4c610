#include "inputs.h"

#include <stdio.h>
#include <string.h>

/* What a file, or stdin (NULL), begins with. */
enum content { NOTHING, NPY, HDF5, OTHER };

static enum content content_of(const char *path)
{
	static const unsigned char npy[] = "\x93NUMPY", hdf5[] = "\x89HDF";
	unsigned char head[8] = { 0 };
	if (!path) {
		const int first = getc(stdin); /* no name begins with it: it is no letter in UTF-8 */
		ungetc(first, stdin);
		return first == EOF ? NOTHING : first == npy[0] ? NPY : OTHER;
	}
	FILE *f = fopen(path, "rb");
	const size_t got = f ? fread(head, 1, sizeof head, f) : 0;
	if (f)
		fclose(f);
	return got < sizeof head ? OTHER : !memcmp(head, npy, sizeof npy - 1) ? NPY : !memcmp(head, hdf5, sizeof hdf5 - 1) ? HDF5 : OTHER;
}

int inputs_open(struct inputs *in, const char *const *inputs, size_t n)
{
	static const char *const in_stdin[] = { "-" };
	const bool from_stdin = !n || (n == 1 && !strcmp(inputs[0], "-"));
	const enum content content = n > 1 ? OTHER : content_of(from_stdin ? NULL : inputs[0]);

	*in = (struct inputs){ .hdf5 = content == HDF5 };
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
