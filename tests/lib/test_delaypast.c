/* test_delaypast.c - delays against four weeks made by hand. */
#include "tap.h"

#include <math.h>

#include "delaypast.h"

#include "poison.h"

/* n deliveries of each second from 1 to 10, and slow ones of 40 s. */
static void
deliver(struct cell *c, int64_t n, int64_t slow)
{
	for (unsigned s = 1; n > 0 && s <= 10; s++)
		cell_add(c, CELL_DELAY + hist_bucket(1000 * s), n);
	if (slow > 0)
		cell_add(c, CELL_DELAY + hist_bucket(40000), slow);
}

static double
distance(const struct past *p, int64_t n, int64_t slow)
{
	struct cell c = { 0 };
	struct hist h;

	deliver(&c, n, slow);
	cell_hist(&c, CELL_DELAY, &h);
	cell_free(&c);
	return delaypast_judge(p, CELL_DELAY, &h).distance;
}

int
main(void)
{
	struct past p = { .weeks = PAST_WEEKS, .scale = 1.0 / 60 }, none = { .weeks = 0 };
	struct cell c = { 0 };
	struct hist h;

	/* counts times the minutes taken: 100 deliveries an hour */
	for (unsigned i = 0; i < PAST_MAX; i++)
		deliver(&p.sample[i], 60L * 10, 0);
	deliver(&c, 10, 0);
	cell_hist(&c, CELL_DELAY, &h);
	cell_free(&c);
	ok(fabs(delaypast_judge(&p, CELL_DELAY, &h).usual_s - 10) < 0.3, "p95 of the weeks");
	ok(distance(&p, 40, 0) == 0 && distance(&p, 2, 0) == 0, "the same of many and of few is usual");
	ok(distance(&p, 37, 30) > 5, "a twelfth that takes what none took is far");
	ok(distance(&p, 2, 2) < 3, "two of 22 are not");
	ok(distance(&p, 37, 10) == 0, "nor is a fortieth: p95 is what it was");
	ok(distance(&p, 0, 400) > 5, "all of them are farther");
	deliver(&p.sample[7], 0, 60L * 100);
	deliver(&p.sample[8], 0, 60L * 100);
	ok(distance(&p, 37, 30) > 5, "a fault of two hours of a week ago does not hide the same of today");
	for (unsigned i = 0; i < PAST_MAX; i += 2)
		deliver(&p.sample[i], 0, 60L * 10);
	ok(distance(&p, 37, 30) < 1, "what each second hour has is usual");
	ok(isnan(delaypast_judge(&none, CELL_DELAY, &h).distance), "nothing is known of no week");
	past_free(&p);
	return done_testing();
}
