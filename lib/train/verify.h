/* The report of --verify; record.h does the work. */
#ifndef PGAN_VERIFY_H
#define PGAN_VERIFY_H

#include <stdbool.h>
#include <stdio.h>

#include "error.h"

/* Replays the steps recorded in n files and prints the errors of each: a line, or with `json` an object of an array. ERR_FAILED when the device does not
 * reproduce one; a file that is no record is ERR_INPUT. */
int verify_records(const char *const *file, size_t n, const char *device, int threads, bool json, FILE *out) MUST_CHECK;

#endif
