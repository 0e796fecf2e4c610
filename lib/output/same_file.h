/* Whether two names are one file. */
#ifndef PGAN_SAME_FILE_H
#define PGAN_SAME_FILE_H

#include <stdbool.h>

/* Whether two paths lead to one file or folder, by whatever names; of files that are not there yet, whether they would be one. */
bool same_file(const char *a, const char *b);

#endif
