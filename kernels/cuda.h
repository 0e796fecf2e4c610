/* The `cuda` table: one GPU, its stream, and what the operations share.
 *
 * Every operation only queues work on the stream. check(), read_sums() and transfers to the host wait for it, and next_sums() if told to; nothing else does,
 * but for an upload when one of the last few is still under way. A table belongs to the thread that opened it. Failures are kept and reported
 * by check(). */
#ifndef PGAN_CUDA_H
#define PGAN_CUDA_H

#include <cuda_runtime.h>

#include "cuda_layout.h"
#include "cudnn_plan.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cuda_ranks; /* cuda_ranks.c: NCCL, with several processes */
struct cuda_conv; /* cuda_conv.h: the plans made so far, and weights */

/* Bytes on their way to the device. */
struct cuda_upload {
	void *pinned;
	size_t size;
	cudaEvent_t copied; /* pinned may be written again */
};

/* The sums of a step that has been queued. */
struct cuda_sums {
	double *pinned; /* (STEP_SUMS) */
	cudaEvent_t there;
};

/* A step that is or will be recorded. */
struct cuda_recording {
	const void *owner;
	int variant;
	bool seen; /* run once as it is */
	cudaGraphExec_t graph; /* NULL before it is recorded */
};

enum { CUDA_RECORDINGS = 8, CUDA_UPLOADS = 8 };

struct cuda {
	struct backend table; /* first */
	char details[256], notes[4160], gpu[112]; /* gpu: its name and generation */
	enum cuda_precision precision;
	cudaStream_t stream;
	struct step_scalars *scalars; /* in device memory */
	double *sums;                 /* (STEP_SUMS) in device memory */
	struct cuda_sums kept[BACKEND_AHEAD];
	uint64_t keep, taken;         /* steps kept, and taken of these, so far */
	void *scratch;                /* of the operation being queued */
	size_t scratch_size;
	struct cuda_upload upload[CUDA_UPLOADS];
	uint64_t uploads;             /* so far: they take the places in turn */
	void *bytes;                  /* of the images being loaded */
	size_t bytes_size;
	struct cuda_conv *conv;
	struct cuda_ranks *ranks;     /* NULL: alone */
	struct cuda_recording recording[CUDA_RECORDINGS], *capturing;
	int failure;                  /* 0, or the first since the last check() */
	char failure_text[1024];
};

/* Keeps a failure: one of CUDA's, or the one that error_set() has. what: "launch activate". */
void cuda_note(struct cuda *, cudaError_t, const char *what);
void cuda_note_error(struct cuda *, int rc);

/* Device memory for the operation being queued, 256-byte aligned; the next operation uses it again. NULL (noted) when there is none. */
void *cuda_scratch(struct cuda *, size_t bytes);

/* Device memory of *size bytes so far -> of `bytes` at least. ERR_FAILED, not noted: there is none, and *size is 0. */
int cuda_grow(struct cuda *, void **memory, size_t *size, size_t bytes) MUST_CHECK;
void cuda_let_go(struct cuda *, void **memory, size_t *size); /* -> NULL and 0 */

/* Pinned memory for bytes that go to the device, once those sent from the same place before have left; NULL (noted) when there is none. cuda_send() queues the
 * copy. */
void *cuda_pinned(struct cuda *, size_t bytes);
void cuda_send(struct cuda *, void *to, const void *pinned, size_t bytes);

/* The operations of each file. */
void cuda_activation_table(struct backend *);
void cuda_rgb_table(struct backend *);
void cuda_resize_table(struct backend *);
void cuda_stddev_table(struct backend *);
void cuda_loss_table(struct backend *);
void cuda_input_table(struct backend *);
void cuda_adam_table(struct backend *);
void cuda_conv_table(struct backend *);
void cuda_ranks_table(struct backend *);
void cuda_graph_table(struct backend *);

/* Waits for the work queued; a failure is noted as one to `what`. */
void cuda_wait(struct cuda *, const char *what);
/* How a step is run: as it is, recorded, or as it was recorded. */
enum cuda_step { STEP_EAGER, STEP_RECORD, STEP_REPLAY };
/* cuda_ranks.c. With several processes: the least of what all of them give, at the same step; alone: what is given. */
enum cuda_step cuda_ranks_least(struct cuda *, enum cuda_step);
/* With several processes: returns when the work queued is done or, with a failure noted, when another rank is gone, which that work would wait for. */
void cuda_ranks_wait(struct cuda *);
void cuda_ranks_close(struct cuda *);

/* Forgets recorded steps: before memory that they use goes. */
void cuda_graphs_drop(struct cuda *);

/* A GPU with its stream and nothing of the table but check() and close(). options: "" or the GPU's number. */
int cuda_open_bare(struct cuda **, const char *options) MUST_CHECK;

int cuda_conv_open(struct cuda *) MUST_CHECK;
void cuda_conv_close(struct cuda *);
/* Between the two, weights that convolutions read are rounded or summed up once, until cuda_conv_changed() says that these `count` at w are others. */
void cuda_conv_begin_step(struct cuda *);
void cuda_conv_end_step(struct cuda *);
void cuda_conv_changed(struct cuda *, const float *w, size_t count);
/* The file that the choice of plans is kept in, "" when it is not kept. */
const char *cuda_conv_cache(const struct cuda *);

/* small.cu: dense layers whose outputs are planar (scores), by sums of our own. */
void cuda_small_dense(struct cuda *, struct tensor y, struct tensor x, const float *w);
void cuda_small_dense_backward_data(struct cuda *, struct tensor dx, struct tensor dy, const float *w);
void cuda_small_dense_backward_weights(struct cuda *, float *dw, struct tensor x, struct tensor dy);
/* Keeps the stream busy for about 0.3 ms: what is queued meanwhile then runs without waiting for the host. (The emulation: no time.) */
void cuda_hold(struct cuda *);
/* y += x, features. */
void cuda_add(struct cuda *, struct tensor y, struct tensor x);
/* And rounding to bfloat16 and back; count is a multiple of 8. */
void cuda_to_bf16(struct cuda *, void *to, const float *from, size_t count);
void cuda_from_bf16(struct cuda *, float *to, const void *from, size_t count);

/* resized_conv.cu: weights w (out,3,3,in) of a convolution with resizing -> v, of one with stride 2 that does the same: up (in,4,4,out), down (out,4,4,in),
 * float32 or (half) bfloat16; and dv -> dw. Channels with padding. */
enum resizing { RESIZE_UP, RESIZE_DOWN };
void cuda_resized_weights(struct cuda *, enum resizing, void *v, bool half, const float *w, int out, int in);
void cuda_resized_gradient(struct cuda *, enum resizing, float *dw, const void *dv, bool half, int out, int in);

#ifdef __cplusplus
}
#endif

#endif
