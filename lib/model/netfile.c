#include "netfile.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char format[] = "pgan-network";

/* -- writing -- */

static int write_arch(struct h5file *f, const struct arch *a)
{
	int rc;
	if ((rc = h5_set_text(f, "/", "profile", a->profile->name)) || (rc = h5_set_count(f, "/", "scale", a->scale)) ||
	    (rc = h5_set_count(f, "/", "resolution", arch_side(a))) || (rc = h5_set_numbers(f, "/", "depths", H5_I32, a->depth, (size_t)a->scale + 1)) ||
	    (rc = h5_set_count(f, "/", "dim_latent", a->latent)) || (rc = h5_set_number(f, "/", "leak", a->leak)) || (rc = h5_set_count(f, "/", "pixel_norm", a->pixel_norm)) ||
	    (rc = h5_set_count(f, "/", "stddev", a->stddev)) || (rc = h5_set_count(f, "/", "equalized", a->equalized)) || (rc = h5_set_count(f, "/", "squash", a->squash)))
		return rc;
	return attributes_write(f, &a->attributes);
}

int netfile_write(struct h5file *f, const struct netfile *n)
{
	int rc;
	if ((rc = h5_set_text(f, "/", "format", format)) || (rc = h5_set_count(f, "/", "version", NETFILE_VERSION)) ||
	    (rc = h5_set_text(f, "/", "tool_version", PGAN_VERSION)) || (rc = write_arch(f, &n->arch)) || (rc = h5_set_number(f, "/", "alpha", n->alpha)) ||
	    (rc = h5_set_count(f, "/", "seed", n->seed)) || (rc = h5_set_count(f, "/", "iterations", n->iterations)) || (rc = h5_set_count(f, "/", "images", n->images)))
		return rc;
	return h5_set_text(f, "/", "config", n->config ? n->config : "{}");
}

int netfile_write_networks(struct h5file *f, struct network *g, struct network *d)
{
	int rc;
	if ((rc = network_write(g, g->w, f, "/G", NULL)) || (rc = network_write(d, d->w, f, "/D", NULL)))
		return rc;
	return network_write(g, g->average, f, "/avgG", NULL);
}

/* -- reading -- */

/* A number between min and max; what is not is named. */
static int get_real(struct h5file *f, const char *name, double min, double max, double *out)
{
	const int rc = h5_get_number(f, "/", name, out);
	if (rc)
		return rc;
	if (!(*out >= min && *out <= max))
		return error_set(ERR_INPUT, "'%s': the attribute '%s' is %g, but %g to %g is possible", h5_name(f), name, *out, min, max);
	return 0;
}

static int get_count(struct h5file *f, const char *name, int64_t min, int64_t max, int64_t *out)
{
	double real;
	size_t n;
	int rc;
	if ((rc = h5_get_numbers(f, "/", name, H5_I64, out, 1, &n)) || (rc = h5_get_numbers(f, "/", name, H5_F64, &real, 1, &n)))
		return rc;
	if (real != (double)*out || *out < min || *out > max)
		return error_set(ERR_INPUT, "'%s': the attribute '%s' is %.17g, but whole numbers from %lld to %lld are possible", h5_name(f), name, real,
		                 (long long)min, (long long)max);
	return 0;
}

static int get_flag(struct h5file *f, const char *name, bool *out)
{
	int64_t value = 0;
	const int rc = get_count(f, name, 0, 1, &value);
	*out = value != 0;
	return rc;
}

static int check_format(struct h5file *f)
{
	char *text = NULL;
	int64_t version;
	if (!h5_has_attr(f, "/", "format") || h5_get_text(f, "/", "format", &text) || strcmp(text, format)) {
		free(text);
		return error_set(ERR_INPUT, "'%s' is not a network of pgan", h5_name(f));
	}
	free(text);
	const int rc = get_count(f, "version", 1, INT64_MAX, &version);
	if (!rc && version != NETFILE_VERSION)
		return error_set(ERR_INPUT, "'%s' is a network file of version %lld; pgan %s reads version %d", h5_name(f), (long long)version, PGAN_VERSION,
		                 NETFILE_VERSION);
	return rc;
}

static int read_depths(struct h5file *f, struct arch *a)
{
	size_t n;
	const int rc = h5_get_numbers(f, "/", "depths", H5_I32, a->depth, MAX_SCALES, &n);
	if (rc)
		return rc;
	if (n != (size_t)a->scale + 1)
		return error_set(ERR_INPUT, "'%s': the attribute 'depths' has %zu values, but scale %d needs %d", h5_name(f), n, a->scale, a->scale + 1);
	return 0;
}

static int read_profile(struct h5file *f, struct arch *a)
{
	char *text = NULL;
	int rc = h5_get_text(f, "/", "profile", &text);
	if (!rc && !(a->profile = profile_find(text)))
		rc = error_set(ERR_INPUT, "'%s': the attribute 'profile' is '%s', but %s are known", h5_name(f), text, profile_names);
	free(text);
	return rc;
}

static int read_arch(struct h5file *f, struct arch *a)
{
	int64_t scale, side, latent;
	double leak;
	int rc;
	if ((rc = read_profile(f, a)) || (rc = get_count(f, "scale", 0, MAX_SCALES - 1, &scale)))
		return rc;
	a->scale = (int)scale;
	if ((rc = get_count(f, "resolution", arch_side(a), arch_side(a), &side)) || (rc = read_depths(f, a)) ||
	    (rc = get_count(f, "dim_latent", ARCH_MIN_LATENT, ARCH_MAX_LATENT, &latent)) || (rc = get_real(f, "leak", 0, 1, &leak)))
		return rc;
	a->latent = (int)latent;
	if ((rc = arch_check(a, h5_name(f))))
		return rc;
	a->leak = (float)leak;
	if ((rc = get_flag(f, "pixel_norm", &a->pixel_norm)) || (rc = get_flag(f, "stddev", &a->stddev)) || (rc = get_flag(f, "equalized", &a->equalized)) ||
	    (h5_has_attr(f, "/", "squash") && (rc = get_flag(f, "squash", &a->squash))))
		return rc;
	return attributes_read(f, &a->attributes);
}

/* One parameter against rows x columns (x 1 x 1). */
static int check_parameter(struct h5file *f, const char *group, const char *name, int64_t rows, int64_t columns)
{
	int64_t dim[H5_MAX_DIMS];
	char path[96];
	int ndim;
	enum h5_type type;
	snprintf(path, sizeof path, "%s/%s.module.weight", group, name);
	const int rc = h5_shape(f, path, &ndim, dim, &type);
	if (!rc && (ndim < 2 || dim[0] != rows || dim[1] != columns))
		return error_set(ERR_INPUT, "'%s': '%s' does not have the shape that 'depths' and 'dim_latent' ask for", h5_name(f), path);
	return rc;
}

int netfile_check_widths(struct h5file *f, const char *group, const struct arch *a)
{
	int rc = check_parameter(f, group, "formatLayer", 16 * (int64_t)a->depth[0], arch_inputs(a));
	for (int s = 0; !rc && s <= a->scale; s++) {
		char name[32];
		snprintf(name, sizeof name, "toRGBLayers.%d", s);
		rc = check_parameter(f, group, name, 3, a->depth[s]);
	}
	return rc;
}

int netfile_read(struct h5file *f, struct netfile *n)
{
	int rc;
	memset(n, 0, sizeof *n);
	if ((rc = check_format(f)) || (rc = h5_get_text(f, "/", "tool_version", &n->tool_version)) || (rc = read_arch(f, &n->arch)) ||
	    (rc = get_real(f, "alpha", 0, n->arch.scale ? 1 : 0, &n->alpha)) || (rc = get_count(f, "seed", 0, INT64_MAX, &n->seed)) ||
	    (rc = get_count(f, "iterations", 0, INT64_MAX, &n->iterations)) || (rc = get_count(f, "images", 0, INT64_MAX, &n->images)) ||
	    (rc = h5_get_text(f, "/", "config", &n->config)))
		return rc;
	return netfile_check_widths(f, "/avgG", &n->arch);
}

void netfile_free(struct netfile *n)
{
	free(n->config);
	free(n->tool_version);
	n->config = n->tool_version = NULL;
}

/* -- finding -- */

/* The number in "scaleN.h5", -1 for another name. */
static int scale_of_name(const char *name)
{
	const char *digit = name + 5;
	if (strncmp(name, "scale", 5) || !isdigit((unsigned char)*digit) || strcmp(digit + 1, ".h5"))
		return -1;
	return *digit - '0' < MAX_SCALES ? *digit - '0' : -1;
}

char *netfile_highest(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char *path = NULL;
	int best = -1;
	while (d && (e = readdir(d)))
		if (scale_of_name(e->d_name) > best)
			best = scale_of_name(e->d_name);
	if (d)
		closedir(d);
	const bool here = !strcmp(dir, ".");
	if (best >= 0 && asprintf(&path, "%s%sscale%d.h5", here ? "" : dir, here ? "" : "/", best) < 0)
		return NULL;
	return path;
}
