#include "checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "h5out.h"
#include "ranks.h"
#include "size.h"

/* -- writing -- */

static int write_network_file(struct h5file *f, struct trainer *t, const struct origin *o)
{
	const struct netfile facts = trainer_facts(t);
	int rc;
	if ((rc = netfile_write(f, &facts)) || (rc = h5_set_text(f, "/", "data_digest", o->data)) || (rc = h5_set_text(f, "/", "from_digest", o->from)))
		return rc;
	return netfile_write_networks(f, &t->g, &t->d);
}

void checkpoint_device(const struct backend *be, char text[CHECKPOINT_DEVICE])
{
	size_t used = (size_t)snprintf(text, CHECKPOINT_DEVICE, "%s: %s", be->name, be->details);
	if (be->in_host_memory && used < CHECKPOINT_DEVICE)
		used += (size_t)snprintf(text + used, CHECKPOINT_DEVICE - used, ", %d thread%s", be->threads, be->threads > 1 ? "s" : "");
	if (be->ranks && used < CHECKPOINT_DEVICE)
		snprintf(text + used, CHECKPOINT_DEVICE - used, ", %d processes", be->ranks->n);
}

static int write_state(struct h5file *f, struct trainer *t, const struct trainlog *l)
{
	const int64_t size = (int64_t)l->size;
	const double plateau[] = { t->plateau.rate, t->plateau.best, t->plateau.bad };
	char device[CHECKPOINT_DEVICE];
	int rc;
	checkpoint_device(t->be, device);
	if ((rc = h5_set_text(f, "/", "device", device)) || (rc = h5_set_numbers(f, "/", "plateau", H5_F64, plateau, 3)) ||
	    (rc = network_write(&t->g, t->g.moment, f, "/adam_v/G", NULL)) || (rc = network_write(&t->d, t->d.moment, f, "/adam_v/D", NULL)) ||
	    (rc = h5_write(f, "/log", H5_U8, 1, &size, l->text)))
		return rc;
	return h5_set_numbers(f, "/", "log_sums", H5_F64, l->sum, TRAINLOG_SUMS);
}

int checkpoint_save(const char *path, struct trainer *t, const struct trainlog *l, const struct origin *o)
{
	struct h5out out;
	int rc = h5out_open(&out, path);
	if (rc)
		return rc;
	if (!(rc = write_network_file(out.file, t, o)) && l)
		rc = write_state(out.file, t, l);
	if (!rc) /* whether all that was written had come from the device */
		rc = t->be->check(t->be);
	return h5out_end(&out, rc);
}

/* -- reading -- */

static void add(char *what, size_t size, const char *text)
{
	const size_t used = strlen(what);
	snprintf(what + used, size - used, "%s%s", used ? "; " : "", text);
}

/* *sampled: the images are the same as far as an older file knows. */
static int compare_data(struct h5file *f, const struct origin *o, bool *sampled, char *what, size_t size)
{
	char *then = NULL;
	const int rc = h5_get_text(f, "/", "data_digest", &then);
	*sampled = !rc && !strcmp(o->sampled, then);
	if (!rc && !*sampled && strcmp(o->data, then))
		add(what, size, "the training images or their labels are others");
	free(then);
	return rc;
}

static int compare_from(struct h5file *f, const struct origin *o, char *what, size_t size)
{
	char *then = NULL;
	const int rc = h5_get_text(f, "/", "from_digest", &then);
	if (!rc && strcmp(o->from, then))
		add(what, size, "the network of the scale before is another");
	free(then);
	return rc;
}

int checkpoint_compare(const char *path, const struct settings *s, uint64_t seed, const struct origin *o, int64_t *iterations, char *what, size_t size)
{
	struct netfile facts = { 0 };
	struct h5file *f = NULL;
	char seeds[80];
	bool sampled = false;
	int rc = h5_open(&f, path), differs;
	what[0] = 0;
	if (rc)
		return rc;
	if (!(rc = netfile_read(f, &facts))) {
		*iterations = facts.iterations;
		settings_compare(s->text, facts.config, "was", what, size);
		if (facts.seed != (int64_t)seed) {
			snprintf(seeds, sizeof seeds, "the seed is %llu and was %lld", (unsigned long long)seed, (long long)facts.seed);
			add(what, size, seeds);
		}
		if (!(rc = compare_data(f, o, &sampled, what, size)))
			rc = compare_from(f, o, what, size);
	}
	netfile_free(&facts);
	h5_release(&f);
	if (rc)
		return rc;
	differs = what[0] != 0;
	if (sampled && !differs)
		add(what, size, "an older pgan made it, which kept in mind only 64 of the training images; the others could not be checked");
	return differs;
}

static int load_log(struct h5file *f, struct trainlog *l)
{
	int64_t dim[H5_MAX_DIMS];
	double sum[TRAINLOG_SUMS];
	int ndim, rc;
	size_t n;
	enum h5_type type;
	if ((rc = h5_get_numbers(f, "/", "log_sums", H5_F64, sum, TRAINLOG_SUMS, &n)) || (rc = h5_shape(f, "/log", &ndim, dim, &type)))
		return rc;
	if (n != TRAINLOG_SUMS || ndim != 1)
		return error_set(ERR_INPUT, "'%s': the log has not the form of this version", h5_name(f));
	char *text = size_alloc((size_t)dim[0], 1);
	if (!text)
		return ERR_FAILED;
	if (!(rc = h5_read(f, "/log", H5_U8, text, (size_t)dim[0])))
		rc = trainlog_begin(l, text, (size_t)dim[0], sum);
	free(text);
	return rc;
}

static int load_plateau(struct h5file *f, struct plateau *p, bool watched)
{
	double state[3];
	size_t n;
	const int rc = h5_get_numbers(f, "/", "plateau", H5_F64, state, 3, &n);
	if (rc || n != 3)
		return rc ? rc : error_set(ERR_INPUT, "'%s': the attribute 'plateau' has not 3 values", h5_name(f));
	if (!watched) /* the rate is the settings', also with --force */
		return 0;
	p->rate = state[0];
	p->best = state[1];
	p->bad = state[2];
	return 0;
}

static int load_device(struct h5file *f, char device[CHECKPOINT_DEVICE])
{
	char *text = NULL;
	const int rc = h5_has_attr(f, "/", "device") ? h5_get_text(f, "/", "device", &text) : 0;
	snprintf(device, CHECKPOINT_DEVICE, "%s", text ? text : "");
	free(text);
	return rc;
}

static int load(struct h5file *f, struct trainer *t, struct trainlog *l)
{
	const int all = MAX_LAYERS;
	struct netfile facts;
	int rc = netfile_read(f, &facts);
	t->iteration = facts.iterations;
	netfile_free(&facts);
	if (rc || (rc = network_read(&t->g, t->g.w, f, "/G", all, NULL)) || (rc = network_read(&t->g, t->g.average, f, "/avgG", all, NULL)) ||
	    (rc = network_read(&t->d, t->d.w, f, "/D", all, NULL)) || (rc = network_read(&t->g, t->g.moment, f, "/adam_v/G", all, NULL)) ||
	    (rc = network_read(&t->d, t->d.moment, f, "/adam_v/D", all, NULL)) || (rc = load_plateau(f, &t->plateau, t->settings->watch != WATCH_NONE)))
		return rc;
	return l ? load_log(f, l) : 0;
}

int checkpoint_load(const char *path, struct trainer *t, struct trainlog *l, char device[CHECKPOINT_DEVICE])
{
	struct h5file *f = NULL;
	int rc = h5_open(&f, path);
	if (rc)
		return rc;
	if (!(rc = load_device(f, device)))
		rc = load(f, t, l);
	h5_release(&f);
	return rc;
}
