/* test_hist.c - buckets of durations: every value in its place, quantiles within 3 %. */
#include "tap.h"

#include <math.h>

#include "hist.h"

#include "poison.h"

int
main(void)
{
	struct hist h = { { 0 } };
	double worst = 0;
	bool rising = true;
	unsigned before = 0;

	for (uint64_t ms = 0; ms < UINT64_C(1) << 31; ms = ms < 2000 ? ms + 1 : ms * 1001 / 1000) {
		unsigned b = hist_bucket(ms);
		double v = hist_value(b) * 1000;

		rising &= b >= before && b < HIST_N;
		before = b;
		if (ms > 0 && fabs(v - (double)ms) / (double)ms > worst)
			worst = fabs(v - (double)ms) / (double)ms;
	}
	ok(rising, "longer is never in a lower bucket");
	ok(worst < 0.033, "a bucket's value is within 3.2 %%");
	printf("# worst %.4f\n", worst);
	ok(hist_bucket(UINT64_MAX) == HIST_N - 1, "for ever is in the last one");
	ok(isnan(hist_quantile(&h, 0.5)) && isnan(hist_max(&h)), "nothing has no median");

	for (unsigned ms = 1; ms <= 1000; ms++)
		h.n[hist_bucket(ms * 1000)]++;
	ok(fabs(hist_quantile(&h, 0.5) - 500) < 17, "median of 1 to 1000 s");
	ok(fabs(hist_quantile(&h, 0.99) - 990) < 33, "99th percentile");
	ok(fabs(hist_quantile(&h, 1) - 1000) < 33 && fabs(hist_max(&h) - 1000) < 33, "the longest");
	ok(fabs(hist_quantile(&h, 0) - 1) < 0.04, "the shortest");
	ok(hist_count(&h) == 1000, "how many there are");
	h = (struct hist){ { 0 } };
	h.n[5] = -2;
	h.n[9] = 3;
	ok(!isnan(hist_quantile(&h, 0.5)), "a correction that is on its way does no harm");
	h.n[9] = 1;
	ok(isnan(hist_quantile(&h, 0.5)), "fewer than none is nothing");
	return done_testing();
}
