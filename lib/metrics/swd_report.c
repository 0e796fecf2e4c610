#include "swd_report.h"

#include <inttypes.h>
#include <jansson.h>

#include "json_text.h"

void swd_report_explain(struct swd_report *r)
{
	const int64_t whole = swd_protocol_images(r->protocol);
	if (r->n[0] != whole)
		notes_add(&r->notes, "%s images than the protocol's %" PRId64 ": %s. Compare only with values at the same number.", r->n[0] < whole ? "Fewer" : "More", whole,
		                r->n[0] < whole ? "the distance is biased upwards" : "the distance is lower than it would be");
	if (r->protocol == SWD_PADDLE)
		notes_add(&r->notes,
		                "As in the reproduced system, all patches of a batch of %d are cut from its first image: these numbers rest on %" PRId64
		                " images of each set.",
		                SWD_BATCH, (r->n[0] + SWD_BATCH - 1) / SWD_BATCH);
}

/* -- JSON -- */

static json_t *levels_of(const struct swd_result *r, const double *values)
{
	json_t *o = json_object();
	for (int k = 0; k < r->levels; k++) {
		char side[16];
		snprintf(side, sizeof side, "%d", r->side[k]);
		json_object_set_new(o, side, json_real(values[k]));
	}
	return o;
}

static void add_result(json_t *o, const struct swd_result *r)
{
	json_object_set_new(o, "levels", levels_of(r, r->value));
	json_object_set_new(o, "average", json_real(r->average));
	json_object_set_new(o, "errors", levels_of(r, r->error));
	json_object_set_new(o, "average_error", json_real(r->average_error));
}

int swd_report_json(const struct swd_report *r, FILE *f)
{
	json_t *o = json_object(), *floors = json_array();
	json_object_set_new(o, "protocol", json_string(swd_protocol_names[r->protocol]));
	json_object_set_new(o, "n", json_integer(r->n[0]));
	json_object_set_new(o, "seed", json_integer((json_int_t)r->seed));
	add_result(o, &r->result[0]);
	for (int i = 1; i < r->n_results; i++) {
		json_t *floor = json_object();
		json_object_set_new(floor, "n", json_integer(r->n[i]));
		add_result(floor, &r->result[i]);
		json_array_append_new(floors, floor);
	}
	if (r->n_results > 1)
		json_object_set(o, "floor", floors);
	json_object_set_new(o, "notes", notes_json(&r->notes));
	const int rc = json_print(f, o, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
	json_decref(floors);
	json_decref(o);
	return rc;
}

/* -- table -- */

static void print_row(FILE *f, const struct swd_report *r, const char *name, int level)
{
	fprintf(f, "%8s", name);
	for (int i = 0; i < r->n_results; i++) {
		const struct swd_result *const s = &r->result[i];
		fprintf(f, "  %11.4f ± %-7.4f", level < s->levels ? s->value[level] : s->average, level < s->levels ? s->error[level] : s->average_error);
	}
	fputc('\n', f);
}

void swd_report_table(const struct swd_report *r, FILE *f)
{
	char name[32];
	fprintf(f,
	        "SWD x 1000, protocol %s, %" PRId64 " images of each set, seed %" PRIu64 "; ± standard error over %d sets of\n"
	        "directions; other images move a value further than that\n\n",
	        swd_protocol_names[r->protocol], r->n[0], r->seed, SWD_REPEATS);
	fprintf(f, "%8s  %-21s", "level", "        SWD");
	for (int i = 1; i < r->n_results; i++) {
		snprintf(name, sizeof name, "floor, %" PRId64 " images", r->n[i]);
		fprintf(f, "  %-21s", name);
	}
	fputc('\n', f);
	for (int k = 0; k < r->result[0].levels; k++) {
		snprintf(name, sizeof name, "%d", r->result[0].side[k]);
		print_row(f, r, name, k);
	}
	print_row(f, r, "average", r->result[0].levels);
	notes_print(&r->notes, f);
}
