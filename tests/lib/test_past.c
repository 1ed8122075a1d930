/* test_past.c - what is usual, of samples made by hand. */
#include "tap.h"

#include <math.h>

#include "past.h"

#include "poison.h"

/* A share of the table that arg points at. */
static double
from_table(void *arg, const struct past *p, unsigned sample)
{
	(void)p;
	return ((const double *)arg)[sample];
}

int
main(void)
{
	double v[PAST_MAX], one[] = { 3 }, four[] = { 9, 1, 3, 5 };
	struct past p = { .weeks = PAST_WEEKS, .scale = 0.25 / 60 };
	struct usual u;

	ok(past_median(one, 1) == 3 && past_median(four, 4) == 4, "median of one and of four");

	cell_add(&p.sample[7], M_rej, 60 * 100);
	ok(fabs(past_count(&p, 7, M_rej) - 25) < 1e-9 && past_count(&p, 6, M_rej) == 0,
	    "an hour's 100 are 25 in a quarter of an hour");
	past_free(&p);

	/* weeks at 90, 92, 94, 96 in the middle; a level that rises by the hour */
	for (unsigned i = 0; i < PAST_MAX; i++)
		v[i] = 90 + 2 * (i / PAST_HOURS) + i % PAST_HOURS - 2;
	u = past_usual(&p, from_table, v);
	ok(u.value == 93 && u.weeks == 4, "usual is the median of the weeks at this hour");
	ok(u.spread > 2 && u.spread < 4, "the spread is that of the weeks, not of the hours");
	ok(u.least == 90 && u.most == 96, "the tenth at either end is left out");
	ok(past_distance(&u, 95, 0) == 0, "what lies among the samples is not far");
	ok(fabs(past_distance(&u, 93 - 10 * u.spread, 0) - 10) < 1e-9, "ten spreads below");
	ok(past_distance(&u, 50, 1000) < 0.1, "noise makes anything near");

	for (unsigned i = 0; i < PAST_MAX; i++)
		v[i] = i / PAST_HOURS == 1 ? 5 : 90;
	u = past_usual(&p, from_table, v);
	ok(u.value == 90 && u.spread == 0, "one week that was broken changes nothing");
	ok(isinf(past_distance(&u, 91, 0)) && past_distance(&u, 90, 0) == 0, "where nothing ever varied");

	for (unsigned i = 0; i < PAST_MAX; i++)
		v[i] = i / PAST_HOURS == 1 ? 5 : (double)NAN;
	u = past_usual(&p, from_table, v);
	ok(isnan(u.value) && isnan(past_distance(&u, 5, 1)), "one week says nothing");
	p.weeks = 0;
	u = past_usual(&p, from_table, v);
	ok(isnan(u.value) && u.weeks == 0, "nor does none");
	return done_testing();
}
