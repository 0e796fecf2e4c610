/* Names and versions for --version of libraries that several modules use and none stands for. */
#ifndef PGAN_LIBRARIES_H
#define PGAN_LIBRARIES_H

#include <jansson.h>

static inline const char *jansson_library(void) { return "jansson " JANSSON_VERSION; }

#endif
