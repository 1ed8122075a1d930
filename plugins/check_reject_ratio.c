/* check_reject_ratio - which share of the recipients is refused, and why.
 *
 * Reads the collector's state; asks no mail server anything. All numbers are of the
 * window before now (or before --at), per recipient on both sides: rejected are the 5xx
 * answers, accepted the recipients of accepted mails. Temporary refusals (greylisting)
 * are in neither and stand beside. What the log lines of strangers brought in (networks,
 * domains, texts) passes check_clean(). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cell.h"
#include "check.h"
#include "checkstate.h"
#include "metric.h"
#include "quantity.h"
#include "reason.h"
#include "stateread.h"

#include "poison.h"

enum { TOP_SHOWN = 5, SILENT_SHOWN = 5, DAY_MINUTES = 1440 };

static struct {
	const char *state, *host, *url;
	double window_s, stale_s;
	int64_t min_rcpt, at;
} set = { .state = "/var/lib/mxgauge", .window_s = 900, .stale_s = 600, .min_rcpt = 20 };

static const struct opt opts[] = {
	{ 's', "state", OPT_STRING, &set.state, "DIR", "the collector's state" },
	{ 'H', "host", OPT_STRING, &set.host, "HOST", "one mail server instead of the whole farm" },
	{ 0, "window", OPT_DURATION, &set.window_s, "TIME", "how far to look back",
	    .min = 60, .max = 8 * 86400 },
	{ 0, "at", OPT_TIME, &set.at, "TIME",
	    "answer as of then: \"2026-11-20 03:00\", \"yesterday 03:00\", \"-2h\", \"@EPOCH\"" },
	{ 0, "min-rcpt", OPT_INT, &set.min_rcpt, "N",
	    "with fewer recipients in the window shares say nothing: show them, do not judge them",
	    .min = 0, .max = 1e9 },
	{ 0, "stale", OPT_DURATION, &set.stale_s, "TIME",
	    "UNKNOWN if the newest log line is older", .min = 60, .max = 8 * 86400 },
	{ 0, "url", OPT_STRING, &set.url, "URL", "address of the graph, printed with the details" },
	{ 0 }
};

static const struct measure measures[] = {
	{ "ratio", "%", "rejected recipients, of rejected and accepted ones" },
	{ "rejected", "", "recipients refused for good (5xx) in the window" },
	{ "accepted", "", "recipients of accepted mails in the window" },
	{ "tempfailed", "", "recipients refused for now (4xx) in the window" },
#define REASON(name, short_, sentence) { #name, "%", "share refused: " sentence },
#include "reason.def"
#undef REASON
	{ 0 }
};
enum { FIRST_CLASS = 4 };

static const struct program program = {
	"check_reject_ratio", "share of refused recipients by the logs, and the reasons",
	"Answers from the state that mxgauged or \"mxgauge import\" keeps. Without thresholds it "
	"reports and stays OK: what is normal differs from farm to farm (with much spam 95 % is "
	"an ordinary day). Look at the graph of a week, then warn a little above the usual ratio, and "
	"watch single reasons: unknown_rcpt rises when a directory or an alias map breaks, "
	"dnsbl when a list went mad, resource when our own machines refuse. A lower limit "
	"(ratio=30%:95%) finds the day on which a filter stopped filtering.\n\n"
	"Shares of single reasons are of all recipients too, so they add up to the ratio. Limits on "
	"rejected, accepted and tempfailed are judged also below --min-rcpt.",
	opts, .measures = measures,
	.examples = "check_reject_ratio -w ratio=90% -c ratio=98% -w dnsbl=80% -c resource=5%\n"
	    "check_reject_ratio -H mx1 --window 1h -c accepted=1:\n"
	    "check_reject_ratio --at \"yesterday 03:00\" -w 90%"
};

/* The counts of one stretch of minutes. */
struct counts {
	int64_t rejected, accepted, tempfailed, lines, foreign, unknown, too_late;
	int64_t class[REASON_N];
	struct cell cell;
};

static const char *const top_names[TOP_KIND_N] = {
	[TOP_CLIENT] = "clients", [TOP_REASON] = "texts", [TOP_SENDER] = "senders",
	[TOP_RCPT] = "recipients"
};
static const char *const top_titles[TOP_KIND_N] = {
	[TOP_CLIENT] = "Refused networks", [TOP_REASON] = "Texts of refusals",
	[TOP_SENDER] = "Refused sender domains", [TOP_RCPT] = "Refused recipient domains"
};

static double
percent(int64_t part, int64_t all)
{
	return all > 0 ? 100.0 * (double)part / (double)all : (double)NAN;
}

static int64_t
all_of(const struct counts *c)
{
	return c->rejected + c->accepted;
}

static double
ratio_of(const struct counts *c)
{
	return percent(c->rejected, all_of(c));
}

/* Corrections on their way can leave a sum below zero for a moment. */
static int64_t
count(const struct cell *c, enum metric m)
{
	int64_t n = cell_get(c, (uint32_t)m);

	return n > 0 ? n : 0;
}

static void
read_counts(struct stateread *r, int host, int64_t from, int64_t to, struct counts *c)
{
	struct err e = { "" };

	*c = (struct counts){ 0 };
	if (!stateread_sum(r, host, from, to, &c->cell, &e))
		check_unknown("%s", e.text);
	c->rejected = count(&c->cell, M_rej);
	c->accepted = count(&c->cell, M_recv_rcpt);
	c->tempfailed = count(&c->cell, M_tmp);
	c->lines = count(&c->cell, M_lines);
	c->foreign = count(&c->cell, M_foreign);
	c->unknown = count(&c->cell, M_unknown);
	c->too_late = count(&c->cell, M_too_late);
	for (int i = 1; i < REASON_N; i++)
		c->class[i] = count(&c->cell, metric_rej[i]);
}

/* --- is there something to answer from? ------------------------------------------ */

/* The first and the newest line of the host, or of all. */
static void
host_span(const struct stateread_host *hosts, size_t n, int host, int64_t *first, int64_t *newest)
{
	*first = INT64_MAX;
	*newest = 0;
	for (size_t i = 0; i < n; i++) {
		if (host != STATEREAD_FARM && hosts[i].id != host)
			continue;
		if (hosts[i].first < *first)
			*first = hosts[i].first;
		if (hosts[i].newest > *newest)
			*newest = hosts[i].newest;
	}
	if (*newest == 0)
		check_unknown("the state in %s has no log line yet: is the collector's log the right "
		    "one? See \"mxgauge status --state %s\"", set.state, set.state);
}

static const char *
whose(void)
{
	return set.host != NULL ? check_clean(slice_of(set.host)) : "the farm";
}

/* Numbers of a collector that stands still would look fine for ever. */
static void
require_fresh(struct stateread *r, int64_t first, int64_t newest, int64_t now, int64_t at)
{
	int64_t written = stateread_committed_at(r);

	if (set.at != 0 && at < first)
		check_unknown("the state begins at %s, after %s", checkstate_clock(first), checkstate_clock(at));
	if ((double)(at - newest) > set.stale_s && set.at != 0)
		check_unknown("the newest line of %s is from %s, %s before %s: see \"mxgauge status "
		    "--state %s\"", whose(), checkstate_clock(newest), checkstate_people((double)(at - newest), "s"),
		    checkstate_clock(at), set.state);
	if (set.at != 0)
		return;
	if ((double)(now - written) > set.stale_s)
		check_unknown("nothing was written to %s for %s, the newest log line is from %s: is mxgauged "
		    "running, and does its log grow? See \"mxgauge status --state %s\"", set.state,
		    checkstate_people((double)(now - written), "s"), checkstate_clock(newest), set.state);
	if ((double)(at - newest) > set.stale_s)
		check_unknown("the newest line of %s is %s old (%s), though the state is being written: did "
		    "the log move, or is a clock or time zone wrong? See \"mxgauge status --state %s\"; "
		    "an archive is asked with --at", whose(), checkstate_people((double)(at - newest), "s"),
		    checkstate_clock(newest), set.state);
}

/* A hole in the past, or stamps from the future: the newest line does not tell. */
static void
require_lines(struct stateread *r, int host, int64_t from, int64_t to)
{
	int64_t stale = (int64_t)ceil(set.stale_s / 60);
	struct counts c;

	read_counts(r, host, to - stale < from ? to - stale : from, to, &c);
	cell_free(&c.cell);
	if (c.lines == 0)
		check_unknown("the state has no line of %s from %s to %s: was its log read? See \"mxgauge "
		    "status --state %s\"", whose(), checkstate_clock((to - stale < from ? to - stale : from) * 60),
		    checkstate_clock(to * 60), set.state);
}

/* In the farm's sum a silent host is not missed otherwise. One that was silent all the
 * time that minutes are kept has left the farm. */
static void
tell_silent_hosts(const struct stateread_host *hosts, size_t n, int64_t at)
{
	size_t silent = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t age = at - hosts[i].newest;

		if ((double)age <= set.stale_s || age > 8 * DAY_MINUTES * 60)
			continue;
		if (silent++ < SILENT_SHOWN)
			check_detail("%s is missing: its newest line is from %s",
			    check_clean(slice_of(hosts[i].name)), checkstate_clock(hosts[i].newest));
	}
	if (silent > SILENT_SHOWN)
		check_detail("and %zu hosts more are missing", silent - SILENT_SHOWN);
}

/* --- what is measured ---------------------------------------------------------------- */

/* The classes by count, the largest first; returns how many are not zero. */
static int
rank(const struct counts *c, int order[REASON_N])
{
	int n = 0;

	for (int r = 1; r < REASON_N; r++) {
		int at = n;

		if (c->class[r] == 0)
			continue;
		for (; at > 0 && c->class[order[at - 1]] < c->class[r]; at--)
			order[at] = order[at - 1];
		order[at] = r;
		n++;
	}
	return n;
}

static void
measure_share(const struct measure *m, double value, bool judged, bool *alarm)
{
	if (!judged)
		check_show(m->name, value, m->unit);
	else if (check_value(m->name, value, m->unit) > CHECK_OK)
		*alarm = true;
}

static void
measure(const struct counts *c)
{
	bool judged = all_of(c) >= set.min_rcpt && all_of(c) > 0, alarm = false, ignored;
	int order[REASON_N], classes = rank(c, order);
	struct buf after = buf_new(200), all = buf_new(32);

	measure_share(&measures[0], ratio_of(c), judged, &ignored);
	check_value("rejected", (double)c->rejected, "");
	check_value("accepted", (double)c->accepted, "");
	check_value("tempfailed", (double)c->tempfailed, "");
	for (int r = 1; r < REASON_N; r++) {
		const struct measure *m = &measures[FIRST_CLASS + r - 1];

		if (c->class[r] > 0 || check_has_limit(m->name))
			measure_share(m, percent(c->class[r], all_of(c)), judged, &alarm);
	}
	if (classes > 0 && !alarm)
		buf_fmt(&after, ", mostly %s %s", reason_name((enum reason)order[0]),
		    checkstate_people(percent(c->class[order[0]], all_of(c)), "%"));
	if (!judged)
		buf_fmt(&after, "; fewer than %s (--min-rcpt), so shares are not judged",
		    checkstate_people(set.min_rcpt > 0 ? (double)set.min_rcpt : 1, ""));
	quantity_count(&all, all_of(c));
	if (all_of(c) == 0)
		check_words("ratio", after.p, "no recipients in %s%s%s", checkstate_people(set.window_s, "s"),
		    set.host != NULL ? " on " : "", set.host != NULL ? whose() : "");
	else
		check_words("ratio", after.p, "%s of %s recipients rejected in %s%s%s",
		    checkstate_people(ratio_of(c), "%"), all.p, checkstate_people(set.window_s, "s"),
		    set.host != NULL ? " on " : "", set.host != NULL ? whose() : "");
	buf_free(&after);
	buf_free(&all);
}

/* --- details ------------------------------------------------------------------------- */

static void
tell_reasons(const struct counts *c)
{
	struct buf json = buf_new(8192);
	int order[REASON_N], n = rank(c, order);

	buf_char(&json, '{');
	for (int i = 0; i < n; i++) {
		const char *name = reason_name((enum reason)order[i]);

		if (i < TOP_SHOWN)
			check_detail("%s %s (%s): %s", name, checkstate_people((double)c->class[order[i]], ""),
			    checkstate_people(percent(c->class[order[i]], all_of(c)), "%"),
			    reason_sentence((enum reason)order[i]));
		buf_fmt(&json, "%s\"%s\":%lld", i > 0 ? "," : "", name, (long long)c->class[order[i]]);
	}
	buf_char(&json, '}');
	check_extra("reject", buf_slice(&json));
	buf_free(&json);
	if (c->tempfailed > 0)
		check_detail("Refused for now (4xx): %s", checkstate_people((double)c->tempfailed, ""));
}

static int
by_count(const void *a, const void *b)
{
	const struct cell_pair *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return x->key < y->key ? -1 : x->key > y->key;
}

/* The words of a cell are the zones of DNS block lists. */
static void
tell_lists(struct stateread *r, struct counts *c)
{
	struct buf text = buf_new(900), json = buf_new(1 << 16);
	struct cell_pair *zone = c->cell.pair;
	uint32_t n = c->cell.n, shown = 0;

	while (n > 0 && zone->key < CELL_WORD) {
		zone++;
		n--;
	}
	if (n > 0)
		qsort(zone, n, sizeof *zone, by_count);	/* the cell is not asked again */
	buf_char(&json, '{');
	for (uint32_t i = 0; i < n && zone[i].n > 0; i++) {
		struct slice name = stateread_word(r, zone[i].key - CELL_WORD);

		if (shown++ < TOP_SHOWN)
			buf_fmt(&text, "%s%s %s", i > 0 ? ", " : "", check_clean(name),
			    checkstate_people((double)zone[i].n, ""));
		buf_str(&json, i > 0 ? "," : "");
		buf_json(&json, slice_of(check_clean(name)));
		buf_fmt(&json, ":%lld", (long long)zone[i].n);
	}
	buf_char(&json, '}');
	if (shown > 0)
		check_detail("Block lists: %s", text.p);
	if (!json.full)
		check_extra("dnsbl", buf_slice(&json));
	buf_free(&text);
	buf_free(&json);
}

static void
tell_top(struct stateread *r, int host, int64_t from_hour, int64_t to_hour, enum top_kind kind,
    bool *any, struct buf *json)
{
	struct stateread_top top[TOP_SHOWN];
	size_t n = stateread_top(r, host, from_hour, to_hour, kind, top, TOP_SHOWN);
	struct buf text = buf_new(900);

	buf_fmt(json, "%s\"%s\":[", json->n > 1 ? "," : "", top_names[kind]);
	for (size_t i = 0; i < n; i++) {
		const char *name = slice_eq(top[i].text, SLICE("<>")) ? "the null sender" :
		    check_clean(top[i].text);

		/* texts are sentences, with commas of their own */
		buf_fmt(&text, "%s%s (%s%s)", i == 0 ? "" : kind == TOP_REASON ? "; " : ", ", name,
		    top[i].error > 0 ? "at least " : "", checkstate_people((double)top[i].n, ""));
		buf_fmt(json, "%s{\"text\":", i > 0 ? "," : "");
		buf_json(json, slice_of(name));
		buf_fmt(json, ",\"n\":%llu,\"error\":%llu}", (unsigned long long)top[i].n,
		    (unsigned long long)top[i].error);
	}
	buf_char(json, ']');
	if (n > 0 && !*any)
		check_detail("In the hours from %s to %s:", checkstate_clock(from_hour * 3600),
		    checkstate_clock(to_hour * 3600));
	if (n > 0)
		check_detail("%s: %s", top_titles[kind], text.p);
	*any = *any || n > 0;
	buf_free(&text);
}

static void
tell_tops(struct stateread *r, int host, int64_t from, int64_t to)
{
	static const enum top_kind kinds[] = { TOP_REASON, TOP_CLIENT, TOP_SENDER, TOP_RCPT };
	int64_t from_hour = from / 60, to_hour = (to + 59) / 60;
	struct buf json = buf_new(1 << 16);
	bool any = false;

	check_phase("reading the top lists in %s", set.state);
	buf_char(&json, '{');
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		tell_top(r, host, from_hour, to_hour, kinds[i], &any, &json);
	buf_char(&json, '}');
	if (!json.full)
		check_extra("top", buf_slice(&json));
	buf_free(&json);
}

/* Is that unusual? A stretch of which the state has no line says nothing. */
static void
tell_before(struct stateread *r, int host, int64_t from, int64_t to, const char *title,
    const char *name)
{
	struct buf json = buf_new(200);
	struct counts c;

	read_counts(r, host, from, to, &c);
	cell_free(&c.cell);
	if (c.lines == 0)
		return;
	if (all_of(&c) == 0)
		check_detail("%s: no recipients", title);
	else
		check_detail("%s: %s of %s recipients rejected", title, checkstate_people(ratio_of(&c), "%"),
		    checkstate_people((double)all_of(&c), ""));
	buf_fmt(&json, "{\"rejected\":%lld,\"accepted\":%lld,\"tempfailed\":%lld}",
	    (long long)c.rejected, (long long)c.accepted, (long long)c.tempfailed);
	check_extra(name, buf_slice(&json));
	buf_free(&json);
}

static void
tell_blind_spots(const struct counts *c)
{
	int64_t ours = c->lines - c->foreign;

	if (c->unknown > 0 && ours > 0)
		check_detail("%s lines of mail programs (%s) were not understood and count nothing: "
		    "\"mxgauge parse --unknown LOG\" shows them", checkstate_people((double)c->unknown, ""),
		    checkstate_people(percent(c->unknown, ours), "%"));
	if (c->too_late > 0)
		check_detail("%s lines came too late to be counted", checkstate_people((double)c->too_late, ""));
}

static void
tell_window(int64_t from, int64_t to)
{
	struct buf json = buf_new(100);

	buf_fmt(&json, "{\"from\":%lld,\"to\":%lld}", (long long)from * 60, (long long)to * 60);
	check_extra("window", buf_slice(&json));
	buf_free(&json);
	check_verbose(1, "Counted from %s to %s", checkstate_clock(from * 60), checkstate_clock(to * 60));
}

static void
tell(struct stateread *r, int host, int64_t from, int64_t to, struct counts *c)
{
	struct buf title = buf_new(100);

	tell_window(from, to);
	tell_reasons(c);
	tell_lists(r, c);
	buf_fmt(&title, "The %s before", checkstate_people(set.window_s, "s"));
	tell_before(r, host, from - (to - from), from, title.p, "before");
	tell_before(r, host, from - DAY_MINUTES, to - DAY_MINUTES, "The same time yesterday",
	    "yesterday");
	if (c->rejected > 0)
		tell_tops(r, host, from, to);
	tell_blind_spots(c);
	if (set.url != NULL)
		check_link("Graph", set.url);
	buf_free(&title);
}

int
main(int argc, char **argv)
{
	int64_t now = (int64_t)time(NULL), at, first, newest, from, to;
	const struct stateread_host *hosts;
	struct err e = { "" };
	struct stateread *r;
	struct counts c;
	size_t n;
	int host;

	check_begin("REJECTS");
	opt_parse(&program, argc, argv);
	at = set.at != 0 ? set.at : now;
	to = (at + 59) / 60;	/* the running minute included */
	from = to - (int64_t)ceil(set.window_s / 60);

	check_phase("reading %s", set.state);
	if ((r = stateread_open(set.state, &e)) == NULL)
		check_unknown("%s", e.text);
	stateread_freeze(r);
	if (!stateread_hosts(r, &hosts, &n, &e))
		check_unknown("%s", e.text);
	host = checkstate_host(hosts, n, &set.host);
	host_span(hosts, n, host, &first, &newest);
	require_fresh(r, first, newest, now, at);
	require_lines(r, host, from, to);
	read_counts(r, host, from, to, &c);
	measure(&c);
	if (host == STATEREAD_FARM)
		tell_silent_hosts(hosts, n, at);
	tell(r, host, from, to, &c);
	check_done();	/* the kernel closes and frees quicker than we could */
}
