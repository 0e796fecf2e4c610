/* Taking pictures and labels out of a data set, for programs that read something else. */
#ifndef PGAN_UNPACK_H
#define PGAN_UNPACK_H

#include <stdint.h>

#include "error.h"

/* Writes the pictures of a data set at one resolution (side 0: the largest), told by the output's name:
 *   NAME.zip   StyleGAN's archive: 00000/img00000000.png … and dataset.json, with the labels
 *   NAME.npy   uint8 (N,3,R,R), and the labels as NAME-labels.npy
 *   FOLDER/    000000.png …, and the labels as labels.csv
 * Each file appears whole or not at all. Another name is ERR_USAGE, a resolution that is not there ERR_INPUT. progress: pictures done; may be NULL. */
int unpack(const char *data, const char *output, int side, void (*progress)(void *ctx, int64_t done), void *progress_ctx) MUST_CHECK;

#endif
