/* Making pictures smaller (or larger): the two filters of pack-h5. Pictures are planes of bytes, (c,h,w) in C order. */
#ifndef PGAN_RESIZE_H
#define PGAN_RESIZE_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* Pillow's antialiased bilinear filter, byte for byte: the triangle is as wide as the reduction asks for; weights in fixed point with 22 fractional bits;
 * first along the rows, then along the columns, rounded to bytes after each. (Pillow's Resample.c is where the numbers come from.) */
struct resizer; /* weights and scratch for one pair of sizes; for one thread at a time */

int resizer_new(struct resizer **, int w, int h, int out_w, int out_h) MUST_CHECK;
void resizer_free(struct resizer **); /* NULL is fine */

/* in (c,h,w) -> out (c,out_h,out_w). */
void resizer_run(struct resizer *, uint8_t *out, const uint8_t *in, int c);

/* The box filter as the reference packs with it: pictures are halved again and again in float32, and each level is rounded to bytes only for keeping. */
void box_halve(float *out, const float *in, size_t planes, int side); /* in (planes,side,side), side even -> out (planes,side/2,side/2): averages of 2x2 values */
void box_round(uint8_t *out, const float *in, size_t n);              /* n values of 0..255, rounded half to even */

#endif
