/* test_surprise.c - how far a count is from what was expected: known cases, and where both kinds of
 * chance meet. */
#include "tap.h"

#include <math.h>
#include <stdbool.h>

#include "surprise.h"

#include "poison.h"

static bool
near(double v, double want, double part)
{
	if (fabs(v - want) <= part * want)
		return true;
	printf("# %g in place of %g\n", v, want);
	return false;
}

int
main(void)
{
	double both = hypot(100, 100);

	ok(surprise(10, 10) == 0 && near(surprise(0, 20), 40, 1e-9), "as expected, and none");
	ok(near(surprise_count(0, 40, 0, 1), sqrt(80), 1e-9), "none of 40");
	ok(near(surprise_count(0, 40, 0, 2), sqrt(40), 1e-9), "of 40 that come by twos");
	ok(surprise_count(0, 4, 0, 2) <= 2, "none of 4 is nothing strange");
	ok(near(surprise_count(10500, 10000, 0, 1), 5, 0.02), "many are normal");
	ok(near(surprise_count(5e7, 1e8, 1e7, 2), 5, 0.02), "of very many the weeks' spread is what counts");
	ok(near(surprise_count(10000 - 5 * both, 10000, 100, 1), 5, 0.03), "both come together as deviations do");
	ok(surprise_count(0, 40, 8, 2) < surprise_count(0, 40, 0, 2) && surprise_count(0, 40, 8, 2) > 4.5,
	    "what the weeks differ by makes none of 40 less strange, not usual");
	ok(surprise_count(7, 7, 1, 2) < 1e-6, "the usual is no surprise");

	ok(near(surprise_part(280, 280, 0.86, 0, 2), sqrt(280 * log(1 / 0.86)), 1e-9), "all, where 86 %% are usual");
	ok(near(surprise_part(30, 200, 0.4, 0.03, 2), surprise_part(170, 200, 0.6, 0.03, 2), 1e-6),
	    "a part and what is left are equally far");
	ok(isfinite(surprise_part(3, 40, 0, 0.01, 2)) && isinf(surprise_part(3, 40, 0, 0, 2)),
	    "what never was is not beyond all measure, if it may have been a hundredth");
	ok(surprise_part(1, 20, 0.0001, 0, 4) < 3 && surprise_part(10, 200, 0.0001, 0, 4) > 5,
	    "one of 20 is little, ten of 200 are much");
	ok(surprise_part(4200, 10000, 0.4, 0.01, 1) < 2.1 && surprise_part(4200, 10000, 0.4, 0, 1) > 4,
	    "two points where weeks differ by one");
	return done_testing();
}
