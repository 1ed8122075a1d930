/* recent.h - how restless a number is from one stretch of minutes to the next, by the last seven days.
 *
 * past.h knows the hours of the weeks before. Some minutes differ more than hours do: a client tries
 * again and again, a wave comes and goes. So each stretch of that length within four hours of the same
 * time of the day, on each of the seven days before, is held against the two hours around it, less
 * itself, and less what the days do at that time anyhow: a morning is no wave. Of a day the farthest
 * counts, and of the days the second: the fault of one day must not hide the same fault today. What
 * chance explains is left out. Minutes are read, thousands of them, so this is for what is about to
 * ring; of a farm of more than twenty hosts they are those of fewer days, three at least. */
#ifndef MX_RECENT_H
#define MX_RECENT_H

#include <stdint.h>

#include "err.h"
#include "metric.h"
#include "past.h"
#include "stateread.h"

struct recent;

/* Read it for the minutes from <= minute < to of that host or STATEREAD_FARM: the counts of these
 * metrics, each of which stands there once, fewer than 255. NULL: *e. */
struct recent *recent_read(struct stateread *r, int host, int64_t from, int64_t to, const enum metric *key,
    unsigned keys, struct err *e);
void recent_free(struct recent *x);

/* A number made of the counts of those metrics, in their order, in so many minutes; NAN: it says
 * nothing. *chance: the standard deviation that it has by chance, for there were no more events. */
typedef double recent_fn(void *arg, const int64_t *count, double minutes, double *chance);

/* Raise the spread of *u to what the days show on that side of it on which v lies, so that as much as
 * happened on two of them is RECENT_SPREADS away from what is usual. Of a rate it is seen in proportion
 * to the level, and a rate of nothing at all changes nothing: silence is no wave, however often it was.
 * Nor does anything change where fewer than RECENT_NEEDED days are known, or for more than two hours. */
enum { RECENT_DAYS = 7, RECENT_NEEDED = 3 };
#define RECENT_SPREADS 3.0
void recent_widen(const struct recent *x, recent_fn *f, void *arg, bool rate, double v, struct usual *u);

#endif
