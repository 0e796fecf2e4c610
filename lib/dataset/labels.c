#include "labels.h"

#include <errno.h>
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "bytes.h"
#include "h5file.h"
#include "images.h"
#include "npy.h"
#include "size.h"

struct row {
	const char *name;
	size_t number; /* its numbers are value[number * columns …] */
};

struct labels {
	const char *path; /* for messages while reading; borrowed */
	size_t n, columns;
	float *value; /* (n,columns) */
	char *names;  /* of the columns, between commas */
	/* of a table: */
	struct row *row; /* (n), sorted by name; NULL for an HDF5 file */
	size_t room;     /* for rows and values */
	struct bytes text;
	json_t *json; /* this or text holds the names of the rows */
};

/* -- the table -- */

/* A new row; its numbers are still to be set. NULL when out of memory. */
static float *add_row(struct labels *l, const char *name)
{
	if (l->n == l->room) {
		const size_t room = l->room ? 2 * l->room : 256;
		struct row *row = realloc(l->row, room * sizeof *row);
		l->row = row ? row : l->row;
		size_t bytes;
		float *value = size_mul(room, l->columns * sizeof *value, &bytes) ? realloc(l->value, bytes) : NULL;
		l->value = value ? value : l->value;
		if (!row || !value) {
			(void)error_set(ERR_FAILED, "out of memory");
			return NULL;
		}
		l->room = room;
	}
	l->row[l->n] = (struct row){ name, l->n };
	return l->value + l->n++ * l->columns;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static int finish(struct labels *l)
{
	if (!l->n)
		return error_set(ERR_INPUT, "'%s' has no labels", l->path);
	qsort(l->row, l->n, sizeof *l->row, by_name);
	for (size_t i = 1; i < l->n; i++)
		if (!strcmp(l->row[i - 1].name, l->row[i].name))
			return error_set(ERR_INPUT, "'%s' has two rows for '%s'", l->path, l->row[i].name);
	return 0;
}

/* Which columns of the file to take, by number, in order. */
struct choice {
	size_t *column, n;
	size_t all; /* how many the file has */
};

static bool is_chosen(const struct choice *c, size_t column)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->column[i] == column)
			return true;
	return false;
}

static int choose(struct labels *l, struct choice *c, char *const *header, size_t all, const char *columns)
{
	char *copy = strdup(columns ? columns : ""), *next = copy, *word;
	const size_t most = all + (columns ? strlen(columns) : 0);
	int rc = 0;

	*c = (struct choice){ .column = size_alloc(most, sizeof *c->column), .all = all };
	if (!copy || !c->column)
		rc = error_set(ERR_FAILED, "out of memory");
	for (size_t i = 0; !rc && !columns && i < all; i++)
		c->column[c->n++] = i;
	while (!rc && columns && (word = strsep(&next, ","))) {
		size_t i = 0;
		while (i < all && strcmp(header[i], word))
			i++;
		if (i == all)
			rc = error_set(ERR_INPUT, "'%s' has no column '%s'", l->path, word);
		else if (is_chosen(c, i))
			rc = error_set(ERR_USAGE, "the column '%s' of '%s' is asked for twice", word, l->path);
		else
			c->column[c->n++] = i;
	}
	if (!rc && !c->n)
		rc = error_set(ERR_INPUT, "'%s' has no columns of labels", l->path);
	free(copy);
	l->columns = c->n;
	return rc;
}

static int join_names(struct labels *l, const struct choice *c, char *const *header)
{
	size_t length = 1;
	for (size_t i = 0; i < c->n; i++)
		length += strlen(header[c->column[i]]) + 1;
	if (!(l->names = size_zalloc(length, 1)))
		return ERR_FAILED;
	for (size_t i = 0; i < c->n; i++) {
		strcat(l->names, i ? "," : "");
		strcat(l->names, header[c->column[i]]);
	}
	return 0;
}

/* -- CSV and CelebA's table -- */

/* The next word of a line, or NULL. separator ' ': any number of spaces; ',': one comma, spaces around the word ignored. */
static char *next_word(char **at, char separator)
{
	char *word;
	if (!*at)
		return NULL;
	if (separator == ' ') {
		do
			word = strsep(at, " \t");
		while (word && !*word);
		return word;
	}
	word = strsep(at, ",");
	word += strspn(word, " \t");
	for (size_t n = strlen(word); n && strchr(" \t", word[n - 1]); n--)
		word[n - 1] = 0;
	return word;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of two columns with one name only the first would ever be found; one with a comma would be two. */
static int check_header(const struct labels *l, char *const *header, size_t n)
{
	char **sorted = size_alloc(n, sizeof *sorted);
	int rc = sorted ? 0 : ERR_FAILED;

	for (size_t i = 0; !rc && i < n; i++)
		if (strchr(sorted[i] = header[i], ','))
			rc = error_set(ERR_INPUT, "'%s': the name of the column '%s' has a comma in it", l->path, header[i]);
	if (!rc)
		qsort(sorted, n, sizeof *sorted, by_text);
	for (size_t i = 1; !rc && i < n; i++)
		if (!strcmp(sorted[i - 1], sorted[i]))
			rc = error_set(ERR_INPUT, "'%s' has two columns '%s'", l->path, sorted[i]);
	free(sorted);
	return rc;
}

/* Whether a float holds it: neither nan nor, once it is a float, infinite. */
static bool is_label(double x)
{
	return fabs(x) <= (double)FLT_MAX;
}

/* A decimal number and nothing else: strtod() also takes hexadecimal ones, nan and inf. */
static bool parse_number(const char *word, double *out)
{
	char *end;
	*out = strtod(word, &end);
	return end != word && !*end && !word[strspn(word, "+-.0123456789eE")] && is_label(*out);
}

static int read_row(struct labels *l, const struct choice *c, char *line, char separator, double *number)
{
	const char *name = next_word(&line, separator);
	const char *word;
	size_t n = 0;
	float *value;

	for (; (word = next_word(&line, separator)); n++) {
		if (n == c->all)
			break;
		if (!parse_number(word, &number[n]))
			return error_set(ERR_INPUT, "'%s': '%s' in the row of '%s' is not a number", l->path, word, name);
	}
	if (n != c->all || word)
		return error_set(ERR_INPUT, "'%s': the row of '%s' has not %zu numbers", l->path, name, c->all);
	if (!(value = add_row(l, name)))
		return ERR_FAILED;
	for (size_t i = 0; i < c->n; i++)
		value[i] = (float)number[c->column[i]];
	return 0;
}

/* text: the lines from the header on. first: whether the header names the column of file names too. */
static int read_lines(struct labels *l, char *text, char separator, bool first, const char *columns)
{
	char *line = strsep(&text, "\n"), **header = NULL, *word;
	const size_t most = strlen(line) + 1;
	struct choice c = { 0 };
	double *number = NULL;
	size_t all = 0;
	int rc = 0;

	if (!(header = size_alloc(most, sizeof *header)))
		return ERR_FAILED;
	if (first)
		(void)next_word(&line, separator);
	while ((word = next_word(&line, separator)))
		header[all++] = word;
	if (!(rc = check_header(l, header, all)) && !(rc = choose(l, &c, header, all, columns)) && !(rc = join_names(l, &c, header)) && !(number = size_alloc(all, sizeof *number)))
		rc = ERR_FAILED;
	while (!rc && (line = strsep(&text, "\n")))
		if (line[strspn(line, " \t")])
			rc = read_row(l, &c, line, separator, number);
	free(header);
	free(number);
	free(c.column);
	return rc;
}

static int read_text(struct labels *l, const char *columns)
{
	char *text = (char *)l->text.data;
	size_t used = 0;

	for (size_t i = 0; i <= l->text.size; i++) /* line ends of Windows */
		if (text[i] != '\r')
			text[used++] = text[i];
	if (!strncmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	char *end;
	const unsigned long rows = strtoul(text, &end, 10);
	end += strspn(end, " \t");
	if (end == text || *end != '\n')
		return read_lines(l, text, ',', true, columns);
	const int rc = read_lines(l, end + 1, ' ', false, columns);
	if (!rc && l->n != rows)
		return error_set(ERR_INPUT, "'%s' has %zu rows, where its first line promises %lu", l->path, l->n, rows);
	return rc;
}

/* -- StyleGAN's dataset.json -- */

static int read_pair(struct labels *l, const struct choice *c, const json_t *pair)
{
	const char *name = json_string_value(json_array_get(pair, 0));
	const json_t *label = json_array_get(pair, 1);
	float *value;

	if (!name || !(json_is_number(label) ? c->all == 1 : json_array_size(label) == c->all))
		return error_set(ERR_INPUT, "'%s': a label is not a pair of a file name and %zu numbers", l->path, c->all);
	if (!(value = add_row(l, name)))
		return ERR_FAILED;
	for (size_t i = 0; i < c->n; i++) {
		const json_t *number = json_is_number(label) ? label : json_array_get(label, c->column[i]);
		if (!json_is_number(number) || !is_label(json_number_value(number)))
			return error_set(ERR_INPUT, "'%s': a label of '%s' is not a number", l->path, name);
		value[i] = (float)json_number_value(number);
	}
	return 0;
}

static int read_json(struct labels *l, const char *columns)
{
	json_error_t error;
	struct choice c = { 0 };
	int rc;

	if (!(l->json = json_loadb((char *)l->text.data, l->text.size, 0, &error)))
		return error_set(ERR_INPUT, "'%s': line %d: %s", l->path, error.line, error.text);
	const json_t *pairs = json_object_get(l->json, "labels"), *first = json_array_get(json_array_get(pairs, 0), 1);
	const size_t n = json_array_size(pairs), all = json_is_number(first) ? 1 : json_array_size(first);
	char(*digits)[24] = size_alloc(all, sizeof *digits), **header = size_alloc(all, sizeof *header);
	if (!digits || !header)
		rc = ERR_FAILED;
	else {
		for (size_t i = 0; i < all; i++)
			snprintf(header[i] = digits[i], sizeof *digits, "%zu", i);
		if (!(rc = choose(l, &c, header, all, columns)))
			rc = join_names(l, &c, header);
	}
	for (size_t i = 0; i < n && !rc; i++)
		rc = read_pair(l, &c, json_array_get(pairs, i));
	free(digits);
	free(header);
	free(c.column);
	return rc;
}

/* -- where tables are -- */

/* The dataset.json of an archive, in place of the archive's first bytes. */
static int read_member(struct labels *l)
{
	struct archive *a;
	int rc = archive_open(&a, l->path, l->text.data, l->text.size);
	int64_t i = 0;

	if (rc)
		return rc;
	while (i < archive_count(a) && strcmp(archive_member(a, i), "dataset.json"))
		i++;
	rc = i < archive_count(a) ? archive_read(a, i, &l->text) : error_set(ERR_INPUT, "'%s' has no dataset.json", l->path);
	archive_close(&a);
	return rc;
}

/* The table's text, ended by a NUL. It is read once: it may be in a pipe. */
static int load(struct labels *l)
{
	FILE *f = fopen(l->path, "rb");
	bool archive = false;
	int rc;

	if (!f)
		return error_set(ERR_INPUT, "cannot open '%s': %s", l->path, strerror(errno));
	if (!(rc = bytes_reserve(&l->text, ARCHIVE_HEAD))) {
		l->text.size = fread(l->text.data, 1, ARCHIVE_HEAD, f);
		archive = archive_has_magic(l->text.data, l->text.size);
		rc = archive ? 0 : bytes_append(&l->text, f, l->path);
	}
	fclose(f);
	if (!rc && archive)
		rc = images_from_pipe(l->path) ? error_set(ERR_INPUT, "'%s' is an archive in a pipe: it has to be a file", l->path) : read_member(l);
	if (!rc && !(rc = bytes_reserve(&l->text, l->text.size + 1)))
		l->text.data[l->text.size] = 0;
	return rc;
}

int labels_read(struct labels **out, const char *path, const char *columns)
{
	struct labels *l = size_zalloc(1, sizeof *l);
	int rc;

	*out = NULL;
	if (!l)
		return ERR_FAILED;
	l->path = path;
	if (!(rc = load(l))) {
		const char *text = (char *)l->text.data;
		if (memchr(text, 0, l->text.size))
			rc = error_set(ERR_INPUT, "'%s' is not a table of labels", path);
		else
			rc = text[strspn(text, " \t\r\n")] == '{' ? read_json(l, columns) : read_text(l, columns);
	}
	if (!rc)
		rc = finish(l);
	if (rc)
		labels_free(&l);
	*out = l;
	return rc;
}

/* Room for n rows of numbers, as many as the shape (n,K) or (n) says; the columns are called 0, 1 …. */
static int make_rows(struct labels *l, int ndim, const int64_t *dim, int64_t n)
{
	if (ndim < 1 || ndim > 2 || dim[0] != n || (ndim == 2 && (dim[1] < 1 || dim[1] > 65536)))
		return error_set(ERR_INPUT, "the labels of '%s' are not rows of numbers for %lld pictures", l->path, (long long)n);
	l->n = (size_t)n;
	l->columns = ndim == 2 ? (size_t)dim[1] : 1;
	if (!(l->value = size_alloc(l->n, l->columns * sizeof *l->value)))
		return error_set(ERR_FAILED, "out of memory: the labels of '%s', %zu rows of %zu numbers, do not fit", l->path, l->n, l->columns);
	if (!(l->names = size_zalloc(l->columns, 24)))
		return ERR_FAILED;
	for (size_t i = 0, at = 0; i < l->columns; i++)
		at += (size_t)sprintf(l->names + at, "%s%zu", i ? "," : "", i);
	return 0;
}

/* Whether the columns have a name each, and each its own. */
static int check_names(const struct labels *l)
{
	char *copy = strdup(l->names), *next = copy, *word, **name = size_alloc(l->columns, sizeof *name);
	size_t n = 0;
	int rc = copy && name ? 0 : error_set(ERR_FAILED, "out of memory");

	for (; !rc && (word = strsep(&next, ",")); n++)
		if (n < l->columns)
			name[n] = word;
	if (!rc && n != l->columns)
		rc = error_set(ERR_INPUT, "'%s': 'labels' has %zu column%s, its attribute 'names' %zu", l->path, l->columns, l->columns == 1 ? "" : "s", n);
	if (!rc)
		rc = check_header(l, name, n);
	free(name);
	free(copy);
	return rc;
}

static int read_h5(struct labels *l, struct h5file *f, int64_t n)
{
	int64_t dim[H5_MAX_DIMS];
	enum h5_type type;
	int ndim, rc;

	if ((rc = h5_shape(f, "labels", &ndim, dim, &type)) || (rc = make_rows(l, ndim, dim, n)) ||
	    (rc = h5_read(f, "labels", H5_F32, l->value, l->n * l->columns)))
		return rc;
	if (h5_has_attr(f, "labels", "names")) {
		free(l->names);
		if (!(rc = h5_get_text(f, "labels", "names", &l->names)))
			rc = check_names(l);
	}
	return rc;
}

static int read_npy(struct labels *l, const char *path, FILE *f, int64_t n)
{
	struct npy_header h;
	int rc = npy_read_header(f, path, &h);
	if (rc == 0)
		return error_set(ERR_INPUT, "'%s' is empty", path);
	if (rc < 0 || (rc = make_rows(l, h.ndim, h.dim, n)))
		return rc;
	if (h.type == NPY_F32)
		return npy_read(f, path, h.type, l->value, l->n * l->columns);
	uint8_t *byte = size_alloc(l->n, l->columns);
	rc = byte ? npy_read(f, path, h.type, byte, l->n * l->columns) : ERR_FAILED;
	for (size_t i = 0; !rc && i < l->n * l->columns; i++)
		l->value[i] = byte[i];
	free(byte);
	return rc;
}

int labels_of_h5(struct labels **out, const char *path, int64_t n)
{
	struct labels *l = size_zalloc(1, sizeof *l);
	struct h5file *f = NULL;
	FILE *npy = NULL;
	char *beside = NULL;
	const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
	const int stem = dot && (!slash || dot > slash) ? (int)(dot - path) : (int)strlen(path);
	int rc = l ? h5_open(&f, path) : ERR_FAILED;

	if (!rc) {
		l->path = path;
		if (h5_exists(f, "labels"))
			rc = read_h5(l, f, n);
		else if (asprintf(&beside, "%.*s-labels.npy", stem, path) < 0)
			rc = error_set(ERR_FAILED, "out of memory");
		else if ((npy = fopen(beside, "rb")))
			rc = read_npy(l, beside, npy, n);
	}
	if (npy)
		fclose(npy);
	free(beside);
	const int closed = h5_close(&f);
	rc = rc ? rc : closed;
	if (rc || !l->columns)
		labels_free(&l);
	*out = l;
	return rc;
}

void labels_free(struct labels **l)
{
	if (!*l)
		return;
	free((*l)->text.data);
	json_decref((*l)->json);
	free((*l)->row);
	free((*l)->value);
	free((*l)->names);
	free(*l);
	*l = NULL;
}

int labels_columns(const struct labels *l)
{
	return (int)l->columns;
}

const char *labels_names(const struct labels *l)
{
	return l->names;
}

const float *labels_of(const struct labels *l, const char *member)
{
	const char *slash = strrchr(member, '/');
	const struct row whole = { .name = member }, last = { .name = slash ? slash + 1 : member };
	const struct row *row = l->row ? bsearch(&whole, l->row, l->n, sizeof whole, by_name) : NULL;
	if (!row && l->row)
		row = bsearch(&last, l->row, l->n, sizeof last, by_name);
	return row ? l->value + row->number * l->columns : NULL;
}

const float *labels_row(const struct labels *l, int64_t i)
{
	return l->value + (size_t)i * l->columns;
}
