#include "plan_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "size.h"

static const char FIRST_LINE[] = "pgan-plans 3\n";

static const char *const precisions[] = { [CUDA_FP32] = "fp32", [CUDA_TF32] = "tf32", [CUDA_BF16] = "bf16" };
static const char *const directions[] = { [CONV_FORWARD] = "forward", [CONV_BACKWARD_DATA] = "data", [CONV_BACKWARD_WEIGHTS] = "weights" };

enum { LINE_SIZE = 512 };

/* -- where -- */

int plan_cache_open(struct plan_cache *c, const char *gpu, size_t version)
{
	const char *const given = getenv("PGAN_CACHE"), *const xdg = getenv("XDG_CACHE_HOME"), *const home = getenv("HOME");
	int length = 0;
	memset(c, 0, sizeof *c);
	c->file = -1;
	snprintf(c->context, sizeof c->context, "%s\t%zu", gpu, version);
	if (given && *given)
		length = snprintf(c->path, sizeof c->path, "%s/cuda-plans", given);
	else if (!given && xdg && *xdg)
		length = snprintf(c->path, sizeof c->path, "%s/pgan/cuda-plans", xdg);
	else if (!given && home && *home)
		length = snprintf(c->path, sizeof c->path, "%s/.cache/pgan/cuda-plans", home);
	return (size_t)length < sizeof c->path ? 0 : error_set(ERR_FAILED, "the name of the cache's folder is too long");
}

void plan_cache_close(struct plan_cache *c)
{
	plan_cache_unlock(c);
	free(c->line);
	c->line = NULL;
	c->count = c->room = 0;
}

/* -- lines: context, precision, direction, shape, choice, and a checksum of all before it, between tabs -- */

static uint64_t checksum(const char *text, size_t size)
{
	return digest_add(digest_start(), text, size);
}

static int print_line(char out[LINE_SIZE], const struct plan_cache *c, const struct plan_line *l)
{
	const struct conv_shape *const s = &l->key.shape;
	const int n = snprintf(out, LINE_SIZE, "%s\t%s\t%s\t%" PRId64 "\t%d\t%d\t%d\t%d\t%d\t%d\t%" PRId64 "\t%016" PRIx64 "\t", c->context, precisions[l->key.precision],
		directions[l->key.direction], s->n, s->in, s->out, s->h, s->w, s->kernel, l->choice.place, l->choice.engine, l->choice.settings);
	return n + snprintf(out + n, LINE_SIZE - (size_t)n, "%016" PRIx64 "\n", checksum(out, (size_t)n));
}

static int index_of(const char *word, const char *const *words, int count)
{
	int i = 0;
	while (i < count && strcmp(word, words[i]))
		i++;
	return i < count ? i : -1;
}

/* 1: a line of this GPU and version; 0: of another; -1: damaged. text has no line feed. */
static int parse_line(struct plan_line *l, const char *text, const char *context)
{
	const char *const last = strrchr(text, '\t');
	const size_t length = strlen(context);
	struct conv_shape *const s = &l->key.shape;
	char precision[8], direction[8];
	unsigned long long sum;
	char *end;
	int used = -1;
	if (!last || strlen(last + 1) != 16 || (sum = strtoull(last + 1, &end, 16), *end) || sum != checksum(text, (size_t)(last + 1 - text)))
		return -1;
	if (strncmp(text, context, length) || text[length] != '\t')
		return 0;
	memset(l, 0, sizeof *l);
	if (sscanf(text + length, "\t%7s\t%7s\t%" SCNd64 "\t%d\t%d\t%d\t%d\t%d\t%d\t%" SCNd64 "\t%" SCNx64 "%n", precision, direction, &s->n, &s->in, &s->out, &s->h, &s->w,
		&s->kernel, &l->choice.place, &l->choice.engine, &l->choice.settings, &used) != 11 || text + length + used != last || l->choice.place < 0)
		return -1;
	const int p = index_of(precision, precisions, 3), d = index_of(direction, directions, 3);
	l->key.precision = (enum cuda_precision)p;
	l->key.direction = (enum conv_direction)d;
	return p < 0 || d < 0 ? -1 : 1;
}

/* -- reading -- */

static int add(struct plan_cache *c, const struct plan_line *l)
{
	struct plan_line *const lines = size_grow(c->line, &c->room, c->count + 1, sizeof *lines);
	if (!lines)
		return ERR_FAILED;
	c->line = lines;
	c->line[c->count++] = *l;
	return 0;
}

static int damaged(const struct plan_cache *c, int line)
{
	return error_set(ERR_INPUT, "'%s' is damaged in line %d; without it plans are chosen anew, and a run that goes on may end in other bytes", c->path, line);
}

/* Reads all lines of a file that is locked by the caller. An empty file is fine: it has just been created. */
static int read_lines(struct plan_cache *c, FILE *f)
{
	char text[LINE_SIZE];
	int number = 1;
	c->count = 0;
	if (!fgets(text, sizeof text, f))
		return ferror(f) ? error_set(ERR_FAILED, "cannot read '%s': %s", c->path, strerror(errno)) : 0;
	if (strcmp(text, FIRST_LINE))
		return error_set(ERR_INPUT, "'%s' is not a list of plans of this version of pgan: it does not begin with \"%.12s\"", c->path, FIRST_LINE);
	while (fgets(text, sizeof text, f)) {
		char *const end = strchr(text, '\n');
		struct plan_line l;
		number++;
		if (!end)
			return damaged(c, number);
		*end = 0;
		const int kind = parse_line(&l, text, c->context), rc = kind > 0 ? add(c, &l) : 0;
		if (kind < 0 || rc)
			return rc ? rc : damaged(c, number);
	}
	return ferror(f) ? error_set(ERR_FAILED, "cannot read '%s': %s", c->path, strerror(errno)) : 0;
}

/* The first line for a key counts: one that another process added too late must not change what this one began with. */
static const struct plan_line *look_up(const struct plan_cache *c, const struct plan_key *k)
{
	for (size_t i = 0; i < c->count; i++)
		if (plan_key_equal(&c->line[i].key, k))
			return &c->line[i];
	return NULL;
}

static int read_file(struct plan_cache *c)
{
	FILE *f = fopen(c->path, "re");
	if (!f)
		return errno == ENOENT ? 0 : error_set(ERR_FAILED, "cannot open '%s': %s", c->path, strerror(errno));
	const int rc = flock(fileno(f), LOCK_SH) ? error_set(ERR_FAILED, "cannot lock '%s': %s", c->path, strerror(errno)) : read_lines(c, f);
	fclose(f);
	return rc;
}

int plan_cache_find(struct plan_cache *c, const struct plan_key *k, struct plan_choice *choice)
{
	const struct plan_line *l = look_up(c, k);
	if (!l && *c->path && c->file < 0) {
		const int rc = read_file(c);
		if (rc)
			return rc;
		l = look_up(c, k);
	}
	if (l)
		*choice = l->choice;
	return l != NULL;
}

/* -- writing -- */

static int unusable(const struct plan_cache *c, const char *what)
{
	return error_set(ERR_FAILED, "cannot %s '%s', where the choice of plans is kept: %s; PGAN_CACHE names another folder", what, c->path, strerror(errno));
}

/* The folders above the file. */
static int make_folders(struct plan_cache *c)
{
	for (char *slash = strchr(c->path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		const int failed = mkdir(c->path, 0777) && errno != EEXIST;
		*slash = '/';
		if (failed)
			return unusable(c, "create");
	}
	return 0;
}

int plan_cache_lock(struct plan_cache *c)
{
	FILE *f;
	int rc = make_folders(c), other;
	if (rc)
		return rc;
	if ((c->file = open(c->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) < 0)
		return unusable(c, "open");
	if (flock(c->file, LOCK_EX))
		rc = unusable(c, "lock");
	else if ((other = dup(c->file)) < 0 || !(f = fdopen(other, "r")))
		rc = unusable(c, "read");
	else {
		rc = read_lines(c, f);
		fclose(f);
	}
	if (rc)
		plan_cache_unlock(c);
	return rc;
}

/* All or nothing. */
static int append(const struct plan_cache *c, const char *text, size_t size)
{
	struct stat before;
	if (fstat(c->file, &before))
		return unusable(c, "write");
	errno = ENOSPC; /* what a short write means */
	if (write(c->file, text, size) == (ssize_t)size && !fsync(c->file))
		return 0;
	const int rc = unusable(c, "write");
	if (ftruncate(c->file, before.st_size))
		return unusable(c, "restore");
	return rc;
}

int plan_cache_keep(struct plan_cache *c, const struct plan_key *k, const struct plan_choice *choice)
{
	const struct plan_line l = { *k, *choice };
	char text[LINE_SIZE];
	struct stat s;
	int rc;
	if (fstat(c->file, &s))
		return unusable(c, "write");
	if (!s.st_size && (rc = append(c, FIRST_LINE, sizeof FIRST_LINE - 1)))
		return rc;
	const int size = print_line(text, c, &l);
	if ((rc = append(c, text, (size_t)size)))
		return rc;
	return add(c, &l);
}

void plan_cache_unlock(struct plan_cache *c)
{
	if (c->file >= 0)
		close(c->file); /* and with it the lock */
	c->file = -1;
}
