/* quietday.c - see quietday.h. */
#include "quietday.h"

#include <math.h>
#include <time.h>

#include "flow.h"

#include "poison.h"

enum { DAY_MINUTES = 1440, BEFORE = 180, WEEK = 7, CHANCE = 3 };
#define NEAR 1.5

/* So many where so many are usual. */
static bool
is_near(double n, double usual)
{
	double chance = CHANCE * sqrt(FLOW_BUNCH * fmax(usual, 1));

	return n >= usual / NEAR - chance && n <= usual * NEAR + chance;
}

/* One stretch, and the same of another weekday. */
struct stretch {
	int64_t from, to;
	double n;
};

static bool
read_now(struct stretch *s, struct stateread *r, int host, quietday_fn *now, void *arg, struct err *e)
{
	struct cell c = { 0 };
	bool good = stateread_sum(r, host, s->from, s->to, &c, e);

	s->n = good ? now(arg, &c) : 0;
	cell_free(&c);
	return good;
}

/* 1: as quiet as that weekday, which is quieter than it should be; 0: no; -1: *e. *p is to be freed if not below 0. */
static int
is_as(struct past *p, const struct stretch *s, struct stateread *r, int host, int64_t first, int days, double least,
    past_fn *then, void *arg, struct err *e)
{
	double usual;

	if (!past_read(p, r, host, first, s->from - days * DAY_MINUTES, s->to - days * DAY_MINUTES, e))
		return -1;
	usual = past_usual(p, then, arg).value;
	return usual > 0 && usual * NEAR < least && is_near(s->n, usual);	/* not NAN */
}

int
quietday_find(struct past *p, struct stateread *r, int host, int64_t first, int64_t from, int64_t to, double usual,
    past_fn *then, quietday_fn *now, void *arg, struct err *e)
{
	struct stretch asked = { .from = from, .to = to }, before = { .from = to - BEFORE, .to = to };

	if (!read_now(&asked, r, host, now, arg, e) || !read_now(&before, r, host, now, arg, e))
		return -1;
	/* silence for hours is no quiet day */
	for (int days = 1; days < WEEK && before.n > 0; days++) {
		struct past longer;
		int as = is_as(p, &asked, r, host, first, days, usual, then, arg, e);

		if (as > 0) {
			as = is_as(&longer, &before, r, host, first, days, INFINITY, then, arg, e);
			if (as >= 0)
				past_free(&longer);
		}
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
	static const char *const names[WEEK] = { "a Sunday", "a Monday", "a Tuesday", "a Wednesday", "a Thursday",
		"a Friday", "a Saturday" };
	time_t at = (time_t)time;
	struct tm tm;

	return localtime_r(&at, &tm) == NULL ? "another day" : names[(tm.tm_wday + WEEK - days) % WEEK];
}
