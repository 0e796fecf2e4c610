/* What msssim says: a table or JSON. */
#ifndef PGAN_MSSSIM_REPORT_H
#define PGAN_MSSSIM_REPORT_H

#include <stdbool.h>

#include "error.h"
#include "msssim.h"
#include "notes.h"
#include "pairs.h"

struct msssim_report {
	enum msssim_protocol protocol;
	bool across;      /* image i of two sets was compared, not pairs of one */
	bool per_pair;    /* the value of every pair is shown */
	bool with_floor;
	struct pairs pairs, floor;
	struct notes notes;
};

/* The notes that follow from the protocol and the pairs. */
void msssim_report_explain(struct msssim_report *);

int msssim_report_json(const struct msssim_report *, FILE *) MUST_CHECK;
void msssim_report_table(const struct msssim_report *, FILE *);

#endif
