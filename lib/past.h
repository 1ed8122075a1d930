/* past.h - what is usual at this time of the day and the week, by the state's hourly cells.
 *
 * A stretch of log time is compared with the same stretch of the same weekday, by local time,
 * in each of the four weeks before, and there also with the two hours before and behind it:
 * twenty samples. Usual is the median of the weeks; how far weeks differ from it at those five
 * hours is the spread. Hours are taken in part where the stretch covers them in part, and a
 * stretch shorter than an hour is widened to one, for nothing finer is kept for so long. */
#ifndef MX_PAST_H
#define MX_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "cell.h"
#include "err.h"
#include "stateread.h"

enum { PAST_WEEKS = 4, PAST_HOURS = 5, PAST_MAX = PAST_WEEKS * PAST_HOURS };

struct past {
	struct cell sample[PAST_MAX];	/* by week, in it by hour; counts times the minutes taken */
	double scale;			/* from there to counts in the stretch */
	unsigned weeks;			/* so many does the state know */
};

/* Read it for the minutes from <= minute < to of that host or STATEREAD_FARM, whose oldest
 * line is of the time first. *p need not be initialised; past_free() gives it back. */
bool past_read(struct past *p, struct stateread *r, int host, int64_t first, int64_t from,
    int64_t to, struct err *e);
void past_free(struct past *p);
/* The same for all hosts in one go: p[i] is the past of the host with id i, of those with i < n.
 * Their weeks are counted from first too. */
bool past_read_hosts(struct past *p, size_t n, struct stateread *r, int64_t first, int64_t from,
    int64_t to, struct err *e);

/* How much of key there was in a sample, brought to the length of the stretch. */
double past_count(const struct past *p, unsigned sample, uint32_t key);

/* A number made of one sample, NAN where it says nothing (a share of nothing). */
typedef double past_fn(void *arg, const struct past *p, unsigned sample);

struct usual {
	double value, spread;		/* median, and the standard deviation that the weeks suggest */
	double least, most;		/* of the samples, less the tenth at either end */
	unsigned weeks;			/* that said something; below PAST_NEEDED value is NAN */
};
enum { PAST_NEEDED = 2 };

struct usual past_usual(const struct past *p, past_fn *f, void *arg);

/* How many spreads v is away from what is usual; noise is what v would vary by chance, as a
 * standard deviation, and comes on top. 0 if it lies between least and most; NAN where nothing is
 * known. */
double past_distance(const struct usual *u, double v, double noise);

/* The median of n numbers, which are sorted by it; n > 0. */
double past_median(double *v, unsigned n);

#endif
