/* checkstate.h - what checks that answer from the collector's state share. */
#ifndef MX_CHECKSTATE_H
#define MX_CHECKSTATE_H

#include <stdint.h>

#include "stateread.h"

/* The id of the host that was asked for, and *asked as the state calls it; STATEREAD_FARM,
 * and *asked NULL, for NULL or "_farm". One that the state does not know is UNKNOWN, with
 * those that it knows. */
int checkstate_host(const struct stateread_host *hosts, size_t n, const char **asked);

/* Short texts that sentences are made of: they live until the fourth call after this one. */
const char *checkstate_people(double v, const char *unit);
const char *checkstate_clock(int64_t t);

#endif
