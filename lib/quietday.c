/* quietday.c - see quietday.h. */
#include "quietday.h"

#include <math.h>
#include <time.h>

#include "flow.h"

#include "poison.h"

enum { DAY_MINUTES = 1440, BEFORE = 180, WEEK = 7, CHANCE = 3 };

/* So many where so many are usual. */
static bool
is_near(double n, double usual)
{
	double chance = CHANCE * sqrt(FLOW_BUNCH * fmax(usual, 1));

	return n >= usual / QUIETDAY_NEAR - chance && n <= usual * QUIETDAY_NEAR + chance;
}

/* Is the weekday so many days before quieter than less, and now as quiet as that? So from minute from
 * on, with n events. 1: yes; 0: no; -1: *e. *p is to be freed in any case. */
static int
is_as(const struct quietday *q, int64_t from, double n, int days, double less, struct past *p, struct err *e)
{
	double usual;

	if (!past_read(p, q->r, q->host, q->first, from - days * DAY_MINUTES, q->to - days * DAY_MINUTES, e))
		return -1;
	usual = past_usual(p, q->then, q->arg).value;
	return usual > 0 && usual * QUIETDAY_NEAR < less && is_near(n, usual);	/* not NAN */
}

/* The same of the hours before: they may be as quiet as the weekday whatever is usual on this one. */
static int
was_as(const struct quietday *q, double n, int days, struct err *e)
{
	struct past p;
	int as = is_as(q, q->to - BEFORE, n, days, INFINITY, &p, e);

	past_free(&p);
	return as;
}

/* So many events in the hours before. */
static bool
read_before(const struct quietday *q, double *n, struct err *e)
{
	struct cell c = { 0 };
	bool good = stateread_sum(q->r, q->host, q->to - BEFORE, q->to, &c, e);

	*n = good ? q->now(q->arg, &c) : 0;
	cell_free(&c);
	return good;
}

int
quietday_find(const struct quietday *q, struct past *p, struct err *e)
{
	double before;

	if (!read_before(q, &before, e))
		return -1;
	/* silence for hours is no quiet day */
	for (int days = 1; days < WEEK && before > 0; days++) {
		int as = is_as(q, q->from, q->n, days, q->usual, p, e);

		if (as > 0)
			as = was_as(q, before, days, e);
		if (as > 0)
			return days;
		past_free(p);
		if (as < 0)
			return -1;
	}
	return 0;
}

const char *
quietday_name(int64_t time, int days)
{
	static const char *const names[WEEK] = { "a Sunday", "a Monday", "a Tuesday", "a Wednesday",
		"a Thursday", "a Friday", "a Saturday" };
	time_t at = (time_t)time;
	struct tm tm;

	return localtime_r(&at, &tm) == NULL ? "another day" : names[(tm.tm_wday + WEEK - days) % WEEK];
}
