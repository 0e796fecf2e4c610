#include "swd_reference.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h5out.h"
#include "images.h"
#include "size.h"

enum { VERSION = 1, BUCKET_BITS = 40 };

static const char FORMAT[] = "pgan-swd-reference";

static size_t summaries(const struct swd_reference *r)
{
	return (size_t)r->levels * SWD_ALL_DIRECTIONS;
}

int swd_reference_alloc(struct swd_reference *r, enum swd_protocol protocol, int64_t n, uint64_t seed, int c, int side, const char *source)
{
	char full[PATH_MAX];
	*r = (struct swd_reference){ .protocol = protocol, .n = n, .seed = seed, .c = c, .side = side };
	if (n > SWD_REFERENCE_MAX)
		return error_set(ERR_USAGE, "statistics can be kept of %d images, not of %lld: give -n", SWD_REFERENCE_MAX, (long long)n);
	r->levels = swd_levels(protocol, side, source ? source : "");
	if (r->levels < 0)
		return r->levels;
	r->source = strdup(source && realpath(source, full) ? full : "");
	r->low = size_alloc(summaries(r), sizeof *r->low);
	r->scale = size_alloc(summaries(r), sizeof *r->scale);
	r->bucket = size_alloc(summaries(r) * W1_SUMMARY, sizeof *r->bucket);
	if (r->source && r->low && r->scale && r->bucket)
		return 0;
	swd_reference_free(r);
	return error_set(ERR_FAILED, "out of memory");
}

void swd_reference_free(struct swd_reference *r)
{
	free(r->source);
	free(r->low);
	free(r->scale);
	free(r->bucket);
	*r = (struct swd_reference){ 0 };
}

struct w1_summary swd_reference_summary(const struct swd_reference *r, int level, int direction)
{
	const size_t at = (size_t)level * SWD_ALL_DIRECTIONS + (size_t)direction;
	return (struct w1_summary){ r->low[at], r->scale[at], r->bucket + at * W1_SUMMARY };
}

/* -- files -- */

bool swd_reference_is(const char *path)
{
	struct h5file *f;
	bool is;
	if (access(path, R_OK) || h5_open(&f, path))
		return false;
	const int rc = h5_text_is(f, "/", "format", FORMAT, &is);
	h5_release(&f);
	return !rc && is;
}

static int write_all(const struct swd_reference *r, struct h5file *f)
{
	const int64_t version = VERSION, numbers[] = { r->protocol, r->n, (int64_t)r->seed, r->c, r->side, (int64_t)r->digest };
	static const char *const names[] = { "protocol", "n", "seed", "channels", "side", "digest" };
	const int64_t dim[] = { r->levels, SWD_ALL_DIRECTIONS, W1_SUMMARY };
	int rc;
	if ((rc = h5_set_text(f, "/", "format", FORMAT)) || (rc = h5_set_numbers(f, "/", "version", H5_I64, &version, 1)) ||
	    (rc = h5_set_text(f, "/", "source", r->source)) || (rc = h5_set_text(f, "/", "tool_version", PGAN_VERSION)))
		return rc;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if ((rc = h5_set_numbers(f, "/", names[i], H5_I64, &numbers[i], 1)))
			return rc;
	if ((rc = h5_write(f, "low", H5_F32, 2, dim, r->low)) || (rc = h5_write(f, "scale", H5_F32, 2, dim, r->scale)))
		return rc;
	return h5_write(f, "buckets", H5_I64, 3, dim, r->bucket); /* below 2^63: counts are at most W1_SUMMARY_MAX */
}

int swd_reference_write(const struct swd_reference *r, const char *path)
{
	struct h5out out;
	int rc = h5out_open(&out, path);
	if (rc)
		return rc;
	rc = write_all(r, out.file);
	return h5out_end(&out, rc);
}

/* What a damaged file could hold: counts that are not those of n images, or a grid that is none. */
static int check(const struct swd_reference *r, const char *path)
{
	const uint64_t values = (uint64_t)r->n * SWD_PATCHES;
	for (size_t i = 0; i < summaries(r); i++) {
		uint64_t count = 0;
		for (size_t k = 0; k < W1_SUMMARY; k++)
			count += r->bucket[i * W1_SUMMARY + k] >> BUCKET_BITS;
		if (count != values || !(r->scale[i] > 0 && r->scale[i] < 1e30f) || !(r->low[i] > -1e30f && r->low[i] < 1e30f))
			return error_set(ERR_INPUT, "'%s' is damaged: direction %zu does not hold the projections of %lld images", path, i, (long long)r->n);
	}
	return 0;
}

static int read_all(struct swd_reference *r, struct h5file *f, const char *path)
{
	static const char *const names[] = { "version", "protocol", "n", "seed", "channels", "side", "digest" };
	int64_t v[sizeof names / sizeof *names];
	size_t count;
	char *source = NULL;
	int rc;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if ((rc = h5_get_numbers(f, "/", names[i], H5_I64, &v[i], 1, &count)))
			return rc;
	if (v[0] != VERSION)
		return error_set(ERR_INPUT, "'%s' is of version %lld, not %d; save it again", path, (long long)v[0], VERSION);
	if ((v[1] != SWD_KARRAS && v[1] != SWD_PADDLE) || v[2] < 1 || v[2] > SWD_REFERENCE_MAX || !images_shape_ok(v[4], v[5], v[5]))
		return error_set(ERR_INPUT, "'%s' is damaged: its attributes make no sense", path);
	if ((rc = swd_levels((enum swd_protocol)v[1], (int)v[5], path)) < 0 || (rc = h5_get_text(f, "/", "source", &source)))
		return rc;
	if (!(rc = swd_reference_alloc(r, (enum swd_protocol)v[1], v[2], (uint64_t)v[3], (int)v[4], (int)v[5], NULL))) {
		free(r->source);
		r->source = source;
		source = NULL;
		r->digest = (uint64_t)v[6];
		if (!(rc = h5_read(f, "low", H5_F32, r->low, summaries(r))) && !(rc = h5_read(f, "scale", H5_F32, r->scale, summaries(r))) &&
		    !(rc = h5_read(f, "buckets", H5_I64, r->bucket, summaries(r) * W1_SUMMARY)))
			rc = check(r, path);
	}
	free(source);
	return rc;
}

int swd_reference_read(struct swd_reference *r, const char *path)
{
	struct h5file *f;
	int rc = h5_open(&f, path);
	*r = (struct swd_reference){ 0 };
	if (rc)
		return rc;
	rc = read_all(r, f, path);
	h5_release(&f);
	if (rc)
		swd_reference_free(r);
	return rc;
}

int swd_reference_verify(const struct swd_reference *r, const char *path)
{
	struct image_set set;
	uint64_t digest;
	if (!*r->source || access(r->source, R_OK) || images_from_pipe(r->source))
		return 0;
	int rc = swd_open_set(&set, r->source, r->side, r->n, r->protocol);
	if (rc)
		return rc;
	if (set.c != r->c || set.read < r->n)
		rc = error_set(ERR_INPUT, "'%s' changed since its statistics were saved as '%s': save them again", r->source, path);
	else if (!(rc = swd_digest(&set, r->n, r->protocol, &digest)) && digest != r->digest)
		rc = error_set(ERR_INPUT, "'%s' changed since its statistics were saved as '%s': save them again", r->source, path);
	image_set_close(&set);
	return rc ? rc : 1;
}
