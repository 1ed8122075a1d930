/* trend.c - see trend.h. */
#include "trend.h"

#include <math.h>
#include <stdlib.h>

#include "mem.h"

#include "poison.h"

enum { DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60, POINTS_NEEDED = 6, YEARS_S = 10 * 365 * DAY_S, PAIRS_MAX = 200000 };
enum { SAME_TIME_S = HOUR_S };	/* points nearer than that have the same time of day */

struct points {
	int64_t *t;
	double *v;
	size_t n;
};

/* The known ones; of many, means of neighbours. */
static struct points
thinned(const int64_t *t, const double *v, size_t n)
{
	struct points p = { xcalloc(n + 1, sizeof *p.t), xcalloc(n + 1, sizeof *p.v), 0 };
	size_t known = 0, each, in = 0;

	for (size_t i = 0; i < n; i++)
		known += isfinite(v[i]) != 0;
	each = known / TREND_POINTS_MAX + 1;
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(v[i]))
			continue;
		if (in++ % each == 0) {
			p.t[p.n] = t[i];
			p.v[p.n++] = 0;
		}
		p.v[p.n - 1] += v[i];
	}
	for (size_t i = 0; i < p.n; i++)
		p.v[i] /= (double)(i + 1 < p.n || in % each == 0 ? each : in % each);
	return p;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
part_of(double *sorted, size_t n, double part)
{
	return sorted[(size_t)(part * (double)(n - 1) + 0.5)];
}

/* Does a pair so far apart tell a slope? Near ones are all noise. */
static bool
is_pair(int64_t apart, int64_t span, bool season)
{
	int64_t off = (apart + DAY_S / 2) % DAY_S - DAY_S / 2;

	if (!season)
		return apart >= span / 4;
	return apart >= DAY_S / 2 && off < SAME_TIME_S && off > -SAME_TIME_S;
}

/* Slopes of pairs, sorted; at most PAIRS_MAX, evenly. */
static double *
slopes(const struct points *p, bool season, size_t *n)
{
	int64_t span = p->t[p->n - 1] - p->t[0];
	size_t all = p->n * (p->n - 1) / 2, step = all / PAIRS_MAX + 1, i = 0;
	double *s = xcalloc(all / step + p->n + 1, sizeof *s);

	*n = 0;
	/* a step that shares no divisor with a day's points would be better still; it is odd at least */
	step |= 1;
	for (size_t a = 0; a < p->n; a++)
		for (size_t b = a + 1; b < p->n; b++)
			if (i++ % step == 0 && is_pair(p->t[b] - p->t[a], span, season))
				s[(*n)++] = (p->v[b] - p->v[a]) / (double)(p->t[b] - p->t[a]);
	if (*n > 0)
		qsort(s, *n, sizeof *s, by_size);
	return s;
}

static double
median_at(const struct points *p, const struct trend *r, int hour, bool tide)
{
	double *off = xcalloc(p->n, sizeof *off), m;
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		int h = (int)(p->t[i] % DAY_S / HOUR_S);

		if (hour < 0 || h == hour)
			off[n++] = p->v[i] - r->slope * (double)(p->t[i] - r->at) -
			    (hour >= 0 ? r->level : tide ? r->tide[h] : 0);
	}
	if (n > 0)
		qsort(off, n, sizeof *off, by_size);
	m = n > 0 ? part_of(off, n, 0.5) : 0;
	free(off);
	return m;
}

void
trend_fit(struct trend *r, const int64_t *t, const double *v, size_t n, int64_t at, bool season)
{
	struct points p = thinned(t, v, n);
	size_t pairs = 0;
	double *s = NULL;

	*r = (struct trend){ .at = at };
	if (p.n >= POINTS_NEEDED && p.t[p.n - 1] > p.t[0])
		s = slopes(&p, season, &pairs);
	if (pairs > 0) {
		r->known = true;
		r->slope = part_of(s, pairs, 0.5);
		r->least = part_of(s, pairs, 0.25);
		r->most = part_of(s, pairs, 0.75);
		r->level = median_at(&p, r, -1, false);
		for (int h = 0; season && h < TREND_HOURS; h++)
			r->tide[h] = median_at(&p, r, h, false);
	}
	free(s);
	free(p.t);
	free(p.v);
}

/* The tide of an hour is that of its middle; between two of them it rises evenly. */
static double
tide_at(const struct trend *r, int64_t t)
{
	double hours = (double)((t - HOUR_S / 2) % DAY_S + DAY_S) / HOUR_S, part = hours - floor(hours);
	int hour = (int)hours % TREND_HOURS;

	return r->tide[hour] * (1 - part) + r->tide[(hour + 1) % TREND_HOURS] * part;
}

static double
foretold(const struct trend *r, int64_t ahead)
{
	return r->level + r->slope * (double)ahead + tide_at(r, r->at + ahead);
}

double
trend_until(const struct trend *r, double target, bool above)
{
	double sign = above ? 1 : -1, straight;

	if (!r->known || isnan(target))
		return (double)NAN;
	if (sign * (foretold(r, 0) - target) >= 0)
		return 0;
	if (sign * r->slope <= 0 || r->least * r->most <= 0)
		return (double)INFINITY;
	straight = (target - r->level) / r->slope;
	/* the tide gets there first: by at most what its height is in growth, at least some days */
	for (int64_t ahead = HOUR_S; (double)ahead < straight && ahead < YEARS_S; ahead += HOUR_S)
		if (sign * (foretold(r, ahead) - target) >= 0) {
			while (sign * (foretold(r, ahead - MINUTE_S) - target) >= 0)
				ahead -= MINUTE_S;
			return (double)ahead;
		}
	return straight < YEARS_S ? fmax(straight, 0) : (double)INFINITY;
}
