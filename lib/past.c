/* past.c - see past.h. */
#include "past.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "poison.h"

enum { HOUR_MINUTES = 60 };

/* A normal deviation is so many times the median of the distances. */
#define MAD_TO_SIGMA 1.4826

/* The same wall clock so many weeks before: a farm's day follows its users' clocks. */
static int64_t
weeks_before(int64_t t, int weeks)
{
	time_t at = (time_t)t;
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL)
		return t - (int64_t)weeks * 7 * 86400;
	tm.tm_mday -= 7 * weeks;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm);
}

/* Some minutes of an hour: its counts times those minutes are added. */
struct part {
	struct past *p;
	size_t n;			/* of p, by the host's id; 0: one takes all */
	unsigned first;			/* sample */
	int64_t from[PAST_HOURS], to[PAST_HOURS];	/* minutes of each */
};

static int64_t
common(int64_t from, int64_t to, int64_t hour)
{
	int64_t a = hour * HOUR_MINUTES, b = a + HOUR_MINUTES;

	a = from > a ? from : a;
	b = to < b ? to : b;
	return b > a ? b - a : 0;
}

static bool
add_hour(void *arg, int host, int64_t minute, const struct cell *c)
{
	struct part *part = arg;

	if (part->n > 0 && (size_t)host >= part->n)
		return true;
	for (unsigned h = 0; h < PAST_HOURS; h++) {
		int64_t n = common(part->from[h], part->to[h], minute / HOUR_MINUTES);

		cell_merge_times(&part->p[part->n > 0 ? host : 0].sample[part->first + h], c, n);
	}
	return true;
}

/* n: as in struct part. */
static bool
read_weeks(struct past *p, size_t n, struct stateread *r, int host, int64_t first, int64_t from,
    int64_t to, struct err *e)
{
	int64_t middle = (from + to) / 2, length = to - from > HOUR_MINUTES ? to - from : HOUR_MINUTES;
	struct past head = { .scale = (double)(to - from) / (double)length / HOUR_MINUTES };
	size_t all = n > 0 ? n : 1;
	bool good = true;

	for (size_t i = 0; i < all; i++)
		p[i] = head;
	for (int week = 1; good && week <= PAST_WEEKS; week++) {
		int64_t then = weeks_before(middle * 60, week) / 60 - length / 2;
		int64_t begin = then - PAST_HOURS / 2 * HOUR_MINUTES;
		int64_t end = then + PAST_HOURS / 2 * HOUR_MINUTES + length;
		struct part part = { .p = p, .n = n, .first = p->weeks * PAST_HOURS };

		if (begin * 60 < first)
			break;
		for (int h = 0; h < PAST_HOURS; h++) {
			part.from[h] = begin + h * HOUR_MINUTES;
			part.to[h] = part.from[h] + length;
		}
		for (size_t i = 0; i < all; i++)
			p[i].weeks++;
		/* whole hours, so that none comes by minutes */
		good = stateread_parts(r, host, begin / HOUR_MINUTES * HOUR_MINUTES,
		    (end + HOUR_MINUTES - 1) / HOUR_MINUTES * HOUR_MINUTES, add_hour, &part, e);
	}
	for (size_t i = 0; i < all; i++)
		for (unsigned k = 0; k < p[i].weeks * PAST_HOURS; k++)
			cell_whose(&p[i].sample[k], host == STATEREAD_FARM && n == 0);
	return good;
}

bool
past_read(struct past *p, struct stateread *r, int host, int64_t first, int64_t from, int64_t to,
    struct err *e)
{
	return read_weeks(p, 0, r, host, first, from, to, e);
}

bool
past_read_hosts(struct past *p, size_t n, struct stateread *r, int64_t first, int64_t from,
    int64_t to, struct err *e)
{
	return n == 0 || read_weeks(p, n, r, STATEREAD_FARM, first, from, to, e);
}

void
past_free(struct past *p)
{
	for (unsigned i = 0; i < PAST_MAX; i++)
		cell_free(&p->sample[i]);
}

double
past_count(const struct past *p, unsigned sample, uint32_t key)
{
	return (double)cell_get(&p->sample[sample], key) * p->scale;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Nearly always a few: for those qsort() takes several times as long. */
static void
sort(double *v, unsigned n)
{
	if (n > PAST_MAX) {
		qsort(v, n, sizeof *v, by_size);
		return;
	}
	for (unsigned i = 1; i < n; i++) {
		double x = v[i];
		unsigned to = i;

		for (; to > 0 && x < v[to - 1]; to--)
			v[to] = v[to - 1];
		v[to] = x;
	}
}

double
past_median(double *v, unsigned n)
{
	sort(v, n);
	return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* The median of an hour over the weeks; *n: of how many. */
static double
of_hour(const double v[PAST_MAX], unsigned weeks, unsigned hour, unsigned *n)
{
	double row[PAST_WEEKS];

	*n = 0;
	for (unsigned w = 0; w < weeks; w++)
		if (!isnan(v[w * PAST_HOURS + hour]))
			row[(*n)++] = v[w * PAST_HOURS + hour];
	return *n > 0 ? past_median(row, *n) : (double)NAN;
}

/* A fault of a week ago must not be what hides the same fault of today. */
static void
between(const double *v, unsigned n, struct usual *u)
{
	double known[PAST_MAX];
	unsigned k = 0;

	for (unsigned i = 0; i < n; i++)
		if (!isnan(v[i]))
			known[k++] = v[i];
	sort(known, k);
	u->least = known[k / 10];
	u->most = known[k - 1 - k / 10];
}

struct usual
past_usual(const struct past *p, past_fn *f, void *arg)
{
	struct usual u = { .value = (double)NAN, .spread = (double)NAN, .least = (double)NAN,
		.most = (double)NAN };
	double v[PAST_MAX], off[PAST_MAX];
	unsigned offs = 0, n;

	for (unsigned i = 0; i < p->weeks * PAST_HOURS; i++)
		v[i] = f(arg, p, i);
	u.value = of_hour(v, p->weeks, PAST_HOURS / 2, &u.weeks);
	if (u.weeks < PAST_NEEDED) {
		u.value = (double)NAN;
		return u;
	}
	for (unsigned h = 0; h < PAST_HOURS; h++) {
		double m = of_hour(v, p->weeks, h, &n);

		for (unsigned w = 0; n >= PAST_NEEDED && w < p->weeks; w++)
			if (!isnan(v[w * PAST_HOURS + h]))
				off[offs++] = fabs(v[w * PAST_HOURS + h] - m);
	}
	between(v, p->weeks * PAST_HOURS, &u);
	/* n numbers are nearer to their own median than to that of all weeks */
	u.spread = MAD_TO_SIGMA * past_median(off, offs) * sqrt(u.weeks / (u.weeks - 1.0));
	return u;
}

double
past_distance(const struct usual *u, double v, double noise)
{
	double wide = sqrt(u->spread * u->spread + noise * noise);

	if (isnan(v) || isnan(u->value))
		return (double)NAN;
	if (v >= u->least && v <= u->most)
		return 0;
	return wide > 0 ? fabs(v - u->value) / wide : v == u->value ? 0 : (double)INFINITY;
}
