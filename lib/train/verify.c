#include "verify.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "json_text.h"
#include "record.h"

struct report {
	FILE *out;
	const char *file;
	json_t *results; /* with --json: an array */
	int failed;
};

/* JSON has no NaN. */
static json_t *number(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

static void take_result(void *ctx, const struct record_result *r)
{
	struct report *report = ctx;
	char output[32] = "not recorded";
	report->failed += !r->pass;
	if (r->outputs)
		snprintf(output, sizeof output, "%.1e", r->output);
	if (report->results)
		json_array_append_new(report->results, json_pack("{s:o,s:i,s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:b}", "file", json_text(report->file), "iteration", r->iteration,
		                      "loss", number(r->loss), "output", number(r->outputs ? r->output : NAN), "grad_median", number(r->grad_median), "grad_worst", number(r->grad_worst), "grad_worst_tensor", r->grad_worst_tensor,
		                      "grad_all", number(r->grad_all), "adam", number(r->adam), "ema", number(r->ema), "pass", r->pass));
	else
		fprintf(report->out, "%s step %d: loss %.1e, outputs %s, gradients %.1e median, %.1e worst (%s), %.1e in all, Adam %.1e, average %.1e: %s\n", report->file, r->iteration, r->loss,
		        output, r->grad_median, r->grad_worst, r->grad_worst_tensor, r->grad_all, r->adam, r->ema, r->pass ? "pass" : "FAIL");
}

int verify_records(const char *const *file, size_t n, const char *device, int threads, bool json, FILE *out)
{
	struct report report = { .out = out };
	struct backend *be, *exact = NULL;
	int rc = backend_open(&be, device, threads);
	if (rc)
		return rc;
	if (json)
		report.results = json_array();
	char name[64];
	snprintf(name, sizeof name, "%s", strcmp(device, "auto") ? device : be->name);
	const struct record_tolerance tolerance = record_tolerance_of(name);
	if (tolerance.rounds && (rc = backend_open(&exact, "cpu", threads)))
		rc = backend_open(&exact, "plain", threads);
	for (size_t i = 0; !rc && i < n; i++) {
		report.file = file[i];
		rc = record_verify(be, exact, report.file, &tolerance, take_result, &report);
	}
	backend_close(exact);
	backend_close(be);
	if (report.results && !rc)
		rc = json_print(out, report.results, JSON_INDENT(1) | JSON_REAL_PRECISION(3));
	json_decref(report.results);
	if (!rc && report.failed)
		rc = error_set(ERR_FAILED, "%d recorded step%s not reproduced on device '%s'", report.failed, report.failed > 1 ? "s are" : " is", name);
	return rc;
}
