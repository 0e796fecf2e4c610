/* What swd says: a table or JSON. */
#ifndef PGAN_SWD_REPORT_H
#define PGAN_SWD_REPORT_H

#include <stdint.h>

#include "error.h"
#include "notes.h"
#include "swd.h"

enum { SWD_RESULTS = 3 };

struct swd_report {
	enum swd_protocol protocol;
	uint64_t seed;
	int n_results;
	struct swd_result result[SWD_RESULTS]; /* the distance, then the floors */
	int64_t n[SWD_RESULTS];               /* images of each set */
	struct notes notes;
};

/* The notes that follow from the protocol and the number of images. */
void swd_report_explain(struct swd_report *);

int swd_report_json(const struct swd_report *, FILE *) MUST_CHECK;
void swd_report_table(const struct swd_report *, FILE *);

#endif
