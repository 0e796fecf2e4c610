#include "label_table.h"

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
#include "images.h"
#include "picture.h"
#include "size.h"
#include "words.h"

struct row {
	const char *name;
	size_t stem;    /* letters of it without a picture's ending */
	int64_t number; /* of its row in the labels */
};

struct label_table {
	const char *path;     /* for messages while reading; borrowed */
	struct labels labels; /* in the order of the file */
	struct row *row;      /* (labels.n), sorted by name */
	struct row *by_stem;  /* (labels.n), the same sorted by their stems */
	size_t row_room, value_room;
	struct bytes text;
	json_t *json; /* this or text holds the names of the rows */
};

/* -- the table -- */

/* A new row; its numbers are still to be set. NULL when out of memory. */
static float *add_row(struct label_table *t, const char *name)
{
	struct labels *l = &t->labels;
	const size_t n = (size_t)l->n + 1;
	struct row *row = size_grow(t->row, &t->row_room, n, sizeof *row);
	t->row = row ? row : t->row;
	float *value = size_grow(l->value, &t->value_room, n, (size_t)l->columns * sizeof *value);
	l->value = value ? value : l->value;
	if (!row || !value)
		return NULL;
	t->row[l->n] = (struct row){ name, picture_stem(name), l->n };
	return l->value + (size_t)l->n++ * (size_t)l->columns;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static int by_stem(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	const int order = strncmp(x->name, y->name, x->stem < y->stem ? x->stem : y->stem);
	return order ? order : (x->stem > y->stem) - (x->stem < y->stem);
}

static int finish(struct label_table *t)
{
	const size_t n = (size_t)t->labels.n;
	if (!n)
		return error_set(ERR_INPUT, "'%s' has no labels", t->path);
	qsort(t->row, n, sizeof *t->row, by_name);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(t->row[i - 1].name, t->row[i].name))
			return error_set(ERR_INPUT, "'%s' has two rows for '%s'", t->path, t->row[i].name);
	if (!(t->by_stem = size_alloc(n, sizeof *t->by_stem)))
		return ERR_FAILED;
	memcpy(t->by_stem, t->row, n * sizeof *t->by_stem);
	qsort(t->by_stem, n, sizeof *t->by_stem, by_stem);
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

/* The names of the chosen columns between commas. */
static int join_names(struct label_table *t, const struct choice *c, char *const *header)
{
	size_t length = 1;
	for (size_t i = 0; i < c->n; i++)
		length += strlen(header[c->column[i]]) + 1;
	char *to = t->labels.names = size_zalloc(length, 1);
	if (!to)
		return ERR_FAILED;
	for (size_t i = 0; i < c->n; i++)
		to = stpcpy(stpcpy(to, i ? "," : ""), header[c->column[i]]);
	return 0;
}

/* columns: their names between commas; NULL: all. */
static int choose(struct label_table *t, struct choice *c, char *const *header, size_t all, const char *columns)
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
			rc = error_set(ERR_INPUT, "'%s' has no column '%s'", t->path, word);
		else if (is_chosen(c, i))
			rc = error_set(ERR_USAGE, "the column '%s' of '%s' is asked for twice", word, t->path);
		else
			c->column[c->n++] = i;
	}
	if (!rc && !c->n)
		rc = error_set(ERR_INPUT, "'%s' has no columns of labels", t->path);
	if (!rc && c->n > LABEL_COLUMNS)
		rc = error_set(ERR_INPUT, "'%s' has %zu columns, more than %d", t->path, c->n, LABEL_COLUMNS);
	if (!rc)
		rc = join_names(t, c, header);
	free(copy);
	t->labels.columns = rc ? 0 : (int)c->n;
	return rc;
}

/* -- CSV and CelebA's table -- */

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

static int read_row(struct label_table *t, const struct choice *c, char *line, char separator, double *number)
{
	const char *name = words_next(&line, separator);
	const char *word;
	size_t n = 0;
	float *value;

	for (; (word = words_next(&line, separator)); n++) {
		if (n == c->all)
			break;
		if (!parse_number(word, &number[n]))
			return error_set(ERR_INPUT, "'%s': '%s' in the row of '%s' is not a float32 number", t->path, word, name);
	}
	if (n != c->all || word)
		return error_set(ERR_INPUT, "'%s': the row of '%s' has not %zu numbers", t->path, name, c->all);
	if (!(value = add_row(t, name)))
		return ERR_FAILED;
	for (size_t i = 0; i < c->n; i++)
		value[i] = (float)number[c->column[i]];
	return 0;
}

/* text: the lines from the header on. first: whether the header names the column of file names too. */
static int read_lines(struct label_table *t, char *text, char separator, bool first, const char *columns)
{
	char *line = strsep(&text, "\n"), **header = NULL, *word;
	const size_t most = strlen(line) + 1;
	struct choice c = { 0 };
	double *number = NULL;
	size_t all = 0;
	int rc = 0;

	if (!(header = size_alloc(most, sizeof *header)))
		return ERR_FAILED;
	const char *const files = first ? words_next(&line, separator) : "";
	while ((word = words_next(&line, separator)))
		header[all++] = word;
	if (!all && strpbrk(files, ";\t"))
		rc = error_set(ERR_INPUT, "'%s' has no commas in its first line: a CSV table has them between its columns", t->path);
	else if (files[picture_stem(files)])
		rc = error_set(ERR_INPUT, "'%s' has no line with the names of the columns: the first is the row of '%s'", t->path, files);
	if (!rc && !(rc = labels_check_names(t->path, header, all)) && !(rc = choose(t, &c, header, all, columns)) && !(number = size_alloc(all, sizeof *number)))
		rc = ERR_FAILED;
	while (!rc && (line = strsep(&text, "\n")))
		if (line[strspn(line, " \t")])
			rc = read_row(t, &c, line, separator, number);
	free(header);
	free(number);
	free(c.column);
	return rc;
}

static int read_text(struct label_table *t, char *text, const char *columns)
{
	char *end, *kept = text;

	for (const char *from = text; *from; from++) /* line ends of Windows */
		if (*from != '\r')
			*kept++ = *from;
	*kept = 0;
	const unsigned long rows = strtoul(text, &end, 10);
	end += strspn(end, " \t");
	if (end == text || *end != '\n')
		return read_lines(t, text, ',', true, columns);
	const int rc = read_lines(t, end + 1, ' ', false, columns);
	if (!rc && (unsigned long)t->labels.n != rows)
		return error_set(ERR_INPUT, "'%s' has %lld rows, where its first line promises %lu", t->path, (long long)t->labels.n, rows);
	return rc;
}

/* -- StyleGAN's dataset.json -- */

static int read_pair(struct label_table *t, const struct choice *c, const json_t *pair)
{
	const char *name = json_string_value(json_array_get(pair, 0));
	const json_t *label = json_array_get(pair, 1);
	float *value;

	if (!name || !(json_is_number(label) ? c->all == 1 : json_array_size(label) == c->all))
		return error_set(ERR_INPUT, "'%s': a label is not a pair of a file name and %zu numbers", t->path, c->all);
	if (!(value = add_row(t, name)))
		return ERR_FAILED;
	for (size_t i = 0; i < c->n; i++) {
		const json_t *number = json_is_number(label) ? label : json_array_get(label, c->column[i]);
		if (!json_is_number(number) || !is_label(json_number_value(number)))
			return error_set(ERR_INPUT, "'%s': a label of '%s' is not a float32 number", t->path, name);
		value[i] = (float)json_number_value(number);
	}
	return 0;
}

static int read_json(struct label_table *t, const char *text, const char *columns)
{
	json_error_t error;
	struct choice c = { 0 };
	int rc;

	if (!(t->json = json_loads(text, 0, &error)))
		return error_set(ERR_INPUT, "'%s': line %d: %s", t->path, error.line, error.text);
	const json_t *pairs = json_object_get(t->json, "labels"), *first = json_array_get(json_array_get(pairs, 0), 1);
	const size_t n = json_array_size(pairs), all = json_is_number(first) ? 1 : json_array_size(first);
	char(*digits)[24] = size_alloc(all, sizeof *digits), **header = size_alloc(all, sizeof *header);
	if (!digits || !header)
		rc = ERR_FAILED;
	else {
		for (size_t i = 0; i < all; i++)
			snprintf(header[i] = digits[i], sizeof *digits, "%zu", i);
		rc = choose(t, &c, header, all, columns);
	}
	for (size_t i = 0; i < n && !rc; i++)
		rc = read_pair(t, &c, json_array_get(pairs, i));
	free(digits);
	free(header);
	free(c.column);
	return rc;
}

/* -- where tables are -- */

/* The dataset.json of an archive, in place of the archive's first bytes. */
static int read_member(struct label_table *t)
{
	struct archive *a;
	int rc = archive_open(&a, t->path, t->text.data, t->text.size);
	int64_t i = 0;

	if (rc)
		return rc;
	while (i < archive_count(a) && strcmp(archive_member(a, i), "dataset.json"))
		i++;
	rc = i < archive_count(a) ? archive_read(a, i, &t->text) : error_set(ERR_INPUT, "'%s' has no dataset.json", t->path);
	archive_close(&a);
	return rc;
}

/* The table's text, ended by a NUL. It is read once: it may be in a pipe. */
static int load(struct label_table *t)
{
	FILE *f = fopen(t->path, "rb");
	bool archive = false;
	int rc;

	if (!f)
		return error_set(ERR_INPUT, "cannot open '%s': %s", t->path, strerror(errno));
	if (!(rc = bytes_reserve(&t->text, ARCHIVE_HEAD))) {
		t->text.size = fread(t->text.data, 1, ARCHIVE_HEAD, f);
		archive = archive_has_magic(t->text.data, t->text.size);
		rc = archive ? 0 : bytes_append(&t->text, f, t->path);
	}
	fclose(f);
	if (!rc && archive)
		rc = images_from_pipe(t->path) ? error_set(ERR_INPUT, "'%s' is an archive in a pipe: it has to be a file", t->path) : read_member(t);
	if (!rc && !(rc = bytes_reserve(&t->text, t->text.size + 1)))
		t->text.data[t->text.size] = 0;
	return rc;
}

int label_table_read(struct label_table **out, const char *path, const char *columns)
{
	struct label_table *t = size_zalloc(1, sizeof *t);
	int rc;

	*out = NULL;
	if (!t)
		return ERR_FAILED;
	t->path = path;
	if (!(rc = load(t))) {
		char *const text = words_begin((char *)t->text.data);
		if (strlen((char *)t->text.data) < t->text.size)
			rc = error_set(ERR_INPUT, "'%s' is not a table of labels", path);
		else
			rc = text[strspn(text, " \t\r\n")] == '{' ? read_json(t, text, columns) : read_text(t, text, columns);
	}
	if (!rc)
		rc = finish(t);
	if (rc)
		label_table_free(&t);
	*out = t;
	return rc;
}

void label_table_free(struct label_table **t)
{
	if (!*t)
		return;
	free((*t)->text.data);
	json_decref((*t)->json);
	free((*t)->row);
	free((*t)->by_stem);
	labels_free(&(*t)->labels);
	free(*t);
	*t = NULL;
}

const struct labels *label_table_labels(const struct label_table *t)
{
	return &t->labels;
}

/* The one row of that name but for its ending: celeba-crop makes 1.png of 1.jpg. */
static const struct row *find_stem(const struct label_table *t, const char *name)
{
	const struct row key = { .name = name, .stem = picture_stem(name) }, *const end = t->by_stem + t->labels.n, *const row = bsearch(&key, t->by_stem, (size_t)t->labels.n, sizeof key, by_stem);
	const bool several = row && ((row > t->by_stem && !by_stem(row - 1, row)) || (row + 1 < end && !by_stem(row, row + 1)));
	return several ? NULL : row;
}

const float *label_table_find(const struct label_table *t, const char *member)
{
	const char *slash = strrchr(member, '/');
	const struct row whole = { .name = member }, last = { .name = slash ? slash + 1 : member };
	const struct row *row = bsearch(&whole, t->row, (size_t)t->labels.n, sizeof whole, by_name);
	row = row ? row : bsearch(&last, t->row, (size_t)t->labels.n, sizeof last, by_name);
	row = row ? row : find_stem(t, whole.name);
	row = row ? row : find_stem(t, last.name);
	return row ? labels_row(&t->labels, row->number) : NULL;
}
