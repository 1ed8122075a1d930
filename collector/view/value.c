/* value.c - see value.h. */
#include "view/value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "cell.h"
#include "hist.h"
#include "host.h"
#include "stateread.h"
#include "store/columns.h"
#include "store/template.h"
#include "poison.h"

enum { MINUTES = 5, STILL_S = 600, LINE_BYTES = 65536 };

/* What is answered from. */
struct answer {
	const struct template *t;
	struct stateread *r;
	int host;
	uint32_t word;
	int64_t at;
	bool begun;		/* something is known of that time */
	struct cell total;	/* since the month began */
	struct cell lately;	/* in the last minutes, */
	struct columns columns;	/* and them one by one */
};

/* Of a total the whole hours come by the hour, the minutes behind them by the minute: both are dropped in time. */
static bool
has_begun(const struct answer *a, const struct stateread_host *hosts, size_t n)
{
	int64_t end = a->at / 60 + 1, hour = end / 60 * 60;

	return a->at >= stateread_begin(a->r, hosts, n, a->host) &&
	    (end == hour || hour >= stateread_minutes_from(hosts, n, a->host));
}

static bool
find_host(struct answer *a, const char *name, struct err *e)
{
	const struct stateread_host *hosts, *found = NULL;
	bool farm = strcmp(name, HOST_FARM) == 0;
	size_t n;

	if (!stateread_hosts(a->r, &hosts, &n, e))
		return false;
	if (!farm && (found = stateread_host_named(hosts, n, name)) == NULL)
		return err_set(e, "there is no host %s in the state", name);
	a->host = farm ? STATEREAD_FARM : found->id;
	a->begun = has_begun(a, hosts, n);
	return true;
}

static bool
find_list(struct answer *a, const char *zone, struct err *e)
{
	if (a->t->lists != (zone != NULL))
		return err_set(e, a->t->lists ? "%s: which block list? --list ZONE" :
		    "%s has nothing of single block lists", a->t->name);
	for (a->word = 0; zone != NULL && a->word < STATEREAD_PROGRAMS; a->word++)
		if (zone[0] != '\0' && slice_eq(stateread_word(a->r, a->word), slice_of(zone)))
			return true;
	return zone == NULL || err_set(e, "block list %s never refused anything", zone);
}

static int64_t
month_start(int64_t at)
{
	time_t t = (time_t)at;
	struct tm tm;

	return gmtime_r(&t, &tm) == NULL ? at :
	    at / 86400 * 86400 - (int64_t)(tm.tm_mday - 1) * 86400;
}

static bool
minutes_of(void *arg, int64_t from, int64_t to, stateread_minute_fn *f, void *f_arg, struct err *e)
{
	struct answer *a = arg;

	return stateread_minutes(a->r, a->host, from, to, f, f_arg, e);
}

static bool
load(struct answer *a, struct err *e)
{
	int64_t now = a->at / 60, end = columns_end(now - MINUTES, now);
	const struct columns_file file = { .t = a->t, .word = a->word, .found = true };

	columns_shape(&a->columns, &file, 1);
	if (!stateread_whole(a->r, a->host, month_start(a->at) / 60, now + 1, &a->total, e) ||
	    !stateread_sum(a->r, a->host, now - MINUTES, now, &a->lately, e))
		return false;
	/* those of the new day alone, when one has just begun */
	return columns_load(&a->columns, end < now ? end : now - MINUTES, now, false, minutes_of, a, e);
}

static double
mean(const struct answer *a, size_t ds)
{
	double sum = 0;
	int n = 0;

	for (int64_t m = a->columns.from; m < a->columns.to; m++) {
		double v = columns_value(&a->columns, 0, m, ds);

		sum += isnan(v) ? 0 : v;
		n += !isnan(v);
	}
	return n > 0 ? sum / n : (double)NAN;
}

static double
quantile(const struct answer *a, const struct template_ds *ds)
{
	struct hist h;

	cell_hist(&a->lately, ds->hist, &h);
	return ds->q < 1 ? hist_quantile(&h, ds->q) : hist_count(&h) > 0 ? hist_max(&h) : (double)NAN;
}

/* Add " NAME:VALUE"; a is NULL where nothing is known at all. */
static void
tell(struct buf *line, const struct template *t, size_t ds, const struct answer *a)
{
	const struct template_ds *d = &t->ds[ds];
	double v;

	buf_fmt(line, "%s%s:", line->n > 0 ? " " : "", d->name);
	if (a != NULL && d->source == DS_COUNT && a->begun) {
		buf_fmt(line, "%lld", (long long)cell_get(&a->total, d->key + a->word));
		return;
	}
	v = a == NULL || d->source == DS_COUNT ? (double)NAN : d->source == DS_QUANTILE ? quantile(a, d) : mean(a, ds);
	if (isnan(v))
		buf_str(line, "U");
	else
		buf_fmt(line, "%.3f", v);
}

/* The line, of all data sources or the names. */
static bool
tell_all(const char *names, const struct template *t, const struct answer *a, struct err *e)
{
	struct buf line = buf_new(LINE_BYTES);
	struct slice rest = slice_of(names != NULL ? names : ""), name;
	bool good = true;

	for (size_t i = 0; names == NULL && i < t->n_ds; i++)
		tell(&line, t, i, a);
	while (good && slice_next(&rest, ',', &name)) {
		size_t i = 0;

		while (i < t->n_ds && !slice_eq(name, slice_of(t->ds[i].name)))
			i++;
		good = i < t->n_ds || err_set(e, "%.*s is no data source of %s", (int)name.n, name.p,
		    t->name);
		if (good)
			tell(&line, t, i, a);
	}
	if (good && line.n > 0)
		puts(line.p);
	buf_free(&line);
	return good;
}

static bool
open_state(const struct value *v, struct answer *a, struct err *e)
{
	int64_t now = (int64_t)time(NULL), last;

	a->r = stateread_open_frozen(v->state, e);
	if (a->r == NULL)
		return false;
	a->at = v->at == VALUE_NOW ? now : v->at;
	last = stateread_committed_at(a->r);
	if (v->at == VALUE_NOW && last == 0)
		return err_set(e, "mxgauged has counted nothing yet");
	if (v->at == VALUE_NOW && now - last > STILL_S)
		return err_set(e, "mxgauged has counted nothing for %lld minutes",
		    (long long)(now - last) / 60);
	return find_host(a, v->host, e) && find_list(a, v->list, e) && load(a, e);
}

static bool
answer(const struct value *v, const struct template *t, struct err *e)
{
	struct answer a = { .t = t };
	bool good = open_state(v, &a, e);
	struct err why;

	if (!tell_all(v->names, t, good ? &a : NULL, &why))
		good = err_set(e, "%s", why.text);
	columns_free(&a.columns);
	cell_free(&a.total);
	cell_free(&a.lately);
	stateread_close(a.r);
	return good;
}

bool
value_run(const struct value *v, struct err *e)
{
	struct templates t = { 0 };
	char dir[4096];
	bool good = templates_find(v->templates, dir, sizeof dir, e) && templates_load(dir, &t, e);
	const struct template *one = NULL;

	for (size_t i = 0; good && i < t.n; i++)
		if (strcmp(t.t[i].name, v->template) == 0)
			one = &t.t[i];
	if (good && one == NULL)
		(void)err_set(e, "there is no template %s in %s", v->template, dir);
	good = good && one != NULL && answer(v, one, e);
	templates_free(&t);
	return good;
}
