/* delaypast.h - how far the delays of deliveries are from those of the weeks before.
 *
 * Compared is p95, on a scale of ratios. It is far when all have become slower by more than the weeks
 * differ, or when a twentieth takes what hardly a delivery of those weeks took, of so many that it is not
 * chance. */
#ifndef MX_DELAYPAST_H
#define MX_DELAYPAST_H

#include <stdint.h>

#include "hist.h"
#include "past.h"

struct delaypast {
	double usual_s;		/* p95 at this time; NAN: not known */
	double distance;	/* in spreads, 0 if it is usual; NAN: not known */
};

/* base: of the histogram in a cell, CELL_DELAY or CELL_DELAY_TOTAL. */
struct delaypast delaypast_judge(const struct past *p, uint32_t base, const struct hist *now);

#endif
