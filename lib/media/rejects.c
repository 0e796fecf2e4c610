#include "rejects.h"

#include <stdlib.h>
#include <string.h>

#include "outfile.h"
#include "printable.h"
#include "same_file.h"

enum { MOST_TOLD = 20 };

int rejects_add(struct rejects *r, const char *name, const char *reason)
{
	if (r->n == r->room) {
		const int64_t room = r->room ? 2 * r->room : 16;
		char **names = realloc(r->name, (size_t)room * sizeof *names);
		r->name = names ? names : r->name;
		char **reasons = realloc(r->reason, (size_t)room * sizeof *reasons);
		r->reason = reasons ? reasons : r->reason;
		if (!names || !reasons)
			return error_set(ERR_FAILED, "out of memory");
		r->room = room;
	}
	char *const a = r->name[r->n] = strdup(name), *const b = r->reason[r->n] = strdup(reason);
	r->n++;
	if (!a || !b)
		return error_set(ERR_FAILED, "out of memory");
	printable_text(a); /* a row of the table stays one */
	printable_text(b);
	return 0;
}

void rejects_free(struct rejects *r)
{
	for (int64_t i = 0; i < r->n; i++) {
		free(r->name[i]);
		free(r->reason[i]);
	}
	free(r->name);
	free(r->reason);
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
	for (int64_t i = 0; i < r->n; i++)
		fprintf(f, "%s\t%s\n", r->name[i], r->reason[i]);
	return 0;
}

int rejects_write(const struct rejects *r, const char *path)
{
	return outfile_write(path, write_table, (void *)r /* only read */);
}

int rejects_report(const struct rejects *r, int64_t good, bool keep_going, void (*say)(const char *format, ...))
{
	const long long bad = r->n, all = bad + good;

	if (!bad)
		return 0;
	if (all == 1)
		return error_set(ERR_INPUT, "%s", r->reason[0]);
	for (int64_t i = 0; i < r->n && i < MOST_TOLD; i++)
		say("%s", r->reason[i]);
	if (bad > MOST_TOLD)
		say("… and %lld more; --rejects FILE lists all", bad - MOST_TOLD);
	if (!good)
		return error_set(ERR_INPUT, "none of the %lld pictures could be used", all);
	if (!keep_going)
		return error_set(ERR_FAILED, "%lld of %lld pictures left out; the others are in the output (--keep-going makes this a success)", bad, all);
	say("%lld of %lld pictures left out", bad, all);
	return 0;
}
