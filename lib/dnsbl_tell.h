/* dnsbl_tell.h - the answer of check_dnsbl: which listings and which ill lists are how bad, in words,
 * numbers and JSON. */
#ifndef MX_DNSBL_TELL_H
#define MX_DNSBL_TELL_H

#include "check.h"
#include "dnsbl_judge.h"
#include "dnsbl_keep.h"

/* "-c zen.example.org": a listing there is that bad. */
struct dnsbl_limit {
	const char *zone;
	bool critical;
};

struct dnsbl_tell {
	const struct dnsbl_run *run;
	const struct dnsbl_past *past;	/* of each list; NULL: nothing is kept */
	const struct dnsbl_limit *limit;
	size_t limits;
	const char *resolver;
	bool unfound;			/* a host that was to be looked for has no address */
};

/* After dnsbl_judge(). The measures are those of dnsbl_measures. */
void dnsbl_tell(const struct dnsbl_tell *t);
extern const struct measure dnsbl_measures[];

#endif
