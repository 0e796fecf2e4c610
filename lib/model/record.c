#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h5out.h"
#include "record_settings.h"
#include "size.h"

static const char group[] = "iter0";

static int write_network(struct h5file *f, const char *when, struct network *n, const float *array, const char *name, const struct network_layers *only)
{
	char path[64];
	snprintf(path, sizeof path, "%s/%s/%s", group, when, name);
	return network_write(n, array, f, path, only);
}

/* A tensor of this process's samples, on the host -> that of the whole batch, at rank 0. */
static int collect(const struct step *s, const float *own, struct tensor t, float *all)
{
	const size_t values = (size_t)t.c * (size_t)t.h * (size_t)t.w;
	if (s->be->ranks)
		return share_gather(&s->share, s->be->ranks, own, values, all, false);
	memcpy(all, own, (size_t)t.n * values * sizeof *own);
	return 0;
}

/* f: NULL at the ranks that only contribute. */
static int write_tensor(struct h5file *f, const char *name, struct step *s, struct tensor t)
{
	const int64_t dim[4] = { s->share.batch, t.c, t.h, t.w };
	const int ndim = t.h > 1 ? 4 : t.c > 1 ? 2 : 1;
	const size_t values = (size_t)t.c * (size_t)t.h * (size_t)t.w * sizeof(float);
	char path[64];
	float *own = size_alloc((size_t)t.n, values), *all = f ? size_alloc((size_t)s->share.batch, values) : NULL;
	int rc = own && (all || !f) ? 0 : ERR_FAILED;

	if (!rc) {
		s->be->download(s->be, own, t);
		rc = collect(s, own, t, all);
	}
	snprintf(path, sizeof path, "%s/%s", group, name);
	if (!rc && f)
		rc = h5_write(f, path, H5_F32, ndim, dim, all);
	free(own);
	free(all);
	return rc;
}

static int write_inputs(struct h5file *f, struct step *s)
{
	int rc;
	if ((rc = write_tensor(f, "real", s, step_real(s))) || (rc = write_tensor(f, "z_d", s, step_z_d(s))) || (rc = write_tensor(f, "z_g", s, step_z_g(s))))
		return rc;
	if (arch_code(&s->arch) && ((rc = write_tensor(f, "label_d", s, step_label_d(s))) || (rc = write_tensor(f, "label_g", s, step_label_g(s)))))
		return rc;
	return write_tensor(f, "gp_mix", s, s->mix);
}

/* What D's half of the step leaves of single samples. */
static int write_outputs(struct h5file *f, struct step *s)
{
	int rc;
	if ((rc = write_tensor(f, "fake", s, s->g.image)) ||
	    (rc = write_tensor(f, "score_real", s, discriminator_slots(&s->d, s->d.score.x, SLOT_REAL, 1))) ||
	    (rc = write_tensor(f, "score_fake", s, discriminator_slots(&s->d, s->d.score.x, SLOT_FAKE, 1))))
		return rc;
	return write_tensor(f, "feature_real", s, discriminator_slots(&s->d, s->d.dense.x, SLOT_REAL, 1));
}

static int write_before(struct h5file *f, struct step *s, int64_t adam_step, const struct network_layers *active)
{
	struct network *g = s->g_net, *d = s->d_net;
	int rc;
	if ((rc = write_network(f, "before", g, g->w, "G", NULL)) || (rc = write_network(f, "before", d, d->w, "D", NULL)) ||
	    (rc = write_network(f, "before", g, g->average, "avgG", NULL)))
		return rc;
	if (adam_step > 1 && ((rc = write_network(f, "before/adam_v", g, g->moment, "G", active)) || (rc = write_network(f, "before/adam_v", d, d->moment, "D", active))))
		return rc;
	return write_inputs(f, s);
}

static int write_losses(struct h5file *f, struct step *s, int64_t adam_step)
{
	double sum[STEP_SUMS];
	struct record_loss loss[RECORD_LOSSES];
	int rc;
	if ((rc = step_read_sums(s, sum)))
		return rc;
	record_losses(loss, sum);
	for (int i = 0; i < RECORD_LOSSES; i++)
		if ((rc = h5_set_number(f, group, loss[i].name, loss[i].value)))
			return rc;
	return h5_set_count(f, group, "adam_step", adam_step);
}

/* The step itself, writing each thing when it is there. */
static int write_step(struct h5file *f, struct step *s, bool penalty, int64_t adam_step)
{
	const struct network_layers active = { &s->arch, s->g.fading };
	struct network *g = s->g_net, *d = s->d_net;
	int rc;

	if ((rc = record_settings_write(f, s, penalty)) || (rc = write_before(f, s, adam_step, &active)))
		return rc;
	step_d_gradients(s, penalty);
	if ((rc = write_outputs(f, s)) || (rc = write_network(f, "grad", d, d->gradient, "D", &active)))
		return rc;
	step_d_update(s);
	step_g_gradients(s);
	if ((rc = write_network(f, "after", d, d->w, "D", NULL)) || (rc = write_network(f, "grad", g, g->gradient, "G", &active)))
		return rc;
	step_g_update(s);
	if ((rc = write_network(f, "after", g, g->w, "G", NULL)) || (rc = write_network(f, "after", g, g->average, "avgG", NULL)))
		return rc;
	if ((rc = step_check(s)))
		return rc;
	return write_losses(f, s, adam_step);
}

/* Another rank's part in the record that rank 0 writes: the same step, and what write_step() collects, in its order. */
static int contribute(struct step *s, bool penalty)
{
	double sum[STEP_SUMS];
	int rc;
	if ((rc = write_inputs(NULL, s)))
		return rc;
	step_d_gradients(s, penalty);
	if ((rc = write_outputs(NULL, s)))
		return rc;
	step_d_update(s);
	step_g_gradients(s);
	step_g_update(s);
	return (rc = step_check(s)) ? rc : step_read_sums(s, sum);
}

int record_step(struct step *s, bool penalty, int64_t adam_step, const char *path)
{
	struct h5out out;
	int rc;

	if (s->share.rank)
		return contribute(s, penalty);
	if ((rc = h5out_open(&out, path)))
		return rc;
	rc = write_step(out.file, s, penalty, adam_step);
	return h5out_end(&out, rc);
}
