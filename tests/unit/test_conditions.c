/* The cross-entropy of labels against PyTorch's, and labels by name. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "conditions.h"
#include "h5file.h"
#include "latents.h"
#include "philox.h"

enum { N = 4, VALUES = 5, OUTPUTS = 1 + VALUES };

static const struct attributes two = { .groups = { 2, { 3, 2 } }, .name = { "colour", "size" }, .value = { 0, 1, 2.5f, -1, 1 } };

static double number(const json_t *array, size_t i)
{
	return json_number_value(json_array_get(array, i));
}

static void compare_case(const char *device, const json_t *root, const json_t *c)
{
	const double factor = json_number_value(json_object_get(c, "factor"));
	const bool weighted = json_is_true(json_object_get(c, "weighted"));
	struct conditions conditions = { 0 };
	float score[N][OUTPUTS], target[N][VALUES], got[N][OUTPUTS];
	int label[N][2];
	struct tensor s, d, l;
	struct backend *be;
	double sums[STEP_SUMS];

	for (size_t i = 0; i < VALUES; i++)
		conditions.weight[i] = weighted ? (float)number(json_object_get(root, "weights"), i) : 1;
	for (size_t i = 0; i < N; i++) {
		for (size_t j = 0; j < OUTPUTS; j++)
			score[i][j] = (float)number(json_array_get(json_object_get(root, "outputs"), i), j);
		for (size_t j = 0; j < 2; j++)
			label[i][j] = (int)number(json_array_get(json_object_get(root, "labels"), i), j);
	}
	REQUIRE(!backend_open(&be, device, 1));
	REQUIRE(!backend_tensor(be, &s, N, OUTPUTS, 1, 1) && !backend_tensor(be, &d, N, OUTPUTS, 1, 1) && !backend_tensor(be, &l, N, VALUES, 1, 1));
	conditions_target(&conditions, &two, label[0], N, factor, target[0]);
	be->upload(be, s, score[0]);
	be->upload(be, l, target[0]);
	be->label_loss(be, d, s, l, &two.groups, (int)json_integer_value(json_object_get(c, "first")), SUM_D_CLASSIF);
	be->download(be, got[0], d);
	be->read_sums(be, sums);
	CHECK(!be->check(be));
	const char *name = json_string_value(json_object_get(c, "name"));
	const double value = json_number_value(json_object_get(c, "value"));
	CHECK_MSG(fabs(sums[SUM_D_CLASSIF] - value) <= 1e-6 * value, "%s, %s: %.9g, not %.9g", device, name, sums[SUM_D_CLASSIF], value);
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < OUTPUTS; j++) {
			const double want = number(json_array_get(json_object_get(c, "grad"), i), j);
			CHECK_MSG(fabs(got[i][j] - want) <= 1e-6, "%s, %s, sample %zu: the gradient of output %zu is %g, not %g", device, name, i, j, (double)got[i][j], want);
		}
	be->release(be, s.data);
	be->release(be, d.data);
	be->release(be, l.data);
	backend_close(be);
}

TEST(cross_entropies_of_the_reference)
{
	static const char *const devices[] = { "plain", "cpu" };
	json_t *root = json_load_file("tests/golden/labels.json", 0, NULL), *c;
	size_t i;
	REQUIRE(json_array_size(json_object_get(root, "cases")) == 3);
	for (int k = 0; k < 2; k++)
		json_array_foreach(json_object_get(root, "cases"), i, c)
			compare_case(devices[k], root, c);
	json_decref(root);
}

/* Logits of any size leave the loss and its gradient finite. */
TEST(large_logits)
{
	const float logit[] = { 1e30f, -1e30f, 0 }, label[] = { 0, 0, 1 };
	float d[3] = { 0 };
	struct backend *be;
	struct tensor s, b, l;
	double sums[STEP_SUMS];
	REQUIRE(!backend_open(&be, "plain", 1));
	REQUIRE(!backend_tensor(be, &s, 1, 3, 1, 1) && !backend_tensor(be, &b, 1, 3, 1, 1) && !backend_tensor(be, &l, 1, 3, 1, 1));
	be->upload(be, s, logit);
	be->upload(be, l, label);
	be->label_loss(be, b, s, l, &(struct label_groups){ 1, { 3 } }, 0, SUM_G_CLASSIF);
	be->download(be, d, b);
	be->read_sums(be, sums);
	CHECK(isfinite(sums[SUM_G_CLASSIF]) && fabs(sums[SUM_G_CLASSIF] / 1e30 - 1) < 1e-6 && d[0] == 1 && d[1] == 0 && d[2] == -1);
	be->release(be, s.data);
	be->release(be, b.data);
	be->release(be, l.data);
	backend_close(be);
}

TEST(labels_by_name)
{
	static const struct { const char *text, *message; } wrong[] = {
		{ "colour", "'colour' is not NAME=VALUE" }, { "=1", "'=1' is not NAME=VALUE" }, { "col=1", "there is no attribute to 'col=1', but colour, size" },
		{ "colour=2", "the attribute 'colour' takes one of 0, 1, 2.5, not '2'" }, { "size=big", "the attribute 'size' takes one of -1, 1, not 'big'" },
	};
	int label[2] = { -1, -1 };
	float code[VALUES];
	CHECK(!attributes_parse(&two, "colour=2.5", label) && !attributes_parse(&two, "size=-1", label) && label[0] == 2 && label[1] == 0);
	attributes_code(&two, label, code);
	CHECK(!memcmp(code, (float[VALUES]){ 0, 0, 1, 1, 0 }, sizeof code));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		CHECK_MSG(attributes_parse(&two, wrong[i].text, label) == ERR_USAGE, "%s: accepted", wrong[i].text);
		CHECK_MSG(strstr(error_text(), wrong[i].message), "'%s' is not in: %s", wrong[i].message, error_text());
	}
}

/* The way from one latent's labels to the next's is a straight line, and label `a` of latent k is number k * attributes + a of its stream. */
TEST(labels_of_a_walk)
{
	enum { DIM = 5, FRAMES = 4, STATIONS = 12, ALL = DIM + VALUES };
	static struct arch arch = { .latent = DIM };
	float way[STATIONS * FRAMES][ALL], buffer[2 * ALL];
	arch.attributes = two;
	struct latents l = latents_of(&arch, 3);
	l.frames = FRAMES;
	latents_fill(&l, 0, STATIONS * FRAMES, way[0], buffer);
	for (int i = 0; i < STATIONS * FRAMES; i++) {
		float code[2][VALUES] = { { 0 } };
		for (int end = 0; end < 2; end++) {
			const uint64_t first = (uint64_t)(i / FRAMES + end) * 2;
			code[end][philox_below(3, STREAM_LABEL, 0, first, 3)] = 1;
			code[end][3 + philox_below(3, STREAM_LABEL, 0, first + 1, 2)] = 1;
		}
		for (int j = 0; j < VALUES; j++) {
			const double t = (double)(i % FRAMES) / FRAMES, want = (1 - t) * (double)code[0][j] + t * (double)code[1][j];
			CHECK_MSG(fabs((double)way[i][DIM + j] - want) < 1e-6, "frame %d, value %d: %g, not %g", i, j, (double)way[i][DIM + j], want);
		}
	}
}

/* Every value as likely, each sample and attribute by itself, and the same again. */
TEST(drawn_labels)
{
	enum { MANY = 6000 };
	int count[3][2] = { { 0 } };
	for (uint64_t k = 0; k < MANY; k++)
		count[attributes_draw(&two, 0, 7, STREAM_LABEL_D, 3, k)][attributes_draw(&two, 1, 7, STREAM_LABEL_D, 3, k)]++;
	for (int i = 0; i < 6; i++) /* 1000 each, five standard deviations */
		CHECK_MSG(abs(count[i / 2][i % 2] - MANY / 6) < 150, "%d of the pair %d", count[i / 2][i % 2], i);
	CHECK(attributes_draw(&two, 0, 7, STREAM_LABEL_D, 3, 5) == attributes_draw(&two, 0, 7, STREAM_LABEL_D, 3, 5));
}

/* A data set of n images whose labels, a and b, are the rows of `label`. */
static const char *make_data(int64_t n, const float (*label)[2])
{
	static char path[4096];
	const char *tmp = getenv("TMPDIR");
	const int64_t images[] = { n, 3, 4, 4 }, rows[] = { n, 2 };
	uint8_t *zero = calloc((size_t)n, 48);
	struct h5file *f;
	snprintf(path, sizeof path, "%s/conditions-%d.h5", tmp ? tmp : "/tmp", (int)getpid());
	REQUIRE(zero && !h5_create(&f, path, path) && !h5_write(f, "data4x4", H5_U8, 4, images, zero) && !h5_write(f, "labels", H5_F32, 2, rows, label));
	REQUIRE(!h5_set_text(f, "labels", "names", "a,b") && !h5_close(&f));
	free(zero);
	return path;
}

/* With equalizeAttributes a value weighs as the images over those that have it and one more, but no more than 10. */
TEST(rare_values_weigh_more)
{
	enum { IMAGES = 44 };
	static float label[IMAGES][2];
	struct attributes a;
	struct conditions c;
	for (int i = 0; i < IMAGES; i++) {
		label[i][0] = i == 7 ? 1 : -1;
		label[i][1] = (float)(i % 4);
	}
	const char *path = make_data(IMAGES, label);
	REQUIRE(!conditions_attributes(&a, path, NULL) && a.groups.n == 2 && a.groups.size[0] == 2 && a.groups.size[1] == 4);
	REQUIRE(!conditions_open(&c, path, &a, true));
	CHECK(c.weight[0] == 1 && c.weight[1] == 10);
	for (int v = 2; v < 6; v++)
		CHECK_MSG(fabs((double)c.weight[v] - 44. / 12) < 1e-6, "%g", (double)c.weight[v]);
	CHECK(c.place[2 * 7] == 1 && c.place[2 * 8] == 0 && c.place[2 * 7 + 1] == 3);
	conditions_close(&c);
	REQUIRE(!conditions_open(&c, path, &a, false));
	for (int v = 0; v < 6; v++)
		CHECK(c.weight[v] == 1);
	conditions_close(&c);
	unlink(path);
}

/* ATTRIBUTE_VALUES are those of all attributes together. */
TEST(values_that_cannot_be_told_apart)
{
	enum { MOST = ATTRIBUTE_VALUES / 2 };
	static float label[MOST + 1][2];
	struct attributes *a = calloc(1, sizeof *a);
	for (int i = 0; i <= MOST; i++) {
		label[i][0] = (float)i;
		label[i][1] = (float)(MOST - i);
	}
	const char *path = make_data(MOST, label);
	CHECK(a && !conditions_attributes(a, path, NULL) && label_values(&a->groups) == ATTRIBUTE_VALUES);
	path = make_data(MOST + 1, label);
	CHECK(conditions_attributes(a, path, NULL) == ERR_INPUT && strstr(error_text(), "the labels have more than 1024 values"));
	unlink(path);
	free(a);
}
