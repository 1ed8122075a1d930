/* hist.h - a log-linear histogram of durations that merges exactly.
 *
 * Sixteen buckets to each doubling: a quantile read back is within 3 % of the
 * true value. Values are milliseconds; counts may go negative while a correction
 * is on its way. Fixed size, no allocation. */
#ifndef MX_HIST_H
#define MX_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

/* 0..15 ms exactly, then 16 buckets an octave up to 2^31 ms (24 days). */
enum { HIST_N = 16 + 27 * 16 };

struct hist {
	int32_t n[HIST_N];
};

/* Four histograms in the room of one, four buckets of it to each of theirs: within 10 %. */
enum { HIST_PARTS = 4, HIST_PART_N = HIST_N / HIST_PARTS };

unsigned hist_bucket(uint64_t ms);
/* One of them, laid out as a histogram of its own. */
void hist_part(const struct hist *all, unsigned part, struct hist *h);
/* The middle of a bucket in seconds. */
double hist_value(unsigned bucket);
int64_t hist_count(const struct hist *h);
/* The q-quantile (0..1) in seconds, NAN if there is nothing. */
double hist_quantile(const struct hist *h, double q);
double hist_max(const struct hist *h);

#endif
