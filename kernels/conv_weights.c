/* Weights of convolutions in the form that these read them, made of a network's parameters. A step makes them once, as long as the parameters stay: D's are
 * read six times between two updates. Outside of steps they are made anew every time. */
#include <stdlib.h>

#include "cuda_conv.h"
#include "size.h"

void cuda_conv_begin_step(struct cuda *c)
{
	c->conv->in_step = true;
	for (size_t i = 0; i < c->conv->n_weights; i++)
		c->conv->weights[i].fresh = false;
}

void cuda_conv_end_step(struct cuda *c)
{
	c->conv->in_step = false;
}

void cuda_conv_changed(struct cuda *c, const float *w, size_t count)
{
	for (size_t i = 0; i < c->conv->n_weights; i++) {
		struct prepared *p = &c->conv->weights[i];
		if (p->w >= w && p->w < w + count)
			p->fresh = false;
	}
}

/* The place of these weights in the list, with memory; NULL (noted): there is none. */
static struct prepared *place_of(struct cuda *c, enum weight_form form, const float *w, int out, int in)
{
	struct cuda_conv *l = c->conv;
	for (size_t i = 0; i < l->n_weights; i++) {
		struct prepared *p = &l->weights[i];
		if (p->w == w && p->form == form && p->out == out && p->in == in)
			return p;
	}
	struct prepared *const items = size_grow(l->weights, &l->weights_room, l->n_weights + 1, sizeof *items);
	if (!items) {
		cuda_note_error(c, ERR_FAILED);
		return NULL;
	}
	struct prepared *p = &(l->weights = items)[l->n_weights];
	size_t size = 0;
	*p = (struct prepared){ .w = w, .form = form, .out = out, .in = in };
	const int rc = cuda_grow(c, &p->memory, &size, (form == WEIGHTS_ROUNDED ? 9 : 16) * (size_t)out * (size_t)in * conv_value_size(c));
	cuda_note_error(c, rc);
	if (rc)
		return NULL;
	l->n_weights++;
	return p;
}

void *conv_weights(struct cuda *c, enum weight_form form, const float *w, int out, int in)
{
	struct prepared *p = place_of(c, form, w, out, in);
	if (!p)
		return NULL;
	if (p->fresh && c->conv->in_step)
		return p->memory;
	if (form == WEIGHTS_ROUNDED)
		cuda_to_bf16(c, p->memory, w, 9 * (size_t)out * (size_t)in);
	else
		cuda_resized_weights(c, form == WEIGHTS_UP ? RESIZE_UP : RESIZE_DOWN, p->memory, c->precision == CUDA_BF16, w, out, in);
	p->fresh = c->conv->in_step;
	return p->memory;
}

void conv_weights_free(struct cuda_conv *l)
{
	for (size_t i = 0; i < l->n_weights; i++)
		cudaFree(l->weights[i].memory);
	free(l->weights);
}
