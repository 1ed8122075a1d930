/* checkstate.c - see checkstate.h. Names of hosts come out of logs: cleaned before they
 * are shown. */
#include "checkstate.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "check.h"
#include "hold.h"
#include "host.h"
#include "metric.h"
#include "plural.h"
#include "quantity.h"
#include "when.h"

#include "poison.h"

enum { SILENT_SHOWN = 5, TOP_SHOWN = 5, GONE_S = 8 * 86400 };

const char *
checkstate_time(int64_t t)
{
	static struct buf ring[2];
	static unsigned next;
	struct buf *b = &ring[next++ % 2];

	buf_free(b);
	*b = buf_new(64);
	when_print(b, t);
	return b->p;
}

const char *
checkstate_name(const struct checkstate *s, int id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->hosts[i].id == id)
			return s->hosts[i].name;
	return "?";
}

const char *
checkstate_whose(const struct checkstate *s)
{
	return s->host != NULL ? check_clean(slice_of(s->host)) : "the farm";
}

/* The id of the host that was asked for, and *asked as the state calls it; STATEREAD_FARM,
 * and *asked NULL, for NULL or "_farm". One that the state does not know is UNKNOWN, with
 * those that it knows. */
static int
host_asked(const struct stateread_host *hosts, size_t n, const char **asked)
{
	const struct stateread_host *found;
	struct buf b = buf_new(700);

	if (*asked == NULL || strcmp(*asked, HOST_FARM) == 0) {
		*asked = NULL;
		return STATEREAD_FARM;
	}
	found = stateread_host_named(hosts, n, *asked);
	if (found != NULL) {
		*asked = found->name;
		return found->id;
	}
	for (size_t i = 0; i < n && !b.full; i++)
		buf_fmt(&b, "%s%s", i > 0 ? ", " : "", check_clean(slice_of(hosts[i].name)));
	check_unknown("the state knows no host \"%s\"; it knows: %s%s",
	    check_clean(slice_of(*asked)), n > 0 ? b.p : "none", b.full ? ", ..." : "");
}

/* The newest line of the host, or of all. */
static int64_t
newest_line(const struct checkstate *s)
{
	int64_t newest = stateread_newest(s->hosts, s->n, s->id);

	if (newest == 0)
		check_unknown("the state in %s has no log line yet: is the collector's log the right "
		    "one? See \"mxgauge status --state %s\"", s->state, s->state);
	return newest;
}

int64_t
checkstate_complete(const struct checkstate *s)
{
	int64_t newest = newest_line(s);

	return (newest < s->as_of ? newest : s->as_of) / 60;
}

int64_t
checkstate_first(const struct checkstate *s)
{
	return stateread_begin(s->r, s->hosts, s->n, s->id);
}

void
checkstate_past(const struct checkstate *s, struct past *p)
{
	int64_t first = checkstate_first(s);
	struct err e = { "" };

	check_phase("reading the weeks before in %s", s->state);
	if (!past_read(p, s->r, s->id, first, s->from, s->to, &e))
		check_unknown("%s", e.text);
	if (p->weeks < PAST_NEEDED)
		check_detail("What is usual is not known yet: the state goes back %s, two weeks are needed",
		    check_people((double)(s->as_of - first), "s"));
}

/* Numbers of a collector that stands still would look fine for ever. */
static void
require_fresh(const struct checkstate *s)
{
	int64_t written = stateread_committed_at(s->r), newest = newest_line(s);
	int64_t first = s->at != 0 ? checkstate_first(s) : 0;

	if (s->at < first)
		check_unknown("the state begins at %s, after %s", checkstate_time(first),
		    checkstate_time(s->at));
	if ((double)(s->as_of - newest) > s->stale_s && s->at != 0)
		check_unknown("the newest line of %s is from %s, %s before %s: see \"mxgauge status "
		    "--state %s\"", checkstate_whose(s), checkstate_time(newest),
		    check_people((double)(s->as_of - newest), "s"), checkstate_time(s->as_of),
		    s->state);
	if (s->at != 0)
		return;
	if ((double)(s->now - written) > s->stale_s)
		check_unknown("nothing was written to %s for %s, the newest log line is from %s: is mxgauged "
		    "running, and does its log grow? See \"mxgauge status --state %s\"", s->state,
		    check_people((double)(s->now - written), "s"), checkstate_time(newest), s->state);
	if ((double)(s->as_of - newest) > s->stale_s)
		check_unknown("the newest line of %s is %s old (%s), though the state is being written: did "
		    "the log move, or is a clock or time zone wrong? See \"mxgauge status --state %s\"; "
		    "an archive is asked with --at", checkstate_whose(s),
		    check_people((double)(s->as_of - newest), "s"), checkstate_time(newest), s->state);
}

static bool
any_line(void *arg, int host, int64_t minute, const struct cell *c)
{
	bool *any = arg;

	(void)host;
	(void)minute;
	*any = cell_get(c, M_lines) > 0;
	return !*any;
}

/* A host's newest line is of these minutes: as nearly always. */
static bool
has_newest(const struct checkstate *s, int64_t from)
{
	for (size_t i = 0; i < s->n; i++)
		if ((s->id == STATEREAD_FARM || s->hosts[i].id == s->id) && s->hosts[i].newest >= from * 60 &&
		    s->hosts[i].newest < s->to * 60)
			return true;
	return false;
}

/* In the past, or after stamps of the future, the newest line does not tell. */
static void
require_lines(const struct checkstate *s)
{
	int64_t stale = (int64_t)ceil(s->stale_s / 60);
	int64_t from = s->to - stale < s->from ? s->to - stale : s->from;
	struct err e = { "" };
	bool any = false;

	if (has_newest(s, from))
		return;
	stateread_only_metrics(s->r, true);
	if (!stateread_parts(s->r, s->id, from, s->to, any_line, &any, &e))
		check_unknown("%s", e.text);
	stateread_only_metrics(s->r, false);
	if (!any)
		check_unknown("the state has no line of %s from %s to %s: was its log read? See \"mxgauge "
		    "status --state %s\"", checkstate_whose(s), checkstate_time(from * 60),
		    checkstate_time(s->to * 60), s->state);
}

/* Of a window long ago sums would lack what is dropped, and say so with no word. */
static void
require_minutes(const struct checkstate *s)
{
	bool hours = s->from % 60 == 0 && s->to % 60 == 0;

	if (s->at == 0 || s->hold_s > 0 || s->from >= s->kept || s->reads == CHECKSTATE_TABLES ||
	    (s->reads == CHECKSTATE_PARTS && hours))
		return;
	check_unknown("the state keeps minutes of %s from %s on (keep_minutes); \"mxgauge report --state %s "
	    "--from @%lld --to @%lld\" tells of the hours before", checkstate_whose(s), checkstate_time(s->kept * 60), s->state,
	    (long long)s->from * 60, (long long)s->to * 60);
}

void
checkstate_begin(struct checkstate *s)
{
	struct err e = { "" };
	int64_t then;

	s->now = (int64_t)time(NULL);
	if ((then = hold_begin(s->hold_s, s->at != 0 ? s->at : s->now)) != 0)
		s->at = then;
	s->as_of = s->at != 0 ? s->at : s->now;
	s->to = (s->as_of + 59) / 60;	/* the running minute included */
	s->from = s->to - (int64_t)ceil(s->window_s / 60);
	check_phase("reading %s", s->state);
	stateread_briefly();
	if ((s->r = stateread_open_frozen(s->state, &e)) == NULL)
		check_unknown("%s", e.text);
	if (!stateread_hosts(s->r, &s->hosts, &s->n, &e))
		check_unknown("%s", e.text);
	s->id = host_asked(s->hosts, s->n, &s->host);
	s->kept = stateread_minutes_from(s->hosts, s->n, s->id);
}

void
checkstate_open(struct checkstate *s)
{
	checkstate_begin(s);
	require_fresh(s);
	require_minutes(s);
	require_lines(s);
}

/* In the farm's sum a silent host is not missed otherwise. One that was silent all the
 * time that minutes are kept has left the farm. */
void
checkstate_tell_silent(const struct checkstate *s)
{
	size_t silent = 0;

	if (s->id != STATEREAD_FARM)
		return;
	for (size_t i = 0; i < s->n; i++) {
		int64_t age = s->as_of - s->hosts[i].newest;

		if ((double)age <= s->stale_s || age > GONE_S)
			continue;
		if (silent++ < SILENT_SHOWN)
			check_detail("%s is missing: its newest line is from %s",
			    check_clean(slice_of(s->hosts[i].name)), checkstate_time(s->hosts[i].newest));
	}
	if (silent > SILENT_SHOWN)
		check_detail("and %zu %s missing", silent - SILENT_SHOWN,
		    PLURAL(silent - SILENT_SHOWN, "host more is", "hosts more are"));
}

static const struct {
	const char *name, *title;
} tops[TOP_KIND_N] = {
	[TOP_CLIENT] = { "clients", "Refused networks" },
	[TOP_SASL] = { "accounts", "Accounts" },
	[TOP_REASON] = { "texts", "Texts of refusals" },
	[TOP_RELAY] = { "relays", "Next hops that deferred or bounced" },
	[TOP_SENDER] = { "senders", "Refused sender domains" },
	[TOP_RCPT] = { "recipients", "Refused recipient domains" },
	[TOP_UNKNOWN] = { "unknown", "Programs whose lines were not understood" },
	[TOP_FILTER] = { "filters", "Filters and services that failed" },
	[TOP_ACCEPTED] = { "origins", "Networks whose mail was accepted" },
	[TOP_JUDGED] = { "judged", "Networks whose mail a filter condemned" }
};

static void
tell_top(const struct checkstate *s, enum top_kind kind, bool *any, struct buf *json)
{
	int64_t from = s->from / 60, to = (s->to + 59) / 60;
	struct stateread_top top[TOP_SHOWN];
	size_t n = stateread_top(s->r, s->id, from, to, kind, top, TOP_SHOWN);
	struct buf text = buf_new(900);

	buf_fmt(json, "%s\"%s\":[", json->n > 1 ? "," : "", tops[kind].name);
	for (size_t i = 0; i < n; i++) {
		const char *name = slice_eq(top[i].text, SLICE("<>")) ? "the null sender" :
		    check_clean(top[i].text);

		/* texts are sentences, with commas of their own */
		buf_fmt(&text, "%s%s (%s%s)", i == 0 ? "" : kind == TOP_REASON ? "; " : ", ", name,
		    top[i].error > 0 ? "at least " : "", check_people((double)top[i].n, ""));
		buf_fmt(json, "%s{\"text\":", i > 0 ? "," : "");
		buf_json(json, slice_of(name));
		buf_fmt(json, ",\"n\":%llu,\"error\":%llu}", (unsigned long long)top[i].n,
		    (unsigned long long)top[i].error);
	}
	buf_char(json, ']');
	if (n > 0 && !*any)
		check_detail("In the hours from %s to %s:", checkstate_time(from * 3600),
		    checkstate_time(to * 3600));
	if (n > 0)
		check_detail("%s: %s", tops[kind].title, text.p);
	*any = *any || n > 0;
	buf_free(&text);
}

void
checkstate_tell_tops(const struct checkstate *s, const enum top_kind *kinds, size_t n)
{
	struct buf json = buf_new(1 << 16);
	bool any = false;

	check_phase("reading the top lists in %s", s->state);
	buf_char(&json, '{');
	for (size_t i = 0; i < n; i++)
		tell_top(s, kinds[i], &any, &json);
	buf_char(&json, '}');
	if (!json.full)
		check_extra("top", buf_slice(&json));
	buf_free(&json);
}

void
checkstate_tell_window(const struct checkstate *s)
{
	struct buf json = buf_new(100);

	buf_fmt(&json, "{\"from\":%lld,\"to\":%lld}", (long long)s->from * 60, (long long)s->to * 60);
	check_extra("window", buf_slice(&json));
	buf_free(&json);
	check_verbose(1, "Counted from %s to %s", checkstate_time(s->from * 60),
	    checkstate_time(s->to * 60));
}
