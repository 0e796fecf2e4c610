#include "rejects.h"

#include <stdlib.h>
#include <string.h>

#include "outfile.h"
#include "printable.h"
#include "same_file.h"
#include "size.h"

enum { MOST_TOLD = 20 };

int rejects_add(struct rejects *r, const char *name, const char *reason)
{
	struct reject *const items = size_grow(r->item, &r->room, r->n + 1, sizeof *items);
	if (!items)
		return ERR_FAILED;
	struct reject *const added = &(r->item = items)[r->n++];
	*added = (struct reject){ strdup(name), strdup(reason) };
	if (!added->name || !added->reason)
		return error_set(ERR_FAILED, "out of memory");
	printable_text(added->name); /* a row of the table stays one */
	printable_text(added->reason);
	return 0;
}

void rejects_free(struct rejects *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->item[i].name);
		free(r->item[i].reason);
	}
	free(r->item);
	*r = (struct rejects){ 0 };
}

int rejects_try(const char *path, const char *output)
{
	if (path && output && same_file(path, output))
		return error_set(ERR_USAGE, "--rejects and -o name the same file, '%s'", output);
	return path ? outfile_try(path) : 0;
}

static int write_table(void *ctx, FILE *f, const char *name)
{
	const struct rejects *r = ctx;
	(void)name;
	fputs("picture\treason\n", f);
	for (size_t i = 0; i < r->n; i++)
		fprintf(f, "%s\t%s\n", r->item[i].name, r->item[i].reason);
	return 0;
}

int rejects_write(const struct rejects *r, const char *path)
{
	return outfile_write(path, write_table, (void *)r /* only read */);
}

int rejects_report(const struct rejects *r, int64_t good, bool keep_going, void (*say)(const char *format, ...))
{
	const long long bad = (long long)r->n, all = bad + good;

	if (!bad)
		return 0;
	if (all == 1)
		return error_set(ERR_INPUT, "%s", r->item[0].reason);
	for (size_t i = 0; i < r->n && i < MOST_TOLD; i++)
		say("%s", r->item[i].reason);
	if (bad > MOST_TOLD)
		say("… and %lld more; --rejects FILE lists all", bad - MOST_TOLD);
	if (!good)
		return error_set(ERR_INPUT, "none of the %lld pictures could be used", all);
	if (!keep_going)
		return error_set(ERR_FAILED, "%lld of %lld pictures left out; the others are in the output (--keep-going makes this a success)", bad, all);
	say("%lld of %lld pictures left out", bad, all);
	return 0;
}
