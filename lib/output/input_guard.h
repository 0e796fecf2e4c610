/* Inputs that no output may take the place of: a tool names what it reads, and outfile_open() and outfile_folder() ask here. */
#ifndef PGAN_INPUT_GUARD_H
#define PGAN_INPUT_GUARD_H

#include "error.h"

/* A file or folder that is read; before threads are started. NULL, "-", what is not there and what is neither file nor folder are left out. */
void input_guard_add(const char *path);

/* The file that stdin is redirected from, if it is: options_parse() does it. */
void input_guard_add_stdin(void);

/* ERR_USAGE: `output` is one of these, by whatever name. */
int input_guard_check(const char *output) MUST_CHECK;

#endif
