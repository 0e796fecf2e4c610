#include "source.h"

#include <errno.h>
#include <fts.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive.h"
#include "input_guard.h"
#include "picture.h"
#include "size.h"
#include "words.h"

struct entry {
	char *name;      /* owned */
	size_t member;   /* where the path below the input begins in it */
	int64_t archive; /* its number, -1 for a file */
	int64_t index;   /* in the archive */
	struct bytes kept; /* of a pipe: what it held; owned */
	bool irregular;    /* found in a folder, and no file */
};

struct source {
	struct entry *entry;
	size_t n, room;
	struct archive **archive;
	size_t archives;
	int64_t left_out;
	char *first_left_out; /* owned */
	pthread_mutex_t lock; /* of the archives */
};

/* member: its path below the folder or in the archive. Hidden is what has a part that begins with a dot, but for "." and "..". */
static bool named_as_picture(const char *member)
{
	const char *base = member;
	for (const char *part = member; part; part = strchr(part, '/')) {
		base = part += *part == '/';
		const size_t length = strcspn(part, "/");
		if (*part == '.' && strncmp(part, "..", length))
			return false;
	}
	return base[picture_stem(base)];
}

/* Takes over name, which may be NULL (out of memory). */
static int add(struct source *s, char *name, size_t member, int64_t archive, int64_t index)
{
	struct entry *entry = name ? size_grow(s->entry, &s->room, s->n + 1, sizeof *entry) : NULL;
	if (!entry) {
		free(name);
		return error_set(ERR_FAILED, "out of memory");
	}
	s->entry = entry;
	if (archive < 0)
		input_guard_add(name);
	s->entry[s->n++] = (struct entry){ .name = name, .member = member, .archive = archive, .index = index };
	return 0;
}

static void leave_out(struct source *s, const char *name)
{
	if (!s->left_out++)
		s->first_left_out = strdup(name);
}

static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	const int order = strcmp(x->name, y->name);
	return order ? order : (x->index > y->index) - (x->index < y->index); /* an archive may have two of a name */
}

/* Sorts what an input has given, and refuses an input that gave nothing. */
static int finish_input(struct source *s, const char *input, size_t first)
{
	if (s->n == first)
		return error_set(ERR_INPUT, "no pictures in '%s': looked for names ending in .png, .jpg or .jpeg", input);
	qsort(s->entry + first, s->n - first, sizeof *s->entry, by_name);
	return 0;
}

static int add_folder(struct source *s, const char *input)
{
	const size_t first = s->n;
	char *path = strdup(input), *roots[2] = { path, NULL };
	FTSENT *e = NULL;
	int rc = 0;

	if (!path)
		return error_set(ERR_FAILED, "out of memory");
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		path[--length] = 0;
	const size_t below = length + (path[length - 1] != '/');
	FTS *walk = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	if (!walk)
		rc = error_set(ERR_INPUT, "cannot read '%s': %s", input, strerror(errno));
	while (!rc && (errno = 0, e = fts_read(walk))) {
		if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS)
			rc = error_set(ERR_INPUT, "cannot read '%s': %s", e->fts_path, strerror(e->fts_errno));
		else if ((e->fts_info == FTS_F || e->fts_info == FTS_SLNONE || e->fts_info == FTS_DEFAULT) && named_as_picture(e->fts_path + below)) {
			if (!(rc = add(s, strdup(e->fts_path), below, -1, 0)))
				s->entry[s->n - 1].irregular = e->fts_info == FTS_DEFAULT;
		}
		else if (e->fts_info != FTS_D && e->fts_info != FTS_DP)
			leave_out(s, e->fts_path);
	}
	if (!rc && errno)
		rc = error_set(ERR_INPUT, "cannot read '%s': %s", input, strerror(errno));
	if (walk)
		fts_close(walk);
	free(path);
	return rc ? rc : finish_input(s, input, first);
}

static int add_archive(struct source *s, const char *input, const uint8_t *head, size_t got)
{
	const size_t first = s->n, length = strlen(input);
	struct archive **list = realloc(s->archive, (s->archives + 1) * sizeof *list);
	int rc;

	if (!list)
		return error_set(ERR_FAILED, "out of memory");
	s->archive = list;
	if ((rc = archive_open(&list[s->archives], input, head, got)))
		return rc;
	struct archive *a = list[s->archives++];
	for (int64_t i = 0; !rc && i < archive_count(a); i++) {
		const char *member = archive_member(a, i);
		char *name = NULL;
		if (*member && member[strlen(member) - 1] == '/')
			continue;
		if (asprintf(&name, "%s/%s", input, member) < 0)
			return error_set(ERR_FAILED, "out of memory");
		if (named_as_picture(member)) {
			rc = add(s, name, length + 1, (int64_t)s->archives - 1, i);
		} else {
			leave_out(s, name);
			free(name);
		}
	}
	return rc ? rc : finish_input(s, input, first);
}

static int add_picture(struct source *s, const char *input)
{
	const char *const slash = strrchr(input, '/');
	return add(s, strdup(input), slash ? (size_t)(slash + 1 - input) : 0, -1, 0);
}

/* The whole of a file; of what is no picture the beginning, for the message: it may be a device, or larger than memory. */
static int read_picture(struct bytes *b, FILE *f, const char *name)
{
	const int rc = bytes_reserve(b, PICTURE_HEAD);
	b->size = 0;
	if (rc)
		return rc;
	b->size = fread(b->data, 1, PICTURE_HEAD, f);
	if (b->size == PICTURE_HEAD ? !picture_has_magic(b->data, b->size) : !ferror(f))
		return 0;
	return bytes_append(b, f, name);
}

/* A picture that is asked for twice (pack-h5 measures the first one) is there but once. */
static int add_pipe(struct source *s, FILE *f, const char *name)
{
	const int rc = add_picture(s, name);
	return rc ? rc : read_picture(&s->entry[s->n - 1].kept, f, name);
}

/* A name of a list: any file, or a pipe, which is read at once. */
static int add_listed(struct source *s, const char *name)
{
	struct stat st;
	if (stat(name, &st) || !S_ISFIFO(st.st_mode))
		return add_picture(s, name);
	FILE *f = fopen(name, "rb");
	if (!f)
		return error_set(ERR_INPUT, "cannot open '%s': %s", name, strerror(errno));
	const int rc = add_pipe(s, f, name);
	fclose(f);
	return rc;
}

static int add_list(struct source *s)
{
	const size_t first = s->n;
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	int rc = 0;

	for (bool begun = false; !rc && (length = getline(&line, &room, stdin)) >= 0; begun = true) {
		const char *name = begun ? line : words_begin(line);
		if (length && line[length - 1] == '\n')
			line[--length] = 0;
		if (length && line[length - 1] == '\r') /* of a list from Windows */
			line[--length] = 0;
		if (memchr(line, 0, (size_t)length))
			rc = error_set(ERR_INPUT, "the list of names on stdin holds a zero byte: names stand on lines; an archive, picture or HDF5 file has to be "
						  "given by name");
		else if (*name)
			rc = add_listed(s, name);
	}
	free(line);
	if (!rc && ferror(stdin))
		rc = error_set(ERR_INPUT, "cannot read the list on stdin: %s", strerror(errno));
	if (!rc && s->n == first)
		rc = error_set(ERR_INPUT, "the list of names on stdin is empty");
	return rc;
}

static int add_file(struct source *s, const char *input, bool regular)
{
	uint8_t head[ARCHIVE_HEAD];
	FILE *f = fopen(input, "rb");

	if (!f)
		return error_set(ERR_INPUT, "cannot open '%s': %s", input, strerror(errno));
	int rc = regular ? 0 : add_pipe(s, f, input);
	const size_t got = regular ? fread(head, 1, sizeof head, f) : 0;
	fclose(f);
	if (!regular || (rc = archive_check_packed(input, head, got)))
		return rc;
	return archive_has_magic(head, got) ? add_archive(s, input, head, got) : add_picture(s, input);
}

/* An empty one, or NULL. */
static struct source *new_source(void)
{
	struct source *s = size_zalloc(1, sizeof *s);
	if (!s)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

int source_open_pipe(struct source **out, FILE *f, const char *name)
{
	struct source *s = new_source();
	const int rc = s ? add_pipe(s, f, name) : ERR_FAILED;

	fclose(f);
	if (rc)
		source_close(&s);
	*out = s;
	return rc;
}

int source_open(struct source **out, const char *const *inputs, size_t n)
{
	struct source *s = new_source();
	int rc = 0;

	*out = NULL;
	if (!s)
		return ERR_FAILED;
	for (size_t i = 0; !rc && i < n; i++) {
		struct stat st;
		if (!strcmp(inputs[i], "-"))
			rc = add_list(s);
		else if (stat(inputs[i], &st))
			rc = error_set(ERR_INPUT, "cannot open '%s': %s", inputs[i], strerror(errno));
		else
			rc = S_ISDIR(st.st_mode) ? add_folder(s, inputs[i]) : add_file(s, inputs[i], S_ISREG(st.st_mode));
	}
	if (rc)
		source_close(&s);
	*out = s;
	return rc;
}

void source_close(struct source **source)
{
	struct source *s = *source;
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free(s->entry[i].name);
		free(s->entry[i].kept.data);
	}
	for (size_t i = 0; i < s->archives; i++)
		archive_close(&s->archive[i]);
	pthread_mutex_destroy(&s->lock);
	free(s->entry);
	free(s->archive);
	free(s->first_left_out);
	free(s);
	*source = NULL;
}

int64_t source_count(const struct source *s)
{
	return (int64_t)s->n;
}

void source_tell_left_out(const struct source *s, void (*say)(const char *format, ...))
{
	if (s->left_out)
		say("files that are hidden or not named .png, .jpg or .jpeg are skipped: %lld, such as '%s'", (long long)s->left_out, s->first_left_out);
}

const char *source_name(const struct source *s, int64_t i)
{
	return s->entry[i].name;
}

const char *source_member(const struct source *s, int64_t i)
{
	return s->entry[i].name + s->entry[i].member;
}

static int read_file(struct bytes *b, const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return error_set(error_of_reading(errno), "cannot open '%s': %s", path, strerror(errno));
	const int rc = read_picture(b, f, path);
	fclose(f);
	return rc;
}

static int copy(struct bytes *b, const struct bytes *from)
{
	const int rc = bytes_reserve(b, from->size + 1);
	b->size = 0;
	if (rc)
		return rc;
	memcpy(b->data, from->data, from->size);
	b->size = from->size;
	return 0;
}

static int read_bytes(struct source *s, int64_t i, struct bytes *b)
{
	const struct entry *e = &s->entry[i];
	if (e->kept.data)
		return copy(b, &e->kept);
	if (e->irregular) /* to open a named pipe would be to wait for who writes */
		return error_set(ERR_INPUT, "'%s' is neither a file nor a link to one", e->name);
	if (e->archive < 0)
		return read_file(b, e->name);
	pthread_mutex_lock(&s->lock);
	const int rc = archive_read(s->archive[e->archive], e->index, b);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

int source_picture(struct source *s, int64_t i, const uint8_t background[3], struct bytes *buffer, struct picture *p)
{
	const int rc = read_bytes(s, i, buffer);
	picture_free(p);
	return rc ? rc : picture_decode(p, source_name(s, i), buffer->data, buffer->size, background);
}
