/* The network file: what is written comes back, what cannot be is refused by name, and nothing in it tells the time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "netfile.h"

static const struct arch arch = { .scale = 2, .depth = { 8, 6, 5 }, .latent = 7, .leak = .2f, .pixel_norm = true, .equalized = true,
	                          .attributes = { .groups = { 2, { 2, 3 } }, .name = { "big", "kind" }, .value = { -1, 1, 0, 1, 2.5f } } };

static void facts(struct netfile *n)
{
	*n = (struct netfile){ .arch = arch, .alpha = .25, .seed = 1234567890123456789, .iterations = 96, .images = 1536 };
	n->arch.profile = profile_find("karras");
	n->config = strdup("{\"lr\":0.001}");
}

static const char *temp_name(const char *name)
{
	static char path[256];
	const char *folder = getenv("TMPDIR");
	snprintf(path, sizeof path, "%s/pgan-netfile-%d-%s", folder ? folder : "/tmp", (int)getpid(), name);
	return path;
}

static void write_network_file(const char *path, void (*spoil)(struct h5file *))
{
	struct backend *be;
	struct network g, d;
	struct netfile n;
	struct h5file *f;
	facts(&n);
	REQUIRE(!backend_open(&be, "plain", 1));
	REQUIRE(!network_open(&g, be, &n.arch, NETWORK_G, true) && !network_open(&d, be, &n.arch, NETWORK_D, true));
	REQUIRE(!network_init(&g, &n.arch, 0, 1, true) && !network_init(&d, &n.arch, 0, 1, true));
	be->copy(be, g.average, g.w, g.layers.size);
	g.average[0] = 42;
	REQUIRE(!h5_create(&f, path, path));
	CHECK(!netfile_write(f, &n));
	CHECK(!netfile_write_networks(f, &g, &d));
	if (spoil)
		spoil(f);
	CHECK(!h5_close(&f));
	network_close(&g);
	network_close(&d);
	backend_close(be);
	netfile_free(&n);
}

TEST(comes_back)
{
	char path[256];
	struct netfile want, got;
	struct h5file *f;
	float first;
	snprintf(path, sizeof path, "%s", temp_name("a.h5"));
	write_network_file(path, NULL);
	facts(&want);
	REQUIRE(!h5_open(&f, path));
	if (netfile_read(f, &got))
		CHECK_MSG(false, "%s", error_text());
	CHECK(got.arch.profile == want.arch.profile && got.arch.scale == 2 && got.arch.latent == 7 && got.arch.leak == .2f);
	CHECK(!memcmp(got.arch.depth, want.arch.depth, sizeof got.arch.depth));
	CHECK(attributes_equal(&got.arch.attributes, &arch.attributes));
	CHECK(got.arch.pixel_norm && !got.arch.stddev && got.arch.equalized);
	CHECK(got.alpha == .25 && got.seed == want.seed && got.iterations == 96 && got.images == 1536 && netfile_fading(&got));
	CHECK(!strcmp(got.config, want.config) && !strcmp(got.tool_version, PGAN_VERSION));
	CHECK(!h5_read_rows(f, "/avgG/formatLayer.module.bias", H5_F32, 0, 1, &first) && first == 0);
	CHECK(h5_exists(f, "/D/decisionLayer.module.bias") && h5_exists(f, "/G/toRGBLayers.2.module.weight"));
	netfile_free(&got);
	netfile_free(&want);
	CHECK(!h5_close(&f));
	unlink(path);
}

/* -- values that cannot be -- */

static void set(struct h5file *f, const char *name, double value) { CHECK(!h5_set_numbers(f, "/", name, H5_F64, &value, 1)); }
static void foreign(struct h5file *f) { CHECK(!h5_set_text(f, "/", "format", "something else")); }
static void numeric_format(struct h5file *f) { set(f, "format", 1); }
static void next_version(struct h5file *f) { set(f, "version", 2); }
static void no_profile(struct h5file *f) { CHECK(!h5_set_text(f, "/", "profile", "none")); }
static void scale_high(struct h5file *f) { set(f, "scale", 9); }
static void scale_fraction(struct h5file *f) { set(f, "scale", 1.5); }
static void scale_other(struct h5file *f) { set(f, "scale", 1); }
static void resolution(struct h5file *f) { set(f, "resolution", 32); }
static void latent_few(struct h5file *f) { set(f, "dim_latent", 4); }
static void latent_other(struct h5file *f) { set(f, "dim_latent", 8); }
static void leak_nan(struct h5file *f) { set(f, "leak", 0.0 / 0.0); }
static void alpha_high(struct h5file *f) { set(f, "alpha", 1.01); }
static void seed_negative(struct h5file *f) { set(f, "seed", -1); }
static void flag(struct h5file *f) { set(f, "pixel_norm", 2); }
static void depths(struct h5file *f, int32_t a, int32_t b, int32_t c, size_t n)
{
	const int32_t depth[] = { a, b, c };
	CHECK(!h5_set_numbers(f, "/", "depths", H5_I32, depth, n));
}
static void depths_few(struct h5file *f) { depths(f, 8, 6, 5, 2); }
static void depths_narrow(struct h5file *f) { depths(f, 8, 6, 4, 3); }
static void depths_wide(struct h5file *f) { depths(f, 1 << 30, 6, 5, 3); }
static void depths_other(struct h5file *f) { depths(f, 8, 8192, 5, 3); }

static void attributes(struct h5file *f, const char *names, int32_t a, int32_t b, float last)
{
	const int32_t size[] = { a, b };
	const float value[] = { -1, 1, 0, 1, last };
	CHECK(!h5_set_text(f, "/", "attribute_names", names) && !h5_set_numbers(f, "/", "attribute_sizes", H5_I32, size, 2));
	CHECK(!h5_set_numbers(f, "/", "attribute_values", H5_F32, value, 5));
}
static void names_few(struct h5file *f) { attributes(f, "big", 2, 3, 2); }
static void names_many(struct h5file *f) { attributes(f, "big,kind,more", 2, 3, 2); }
static void names_empty(struct h5file *f) { attributes(f, "big,", 2, 3, 2); }
static void sizes_small(struct h5file *f) { attributes(f, "big,kind", 1, 4, 2); }
static void sizes_large(struct h5file *f) { attributes(f, "big,kind", 2, 1 << 30, 2); }
static void sizes_more(struct h5file *f) { attributes(f, "big,kind", 2, 4, 2); }
static void sizes_other(struct h5file *f) { attributes(f, "big,kind", 3, 2, 2); }
static void values_equal(struct h5file *f) { attributes(f, "big,kind", 2, 3, 1); }
static void values_infinite(struct h5file *f) { attributes(f, "big,kind", 2, 3, 1.f / 0.f); }

TEST(refused)
{
	static const struct { void (*spoil)(struct h5file *); const char *text; } cases[] = {
		{ foreign, "is not a network of pgan" }, { numeric_format, "is not a network of pgan" }, { next_version, "version 2" }, { no_profile, "'profile'" },
		{ scale_high, "'scale'" }, { scale_fraction, "'scale'" }, { scale_other, "'resolution'" }, { resolution, "'resolution'" },
		{ latent_few, "'dim_latent'" }, { latent_other, "formatLayer" }, { leak_nan, "'leak'" }, { alpha_high, "'alpha'" }, { seed_negative, "'seed'" },
		{ flag, "'pixel_norm'" }, { depths_few, "'depths'" }, { depths_narrow, "'depths'" }, { depths_wide, "'depths'" },
		{ depths_other, "'depths'" }, { names_few, "'attribute_names'" }, { names_many, "'attribute_names'" }, { names_empty, "'attribute_names'" },
		{ sizes_small, "'attribute_sizes'" }, { sizes_large, "'attribute_sizes'" }, { sizes_more, "'attribute_values'" }, { sizes_other, "'attribute_values'" },
		{ values_equal, "'attribute_values'" }, { values_infinite, "'attribute_values'" },
	};
	char path[256];
	snprintf(path, sizeof path, "%s", temp_name("b.h5"));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct netfile n;
		struct h5file *f;
		write_network_file(path, cases[i].spoil);
		REQUIRE(!h5_open(&f, path));
		CHECK_MSG(netfile_read(f, &n) == ERR_INPUT, "%s: accepted", cases[i].text);
		CHECK_MSG(strstr(error_text(), cases[i].text) && strstr(error_text(), path), "'%s' is not named in: %s", cases[i].text, error_text());
		netfile_free(&n);
		CHECK(!h5_close(&f));
	}
	unlink(path);
}

static char *contents(const char *path, size_t *size)
{
	FILE *in = fopen(path, "rb");
	char *bytes = malloc(1 << 20);
	REQUIRE(in && bytes);
	*size = fread(bytes, 1, 1 << 20, in);
	fclose(in);
	return bytes;
}

TEST(no_time_stamps)
{
	char a[256], b[256];
	size_t na, nb;
	snprintf(a, sizeof a, "%s", temp_name("c.h5"));
	snprintf(b, sizeof b, "%s", temp_name("d.h5"));
	write_network_file(a, NULL);
	usleep(1100000); /* HDF5 counts seconds */
	write_network_file(b, NULL);
	char *x = contents(a, &na), *y = contents(b, &nb);
	CHECK(na > 1000 && na == nb && !memcmp(x, y, na));
	free(x);
	free(y);
	unlink(a);
	unlink(b);
}

/* -- damage -- */

struct contents {
	struct netfile facts;
	float *g, *average, *d;
	size_t n_g, n_d;
};

static int read_parameters(struct h5file *f, struct backend *be, struct contents *c)
{
	struct network g = { 0 }, d = { 0 };
	int rc;
	if (!(rc = network_open(&g, be, &c->facts.arch, NETWORK_G, true)) && !(rc = network_open(&d, be, &c->facts.arch, NETWORK_D, true)) &&
	    !(rc = network_read(&g, g.w, f, "/G", MAX_LAYERS, NULL)) && !(rc = network_read(&g, g.average, f, "/avgG", MAX_LAYERS, NULL)) &&
	    !(rc = network_read(&d, d.w, f, "/D", MAX_LAYERS, NULL))) {
		c->n_g = g.layers.size;
		c->n_d = d.layers.size;
		c->g = memcpy(malloc(c->n_g * sizeof *c->g), g.w, c->n_g * sizeof *c->g);
		c->average = memcpy(malloc(c->n_g * sizeof *c->g), g.average, c->n_g * sizeof *c->g);
		c->d = memcpy(malloc(c->n_d * sizeof *c->d), d.w, c->n_d * sizeof *c->d);
	}
	network_close(&g);
	network_close(&d);
	return rc;
}

static int contents_read(struct contents *c, const char *path, struct backend *be)
{
	struct h5file *f;
	*c = (struct contents){ 0 };
	int rc = h5_open(&f, path);
	if (rc)
		return rc;
	if (!(rc = netfile_read(f, &c->facts)))
		rc = read_parameters(f, be, c);
	CHECK(!h5_close(&f));
	return rc;
}

static void contents_free(struct contents *c)
{
	netfile_free(&c->facts);
	free(c->g);
	free(c->average);
	free(c->d);
}

static bool contents_equal(const struct contents *a, const struct contents *b)
{
	const struct netfile *x = &a->facts, *y = &b->facts;
	return !memcmp(&x->arch, &y->arch, sizeof x->arch) && x->alpha == y->alpha && x->seed == y->seed && x->iterations == y->iterations &&
	       x->images == y->images && !strcmp(x->config, y->config) && !strcmp(x->tool_version, y->tool_version) && a->n_g == b->n_g && a->n_d == b->n_d &&
	       !memcmp(a->g, b->g, a->n_g * sizeof *a->g) && !memcmp(a->average, b->average, a->n_g * sizeof *a->g) && !memcmp(a->d, b->d, a->n_d * sizeof *a->d);
}

/* HDF5 1.10 does not free a chunk whose checksum is wrong. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libhdf5"; }

/* A byte that matters is found; one that does not (unused space) changes nothing. */
TEST(flipped_bits)
{
	enum { STRIDE = 61 };
	char path[256];
	struct backend *be;
	struct contents want, got;
	size_t size;
	int found = 0;
	snprintf(path, sizeof path, "%s", temp_name("e.h5"));
	write_network_file(path, NULL);
	REQUIRE(!backend_open(&be, "plain", 1));
	REQUIRE(!contents_read(&want, path, be));
	char *bytes = contents(path, &size);
	for (size_t i = 0; i < size; i += STRIDE) {
		FILE *out = fopen(path, "wb");
		bytes[i] ^= (char)(1 << i % 8);
		REQUIRE(out && fwrite(bytes, 1, size, out) == size && !fclose(out));
		bytes[i] ^= (char)(1 << i % 8);
		const int rc = contents_read(&got, path, be);
		CHECK_MSG(rc == ERR_INPUT || (!rc && contents_equal(&want, &got)), "bit %d of byte %zu of %zu is not found", (int)(i % 8), i, size);
		found += rc == ERR_INPUT;
		contents_free(&got);
	}
	CHECK_MSG(found > (int)(size / STRIDE / 2), "only %d of %zu are found", found, size / STRIDE);
	contents_free(&want);
	free(bytes);
	backend_close(be);
	unlink(path);
}
