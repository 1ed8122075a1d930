/* clock.h - a clock that nobody sets, for measuring and for deadlines; and the one of the wall. */
#ifndef MX_CLOCK_H
#define MX_CLOCK_H

#include <time.h>

/* Seconds since some moment before the program began. */
static inline double
clock_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds since 1970. */
static inline double
clock_wall(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#endif
