/* delaylist.h - how long deliveries took by next hop, or by domain, in the bounded space of a
 * toplist.
 *
 * An entry of the list is a letter for how long, a doubling each, and the name: so what is most
 * frequent stays, with its delays. A list of an hour has room for the thirty busiest or so;
 * percentiles are within the doubling, with the place in it estimated. */
#ifndef MX_DELAYLIST_H
#define MX_DELAYLIST_H

#include <stddef.h>
#include <stdint.h>

#include "slice.h"
#include "stateread.h"
#include "toplist.h"

enum { DELAYLIST_N = 24, DELAYLIST_NAME_MAX = TOP_TEXT_MAX - 1 };

/* The entry for a delivery of that name which took so long. */
struct slice delaylist_entry(struct slice name, int64_t ms, char room[TOP_TEXT_MAX]);

struct delayed {
	char name[DELAYLIST_NAME_MAX + 1];	/* from the log: to be cleaned before it is shown */
	uint64_t n, of[DELAYLIST_N];
};

/* The busiest of a kind in hours from <= hour < to first, at most max; returns how many. */
size_t delaylist_read(struct stateread *r, int host, int64_t from_hour, int64_t to_hour,
    enum top_kind kind, struct delayed *d, size_t max);

/* The q-quantile in seconds, NAN if there is nothing. */
double delaylist_quantile(const struct delayed *d, double q);

#endif
