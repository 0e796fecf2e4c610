#include "forecast.h"

#include <unistd.h>

#include "clock.h"
#include "dataset.h"
#include "philox.h"
#include "trainer.h"

struct row {
	size_t parameters_g, parameters_d, bytes;
	double step;  /* seconds; 0: not measured, because it is missing or does not fit */
	bool missing; /* there is a data set, and it has no pictures of this size: nothing will be trained */
};

/* -- memory: a plan is opened with an allocator that only counts -- */

static size_t counted;
static float nothing[1];

static float *count_alloc(struct backend *be, size_t count)
{
	(void)be;
	counted += count * sizeof(float);
	return nothing;
}

static void count_release(struct backend *be, float *data)
{
	(void)be;
	(void)data;
}

static int count_parameters(void *ctx, const char *name, struct param_shape shape, size_t at)
{
	(void)name;
	(void)at;
	*(size_t *)ctx += param_values(shape);
	return 0;
}

/* Opens and closes networks and a step, fading where the scale ever does: what it then needs most. */
static int plan(struct backend *be, const struct settings *s, struct row *row)
{
	const bool fading = schedule_alpha(&s->alpha, 0) > 0;
	struct trainer t;
	struct backend real = *be;
	int rc;
	counted = 0;
	be->alloc = count_alloc;
	be->release = count_release;
	if (!(rc = trainer_open(&t, be, s, 0))) {
		if (!(rc = step_open(&t.step, be, &s->arch, &s->losses, &t.g, &t.d, s->batch, fading)) &&
		    !(rc = network_each(&t.g, t.g.layers.n, NULL, count_parameters, &row->parameters_g)))
			rc = network_each(&t.d, t.d.layers.n, NULL, count_parameters, &row->parameters_d);
		trainer_close(&t);
	}
	be->alloc = real.alloc;
	be->release = real.release;
	row->bytes = counted + (size_t)s->batch * 3 * (size_t)arch_side(&s->arch) * (size_t)arch_side(&s->arch);
	return rc;
}

/* -- time -- */

/* A step with empty images and a learning rate of 0, and waiting for it. */
static int empty_step(struct trainer *t, bool penalty)
{
	const struct step_scalars scalars = trainer_scalars(t);
	double sums[STEP_SUMS];
	t->be->set_scalars(t->be, &scalars);
	t->be->random_normal(t->be, step_z_d(&t->step), 0, STREAM_LATENT_D, 0, 0);
	t->be->random_normal(t->be, step_z_g(&t->step), 0, STREAM_LATENT_G, 0, 0);
	step_run(&t->step, penalty);
	const int rc = step_check(&t->step);
	return rc ? rc : step_read_sums(&t->step, sums);
}

/* Seconds of a step of this kind, which has been taken before. */
static int measure_steps(struct trainer *t, bool penalty, double limit, double *seconds)
{
	const double begin = clock_seconds();
	int rc, steps = 0;
	do {
		rc = empty_step(t, penalty);
		steps++;
	} while (!rc && clock_seconds() - begin < limit);
	*seconds = (clock_seconds() - begin) / steps;
	return rc;
}

/* The mean over steps with a penalty and without. */
static int measure(const struct forecast *f, struct backend *be, const struct settings *s, struct row *row)
{
	const bool fading = schedule_alpha(&s->alpha, 0) > 0;
	const double share = s->penalty > 0 ? 1 / (double)s->penalty_every : 0;
	double with = 0, without = 0;
	struct trainer t;
	int rc = trainer_open(&t, be, s, 0);
	if (rc)
		return rc;
	if (!(rc = trainer_start(&t, NULL, -1)) && !(rc = step_open(&t.step, be, &s->arch, &s->losses, &t.g, &t.d, s->batch, fading)) &&
	    !(rc = empty_step(&t, share > 0)) && !(rc = share > 0 ? measure_steps(&t, true, f->seconds, &with) : 0))
		rc = share < 1 ? measure_steps(&t, false, f->seconds, &without) : 0;
	row->step = share * with + (1 - share) * without;
	trainer_close(&t);
	return rc;
}

/* -- the table -- */

static int last_scale(const struct config *c, int first)
{
	struct settings s;
	int scale = first;
	while (scale + 1 < MAX_SCALES && !config_settings(c, scale + 1, &s)) {
		settings_free(&s);
		scale++;
	}
	return scale;
}

static void format_time(char out[32], double seconds)
{
	if (seconds < 60)
		snprintf(out, 32, "%.0f s", seconds);
	else if (seconds < 3600)
		snprintf(out, 32, "%.0f min", seconds / 60);
	else if (seconds < 48 * 3600)
		snprintf(out, 32, "%.1f h", seconds / 3600);
	else
		snprintf(out, 32, "%.1f days", seconds / 86400);
}

static void print_row(FILE *out, const struct settings *s, const struct row *row)
{
	char step[32], time[32] = "";
	if (row->step <= 0) {
		snprintf(step, sizeof step, "%s", row->missing ? "-" : "does not fit");
	} else {
		snprintf(step, sizeof step, "%.3g s", row->step);
		format_time(time, row->step * (double)s->iterations);
	}
	fprintf(out, "%5d %6d %12zu %12zu %10.1f %6lld %12lld %12lld %12s %10s", s->arch.scale, arch_side(&s->arch), row->parameters_g, row->parameters_d,
	        (double)row->bytes / (1 << 20), (long long)s->batch, (long long)s->iterations, (long long)(s->iterations * s->batch), step, time);
	fputs(row->missing ? "  no such pictures in the data set\n" : "\n", out);
	fflush(out);
}

/* Bytes of this machine's memory; a device in a plug-in has its own, and says itself when it is full. */
static double memory_of(const struct backend *be)
{
	return be->in_host_memory ? (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) : 1e18;
}

/* Of the scales that can be trained. */
struct total {
	double seconds;
	double images;
	int too_large;
};

/* data: NULL, if none was given. */
static int forecast_scale(const struct forecast *f, struct backend *be, const struct dataset *data, const struct settings *s, FILE *out, struct total *total)
{
	struct row row = { .missing = data && !dataset_has(data, arch_side(&s->arch)) };
	int rc = plan(be, s, &row);
	f->progress(f->ctx, s->arch.scale);
	if (!rc && !row.missing && (double)row.bytes < memory_of(be))
		rc = measure(f, be, s, &row);
	if (rc && rc != ERR_FAILED)
		return rc;
	if (!row.missing) {
		total->too_large += rc || row.step <= 0;
		total->seconds += row.step * (double)s->iterations;
		total->images += (double)s->iterations * (double)s->batch;
	}
	print_row(out, s, &row);
	return 0;
}

/* Whether there is a table to print at all. */
static int check(const struct forecast *f, const struct config *c, int first)
{
	struct settings s;
	int rc = config_settings(c, first, &s);
	if (!rc)
		rc = settings_condition(&s, f->data);
	settings_free(&s);
	return rc;
}

int forecast_print(const struct forecast *f, const struct config *c, int first, FILE *out)
{
	const int last = last_scale(c, first);
	struct total total = { 0 };
	int rc;
	char time[32], device[1024];
	struct backend *be;
	struct dataset *data = NULL;
	if ((rc = check(f, c, first)) || (f->data && (rc = dataset_open(&data, f->data))))
		return rc;
	if ((rc = backend_open(&be, f->device, f->threads))) {
		dataset_close(&data);
		return rc;
	}
	backend_title(be, device, sizeof device);
	fprintf(out, "device %s\n%5s %6s %12s %12s %10s %6s %12s %12s %12s %10s\n", device, "scale", "side", "G", "D", "MiB", "batch", "iterations",
	        "images", "iteration", "time");
	for (int scale = first; !rc && scale <= last; scale++) {
		struct settings s;
		if ((rc = config_settings(c, scale, &s)))
			break;
		if (!(rc = settings_condition(&s, f->data)))
			rc = forecast_scale(f, be, data, &s, out, &total);
		settings_free(&s);
	}
	backend_close(be);
	dataset_close(&data);
	if (rc)
		return rc;
	format_time(time, total.seconds);
	fprintf(out, "in all: %.0f images, %s\n", total.images, time);
	return total.too_large ? error_set(ERR_FAILED, "%d of the scales do%s not fit into memory: give a smaller --batch or depthScales", total.too_large,
	                                   total.too_large > 1 ? "" : "es") : 0;
}
