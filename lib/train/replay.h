/* The report of --verify. */
#ifndef PGAN_REPLAY_H
#define PGAN_REPLAY_H

#include <stdbool.h>
#include <stdio.h>

#include "error.h"

/* Replays the steps recorded in n files and prints the errors of each: a line, or with `json` an object of an array. ERR_FAILED when the device does not
 * reproduce one; a file that is no record is ERR_INPUT. */
int replay_files(const char *const *file, size_t n, const char *device, int threads, bool json, FILE *out) MUST_CHECK;

#endif
