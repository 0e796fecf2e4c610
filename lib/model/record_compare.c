/* How far a replayed step is from the recorded one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record_replay.h"
#include "size.h"
#include "tensors.h"

/* Not a number is larger than anything, and stays. */
static bool is_larger(double x, double than)
{
	return isnan(x) || x > than;
}

/* n values of ours against others. */
struct difference {
	double norm, error; /* squared: of the others, and of what ours differ by */
	double largest;     /* absolute */
};

static struct difference difference_of(const float *ours, const float *theirs, size_t n)
{
	struct difference d = { 0 };
	for (size_t i = 0; i < n; i++) {
		const double e = (double)ours[i] - theirs[i];
		d.norm += (double)theirs[i] * theirs[i];
		d.error += e * e;
		if (is_larger(fabs(e), d.largest))
			d.largest = fabs(e);
	}
	return d;
}

static int compare(const struct replay *r, const float *ours, const char *name, size_t n, struct difference *d)
{
	char path[128];
	float *theirs = size_alloc(n, sizeof *theirs);
	snprintf(path, sizeof path, "%s/%s", r->group, name);
	const int rc = theirs ? h5_read(r->file, path, H5_F32, theirs, n) : ERR_FAILED;
	if (!rc)
		*d = difference_of(ours, theirs, n);
	free(theirs);
	return rc;
}

/* The parameters of a network, or their gradients. */
struct comparison {
	struct replay *r;
	const float *array;
	const char *group;     /* "grad/D" */
	const float *expected; /* in place of what is recorded, of the parameter that comes next; NULL */
	double norm, error;    /* squared, of all that is recorded, and of the differences */
	double largest;        /* absolute difference */
};

static int compare_param(struct comparison *c, const char *name, struct param_shape shape, size_t at, struct difference *d)
{
	struct backend *be = c->r->tested.be;
	int rc = 0;
	char path[96];
	float *ours = size_alloc(param_values(shape), sizeof *ours);
	if (!ours)
		return ERR_FAILED;
	be->param_unpack(be, shape, ours, c->array + at);
	snprintf(path, sizeof path, "%s/%s", c->group, name);
	if (c->expected) {
		*d = difference_of(ours, c->expected, param_values(shape));
		c->expected += param_values(shape);
	} else {
		rc = compare(c->r, ours, path, param_values(shape), d);
	}
	free(ours);
	return rc;
}

static int add_norms(void *ctx, const char *name, struct param_shape shape, size_t at)
{
	struct comparison *c = ctx;
	struct difference d;
	const int rc = compare_param(c, name, shape, at, &d);
	if (rc)
		return rc;
	c->norm += d.norm;
	c->error += d.error;
	return 0;
}

static int add_relative(void *ctx, const char *name, struct param_shape shape, size_t at)
{
	struct comparison *c = ctx;
	struct record_result *result = &c->r->result;
	struct difference d;
	const int rc = compare_param(c, name, shape, at, &d);
	if (rc)
		return rc;
	const double relative = sqrt(d.error) / fmax(sqrt(d.norm), 1e-3 * sqrt(c->norm));
	c->r->errors[c->r->count++] = relative;
	if (!*result->grad_worst_tensor || is_larger(relative, result->grad_worst)) {
		result->grad_worst = relative;
		snprintf(result->grad_worst_tensor, sizeof result->grad_worst_tensor, "%s/%s", c->group + strlen("grad/"), name);
	}
	return 0;
}

static int add_largest(void *ctx, const char *name, struct param_shape shape, size_t at)
{
	struct comparison *c = ctx;
	struct difference d;
	const int rc = compare_param(c, name, shape, at, &d);
	if (!rc && is_larger(d.largest, c->largest))
		c->largest = d.largest;
	return rc;
}

static int count_link(void *ctx, const char *name)
{
	(void)name;
	++*(int *)ctx;
	return 0;
}

int replay_compare_gradients(struct replay *r, const struct network *n, const char *group, const float *expected)
{
	const struct network_layers active = { &r->of.arch, r->of.fading };
	struct comparison c = { .r = r, .array = n->gradient, .group = group };
	const size_t before = r->count;
	char path[64];
	int rc, recorded = 0;

	snprintf(path, sizeof path, "%s/%s", r->group, group);
	if ((rc = network_each(n, n->layers.n, &active, add_norms, &c)))
		return rc;
	if (is_larger(sqrt(c.error / c.norm), r->result.grad_all))
		r->result.grad_all = sqrt(c.error / c.norm);
	c.expected = expected;
	if ((rc = network_each(n, n->layers.n, &active, add_relative, &c)) || (rc = h5_list(r->file, path, count_link, &recorded)))
		return rc;
	if ((size_t)recorded != r->count - before)
		return error_set(ERR_INPUT, "'%s': '%s' has %d gradients where this step has %zu", h5_name(r->file), path, recorded, r->count - before);
	return 0;
}

int replay_compare_values(struct replay *r, const struct network *n, const float *array, const char *group, double *largest)
{
	struct comparison c = { .r = r, .array = array, .group = group, .largest = *largest };
	const int rc = network_each(n, n->layers.n, NULL, add_largest, &c);
	*largest = c.largest;
	return rc;
}

/* One tensor of what D's half leaves, if it was recorded. */
static int compare_tensor(struct replay *r, const char *name, struct tensor t)
{
	const size_t n = tensor_values(t);
	struct difference d;
	char path[64];

	snprintf(path, sizeof path, "%s/%s", r->group, name);
	if (!h5_exists(r->file, path))
		return 0;
	float *ours = size_alloc(n, sizeof *ours);
	if (!ours)
		return ERR_FAILED;
	r->tested.be->download(r->tested.be, ours, t);
	const int rc = compare(r, ours, name, n, &d);
	free(ours);
	r->result.outputs++;
	if (!rc && is_larger(sqrt(d.error / d.norm), r->result.output))
		r->result.output = sqrt(d.error / d.norm);
	return rc;
}

int replay_compare_outputs(struct replay *r)
{
	const struct step *s = &r->tested.step;
	const struct discriminator *d = &s->d;
	int rc;
	if ((rc = compare_tensor(r, "fake", s->g.image)) || (rc = compare_tensor(r, "score_real", discriminator_slots(d, d->score.x, SLOT_REAL, 1))) ||
	    (rc = compare_tensor(r, "score_fake", discriminator_slots(d, d->score.x, SLOT_FAKE, 1))))
		return rc;
	return compare_tensor(r, "feature_real", discriminator_slots(d, d->dense.x, SLOT_REAL, 1));
}

int replay_compare_losses(struct replay *r)
{
	const bool conditional = arch_code(&r->of.arch) > 0;
	double sum[STEP_SUMS], magnitude = 0, worst = 0;
	struct record_loss loss[RECORD_LOSSES];
	int rc;

	if ((rc = step_read_sums(&r->tested.step, sum)))
		return rc;
	record_losses(loss, sum);
	for (int i = 0; i < RECORD_LOSSES; i++) {
		double reference;
		if ((loss[i].kind == LOSS_OF_LABELS && !conditional) || (loss[i].kind == LOSS_GDPP && !r->of.losses.gdpp))
			continue;
		if ((rc = h5_get_number(r->file, r->group, loss[i].name, &reference)))
			return rc;
		if (loss[i].kind != LOSS_WHOLE)
			magnitude += fabs(reference);
		const double d = fabs(loss[i].value - reference);
		if (is_larger(d, worst))
			worst = d;
	}
	r->result.loss = worst / magnitude;
	return 0;
}
