/* check_mail_flow - anything that the collector counts, or a share of it, against limits or against
 * its own past.
 *
 * Reads the collector's state; asks no mail server anything. The caller names what is measured:
 * a metric of the catalogue, arithmetic over some (expr.h), or how far one of these is from what is
 * usual (past.h). Rates are per minute of the window. Names come from the command line only; texts
 * of the top lists were in log lines and are cleaned. */
#include <math.h>
#include <string.h>

#include "cell.h"
#include "check.h"
#include "checkstate.h"
#include "flow.h"
#include "mem.h"
#include "metric.h"
#include "nextstep.h"
#include "past.h"
#include "quantity.h"
#include "quietday.h"
#include "reason.h"
#include "stateread.h"

#include "poison.h"

enum { ITEMS_MAX = 100, STRETCHES_MAX = 8, PARTS_SHOWN = 5, DAY_MINUTES = 1440 };

static struct checkstate set = { .reads = CHECKSTATE_MINUTES, CHECKSTATE_DEFAULT, .window_s = 900 };
static int64_t min_events = 20;

static const struct opt opts[] = {
	CHECKSTATE_OPTS(set),
	{ 0, "min", OPT_INT, &min_events, "N",
	    "with fewer events in the window, of all that an expression names, shares and changes say "
	    "nothing: show them, do not judge them", .min = 0, .max = 1e9 },
	{ 0 }
};

static const struct program program = {
	"check_mail_flow", "rates and shares of anything that the collector counts",
	"Answers from the state that mxgauged or \"mxgauge import\" keeps. What is measured is what -w, "
	"-c and the operands name; without any, the usual flow of mail is shown.\n\n"
	"EXPR is a metric of docs/metrics.md (recv_msg, dlv_ext, bounce, defer_remote_conn, ...) or "
	"arithmetic over some: + - * / ( ) min(a,b) max(a,b) abs(a). A metric alone is a rate per minute, "
	"a count divided by a count is a share in percent, bytes divided by a count are bytes.\n\n"
	"change(EXPR), rise(EXPR) and fall(EXPR) tell how many times what the weeks differ by it is "
	"away from what is usual at this time of the same weekday in the four weeks before: in either "
	"direction, above, below. 5 does not happen by chance. Before one rings, the minutes of the "
	"last seven days are looked at: a wave as there was one on two of them, within four hours of "
	"this time, is none. A day on which there is as little as on a Sunday, since three hours at "
	"least, is compared with Sundays. Until the state knows two weeks they are shown and not "
	"judged. fall(EXPR,4m) is of the last four minutes in place of the window: what breaks wholly "
	"is seen sooner, what breaks in part or is rare in the longer one. The running minute and what "
	"the newest line has not come to are not in it.",
	opts, .args = "[EXPR...]",
	.examples = "check_mail_flow -w dsn/recv_msg=5% -c dsn/recv_msg=20%\n"
	    "check_mail_flow -w 'rise(auth_fail)=5' -w auth_fail=100/min\n"
	    "check_mail_flow --window 1h -w '(bounce+expire)/(dlv_ext+dlv_local)=10%'\n"
	    "check_mail_flow -H mx1 -c 'fall(dlv_local)=10' -w 'fall(dlv_local,4m)=4' -w virus=5/min"
};

/* What stands without limits and operands. */
static const char *const usual_flow[] = {
	"recv_msg", "recv_local", "dlv_ext", "dlv_local", "rej", "tmp", "defer", "bounce", "expire", "dsn",
	"spam", "virus", "auth_ok", "auth_fail"
};

enum form { NOW, CHANGE, RISE, FALL };
static const char *const forms[] = { [CHANGE] = "change(", [RISE] = "rise(", [FALL] = "fall(" };

/* What was counted in some minutes: the window, or those that an item has of its own. */
struct stretch {
	int64_t from, minutes;
	struct cell now, before, yesterday;
};

struct item {
	char *name;		/* as it was given */
	enum form form;
	struct flow flow;
	size_t stretch;
	double v;		/* in the stretch, in its unit */
	double before, yesterday;
	struct usual usual;
	enum check_state state;
};

static struct {
	struct item *item;
	size_t n;
	struct stretch stretch[STRETCHES_MAX];	/* the first is the window */
	size_t stretches;
	bool past;		/* one of them asks for it */
	bool usual;		/* the caller named none: they are those of usual_flow[] */
} run;

/* --- expressions ---------------------------------------------------------------------- */

/* Which of the stretches has so many minutes. */
static size_t
stretch_of(int64_t length)
{
	size_t i = 1;

	while (i < run.stretches && run.stretch[i].minutes != length)
		i++;
	if (i == STRETCHES_MAX)
		check_unknown("more than %d times that are not the window's", STRETCHES_MAX - 1);
	if (i == run.stretches)
		run.stretch[run.stretches++].minutes = length;
	return i;
}

/* "dlv_local,4m" of an item, less its end; an expression may have commas too. */
static void
take_time(struct item *it, struct slice *text)
{
	size_t comma = text->n;
	struct err e = { "" };
	double s;

	while (comma > 0 && text->p[comma - 1] != ',')
		comma--;
	if (comma == 0 || !quantity_parse((struct slice){ text->p + comma, text->n - comma }, "s", &s, &e))
		return;
	if (!(s >= 60 && s <= DAY_MINUTES * 60))
		check_unknown("\"%s\": the time is out of its limits, 1m to 1d", check_clean(slice_of(it->name)));
	it->stretch = stretch_of((int64_t)ceil(s / 60));
	text->n = comma - 1;
}

static void
add_item(struct slice name)
{
	struct slice text = name;
	struct item *it;

	for (size_t i = 0; i < run.n; i++)
		if (slice_eq(name, slice_of(run.item[i].name)))
			return;
	if (run.n == ITEMS_MAX)
		check_unknown("more than %d expressions", ITEMS_MAX);
	it = &run.item[run.n++];
	*it = (struct item){ .name = xslicedup(name) };
	for (enum form f = CHANGE; f <= FALL; f++)
		if (text.n > 0 && text.p[text.n - 1] == ')' && slice_eat(&text, slice_of(forms[f]))) {
			text.n--;
			it->form = f;
			run.past = true;
			take_time(it, &text);
			break;
		}
	for (enum form f = CHANGE; f <= FALL; f++)
		if (slice_has(text, slice_of(forms[f])))
			check_unknown("\"%s\": %s ... ) must stand around the whole expression, once",
			    check_clean(name), forms[f]);
	flow_parse(&it->flow, text, it->name);
}

static void
read_names(int argc, char **argv)
{
	struct slice name;

	run.item = xcalloc(ITEMS_MAX, sizeof *run.item);
	run.stretches = 1;
	for (int i = 1; i <= argc; i++)
		add_item(slice_of(argv[i]));
	for (size_t i = 0; (name = check_limit_name(i)).n > 0; i++)
		add_item(name);
	if (run.n > 0)
		return;
	run.usual = true;
	for (size_t i = 0; i < sizeof usual_flow / sizeof *usual_flow; i++)
		add_item(slice_of(usual_flow[i]));
}

/* --- values --------------------------------------------------------------------------- */

static double
minutes(const struct item *it)
{
	return (double)run.stretch[it->stretch].minutes;
}

static const char *
how_long(const struct item *it)
{
	return check_people(minutes(it) * 60, "s");
}

static double
item_then(void *arg, const struct past *p, unsigned sample)
{
	struct item *it = arg;

	/* of a sample rates and shares are the same for any length */
	return flow_then(&it->flow, p, sample, (double)run.stretch[0].minutes);
}

static void
read_cell(int64_t from, int64_t to, struct cell *c)
{
	struct err e = { "" };

	*c = (struct cell){ 0 };
	if (!stateread_sum(set.r, set.id, from, to, c, &e))
		check_unknown("%s", e.text);
}

static void
read_stretches(void)
{
	run.stretch[0].minutes = set.to - set.from;
	for (size_t i = 0; i < run.stretches; i++) {
		struct stretch *s = &run.stretch[i];
		int64_t to = i == 0 ? set.to : checkstate_complete(&set), from = to - s->minutes;

		s->from = from;
		read_cell(from, to, &s->now);
	}
}

/* To be told beside what is measured. */
static void
read_former(void)
{
	for (size_t i = 0; i < run.stretches; i++) {
		struct stretch *s = &run.stretch[i];
		int64_t yesterday = s->from - DAY_MINUTES;

		read_cell(s->from - s->minutes, s->from, &s->before);
		read_cell(yesterday, yesterday + s->minutes, &s->yesterday);
	}
	for (size_t i = 0; i < run.n; i++) {
		struct item *it = &run.item[i];
		const struct stretch *s = &run.stretch[it->stretch];

		it->before = flow_now(&it->flow, &s->before, minutes(it));
		it->yesterday = flow_now(&it->flow, &s->yesterday, minutes(it));
	}
}

static double
distance(const struct item *it)
{
	double of = flow_whole(&it->flow, &run.stretch[it->stretch].now);
	double d = flow_distance(&it->flow, &it->usual, it->v, of, minutes(it));

	if ((it->form == RISE && it->v < it->usual.value) || (it->form == FALL && it->v > it->usual.value))
		return 0;
	return isinf(d) ? 1e6 : d;
}

/* Some minutes differ more than hours do: a wave as there are some each day is no alarm. */
static double
distance_by_days(struct item *it)
{
	const struct stretch *s = &run.stretch[it->stretch];
	struct err e = { "" };

	if (!flow_widen(&it->flow, &it->usual, it->v, set.r, set.id, s->from, s->from + s->minutes, &e))
		check_unknown("%s", e.text);
	return distance(it);
}

static double
events_then(void *arg, const struct past *p, unsigned sample)
{
	const struct item *it = arg;

	return flow_then(&it->flow, p, sample, 1);
}

static double
events_now(void *arg, const struct cell *c)
{
	const struct item *it = arg;
	double n = flow_now(&it->flow, c, 1);

	return isnan(n) ? 0 : n;
}

/* As item_then(), of a past that is of the item's own stretch. */
static double
stretch_then(void *arg, const struct past *p, unsigned sample)
{
	const struct item *it = arg;

	return flow_then(&it->flow, p, sample, minutes(it));
}

/* Of a rate that fell: on a holiday a Sunday's past is the one to compare with. */
static double
distance_by_quiet_day(struct item *it, double d)
{
	const struct stretch *s = &run.stretch[it->stretch];
	const struct quietday q = { .r = set.r, .host = set.id, .first = checkstate_first(&set),
		.from = s->from, .to = s->from + s->minutes, .n = events_now(it, &s->now),
		.usual = it->usual.value * minutes(it), .then = events_then, .now = events_now, .arg = it };
	struct err e = { "" };
	struct past quiet;
	int days;

	if (it->flow.kind != FLOW_RATE || it->v >= it->usual.value)
		return d;
	days = quietday_find(&q, &quiet, &e);
	if (days < 0)
		check_unknown("%s", e.text);
	if (days == 0)
		return d;
	it->usual = past_usual(&quiet, stretch_then, it);
	past_free(&quiet);
	check_detail("%s: there is as little as on %s, and was in the hours before: that is what it is "
	    "compared with", it->name, quietday_name(q.to * 60, days));
	return distance(it);
}

static void
judge_past(struct item *it, const struct past *p, double n)
{
	double d;

	it->usual = past_usual(p, item_then, it);
	d = distance(it);
	/* for a rate also silence is a change */
	if (it->flow.kind == FLOW_RATE)
		n = fmax(n, it->usual.value * minutes(it));
	if (isnan(d) || n < (double)min_events) {
		check_show(it->name, d, "");
		return;
	}
	if (check_would_ring(it->name, d, ""))
		d = distance_by_quiet_day(it, d);
	if (check_would_ring(it->name, d, ""))
		d = distance_by_days(it);
	it->state = check_value(it->name, d, "");
	check_words(it->name, NULL, "%s is %s: %s where %s give or take %s is usual at this time", it->name,
	    check_people(d, ""), flow_people(&it->flow, it->v), flow_people(&it->flow, it->usual.value),
	    flow_people(&it->flow, d > 0 ? fabs(it->v - it->usual.value) / d : it->usual.spread));
}

static void
judge(struct item *it, double n)
{
	if (isnan(it->v) || (it->flow.kind == FLOW_SHARE && n < (double)min_events))
		check_show(it->name, it->v, flow_unit(&it->flow));
	else
		it->state = check_value(it->name, it->v, flow_unit(&it->flow));
}

static void
measure(void)
{
	struct past p = { 0 };

	if (run.past)
		checkstate_past(&set, &p);
	for (size_t i = 0; i < run.n; i++) {
		struct item *it = &run.item[i];
		const struct stretch *s = &run.stretch[it->stretch];
		double n = flow_events(&it->flow, &s->now);

		it->v = flow_now(&it->flow, &s->now, minutes(it));
		if (it->form != NOW)
			judge_past(it, &p, n);
		else
			judge(it, n);
	}
	past_free(&p);
}

static void
say(void)
{
	const struct item *first = &run.item[0];

	if (run.usual)
		check_words(first->name, NULL, "%s received, %s delivered, %s rejected in %s%s%s",
		    check_people(first->v, "/min"), check_people(run.item[2].v + run.item[3].v, "/min"),
		    check_people(run.item[4].v, "/min"), check_people(set.window_s, "s"),
		    set.host != NULL ? " on " : "", set.host != NULL ? checkstate_whose(&set) : "");
	else if (first->form == NOW)
		check_words(first->name, NULL, "%s %s in %s%s%s", first->name,
		    isnan(first->v) ? "unknown" : flow_people(&first->flow, first->v),
		    check_people(set.window_s, "s"), set.host != NULL ? " on " : "",
		    set.host != NULL ? checkstate_whose(&set) : "");
}

/* --- details -------------------------------------------------------------------------- */

static void
json_number(struct buf *json, const char *name, double v)
{
	buf_fmt(json, "%s\"%s\":", json->p[json->n - 1] == '{' ? "" : ",", name);
	if (isnan(v))
		buf_str(json, "null");
	else
		quantity_plain(json, v, 6);
}

static void
tell_item(const struct item *it, struct buf *json)
{
	const struct flow *f = &it->flow;

	if (it->state > CHECK_OK || check_is_verbose(1))
		check_detail("%s: %s now, %s in the %s before, %s at the same time yesterday", it->name,
		    flow_people(f, it->v), isnan(it->before) ? "unknown" : flow_people(f, it->before), how_long(it),
		    isnan(it->yesterday) ? "unknown" : flow_people(f, it->yesterday));
	buf_str(json, json->n > 1 ? "," : "");
	buf_json(json, slice_of(it->name));
	buf_str(json, ":{");
	json_number(json, "now", it->v);
	json_number(json, "before", it->before);
	json_number(json, "yesterday", it->yesterday);
	if (it->form != NOW) {
		json_number(json, "usual", it->usual.value);
		json_number(json, "spread", it->usual.spread);
	}
	buf_char(json, '}');
}

/* The metric's classes, where it has some: the largest first. */
static void
tell_parts(enum metric m, const struct cell *now)
{
	const enum metric *part = m == M_rej ? metric_rej : m == M_tmp ? metric_tmp :
	    m == M_defer ? metric_defer : m == M_bounce ? metric_bounce : NULL;
	struct buf text = buf_new(900);
	int order[REASON_N], n = 0;

	for (int r = 1; part != NULL && r < REASON_N; r++) {
		int64_t v = cell_get(now, part[r]);
		int at = n;

		if (v <= 0)
			continue;
		for (; at > 0 && cell_get(now, part[order[at - 1]]) < v; at--)
			order[at] = order[at - 1];
		order[at] = r;
		n++;
	}
	for (int i = 0; i < n && i < PARTS_SHOWN; i++)
		buf_fmt(&text, "%s%s %s", i > 0 ? ", " : "", reason_name((enum reason)order[i]),
		    check_people((double)cell_get(now, part[order[i]]), ""));
	if (n > 0)
		check_detail("%s by reason: %s", metrics[m].name, text.p);
	buf_free(&text);
}

/* The lists that say more of a metric. */
static unsigned
tops_of(const char *metric)
{
	static const struct {
		const char *start;
		unsigned tops;
	} rows[] = {
		{ "rej", 1U << TOP_REASON | 1U << TOP_CLIENT | 1U << TOP_SENDER | 1U << TOP_RCPT },
		{ "tmp", 1U << TOP_REASON | 1U << TOP_CLIENT },
		{ "defer", 1U << TOP_RELAY }, { "bounce", 1U << TOP_RELAY }, { "expire", 1U << TOP_RELAY },
		{ "dsn", 1U << TOP_RELAY }, { "auth", 1U << TOP_SASL }, { "login", 1U << TOP_SASL },
		{ "filter_fail", 1U << TOP_FILTER }, { "unknown", 1U << TOP_UNKNOWN }
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strncmp(metric, rows[i].start, strlen(rows[i].start)) == 0)
			return rows[i].tops;
	return 0;
}

static void
tell_causes(const struct cell *now)
{
	bool told[METRIC_N] = { false };
	enum top_kind kinds[TOP_KIND_N];
	unsigned tops = 0;
	size_t n = 0;

	for (size_t i = 0; i < run.n; i++) {
		const struct item *it = &run.item[i];

		for (unsigned k = 0; k < it->flow.x.n && (it->state > CHECK_OK || check_is_verbose(1)); k++) {
			unsigned m = it->flow.x.step[k].name;

			if (it->flow.x.step[k].op != EXPR_NAME || told[m])
				continue;
			told[m] = true;
			check_detail("%s, %s: %s in %s", metrics[m].name, metrics[m].sentence,
			    check_people((double)cell_get(now, m), ""), check_people(set.window_s, "s"));
			tell_parts((enum metric)m, now);
			tops |= tops_of(metrics[m].name);
		}
	}
	for (int k = 0; k < TOP_KIND_N; k++)
		if (tops & 1U << k)
			kinds[n++] = (enum top_kind)k;
	if (n > 0)
		checkstate_tell_tops(&set, kinds, n);
}

/* Lines of what the expressions that ring name, and the graph of the first of them. */
static void
tell_next(void)
{
	const char *kind[EXPR_MAX * 2];
	size_t n = 0;

	for (size_t i = 0; i < run.n; i++) {
		const struct item *it = &run.item[i];

		for (unsigned k = 0; k < it->flow.x.n && it->state > CHECK_OK; k++)
			if (it->flow.x.step[k].op == EXPR_NAME && n < sizeof kind / sizeof *kind)
				kind[n++] = metrics[it->flow.x.step[k].name].name;
	}
	/* of mail that does not arrive, what waits is seen */
	if (n > 0 && strncmp(kind[0], "dlv_", 4) == 0 && n < sizeof kind / sizeof *kind)
		kind[n++] = "defer";
	nextstep_samples(&set, set.id, kind, n);
	nextstep_graph_of(&set, set.host, n > 0 ? kind[0] : "recv_msg");
}

static void
tell(const struct cell *now)
{
	struct buf json = buf_new(1 << 16);

	checkstate_tell_silent(&set);
	checkstate_tell_window(&set);
	buf_char(&json, '{');
	for (size_t i = 0; i < run.n; i++)
		tell_item(&run.item[i], &json);
	buf_char(&json, '}');
	if (!json.full)
		check_extra("flow", buf_slice(&json));
	buf_free(&json);
	tell_causes(now);
	tell_next();
}

int
main(int argc, char **argv)
{
	check_begin("FLOW");
	read_names(opt_parse(&program, argc, argv), argv);
	checkstate_open(&set);
	read_stretches();
	measure();
	hold_answered();
	read_former();
	say();
	tell(&run.stretch[0].now);
	check_done();	/* the kernel closes and frees quicker than we could */
}
