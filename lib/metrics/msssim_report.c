#include "msssim_report.h"

#include <inttypes.h>
#include <jansson.h>

#include "json_text.h"

void msssim_report_explain(struct msssim_report *r)
{
	const int64_t whole = msssim_protocol_pairs(r->protocol);
	if (r->pairs.n < whole && r->protocol != MSSSIM_VAINF)
		notes_add(&r->notes, "Fewer pairs than the protocol's %" PRId64 ": the mean is less certain.", whole);
	if (r->protocol == MSSSIM_KARRAS && r->across)
		notes_add(&r->notes, "Pairs across two sets; the protocol compares pairs of one.");
	if (r->protocol == MSSSIM_PADDLE && !r->across)
		notes_add(&r->notes, "Pairs of one set; the protocol compares generated images with real ones: --ref.");
	if (r->pairs.left)
		notes_add(&r->notes, "%s", r->across ? "The sets differ in size: the longer one was cut." : "The last image has no partner and was left out.");
}

/* -- JSON -- */

static void add_pairs(json_t *o, const struct pairs *p)
{
	json_object_set_new(o, "pairs", json_integer(p->n));
	json_object_set_new(o, "msssim", json_real(p->mean));
	json_object_set_new(o, "error", p->n > 1 ? json_real(p->error) : json_null()); /* one pair has no standard error */
}

int msssim_report_json(const struct msssim_report *r, FILE *f)
{
	json_t *o = json_object(), *values = json_array(), *floor = json_object();
	json_object_set_new(o, "protocol", json_string(msssim_protocol_names[r->protocol]));
	add_pairs(o, &r->pairs);
	for (int64_t i = 0; r->per_pair && i < r->pairs.n; i++)
		json_array_append_new(values, json_real(r->pairs.value[i]));
	if (r->per_pair)
		json_object_set(o, "values", values);
	add_pairs(floor, &r->floor);
	if (r->with_floor)
		json_object_set(o, "floor", floor);
	json_object_set_new(o, "notes", notes_json(&r->notes));
	const int rc = json_print(f, o, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12));
	json_decref(values);
	json_decref(floor);
	json_decref(o);
	return rc;
}

/* -- table -- */

static void print_row(FILE *f, const char *what, const struct pairs *p)
{
	fprintf(f, "%-5s %9" PRId64 "  %.5f", what, p->n, p->mean);
	if (p->n > 1)
		fprintf(f, " ± %.5f", p->error);
	fputc('\n', f);
}

void msssim_report_table(const struct msssim_report *r, FILE *f)
{
	fprintf(f, "MS-SSIM, protocol %s; ± standard error over the pairs\n\n", msssim_protocol_names[r->protocol]);
	fprintf(f, "          pairs  MS-SSIM\n");
	print_row(f, "", &r->pairs);
	if (r->with_floor)
		print_row(f, "floor", &r->floor);
	for (int64_t i = 0; r->per_pair && i < r->pairs.n; i++)
		fprintf(f, "%s%15" PRId64 "  %.7f\n", i ? "" : "\n           pair  value\n", i, r->pairs.value[i]);
	notes_print(&r->notes, f);
}
