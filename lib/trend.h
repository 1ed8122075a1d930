/* trend.h - where a series of numbers is heading, and when it gets there.
 *
 * The slope is the median of the slopes between pairs of points (Theil and Sen): a third of the
 * points may be nonsense, a log that was deleted once, without moving it. With a season of a day
 * only points of the same time of day are paired, so that the tide does not count as growth, and
 * the tide is added again to what is foretold. */
#ifndef MX_TREND_H
#define MX_TREND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TREND_HOURS = 24, TREND_POINTS_MAX = 2000 };

struct trend {
	bool known;			/* enough points over enough time */
	double slope;			/* per second */
	double least, most;		/* the middle half of the slopes lies between */
	double level;			/* of the straight line at the time at */
	int64_t at;
	double tide[TREND_HOURS];	/* by hour of the day (UTC); 0 without season */
};

/* Fit n points at rising times t, values v (NAN: unknown), for a forecast from the time at on.
 * More than TREND_POINTS_MAX are thinned. */
void trend_fit(struct trend *r, const int64_t *t, const double *v, size_t n, int64_t at, bool season);

/* Seconds from at until the target is reached; 0 if it has been; INFINITY where the trend goes the
 * other way, or goes nowhere: the middle half of the slopes has both signs; or later than in ten
 * years. above: the target is reached from below. NAN where no trend is known. */
double trend_until(const struct trend *r, double target, bool above);

#endif
