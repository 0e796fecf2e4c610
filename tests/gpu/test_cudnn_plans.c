/* On a machine without a GPU: cuDNN makes a plan for an H200, from the description of one, for every convolution that the training steps of the six
 * scales run, in every precision; and for the odd shapes of the tables' comparison. Which these are is not listed: the models run over a table that only
 * notes what it is asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"
#include "cuda_layout.h"
#include "cudnn_plan.h"
#include "step.h"

enum { WORK_MAX = 512 };

static struct work {
	struct conv_shape shape;
	enum conv_direction direction;
} work[WORK_MAX];
static int work_count;

static void note(struct conv_shape shape, enum conv_direction direction)
{
	for (int i = 0; i < work_count; i++)
		if (work[i].direction == direction && conv_shape_equal(&work[i].shape, &shape))
			return;
	REQUIRE(work_count < WORK_MAX);
	work[work_count].direction = direction;
	work[work_count++].shape = shape;
}

/* -- the table that notes: memory that is never touched, and operations that do nothing -- */

static float *note_alloc(struct backend *b, size_t count)
{
	(void)b;
	void *memory = mmap(NULL, count * sizeof(float), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	REQUIRE(memory != MAP_FAILED);
	return memory; /* until the process ends */
}

static void note_release(struct backend *b, float *data) { (void)b, (void)data; }
static struct tensor note_shape(struct backend *b, int64_t n, int c, int h, int w)
{
	(void)b;
	return (struct tensor){ NULL, n, c, h, w, layout_channels(c) * (size_t)h * (size_t)w };
}
static size_t note_param_size(struct backend *b, struct param_shape p)
{
	(void)b;
	return layout_param_size(p);
}

static void conv(struct tensor x, struct tensor y, enum conv_direction direction)
{
	note((struct conv_shape){ x.n, (int)layout_channels(x.c), (int)layout_channels(y.c), x.h, x.w, 3 }, direction);
}

/* large -> small with stride 2. */
static void resizing(struct tensor large, struct tensor small, enum conv_direction direction)
{
	note((struct conv_shape){ large.n, (int)layout_channels(large.c), (int)layout_channels(small.c), large.h, large.w, 4 }, direction);
}

static void dense(struct tensor x, struct tensor y, enum conv_direction direction)
{
	if (y.sample_size > PLANAR_CHANNELS)
		note((struct conv_shape){ x.n, (int)x.sample_size, (int)y.sample_size, 1, 1, 1 }, direction);
}

static void note_conv(struct backend *b, struct tensor y, struct tensor x, const float *w) { (void)b, (void)w, conv(x, y, CONV_FORWARD); }
static void note_conv_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w) { (void)b, (void)w, conv(dx, dy, CONV_BACKWARD_DATA); }
static void note_conv_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy) { (void)b, (void)dw, conv(x, dy, CONV_BACKWARD_WEIGHTS); }
static void note_conv_up(struct backend *b, struct tensor y, struct tensor x, const float *w) { (void)b, (void)w, resizing(y, x, CONV_BACKWARD_DATA); }
static void note_conv_up_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w, bool add)
{
	(void)b, (void)w, (void)add, resizing(dy, dx, CONV_FORWARD);
}
static void note_conv_up_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy) { (void)b, (void)dw, resizing(dy, x, CONV_BACKWARD_WEIGHTS); }
static void note_conv_down(struct backend *b, struct tensor y, struct tensor x, const float *w) { (void)b, (void)w, resizing(x, y, CONV_FORWARD); }
static void note_conv_down_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w) { (void)b, (void)w, resizing(dx, dy, CONV_BACKWARD_DATA); }
static void note_conv_down_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy)
{
	(void)b, (void)dw, resizing(x, dy, CONV_BACKWARD_WEIGHTS);
}
static void note_dense(struct backend *b, struct tensor y, struct tensor x, const float *w) { (void)b, (void)w, dense(x, y, CONV_FORWARD); }
static void note_dense_data(struct backend *b, struct tensor dx, struct tensor dy, const float *w) { (void)b, (void)w, dense(dx, dy, CONV_BACKWARD_DATA); }
static void note_dense_weights(struct backend *b, float *dw, struct tensor x, struct tensor dy) { (void)b, (void)dw, dense(x, dy, CONV_BACKWARD_WEIGHTS); }

typedef struct tensor T;
typedef struct activation A;
typedef struct stddev_groups S;
typedef struct backend B;
static void copy(B *b, float *to, const float *from, size_t n) { (void)b, (void)to, (void)from, (void)n; }
static void activate(B *b, T y, const float *bias, A a, T norm) { (void)b, (void)y, (void)bias, (void)a, (void)norm; }
static void activate_backward(B *b, T dz, T y, T norm, A a, float *db, bool add) { (void)b, (void)dz, (void)y, (void)norm, (void)a, (void)db, (void)add; }
static void activate_pool(B *b, T p, T y, const float *bias, A a) { (void)b, (void)p, (void)y, (void)bias, (void)a; }
static void activate_pool_backward(B *b, T dz, T dp, T y, A a, float *db, bool add) { (void)b, (void)dz, (void)dp, (void)y, (void)a, (void)db, (void)add; }
static void one(B *b, T y) { (void)b, (void)y; }
static void two(B *b, T y, T x) { (void)b, (void)y, (void)x; }
static void two_added(B *b, T y, T x, bool add) { (void)b, (void)y, (void)x, (void)add; }
static void three(B *b, T y, T o, T f) { (void)b, (void)y, (void)o, (void)f; }
static void from_rgb(B *b, T y, T i, const float *w, const float *bias, A a) { (void)b, (void)y, (void)i, (void)w, (void)bias, (void)a; }
static void from_rgb_tangent(B *b, T t, T i, const float *w, T y, A a) { (void)b, (void)t, (void)i, (void)w, (void)y, (void)a; }
static void from_rgb_data(B *b, T i, T dz, const float *w, bool add) { (void)b, (void)i, (void)dz, (void)w, (void)add; }
static void from_rgb_weights(B *b, float *dw, T i, T dz) { (void)b, (void)dw, (void)i, (void)dz; }
static void to_rgb_backward(B *b, T dx, float *dw, float *db, T i, T x, const float *w, A a)
{
	(void)b, (void)dx, (void)dw, (void)db, (void)i, (void)x, (void)w, (void)a;
}
static void stddev(B *b, T y, T x, S s) { (void)b, (void)y, (void)x, (void)s; }
static void stddev_three(B *b, T dx, T dy, T x, S s) { (void)b, (void)dx, (void)dy, (void)x, (void)s; }
static void stddev_hessian(B *b, T e, T dy, T x, T tx, S s) { (void)b, (void)e, (void)dy, (void)x, (void)tx, (void)s; }
static void score_loss(B *b, T d, T s, enum score_loss k, bool r, float f, enum step_sum w) { (void)b, (void)d, (void)s, (void)k, (void)r, (void)f, (void)w; }
static void score_drift(B *b, T d, T s, float f, enum step_sum w) { (void)b, (void)d, (void)s, (void)f, (void)w; }
static void score_fill(B *b, T d, float f) { (void)b, (void)d, (void)f; }
static void gradient_penalty(B *b, T v, T g, enum penalty_kind k, float f) { (void)b, (void)v, (void)g, (void)k, (void)f; }
static void interpolate(B *b, T x, T r, T f, T m) { (void)b, (void)x, (void)r, (void)f, (void)m; }
static void adam(B *b, float *w, const float *g, float *v, float *a, size_t n, enum step_sum s, enum step_sum t)
{
	(void)b, (void)w, (void)g, (void)v, (void)a, (void)n, (void)s, (void)t;
}

static struct backend noting = {
	.name = "noting", .alloc = note_alloc, .release = note_release, .shape = note_shape, .param_size = note_param_size, .copy = copy,
	.conv = note_conv, .conv_backward_data = note_conv_data, .conv_backward_weights = note_conv_weights,
	.conv_up = note_conv_up, .conv_up_backward_data = note_conv_up_data, .conv_up_backward_weights = note_conv_up_weights,
	.conv_down = note_conv_down, .conv_down_backward_data = note_conv_down_data, .conv_down_backward_weights = note_conv_down_weights,
	.dense = note_dense, .dense_backward_data = note_dense_data, .dense_backward_weights = note_dense_weights,
	.activate = activate, .activate_backward = activate_backward, .activate_pool = activate_pool, .activate_pool_backward = activate_pool_backward,
	.pixel_norm = two, .squash = one, .squash_backward = two, .from_rgb = from_rgb, .from_rgb_tangent = from_rgb_tangent, .from_rgb_backward_data = from_rgb_data,
	.from_rgb_backward_weights = from_rgb_weights, .to_rgb = from_rgb, .to_rgb_backward = to_rgb_backward,
	.pool = two, .pool_backward = two, .upsample = two, .upsample_backward = two_added, .fade = three, .fade_backward = three,
	.stddev = stddev, .stddev_backward = stddev_three, .stddev_tangent = stddev_three, .stddev_hessian = stddev_hessian,
	.score_loss = score_loss, .score_drift = score_drift, .score_fill = score_fill, .gradient_penalty = gradient_penalty, .interpolate = interpolate, .adam = adam,
};

/* -- -- */

static void note_step(const char *profile, int scale, int64_t batch)
{
	struct arch a = { .profile = profile_find(profile), .scale = scale, .depth = { 512, 512, 512, 512, 256, 128 }, .latent = 512, .leak = .2f,
		          .pixel_norm = true, .stddev = true, .equalized = true };
	const struct step_losses losses = { .loss = LOSS_WGAN, .penalty = PENALTY_WGAN_GP, .epsilon_d = 1e-3 };
	struct network g, d;
	struct step s;
	REQUIRE(network_open(&g, &noting, &a, NETWORK_G, true) == 0 && network_open(&d, &noting, &a, NETWORK_D, true) == 0);
	REQUIRE(step_open(&s, &noting, &a, &losses, &g, &d, batch, scale > 0) == 0);
	step_run(&s, true);
	step_close(&s);
	network_close(&g);
	network_close(&d);
}

static struct cudnn_target h200(void)
{
	static char json[4096];
	struct cudnn_target target;
	FILE *f = fopen("tests/gpu/h200.json", "r");
	REQUIRE(f);
	const size_t n = fread(json, 1, sizeof json - 1, f);
	fclose(f);
	json[strcspn(json, "\n")] = 0;
	REQUIRE(n > 0);
	CHECK_MSG(cudnn_target_described(&target, json) == 0, "%s", error_text());
	return target;
}

/* A plan for everything noted. */
static void plan_all(enum cuda_precision precision)
{
	const struct cudnn_target target = h200();
	int64_t most = 0;
	int several = 0;
	REQUIRE(work_count > 0);
	for (int i = 0; i < work_count; i++) {
		struct cudnn_plan p[PLAN_CANDIDATES];
		const int count = cudnn_plan_list(p, PLAN_CANDIDATES, target, &work[i].shape, work[i].direction, precision, PLAN_WORKSPACE);
		CHECK_MSG(count > 0, "%s", error_text());
		several += count > 1;
		/* a place in the list is what is kept of a choice */
		struct cudnn_plan q[PLAN_CANDIDATES];
		const int again = cudnn_plan_list(q, PLAN_CANDIDATES, target, &work[i].shape, work[i].direction, precision, PLAN_WORKSPACE);
		REQUIRE(count == again);
		for (int k = 0; k < count; k++) {
			CHECK(p[k].engine == q[k].engine && p[k].workspace == q[k].workspace && p[k].settings == q[k].settings && p[k].settings);
			for (int l = 0; l < k; l++)
				CHECK(p[l].engine != p[k].engine || p[l].settings != p[k].settings);
			most = p[k].workspace > most ? p[k].workspace : most;
			cudnn_plan_free(&p[k]);
			cudnn_plan_free(&q[k]);
		}
	}
	printf("# %d convolutions, %d with a choice of plans, workspace up to %.0f MB\n", work_count, several, (double)most / 1e6);
	cudnnBackendDestroyDescriptor(target.device);
}

static void plan_steps(enum cuda_precision precision)
{
	if (getenv("PGAN_QUICK"))
		SKIP("PGAN_QUICK is set");
	work_count = 0;
	for (int scale = 0; scale < 6; scale++) {
		note_step("zoo", scale, 16);
		note_step("karras", scale, 16);
	}
	CHECK(work_count > 80);
	plan_all(precision);
}

TEST(plans_in_float32) { plan_steps(CUDA_FP32); }
TEST(plans_in_tf32) { plan_steps(CUDA_TF32); }
TEST(plans_in_bfloat16) { plan_steps(CUDA_BF16); }

/* Batches of 1 and 3, channels of 8 to 48. */
TEST(plans_of_odd_shapes)
{
	static const int channels[] = { 8, 24, 48 };
	work_count = 0;
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 3; k++)
			for (int d = 0; d < 3; d++)
				for (int kernel = 3; kernel <= 4; kernel++)
					note((struct conv_shape){ 1 + 2 * (k % 2), channels[i], channels[k], 4 << k, 4 << k, kernel }, (enum conv_direction)d);
	for (int p = CUDA_FP32; p <= CUDA_BF16; p++)
		plan_all((enum cuda_precision)p);
}

/* What no engine can do is an error that names the shape, not a crash. */
TEST(a_plan_that_there_is_none_for)
{
	const struct cudnn_target target = h200();
	const struct conv_shape shape = { 64, 512, 512, 128, 128, 3 };
	struct cudnn_plan p;
	CHECK(cudnn_plan_list(&p, 1, target, &shape, CONV_FORWARD, CUDA_FP32, -1) == ERR_FAILED);
	CHECK_MSG(strstr(error_text(), "64 x 512 x 128 x 128 to 512 channels"), "%s", error_text());
	cudnnBackendDestroyDescriptor(target.device);
}

TEST(a_device_that_cannot_be_understood)
{
	struct cudnn_target target;
	CHECK(cudnn_target_described(&target, "{}") == ERR_FAILED);
	CHECK_MSG(!strncmp(error_text(), "cuDNN cannot take the description of a device", 45), "%s", error_text());
}
