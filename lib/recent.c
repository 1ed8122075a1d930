/* recent.c - see recent.h. */
#include "recent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "poison.h"

enum { DAY_MINUTES = 1440, SIDE = 240, AROUND = 60,	/* minutes before and behind */
	LONGEST = 120,		/* minutes: what is longer is no wave */
	STEPS = 5,		/* a stretch is looked at each fifth of it */
	CHANCE = 3,		/* standard deviations: as far is the farthest of some dozens by chance */
	ROWS = 100000 };	/* are read in some hundredths of a second */

/* Counts up to a step of a day, by key: the difference of two is what came between. */
struct recent {
	unsigned keys, steps;		/* of a day */
	unsigned stretch, around;	/* in steps */
	unsigned begins;		/* so many stretches have their time around them; the one in
					 * the middle is at the time of the day that is asked of */
	int64_t step;			/* minutes */
	int64_t begin[RECENT_DAYS];	/* minute */
	bool known[RECENT_DAYS];	/* there is something */
	int64_t *sum[RECENT_DAYS];	/* (steps + 1) * keys */
	uint8_t place[METRIC_N];	/* 1 + which of the keys it is, 0: none */
	unsigned day;			/* that is read */
};

static bool
add_minute(void *arg, int host, int64_t minute, const struct cell *c)
{
	struct recent *x = arg;
	int64_t *sum = x->sum[x->day] + (size_t)((minute - x->begin[x->day]) / x->step + 1) * x->keys;

	(void)host;
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t m = c->pair[i].key % CELL_HOP;

		if (m < METRIC_N && x->place[m] > 0)
			sum[x->place[m] - 1] += c->pair[i].key < CELL_HOP ? c->pair[i].n : -c->pair[i].n;
	}
	x->known[x->day] = true;
	return true;
}

static bool
read_day(struct recent *x, struct stateread *r, int host, int64_t from, struct err *e)
{
	int64_t begin = from - (x->day + 1) * DAY_MINUTES - SIDE - AROUND;
	int64_t *sum = xcalloc((x->steps + 1) * x->keys, sizeof *sum);

	x->begin[x->day] = begin;
	x->sum[x->day] = sum;
	if (!stateread_rows(r, host, begin, begin + x->steps * x->step, add_minute, x, e))
		return false;
	for (size_t i = x->keys; i < (x->steps + 1) * x->keys; i++)
		sum[i] += sum[i - x->keys];
	return true;
}

/* How many days are to be read: of a farm of very many hosts fewer, for a long stretch none. False: *e. */
static bool
days_to_read(const struct recent *x, struct stateread *r, int host, int64_t length, unsigned *days,
    struct err *e)
{
	const struct stateread_host *hosts;
	size_t n = 1;
	int64_t afford;

	if (host == STATEREAD_FARM && !stateread_hosts(r, &hosts, &n, e))
		return false;
	afford = ROWS / ((n > 0 ? (int64_t)n : 1) * x->steps * x->step);
	*days = length > LONGEST ? 0 : afford < RECENT_NEEDED ? RECENT_NEEDED :
	    afford < RECENT_DAYS ? (unsigned)afford : RECENT_DAYS;
	return true;
}

struct recent *
recent_read(struct stateread *r, int host, int64_t from, int64_t to, const enum metric *key, unsigned keys,
    struct err *e)
{
	struct recent *x = xcalloc(1, sizeof *x);
	int64_t length = to - from;
	unsigned days = 0;
	bool good;

	x->keys = keys;
	for (unsigned k = 0; k < keys; k++)
		x->place[key[k]] = (uint8_t)(k + 1);
	x->step = length > STEPS ? length / STEPS : 1;
	x->stretch = (unsigned)(length / x->step);
	x->around = (unsigned)(AROUND / x->step);
	x->steps = (unsigned)((2 * (SIDE + AROUND) + length) / x->step);
	x->begins = x->steps - 2 * x->around - x->stretch + 1;
	good = days_to_read(x, r, host, length, &days, e);
	for (; good && x->day < days; x->day++)
		good = read_day(x, r, host, from, e);
	if (good)
		return x;
	recent_free(x);
	return NULL;
}

void
recent_free(struct recent *x)
{
	for (unsigned d = 0; d < RECENT_DAYS; d++)
		free(x->sum[d]);
	free(x);
}

struct looking {
	const struct recent *x;
	recent_fn *f;
	void *arg;
	int64_t *count;		/* room for the keys */
};

/* The number of the steps from <= i < to of that day, less those from <= i < to of without. */
static double
number(const struct looking *l, unsigned day, const unsigned from_to[2], const unsigned without[2],
    double *chance)
{
	const struct recent *x = l->x;
	const int64_t *sum = x->sum[day];
	unsigned steps = from_to[1] - from_to[0] - (without[1] - without[0]);

	for (unsigned k = 0; k < x->keys; k++)
		l->count[k] = sum[from_to[1] * x->keys + k] - sum[from_to[0] * x->keys + k] -
		    (sum[without[1] * x->keys + k] - sum[without[0] * x->keys + k]);
	return l->f(l->arg, l->count, (double)(steps * x->step), chance);
}

/* How far a stretch was from the time around it, and what of that may be chance. */
struct off {
	double v, chance;
};

/* Those of a day, one for each step at which a stretch may begin: above is positive where that is asked for,
 * else below. Of a rate (level >= 0) as if it had been at that level. */
static void
look_at_day(const struct looking *l, unsigned day, double level, bool above, struct off *off)
{
	const unsigned none[2] = { 0, 0 };
	const struct recent *x = l->x;
	double chance, least = 1 / (double)(x->stretch * x->step);

	for (unsigned i = 0; i < x->begins; i++) {
		unsigned stretch[2] = { i + x->around, i + x->around + x->stretch };
		unsigned around[2] = { i, stretch[1] + x->around };
		double v = number(l, day, stretch, none, &chance);
		double usual = number(l, day, around, stretch, &chance);
		/* none is hardly less than one */
		double scale = level >= 0 ? (level + least) / (usual + least) : 1;

		off[i] = isnan(v) || isnan(usual) ? (struct off){ 0, 0 } : (struct off){
			.v = (above ? v - usual : usual - v) * scale,
			.chance = CHANCE * chance * sqrt(2.0 * x->around / x->stretch) * scale
		};
	}
}

/* What every day does at that time is no unrest, unless it is the time that is asked of. */
static double
each_day(const struct recent *x, const struct off *off, unsigned i)
{
	double v[RECENT_DAYS];
	unsigned n = 0;

	if (i + x->stretch >= x->begins / 2 && i <= x->begins / 2 + x->stretch)
		return 0;
	for (unsigned d = 0; d < RECENT_DAYS; d++)
		if (x->known[d])
			v[n++] = off[d * x->begins + i].v;
	return past_median(v, n);
}

/* The second of the days' farthest. */
static double
reach(const struct recent *x, const struct off *off)
{
	double most = 0, second = 0;

	for (unsigned d = 0; d < RECENT_DAYS; d++) {
		double far = 0;

		for (unsigned i = 0; x->known[d] && i < x->begins; i++) {
			const struct off *o = &off[d * x->begins + i];
			double v = o->v - each_day(x, off, i);

			if (v > o->chance)
				far = fmax(far, sqrt(v * v - o->chance * o->chance));
		}
		second = fmin(fmax(second, far), most);
		most = fmax(most, far);
	}
	return second;
}

void
recent_widen(const struct recent *x, recent_fn *f, void *arg, bool rate, double v, struct usual *u)
{
	struct looking l = { .x = x, .f = f, .arg = arg };
	struct off *off;
	unsigned days = 0;

	for (unsigned d = 0; d < RECENT_DAYS; d++)
		days += x->known[d];
	if (days < RECENT_NEEDED || (rate && v <= 0))
		return;
	l.count = xcalloc(x->keys, sizeof *l.count);
	off = xcalloc(RECENT_DAYS * (size_t)x->begins, sizeof *off);
	for (unsigned d = 0; d < RECENT_DAYS; d++)
		if (x->known[d])
			look_at_day(&l, d, rate ? u->value : -1, v > u->value, off + (size_t)d * x->begins);
	u->spread = fmax(u->spread, reach(x, off) / RECENT_SPREADS);
	free(off);
	free(l.count);
}
