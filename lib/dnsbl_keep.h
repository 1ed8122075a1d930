/* dnsbl_keep.h - how fast block lists answered in the runs before, in a small file (keep.h). */
#ifndef MX_DNSBL_KEEP_H
#define MX_DNSBL_KEEP_H

#include "dnsbl_ask.h"

enum { DNSBL_RUNS = 100 };

struct dnsbl_past {
	unsigned runs, unanswered;	/* this one included */
	double p50_s, p95_s;		/* NAN: never answered */
};

/* Add this run's latencies to what is kept for the resolver; past has one element for each list.
 * False and *e: it cannot be kept; past then knows this run alone. */
bool dnsbl_keep(const struct dnsbl_run *r, struct slice resolver, int64_t now, struct dnsbl_past *past,
    struct err *e);

#endif
