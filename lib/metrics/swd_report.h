/* What swd says: a table or JSON. */
#ifndef PGAN_SWD_REPORT_H
#define PGAN_SWD_REPORT_H

#include <stdint.h>

#include "error.h"
#include "swd.h"

enum { SWD_RESULTS = 3, SWD_NOTES = 6 };

struct swd_report {
	enum swd_protocol protocol;
	uint64_t seed;
	int n_results, n_notes;
	struct swd_result result[SWD_RESULTS]; /* the distance, then the floors */
	int64_t n[SWD_RESULTS];               /* images of each set */
	char note[SWD_NOTES][320];            /* sentences */
};

const char *swd_protocol_name(enum swd_protocol);

void swd_report_note(struct swd_report *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The notes that follow from the protocol and the number of images. */
void swd_report_explain(struct swd_report *);

/* The text, ending in a line feed; owned by the caller. NULL when out of memory, error set. */
char *swd_report_json(const struct swd_report *);
char *swd_report_table(const struct swd_report *);

#endif
