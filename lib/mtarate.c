/* mtarate.c - see mtarate.h. Kept are lines of numbers, the newest last. */
#include "mtarate.h"

#include <math.h>

#include "check.h"
#include "keep.h"

#include "poison.h"

enum { ROWS = 8, NEWEST_S = 50, OLDEST_S = 3600, APART_S = 20 };

enum field { TIME, UPTIME, TOTAL, RECEIVED, TRANSMITTED, REJECTED, LOOPS, FIELDS };

const struct mtarate mtarate_none = { (double)NAN, (double)NAN, (double)NAN, (double)NAN, (double)NAN };

struct row {
	double of[FIELDS];
};

/* A number, or "-" for what was not known. */
static bool
read_row(struct slice line, struct row *r)
{
	for (int i = 0; i < FIELDS; i++) {
		if (i > 0 && !slice_eat_char(&line, ' '))
			return false;
		if (slice_eat_char(&line, '-'))
			r->of[i] = (double)NAN;
		else if (!slice_decimal(&line, &r->of[i]))
			return false;
	}
	return line.n == 0 && !isnan(r->of[TIME]);
}

static void
write_row(struct buf *b, const struct row *r)
{
	for (int i = 0; i < FIELDS; i++) {
		buf_str(b, i > 0 ? " " : "");
		if (isnan(r->of[i]))
			buf_char(b, '-');
		else
			buf_fmt(b, "%.0f", r->of[i]);
	}
	buf_char(b, '\n');
}

/* A Counter32 runs over; an agent that began anew begins with 0. */
static double
moved(const struct row *old, const struct row *new, enum field f)
{
	double more = new->of[f] - old->of[f];

	if (new->of[UPTIME] < old->of[UPTIME] || isnan(more))
		return (double)NAN;
	if (more < 0)
		more += 4294967296.0;
	return more < 2147483648.0 ? more * 60 / (new->of[TIME] - old->of[TIME]) : (double)NAN;
}

static void
compare(const struct row *old, const struct row *new, struct mtarate *r)
{
	r->growth = (new->of[TOTAL] - old->of[TOTAL]) * 60 / (new->of[TIME] - old->of[TIME]);
	r->received = moved(old, new, RECEIVED);
	r->transmitted = moved(old, new, TRANSMITTED);
	r->rejected = moved(old, new, REJECTED);
	r->loops = moved(old, new, LOOPS);
}

/* Without a memory no rate is ever known, and a limit of one would be silent for ever. */
static void
no_memory(const char *host, const struct err *e)
{
	struct buf what = buf_new(400);

	buf_fmt(&what, "rates of %s are not known", check_clean(slice_of(host)));
	keep_failed(check_has_limit("growth") || check_has_limit("received") || check_has_limit("transmitted") ||
	    check_has_limit("rejected") || check_has_limit("loops"), what.p, e);
	buf_free(&what);
}

void
mtarate_of(const char *check, const char *host, const struct mtamib_sum *sum, double uptime_s,
    int64_t now, struct mtarate *r)
{
	struct row row[ROWS + 1], new = { { (double)now, uptime_s, sum->total, sum->received, sum->transmitted,
		sum->rejected, sum->loops } };
	struct buf kept = buf_new(KEEP_BYTES), b = buf_new(ROWS * 200);
	struct slice s, line;
	struct err e;
	size_t n = 0;
	bool known = keep_read(check, slice_of(host), &kept, &e);

	*r = mtarate_none;
	for (s = buf_slice(&kept); n < ROWS && slice_cut(&s, '\n', &line); )
		if (read_row(line, &row[n]) && row[n].of[TIME] <= new.of[TIME] &&
		    row[n].of[TIME] > new.of[TIME] - OLDEST_S)
			n++;
	for (size_t i = n; i > 0; i--)
		if (new.of[TIME] - row[i - 1].of[TIME] >= NEWEST_S) {
			compare(&row[i - 1], &new, r);
			break;
		}
	/* Who runs it by hand does not push out the last run of the monitoring. */
	if (n == 0 || new.of[TIME] - row[n - 1].of[TIME] >= APART_S)
		row[n++] = new;
	for (size_t i = n > ROWS; i < n; i++)
		write_row(&b, &row[i]);
	if (!keep_write(check, slice_of(host), buf_slice(&b), known ? &e : NULL) || !known)
		no_memory(host, &e);
	buf_free(&kept);
	buf_free(&b);
}
