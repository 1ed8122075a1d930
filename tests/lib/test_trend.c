/* test_trend.c - straight lines, tides, nonsense between, and when a target is reached. */
#include "tap.h"

#include <math.h>
#include <stdlib.h>

#include "trend.h"

#include "poison.h"

enum { N = 14 * 288, DAY = 86400 };

static int64_t t[N];
static double v[N];

/* 14 days of 5 minutes: from, per day, height of the tide, noise */
static void
series(double from, double per_day, double tide, double noise)
{
	uint32_t seed = 7;

	for (int i = 0; i < N; i++) {
		seed = seed * 1664525 + 1013904223;
		t[i] = 1795132800 + i * 300;
		v[i] = from + per_day * i / 288 + tide * sin(i * 2 * 3.14159265 / 288) +
		    noise * ((double)(seed >> 8) / (1 << 24) - 0.5);
	}
}

static bool
near(double a, double b, double part)
{
	return fabs(a - b) <= part * fabs(b);
}

int
main(void)
{
	struct trend r;
	int64_t now = 1795132800 + (int64_t)N * 300;

	series(40, 2, 0, 1);
	trend_fit(&r, t, v, N, now, false);
	ok(r.known && near(r.slope * DAY, 2, 0.02), "a slope of 2 a day: %.3f", r.slope * DAY);
	ok(near(r.level, 68, 0.01), "the level at the end: %.2f", r.level);
	ok(near(trend_until(&r, 90, true), 11 * DAY, 0.03), "90 is reached in 11 days");
	ok(trend_until(&r, 60, true) == 0, "60 has been");
	ok(isinf(trend_until(&r, 10, false)), "10 is never reached from above");

	for (int i = 100; i < 1000; i++)
		v[i] = i % 3 == 0 ? 5 : v[i];
	for (int i = 3000; i < 3400; i++)
		v[i] = (double)NAN;
	trend_fit(&r, t, v, N, now, false);
	ok(near(r.slope * DAY, 2, 0.05), "holes and nonsense do not move it: %.3f", r.slope * DAY);

	series(50, 1, 20, 2);
	trend_fit(&r, t, v, N, now, true);
	ok(near(r.slope * DAY, 1, 0.05), "a tide is no growth: %.3f", r.slope * DAY);
	ok(near(r.tide[5], 20, 0.1) && near(r.tide[17], -20, 0.1), "the tide: %.1f %.1f", r.tide[5], r.tide[17]);
	/* the line is at 64 now and the tide 20 high: 90 in about 6 days */
	ok(near(trend_until(&r, 90, true), 6.2 * DAY, 0.1), "and gets to the target first: %.2f days",
	    trend_until(&r, 90, true) / DAY);

	series(50, 0, 0, 10);
	trend_fit(&r, t, v, N, now, false);
	ok(isinf(trend_until(&r, 90, true)), "noise goes nowhere");
	series(50, 0, 0, 0);
	trend_fit(&r, t, v, N, now, true);
	ok(r.known && isinf(trend_until(&r, 90, true)) && isinf(trend_until(&r, 10, false)), "nor does a constant");
	series(90, -3, 0, 1);
	trend_fit(&r, t, v, N, now, false);
	ok(near(trend_until(&r, 30, false), 6 * DAY, 0.05), "down as well");

	trend_fit(&r, t, v, 3, now, false);
	ok(!r.known && isnan(trend_until(&r, 90, true)), "three points tell nothing");
	trend_fit(&r, t, v, 100, now, true);
	ok(!r.known, "nor do eight hours of a day's season");
	return done_testing();
}
