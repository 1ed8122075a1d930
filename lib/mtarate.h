/* mtarate.h - how fast a host's queue grew and its counters moved since a run before. */
#ifndef MX_MTARATE_H
#define MX_MTARATE_H

#include <stdint.h>

#include "mtamib.h"

/* Per minute; NAN where there is nothing to compare with, or the host's agent began anew. */
struct mtarate {
	double growth, received, transmitted, rejected, loops;
};

extern const struct mtarate mtarate_none;

/* Compare with what was kept at least 50 s ago for that host of that check, and keep sum.
 * uptime_s is the agent's. Failure to keep is told (keep_failed()). */
void mtarate_of(const char *check, const char *host, const struct mtamib_sum *sum, double uptime_s,
    int64_t now, struct mtarate *r);

#endif
