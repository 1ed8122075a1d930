/* check_mail_delay - how long delivered mail took, in which part of its way, and whether that is
 * unusual.
 *
 * Reads the collector's state; asks no mail server anything. The delays are those of final
 * deliveries in the window before now (or before --at), of recipients that had not been deferred
 * before; percentiles are exact within 3 %, those of the parts within 10 %. Host names were in log
 * lines: they are cleaned. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "check.h"
#include "checkstate.h"
#include "delaylist.h"
#include "delaypast.h"
#include "hist.h"
#include "mem.h"
#include "nextstep.h"
#include "past.h"
#include "plural.h"
#include "quantity.h"
#include "specimen.h"
#include "stateread.h"

#include "poison.h"

enum { HOSTS_SHOWN = 5, BUSIEST = 40, BUSY_SHOWN = 5, WAITING_SHOWN = 5, DAY_MINUTES = 1440 };

static struct checkstate set = { .reads = CHECKSTATE_PARTS, CHECKSTATE_DEFAULT, .window_s = 900 };
static int64_t min_deliveries = 20;
static double older_s = 3600;
static bool whole_way;

static const struct opt opts[] = {
	CHECKSTATE_OPTS(set),
	{ 0, "min", OPT_INT, &min_deliveries, "N",
	    "with fewer deliveries in the window percentiles say nothing: show them, do not judge them",
	    .min = 1, .max = 1e9 },
	{ 0, "older", OPT_DURATION, &older_s, "TIME",
	    "a mail that came so long ago and is in the queue still is waiting", .min = STATEREAD_WAITED_S,
	    .max = 8 * 86400 },
	{ 0, "whole-way", OPT_FLAG, &whole_way, NULL,
	    "count from before a content filter, not from where the mail came back out of it" },
	{ 0 }
};

#define PART(name, help) { name, "s", "95 of 100 deliveries " help }
static const struct measure measures[] = {
	{ "p95", "s", "95 of 100 deliveries took at most so long" },
	{ "p50", "s", "half of them" },
	{ "p99", "s", "99 of 100" },
	{ "max", "s", "the slowest" },
	PART("before", "were so long on their way into the queue: from the first byte to the end of the message"),
	PART("queue", "waited so long in the queue"),
	PART("connect", "waited so long for a connection to the next hop, names and TLS included"),
	PART("transmit", "needed so long to hand over the message, the next hop's answer included"),
	{ "deliveries", "", "final deliveries in the window, of recipients that had not been deferred" },
	{ "change", "", "how far p95 is from what is usual at this time of the day and week, in spreads of the "
	    "weeks before" },
	{ "waiting", "", "mails that came in more than --older ago and are in the queue still" },
	{ "oldest", "s", "since the oldest of them came in" },
	{ "relay_p95", "s", "p95 of the slowest of the busiest next hops, in the hours of the window" },
	{ "domain_p95", "s", "the same of the domains of recipients" },
	{ 0 }
};
enum { FIRST_PART = 4 };
#undef PART

static const char *const part_titles[HIST_PARTS] = {
	"before the queue", "in the queue", "connecting", "transmitting"
};

static const struct program program = {
	"check_mail_delay", "how long delivered mail took, and in which part of its way",
	"Answers from the state that mxgauged or \"mxgauge import\" keeps. Without thresholds it reports and "
	"stays OK. A content filter that is slow shows as transmit on the way into it and as p95 with "
	"--whole-way; a full active queue as queue; a next hop that is far, dead or greylists as connect or "
	"transmit.\n\n"
	"Mail that still waits is in no percentile. waiting counts it by the logs: what came in and has not "
	"left, of all hosts, and names the oldest; check_mail_queue looks into the queue itself. Parts are known of "
	"MTAs that log them (Postfix; of Exim the transmission).\n\n"
	"relay_p95 and domain_p95 are of the thirty busiest next hops and domains or so, of the hours that the "
	"window touches (with --at, of those that were over), and of those with --min deliveries at least; they are "
	"exact within a doubling.\n\n"
	"change is measured when it has a limit: the same time of the same weekday in the four weeks before, "
	"from hourly numbers, on a scale of ratios: 5 does not happen by chance, be it that all are slower or that "
	"a twentieth takes what hardly one took in those weeks. It is not judged until the "
	"state knows two weeks.",
	opts, .measures = measures,
	.examples = "check_mail_delay -w waiting=100 -c oldest=1d --older 4h\n"
	    "check_mail_delay -w p95=60s -c p95=10m -w queue=30s\n"
	    "check_mail_delay --whole-way -w p50=20s -w change=5 -c change=10\n"
	    "check_mail_delay -H mx1 --window 1h -w transmit=10s"
};

static uint32_t
base(void)
{
	return whole_way ? CELL_DELAY_TOTAL : CELL_DELAY;
}

static void
read_cell(int host, int64_t from, int64_t to, struct cell *c)
{
	struct err e = { "" };

	*c = (struct cell){ 0 };
	if (!stateread_whole(set.r, host, from, to, c, &e))
		check_unknown("%s", e.text);
}

/* --- what is measured ------------------------------------------------------------------- */

static void
measure_one(const char *name, double v, bool judged)
{
	if (judged && !isnan(v))
		(void)check_value(name, v, "s");
	else
		check_show(name, v, "s");
}

static void
measure_parts(const struct cell *c, bool judged)
{
	for (unsigned i = 0; i < HIST_PARTS; i++) {
		const char *name = measures[FIRST_PART + i].name;
		struct hist h;

		cell_hist_part(c, i, &h);
		measure_one(name, hist_quantile(&h, 0.95), judged && hist_count(&h) >= min_deliveries);
	}
}

/* The part that is the longest for the slow ones. */
static int
longest_part(const struct cell *c, double *p95)
{
	int longest = -1;

	*p95 = 0;
	for (unsigned i = 0; i < HIST_PARTS; i++) {
		struct hist h;
		double v;

		cell_hist_part(c, i, &h);
		v = hist_quantile(&h, 0.95);
		if (v > *p95) {
			*p95 = v;
			longest = (int)i;
		}
	}
	return longest;
}

static void
measure(const struct cell *c, const struct hist *h)
{
	int64_t n = hist_count(h);
	bool judged = n >= min_deliveries;
	struct buf after = buf_new(300);
	double part_s;
	int part = longest_part(c, &part_s);

	measure_one("p95", hist_quantile(h, 0.95), judged);
	measure_one("p50", hist_quantile(h, 0.50), judged);
	measure_one("p99", hist_quantile(h, 0.99), judged);
	measure_one("max", hist_max(h), judged);
	measure_parts(c, judged);
	check_value("deliveries", (double)n, "");
	if (n > 0 && part >= 0 && !whole_way)
		buf_fmt(&after, ", mostly %s", part_titles[part]);
	if (!judged)
		buf_fmt(&after, "; fewer than %s (--min), so they are not judged",
		    check_people((double)min_deliveries, ""));
	if (n == 0)
		check_words("p95", after.p, "no deliveries in %s%s%s", check_people(set.window_s, "s"),
		    set.host != NULL ? " on " : "", set.host != NULL ? checkstate_whose(&set) : "");
	else
		check_words("p95", after.p, "95%% of %s %s within %s in %s%s%s",
		    check_people((double)n, ""), PLURAL(n, "delivery", "deliveries"),
		    check_people(hist_quantile(h, 0.95), "s"),
		    check_people(set.window_s, "s"), set.host != NULL ? " on " : "",
		    set.host != NULL ? checkstate_whose(&set) : "");
	buf_free(&after);
}

/* --- what waits --------------------------------------------------------------------------- */

static struct stateread_waiting waiting[WAITING_SHOWN];
static size_t waiting_n;

static void
measure_waiting(void)
{
	int64_t n;

	waiting_n = stateread_waiting(set.r, set.id, set.as_of, set.as_of - (int64_t)older_s, waiting,
	    WAITING_SHOWN, &n);
	check_value("waiting", (double)n, "");
	check_words("waiting", NULL, "%s %s waited for more than %s", check_people((double)n, ""),
	    PLURAL(n, "mail has", "mails have"), check_people(older_s, "s"));
	check_value("oldest", waiting_n > 0 ? (double)(set.as_of - waiting[0].since) : 0, "s");
	if (waiting_n > 0)
		check_words("oldest", NULL, "the oldest mail has waited for %s",
		    check_people((double)(set.as_of - waiting[0].since), "s"));
}

static void
tell_waiting(void)
{
	struct buf json = buf_new(4096);
	struct nextstep w;

	if (waiting_n == 0)
		return;
	nextstep_begin(&w, &set);
	buf_char(&json, '[');
	check_detail("Waiting longest:");
	for (size_t i = 0; i < waiting_n; i++) {
		const struct stateread_waiting *x = &waiting[i];
		const char *host = check_clean(slice_of(checkstate_name(&set, x->host)));

		check_detail("%s on %s since %s", check_clean(slice_of(x->id)), host, checkstate_time(x->since));
		(void)nextstep_add(&w, slice_of(x->id));
		buf_str(&json, i > 0 ? ",{\"id\":" : "{\"id\":");
		buf_json(&json, slice_of(check_clean(slice_of(x->id))));
		buf_str(&json, ",\"host\":");
		buf_json(&json, slice_of(host));
		buf_fmt(&json, ",\"since\":%lld}", (long long)x->since);
	}
	buf_char(&json, ']');
	nextstep_tell(&w);
	if (!json.full)
		check_extra("waiting", buf_slice(&json));
	buf_free(&json);
}

/* --- whereto ------------------------------------------------------------------------------ */

static const struct whereto {
	const char *measure, *title, *one, *name;
	enum top_kind kind;
} whereto[] = {
	{ "relay_p95", "next hop", "the next hop", "relays", TOP_RELAY_DELAY },
	{ "domain_p95", "domain", "the domain", "domains", TOP_RCPT_DELAY }
};

static void
tell_busiest(const struct whereto *t, const struct delayed *d, size_t n)
{
	struct buf json = buf_new(1 << 16), text = buf_new(900);

	buf_char(&json, '{');
	for (size_t i = 0; i < n; i++) {
		if (i < BUSY_SHOWN)
			buf_fmt(&text, "%s%s %s of %s", i > 0 ? ", " : "", check_clean(slice_of(d[i].name)),
			    check_people(delaylist_quantile(&d[i], 0.95), "s"), check_people((double)d[i].n, ""));
		buf_str(&json, i > 0 ? "," : "");
		buf_json(&json, slice_of(check_clean(slice_of(d[i].name))));
		buf_fmt(&json, ":{\"deliveries\":%llu,\"p50\":", (unsigned long long)d[i].n);
		quantity_plain(&json, delaylist_quantile(&d[i], 0.5), 3);
		buf_str(&json, ",\"p95\":");
		quantity_plain(&json, delaylist_quantile(&d[i], 0.95), 3);
		buf_char(&json, '}');
	}
	buf_char(&json, '}');
	if (n > 0)
		check_detail("95%% within about, by %s, the busiest first: %s", t->title, text.p);
	if (!json.full)
		check_extra(t->name, buf_slice(&json));
	buf_free(&json);
	buf_free(&text);
}

/* Behind the last hour that is looked at. Of a former time the hour that was running holds what came
 * later: it is left out. */
static int64_t
hours_end(void)
{
	for (size_t i = 0; set.at != 0 && i < set.n; i++)
		if (set.hosts[i].newest > set.as_of)
			return set.as_of / 3600;
	return (set.to + 59) / 60;
}

/* Of the busiest, by the hour: the slowest is judged. They cost a few lists, so only when asked. */
static void
measure_busiest(const struct whereto *t)
{
	struct delayed *d;
	const struct delayed *slowest = NULL;
	int64_t to = hours_end(), from = set.from / 60 < to ? set.from / 60 : to - 1;
	double worst = 0;
	size_t n;

	if (!check_has_limit(t->measure) && !check_is_verbose(1) && check_worst() == CHECK_OK)
		return;
	d = xcalloc(BUSIEST, sizeof *d);
	n = delaylist_read(set.r, set.id, from, to, t->kind, d, BUSIEST);
	for (size_t i = 0; i < n; i++) {
		double p95 = delaylist_quantile(&d[i], 0.95);

		if (d[i].n < (uint64_t)min_deliveries || p95 <= worst)
			continue;
		worst = p95;
		slowest = &d[i];
	}
	if (check_has_limit(t->measure))
		measure_one(t->measure, slowest != NULL ? worst : (double)NAN, true);
	if (slowest != NULL)
		check_words(t->measure, NULL, "95%% to %s %s within %s", t->one,
		    check_clean(slice_of(slowest->name)), check_people(worst, "s"));
	if (slowest != NULL && n > 1)
		check_detail("The slowest %s: %s, 95%% within about %s", t->title,
		    check_clean(slice_of(slowest->name)), check_people(worst, "s"));
	tell_busiest(t, d, n);
	free(d);
}

/* --- against its own past --------------------------------------------------------------- */

static void
measure_change(const struct hist *h)
{
	struct delaypast d;
	struct past p;

	if (!check_has_limit("change"))
		return;
	checkstate_past(&set, &p);
	d = delaypast_judge(&p, base(), h);
	if (isnan(d.distance) || hist_count(h) < min_deliveries) {
		check_show("change", (double)NAN, "");
	} else {
		check_value("change", d.distance, "");
		check_words("change", NULL, "%s where %s is usual at this time",
		    check_people(hist_quantile(h, 0.95), "s"), check_people(d.usual_s, "s"));
	}
	past_free(&p);
}

/* --- details ------------------------------------------------------------------------------ */

static void
tell_row(const char *title, const struct hist *h)
{
	if (hist_count(h) > 0)
		check_detail("%-17s %8s %8s %8s", title, check_people(hist_quantile(h, 0.50), "s"),
		    check_people(hist_quantile(h, 0.95), "s"), check_people(hist_quantile(h, 0.99), "s"));
}

static void
tell_parts(const struct cell *c, const struct hist *h)
{
	struct hist part;

	if (hist_count(h) == 0)
		return;
	check_detail("%-17s %8s %8s %8s", "deliveries within", "50%", "95%", "99%");
	tell_row(whole_way ? "the whole way" : "in all", h);
	for (unsigned i = 0; i < HIST_PARTS; i++) {
		cell_hist_part(c, i, &part);
		tell_row(part_titles[i], &part);
	}
}

static void
tell_before(int64_t from, int64_t to, const char *title, const char *name)
{
	struct buf json = buf_new(200);
	struct hist h;
	struct cell c;

	read_cell(set.id, from, to, &c);
	cell_hist(&c, base(), &h);
	if (hist_count(&h) > 0) {
		check_detail("%s: 95%% of %s within %s", title, check_people((double)hist_count(&h), ""),
		    check_people(hist_quantile(&h, 0.95), "s"));
		buf_fmt(&json, "{\"deliveries\":%lld,\"p95\":", (long long)hist_count(&h));
		quantity_plain(&json, hist_quantile(&h, 0.95), 6);
		buf_char(&json, '}');
		check_extra(name, buf_slice(&json));
	}
	cell_free(&c);
	buf_free(&json);
}

struct host_delay {
	size_t host;
	double p95;
	int64_t n;
};

static int
by_p95(const void *a, const void *b)
{
	const struct host_delay *x = a, *y = b;

	if (x->p95 != y->p95)
		return x->p95 < y->p95 ? 1 : -1;
	return x->host < y->host ? -1 : 1;
}

/* The hists are by the places of hosts; those without a delivery have none. */
static bool
add_host(void *arg, int host, int64_t minute, const struct cell *c)
{
	struct hist **all = arg;
	size_t i = 0;

	(void)minute;
	while (i < set.n && set.hosts[i].id != host)
		i++;
	for (uint32_t k = 0; i < set.n && k < c->n; k++) {
		uint32_t bucket = c->pair[k].key - base();

		if (bucket >= HIST_N)
			continue;
		if (all[i] == NULL)
			all[i] = xcalloc(1, sizeof *all[i]);
		all[i]->n[bucket] += (int32_t)c->pair[k].n;
	}
	return true;
}

/* The slowest first. */
static void
tell_hosts(void)
{
	struct host_delay *d = xcalloc(set.n + 1, sizeof *d);
	struct hist **all = xcalloc(set.n + 1, sizeof(struct hist *));
	struct buf json = buf_new(1 << 18), text = buf_new(900);
	struct err e = { "" };
	size_t n = 0;

	if (!stateread_parts(set.r, STATEREAD_FARM, set.from, set.to, add_host, all, &e))
		check_unknown("%s", e.text);
	for (size_t i = 0; i < set.n; i++)
		if (all[i] != NULL && hist_count(all[i]) > 0)
			d[n++] = (struct host_delay){ i, hist_quantile(all[i], 0.95), hist_count(all[i]) };
	if (n > 1)
		qsort(d, n, sizeof *d, by_p95);
	buf_char(&json, '{');
	for (size_t i = 0; i < n; i++) {
		const char *name = check_clean(slice_of(set.hosts[d[i].host].name));

		if (i < HOSTS_SHOWN)
			buf_fmt(&text, "%s%s %s of %s", i > 0 ? ", " : "", name, check_people(d[i].p95, "s"),
			    check_people((double)d[i].n, ""));
		buf_str(&json, i > 0 ? "," : "");
		buf_json_name(&json, slice_of(set.hosts[d[i].host].name));
		buf_fmt(&json, ":{\"deliveries\":%lld,\"p95\":", (long long)d[i].n);
		quantity_plain(&json, d[i].p95, 6);
		buf_char(&json, '}');
	}
	buf_char(&json, '}');
	if (n > 1)
		check_detail("95%% within, by host: %s", text.p);
	if (!json.full)
		check_extra("hosts", buf_slice(&json));
	free(d);
	buf_free(&json);
	buf_free(&text);
}

int
main(int argc, char **argv)
{
	static const enum top_kind tops[] = { TOP_RELAY };
	struct buf title = buf_new(100);
	struct cell c;
	struct hist h;

	check_begin("DELAY");
	opt_parse(&program, argc, argv);
	checkstate_open(&set);
	read_cell(set.id, set.from, set.to, &c);
	cell_hist(&c, base(), &h);
	measure(&c, &h);
	measure_change(&h);
	measure_waiting();
	for (size_t i = 0; i < sizeof whereto / sizeof *whereto; i++)
		measure_busiest(&whereto[i]);
	hold_answered();
	checkstate_tell_silent(&set);
	checkstate_tell_window(&set);
	tell_parts(&c, &h);
	if (set.id == STATEREAD_FARM)
		tell_hosts();
	buf_fmt(&title, "The %s before", check_people(set.window_s, "s"));
	tell_before(set.from - (set.to - set.from), set.from, title.p, "before");
	tell_waiting();
	tell_before(set.from - DAY_MINUTES, set.to - DAY_MINUTES, "The same time yesterday", "yesterday");
	checkstate_tell_tops(&set, tops, 1);
	nextstep_samples(&set, set.id, (const char *const[]){ SPECIMEN_SLOW }, 1);
	nextstep_graph(&set, set.host, "delay", whole_way ? "through" : "delay");
	check_done();	/* the kernel closes and frees quicker than we could */
}
