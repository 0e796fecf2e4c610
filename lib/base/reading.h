/* What a tool reads, so that no output takes the place of an input: outfile_open() asks here, and so does who makes many files in a folder. */
#ifndef PGAN_READING_H
#define PGAN_READING_H

#include "error.h"

/* A file or folder that is read; before threads are started. NULL, "-", what is not there and what is neither file nor folder are left out. */
void reading_note(const char *path);

/* ERR_USAGE: `output` is one of these, by whatever name. */
int reading_check(const char *output) MUST_CHECK;

#endif
