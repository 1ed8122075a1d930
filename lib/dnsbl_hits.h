/* dnsbl_hits.h - how often block lists hit by the collector's state, and how check_dnsbl --log found them,
 * against their own week before. */
#ifndef MX_DNSBL_HITS_H
#define MX_DNSBL_HITS_H

#include "checkstate.h"

/* Measure logged_ill and slowed: lists that at least half of the logged runs of the time found ill, and
 * how much slower they are than in their week. Measure hits_least and hits_most, and tell which lists they are. A list is judged where at least
 * least_hits were to be expected, or came. */
void dnsbl_hits(struct checkstate *s, double least_hits);

#endif
