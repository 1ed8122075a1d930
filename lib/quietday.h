/* quietday.h - is it as on a quieter day of the week: a holiday, a vacation?
 *
 * On such a day there is half or a tenth of the mail that the weeks before had on this weekday, and
 * nothing is broken: there is as much as on Sundays. That is so from the morning on, while what breaks
 * does so at some hour. So the stretch that is asked of and the three hours before its end are both held
 * against the same time of each other weekday in its four weeks. */
#ifndef MX_QUIETDAY_H
#define MX_QUIETDAY_H

#include <stdint.h>

#include "cell.h"
#include "err.h"
#include "past.h"
#include "stateread.h"

/* So many times as much is as quiet, still. */
#define QUIETDAY_NEAR 1.5

/* How many events a cell has; and a past_fn says how many a sample of the past has in its stretch. */
typedef double quietday_fn(void *arg, const struct cell *c);

/* What is asked of: the minutes from <= minute < to, of that host or STATEREAD_FARM. */
struct quietday {
	struct stateread *r;
	int host;
	int64_t first;		/* as for past_read() */
	int64_t from, to;
	double n;		/* events that there are, fewer than */
	double usual;		/* are usual on this weekday */
	past_fn *then;
	quietday_fn *now;
	void *arg;		/* of both */
};

/* Fill *p with the past of the first weekday before this one that is quieter than what is usual, and as
 * quiet as it is now: returns how many days before that was, 1 to 6, and past_free() gives *p back. 0:
 * there is none, and *p is nothing; -1: *e. */
int quietday_find(const struct quietday *q, struct past *p, struct err *e);

/* "a Sunday": the weekday so many days before that time. */
const char *quietday_name(int64_t time, int days);

#endif
