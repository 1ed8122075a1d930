/* report.c - add up a period from the state, and print it as JSON.
 *
 * Whole hours come from the hourly cells, which are kept for a year and are the
 * sums of the minutes; minutes are added at both ends of the period. Reads the
 * state through lib/stateread.h only. */
#include "view/report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "mem.h"
#include "programs.h"
#include "view/report_priv.h"

#include "poison.h"

/* --- adding up ----------------------------------------------------------------- */

static int64_t
ceil_hour(int64_t minute)
{
	return (minute + 59) / 60;
}

/* From which minute on a host's counts are there by the minute, if older ones
 * were dropped. 0: all of them. */
static int64_t
kept_from(struct stateread *s, const struct stateread_host *h)
{
	int64_t first;

	if (!stateread_oldest(s, h->id, &first))
		return ceil_hour(stateread_last(h) / 60 + 1) * 60;
	return h->first / 60 < first ? first : 0;
}

static bool
no_such_host(const char *name, const struct stateread_host *hosts, size_t n, struct err *e)
{
	struct buf b = buf_new(300);

	for (size_t i = 0; i < n; i++)
		buf_fmt(&b, "%s%s", i == 0 ? "" : ", ", hosts[i].name);
	err_set(e, "there is no host %s in the state; it knows %s%s", name,
	    b.n == 0 ? "none" : b.p, b.full ? " ..." : "");
	buf_free(&b);
	return false;
}

static bool
choose_hosts(struct report *r, const char *name, struct err *e)
{
	const struct stateread_host *hosts, *found;
	size_t n;

	if (!stateread_hosts(r->state, &hosts, &n, e))
		return false;
	r->host = STATEREAD_FARM;
	r->hosts = xcalloc(n + 1, sizeof *r->hosts);
	if (name == NULL || strcmp(name, HOST_FARM) == 0) {
		for (size_t i = 0; i < n; i++)
			r->hosts[r->nhosts++].host = &hosts[i];
		return true;
	}
	if ((found = stateread_host_named(hosts, n, name)) == NULL)
		return no_such_host(name, hosts, n, e);
	r->hosts[r->nhosts++].host = found;
	r->host = found->id;
	return true;
}

/* Fill what was left open, and widen to whole hours where minutes are gone. */
static void
choose_period(struct report *r, int64_t from, int64_t to)
{
	int64_t first = INT64_MAX, newest = 0, kept = 0;

	for (size_t i = 0; i < r->nhosts; i++) {
		const struct stateread_host *h = r->hosts[i].host;
		int64_t k = kept_from(r->state, h), begin = stateread_begin(r->state, h, 1, h->id);

		first = begin < first ? begin : first;
		newest = stateread_last(h) > newest ? stateread_last(h) : newest;
		kept = k > kept ? k : kept;
	}
	if (r->nhosts == 0)
		first = newest = 0;
	else
		newest++;
	r->begin = first;
	from = (from == REPORT_WHOLE ? first : from) / 60;
	to = ((to == REPORT_WHOLE ? newest : to) + 59) / 60;
	if (from < kept)
		from -= from % 60;
	if (to < kept)
		to = ceil_hour(to) * 60;
	r->from = from * 60;
	r->to = (to < from ? from : to) * 60;
}

bool
report_make(struct report *r, struct stateread *state, const char *host, int64_t from,
    int64_t to, struct err *e)
{
	*r = (struct report){ .state = state };
	if (!choose_hosts(r, host, e))
		return false;
	choose_period(r, from, to);
	for (size_t i = 0; i < r->nhosts; i++) {
		if (!stateread_whole(state, r->hosts[i].host->id, r->from / 60, r->to / 60,
		    &r->hosts[i].sum, e))
			return false;
	}
	return stateread_whole(state, r->host, r->from / 60, r->to / 60, &r->sum, e);
}

void
report_free(struct report *r)
{
	for (size_t i = 0; i < r->nhosts; i++)
		cell_free(&r->hosts[i].sum);
	free(r->hosts);
	cell_free(&r->sum);
}

int64_t
report_open(const struct cell *c)
{
	return cell_get(c, M_b_in) - cell_get(c, M_b_delivered) - cell_get(c, M_b_bounced) -
	    cell_get(c, M_b_expired) - cell_get(c, M_b_discarded) - cell_get(c, M_b_held) -
	    cell_get(c, M_b_lost);
}

int64_t
report_hops(const struct report *r)
{
	int64_t n = -cell_get(&r->sum, M_b_delivered);

	for (size_t i = 0; i < r->nhosts; i++)
		n += cell_get(&r->hosts[i].sum, M_b_delivered);
	return n;
}

/* --- JSON ------------------------------------------------------------------------ */

static void
member(struct buf *out, const char *name, int64_t n)
{
	buf_fmt(out, "%s\"%s\":%" PRId64, out->p[out->n - 1] == '{' ? "" : ",", name, n);
}

/* Totals always, so that a script finds them; parts by class where not zero.
 * Gauges cannot be added up, and the books have their own place. */
static void
counts_json(const struct cell *c, struct buf *out)
{
	buf_char(out, '{');
	for (int m = 0; m < METRIC_N; m++) {
		int64_t n = cell_get(c, (uint32_t)m);
		bool part = m >= (int)metric_rej[REASON_none + 1];

		if (metrics[m].kind == METRIC_COUNT && strncmp(metrics[m].name, "b_", 2) != 0 &&
		    (n != 0 || !part))
			member(out, metrics[m].name, n);
	}
	buf_char(out, '}');
}

static void
classes_json(const struct cell *c, const enum metric by_class[REASON_N], struct buf *out)
{
	buf_char(out, '{');
	for (int i = REASON_none + 1; i < REASON_N; i++) {
		int64_t n = cell_get(c, by_class[i]);

		if (n != 0)
			member(out, reason_name((enum reason)i), n);
	}
	buf_char(out, '}');
}

static void
zones_json(const struct report *r, struct buf *out)
{
	struct stateread_top *zone;
	size_t n = stateread_counted(r->state, &r->sum, &zone);

	buf_char(out, '{');
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i == 0 ? "" : ",");
		buf_json_name(out, zone[i].text);
		buf_fmt(out, ":%" PRIu64, zone[i].n);
	}
	buf_char(out, '}');
	free(zone);
}

static void
seconds_json(struct buf *out, const char *name, double v)
{
	if (isnan(v))
		buf_fmt(out, "%s\"%s\":null", out->p[out->n - 1] == '{' ? "" : ",", name);
	else
		buf_fmt(out, "%s\"%s\":%.3f", out->p[out->n - 1] == '{' ? "" : ",", name, v);
}

static void
delay_json(const struct cell *c, struct buf *out)
{
	struct hist h;

	cell_hist(c, CELL_DELAY, &h);
	buf_str(out, ",\"delay\":{");
	seconds_json(out, "p50", hist_quantile(&h, 0.50));
	seconds_json(out, "p95", hist_quantile(&h, 0.95));
	seconds_json(out, "p99", hist_quantile(&h, 0.99));
	seconds_json(out, "max", hist_max(&h));
	buf_char(out, '}');
}

static void
lines_json(const struct cell *c, struct buf *out)
{
	int64_t read = cell_get(c, M_lines), known = cell_get(c, M_known);
	int64_t foreign = cell_get(c, M_foreign), unknown = cell_get(c, M_unknown);

	buf_str(out, ",\"lines\":{");
	member(out, "read", read);
	member(out, "events", read - known - foreign - unknown);
	member(out, "known", known);
	member(out, "foreign", foreign);
	member(out, "unknown", unknown);
	buf_char(out, '}');
}

/* By the hour: of all hours that the period touches. */
static void
programs_json(const struct report *r, struct buf *out)
{
	struct program_lines *p;
	struct err e;
	size_t n;

	buf_str(out, ",\"programs\":{");
	if (!programs_read(r->state, r->host, r->from / 3600, (r->to + 3599) / 3600, &p, &n, &e))
		n = 0;
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i == 0 ? "" : ",");
		buf_json_name(out, p[i].name);
		buf_str(out, ":{");
		member(out, "lines", p[i].lines);
		member(out, "unknown", p[i].unknown);
		buf_char(out, '}');
	}
	buf_char(out, '}');
	free(p);
}

static void
books_json(const struct cell *c, struct buf *out)
{
	buf_str(out, ",\"open\":{");
	member(out, "mails", cell_get(c, M_b_msgs));
	member(out, "rcpts", report_open(c));
	buf_str(out, "},\"balance\":{");
	member(out, "accepted", cell_get(c, M_b_in));
	member(out, "delivered", cell_get(c, M_b_delivered));
	member(out, "bounced", cell_get(c, M_b_bounced));
	member(out, "expired", cell_get(c, M_b_expired));
	member(out, "discarded", cell_get(c, M_b_discarded));
	member(out, "held", cell_get(c, M_b_held));
	member(out, "open", report_open(c));
	member(out, "unaccounted", cell_get(c, M_b_lost));
	buf_char(out, '}');
}

void
report_json(const struct report *r, struct buf *out)
{
	buf_str(out, "{\"period\":{");
	member(out, "from", r->from);
	member(out, "to", r->to);
	buf_char(out, '}');
	member(out, "begin", r->begin);
	lines_json(&r->sum, out);
	buf_str(out, ",\"counts\":");
	counts_json(&r->sum, out);
	buf_str(out, ",\"reject\":");
	classes_json(&r->sum, metric_rej, out);
	buf_str(out, ",\"tempfail\":");
	classes_json(&r->sum, metric_tmp, out);
	buf_str(out, ",\"dnsbl\":");
	zones_json(r, out);
	report_lists_json(r, out);
	delay_json(&r->sum, out);
	books_json(&r->sum, out);
	member(out, "hops", report_hops(r));
	programs_json(r, out);
	buf_str(out, ",\"hosts\":{");
	for (size_t i = 0; i < r->nhosts; i++) {
		buf_str(out, i == 0 ? "" : ",");
		buf_json_name(out, slice_of(r->hosts[i].host->name));
		buf_char(out, ':');
		counts_json(&r->hosts[i].sum, out);
	}
	buf_char(out, '}');
	report_queues_json(r, out);
	buf_str(out, "}\n");
}

bool
report_run(const char *dir, const char *host, int64_t from, int64_t to, bool json,
    struct err *e)
{
	struct stateread *state = stateread_open(dir, e);
	struct buf out = buf_new(64 << 20);
	struct report r = { 0 };
	bool good = false;

	if (state == NULL)
		return false;
	if (from != REPORT_WHOLE && to != REPORT_WHOLE && to <= from) {
		stateread_close(state);
		return err_set(e, "--to is not later than --from: there is no time between them");
	}
	stateread_freeze(state);
	if (report_make(&r, state, host, from, to, e)) {
		(json ? report_json : report_text)(&r, &out);
		good = fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
		if (!good)
			err_set(e, "write the report: %s", strerror(errno));
	}
	report_free(&r);
	buf_free(&out);
	stateread_close(state);
	return good;
}
