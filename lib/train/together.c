#include "together.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "ranks.h"

enum { MAX_FACTS = 5 };

int together_decide(struct ranks *ranks, int *decision)
{
	return ranks ? ranks_broadcast(ranks, decision, sizeof *decision) : 0;
}

static uint64_t of_text(const char *text)
{
	return digest_add(digest_start(), text, strlen(text));
}

/* How often something is written or looked at, which the settings' text leaves out. */
static uint64_t of_reports(const struct grow *g)
{
	const struct settings *s = g->settings;
	const int64_t every[] = { s->save_iter, s->log_iter, s->preview_iter, s->preview_images };
	uint64_t digest = digest_add(digest_start(), every, sizeof every);
	for (size_t i = 0; i < g->n_records; i++)
		digest = digest_add(digest, &g->records[i].iteration, sizeof g->records[i].iteration);
	return digest;
}

/* What is to be the same at all ranks, by its digest. */
struct fact {
	const char *what; /* a rank has that is another than rank 0's */
	uint64_t value;
};

static int compare_facts(struct ranks *ranks, const struct fact *mine, int n)
{
	uint64_t first[MAX_FACTS];
	for (int i = 0; i < n; i++)
		first[i] = mine[i].value;
	const int rc = ranks_broadcast(ranks, first, (size_t)n * sizeof *first);
	for (int i = 0; i < n && !rc; i++)
		if (first[i] != mine[i].value)
			return error_set(ERR_USAGE, "it has %s than rank 0", mine[i].what);
	return rc;
}

static int compare_settings(struct ranks *ranks, const char *mine)
{
	size_t size = strlen(mine) + 1;
	char what[256];
	int rc = ranks_broadcast(ranks, &size, sizeof size);
	char *first = rc ? NULL : calloc(size, 1);
	if (!first)
		return rc ? rc : error_set(ERR_FAILED, "out of memory");
	if (!ranks->rank)
		memcpy(first, mine, size);
	if (!(rc = ranks_broadcast(ranks, first, size)) && settings_compare(mine, first, "rank 0's is", what, sizeof what))
		rc = error_set(ERR_USAGE, "it has other settings than rank 0: %s", what);
	free(first);
	return rc;
}

int together_compare(struct ranks *ranks, const struct grow *g, const struct origin *o, const struct backend *be)
{
	const struct fact version = { "another version of pgan", of_text(PGAN_VERSION) };
	const struct fact others[MAX_FACTS] = {
		{ "another seed", digest_add(digest_start(), &g->seed, sizeof g->seed) },
		{ "other training images", of_text(o->data) },
		{ "another network to start from", of_text(o->from) },
		{ "other records or intervals (saveIter, evalIter, previewIter)", of_reports(g) },
		{ "another kind of device", of_text(be->name) ^ of_text(be->details) },
	};
	int rc;
	if (!ranks)
		return 0;
	if ((rc = compare_facts(ranks, &version, 1)) || (rc = compare_settings(ranks, g->settings->text)) ||
	    (rc = compare_facts(ranks, others, MAX_FACTS)))
		return rc;
	return ranks_barrier(ranks);
}

int together_compare_checkpoint(struct ranks *ranks, const char *path)
{
	char mine[DIGEST_TEXT], first[DIGEST_TEXT];
	int rc;
	if (!ranks)
		return 0;
	if ((rc = digest_file(path, mine)))
		return rc;
	memcpy(first, mine, sizeof first);
	if ((rc = ranks_broadcast(ranks, first, sizeof first)))
		return rc;
	if (memcmp(first, mine, sizeof first))
		return error_set(ERR_USAGE, "its checkpoint '%s' is another than that of rank 0", path);
	return ranks_barrier(ranks);
}

int together_stop(struct ranks *ranks, int *number)
{
	double stop = *number != 0;
	const int rc = ranks ? ranks_sum_f64(ranks, &stop, 1) : 0;
	if (!rc && stop > 0 && !*number)
		*number = SIGTERM;
	return rc;
}

int together_wait(struct ranks *ranks)
{
	return ranks ? ranks_barrier(ranks) : 0;
}
