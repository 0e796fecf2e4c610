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

/* The text, ending in a line feed; owned by the caller. NULL when out of memory, error set. */
char *msssim_report_json(const struct msssim_report *);
char *msssim_report_table(const struct msssim_report *);

#endif
