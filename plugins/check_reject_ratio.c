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

#include "cell.h"
#include "check.h"
#include "checkstate.h"
#include "flow.h"
#include "metric.h"
#include "nextstep.h"
#include "past.h"
#include "plural.h"
#include "quantity.h"
#include "quietday.h"
#include "reason.h"
#include "recent.h"
#include "stateread.h"
#include "surprise.h"

#include "poison.h"

enum { TOP_SHOWN = 5, DAY_MINUTES = 1440, UNLIKELY = 4,
	MOVED = 2 };	/* spreads: it is worth to be named with the ratio */
#define OWN_PART 0.25

static struct checkstate set = { .reads = CHECKSTATE_PARTS, CHECKSTATE_DEFAULT, .window_s = 900 };
static int64_t min_rcpt = 20;
static double sudden_s = 240;

static const struct opt opts[] = {
	CHECKSTATE_OPTS(set),
	{ 0, "min-rcpt", OPT_INT, &min_rcpt, "N",
	    "with fewer recipients in the window shares say nothing: show them, do not judge them",
	    .min = 0, .max = 1e9 },
	{ 0, "sudden", OPT_DURATION, &sudden_s, "TIME", "how far the measure sudden looks back", .min = 60,
	    .max = 3600 },
	{ 0 }
};

static const struct measure measures[] = {
	{ "ratio", "%", "rejected recipients, of rejected and accepted ones" },
	{ "rejected", "", "recipients refused for good (5xx) in the window" },
	{ "accepted", "", "recipients of accepted mails in the window" },
	{ "tempfailed", "", "recipients refused for now (4xx) in the window" },
	{ "change", "", "how far the ratio, or the share of a reason, is from what is usual at this "
	    "time of the day and week, in spreads of the weeks before" },
	{ "sudden", "", "the same, in the last --sudden minutes alone" },
	{ "traffic", "%", "recipients, of as many as are usual at this time" },
#define REASON(name, short_, sentence) { #name, "%", "share refused: " sentence },
#include "reason.def"
#undef REASON
	{ 0 }
};
enum { FIRST_CLASS = 7 };

static const struct program program = {
	"check_reject_ratio", "share of refused recipients by the logs, and the reasons",
	"Answers from the state that mxgauged or \"mxgauge import\" keeps. Without thresholds it "
	"reports and stays OK: what is normal differs from farm to farm (with much spam 95 % is "
	"an ordinary day). Look at the graph of a week, then warn a little above the usual ratio, and "
	"watch single reasons: unknown_rcpt rises when a directory or an alias map breaks, "
	"dnsbl when a list went mad, resource when our own machines refuse. A lower limit "
	"(ratio=30%:95%) finds the day on which a filter stopped filtering.\n\n"
	"change, sudden and traffic are measured when they have a limit. They leave out what "
	"authenticated users sent, and compare with the same time of the same weekday in the four weeks "
	"before, from hourly numbers: the median of the weeks is usual, and how much the weeks differ "
	"is a spread; what chance does to so few recipients comes on top, and a point, which nobody "
	"would call a difference. Before it rings, the minutes of the last seven days are looked at: a "
	"wave as there was one on two of them, within four hours of this time, is none. A day on which "
	"there is as little as on a Sunday, since three hours at least, is compared with Sundays. "
	"change=5 is the day on which 60 % are refused where 95 % are usual, or the reverse, whatever "
	"the level; sudden=5 is the same in the last four minutes, so that what is broken wholly rings "
	"sooner; traffic=10: is silence at a time that is not silent. Until the state knows two weeks, "
	"and where the weeks themselves were nearly silent, they are not judged, and it is said.\n\n"
	"Shares of single reasons are of all recipients too, so they add up to the ratio. Limits on "
	"rejected, accepted and tempfailed are judged also below --min-rcpt.",
	opts, .measures = measures,
	.examples = "check_reject_ratio -w ratio=90% -c ratio=98% -w dnsbl=80% -c resource=5%\n"
	    "check_reject_ratio -H mx1 --window 1h -c accepted=1:\n"
	    "check_reject_ratio --window 30m -w change=5 -c change=10 -c traffic=10:\n"
	    "check_reject_ratio --at \"yesterday 03:00\" -w 90%"
};

/* Of which reasons lines are shown: those that ring, else the most frequent. */
static const char *culprit[REASON_N];
static size_t culprits;

/* The counts of one stretch of minutes. */
struct counts {
	int64_t rejected, accepted, tempfailed, lines, foreign, unknown, too_late;
	int64_t outside;	/* recipients: see outside() */
	int64_t class[REASON_N];
	int64_t from, to;	/* minutes */
	struct cell cell;
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

/* Recipients less those of authenticated users: what our own users send, a newsletter, is no change of
 * what comes from outside. */
static double
outside(double rejected, double accepted, double by_users)
{
	return rejected + accepted - by_users;
}

static double
outside_now(void *arg, const struct cell *c)
{
	(void)arg;
	return outside((double)count(c, M_rej), (double)count(c, M_recv_rcpt), (double)count(c, M_auth_rcpt));
}

static void
read_counts(struct stateread *r, int host, int64_t from, int64_t to, struct counts *c)
{
	struct err e = { "" };

	*c = (struct counts){ .from = from, .to = to };
	if (!stateread_whole(r, host, from, to, &c->cell, &e))
		check_unknown("%s", e.text);
	c->rejected = count(&c->cell, M_rej);
	c->accepted = count(&c->cell, M_recv_rcpt);
	c->tempfailed = count(&c->cell, M_tmp);
	c->outside = (int64_t)outside_now(NULL, &c->cell);
	c->lines = count(&c->cell, M_lines);
	c->foreign = count(&c->cell, M_foreign);
	c->unknown = count(&c->cell, M_unknown);
	c->too_late = count(&c->cell, M_too_late);
	for (int i = 1; i < REASON_N; i++)
		c->class[i] = count(&c->cell, metric_rej[i]);
}

static void
blame(enum metric m)
{
	for (size_t i = 0; i < culprits; i++)
		if (strcmp(culprit[i], metrics[m].name) == 0)
			return;
	culprit[culprits++] = metrics[m].name;
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
	bool judged = all_of(c) >= min_rcpt && all_of(c) > 0, alarm = false, one;
	int order[REASON_N], classes = rank(c, order);
	struct buf after = buf_new(200), all = buf_new(32);

	measure_share(&measures[0], ratio_of(c), judged, &one);
	check_value("rejected", (double)c->rejected, "");
	check_value("accepted", (double)c->accepted, "");
	check_value("tempfailed", (double)c->tempfailed, "");
	for (int r = 1; r < REASON_N; r++) {
		const struct measure *m = &measures[FIRST_CLASS + r - 1];

		one = false;
		if (c->class[r] > 0 || check_has_limit(m->name))
			measure_share(m, percent(c->class[r], all_of(c)), judged, &one);
		if (one)
			blame(metric_rej[r]);
		alarm = alarm || one;
	}
	if (classes > 0 && !alarm)
		buf_fmt(&after, ", mostly %s %s", reason_name((enum reason)order[0]),
		    check_people(percent(c->class[order[0]], all_of(c)), "%"));
	if (!judged)
		buf_fmt(&after, "; fewer than %s (--min-rcpt), so shares are not judged",
		    check_people(min_rcpt > 0 ? (double)min_rcpt : 1, ""));
	quantity_count(&all, all_of(c));
	if (all_of(c) == 0)
		check_words("ratio", after.p, "no recipients in %s%s%s", check_people(set.window_s, "s"),
		    set.host != NULL ? " on " : "", set.host != NULL ? checkstate_whose(&set) : "");
	else
		check_words("ratio", after.p, "%s of %s %s rejected in %s%s%s",
		    check_people(ratio_of(c), "%"), all.p, PLURAL(all_of(c), "recipient", "recipients"),
		    check_people(set.window_s, "s"),
		    set.host != NULL ? " on " : "", set.host != NULL ? checkstate_whose(&set) : "");
	buf_free(&after);
	buf_free(&all);
}

/* --- against its own past ------------------------------------------------------------ */

struct share {
	const char *name;
	enum metric part;
	unsigned key;		/* the same, of the days before: KEY_... */
	double now;		/* percent */
	struct usual usual;
	double distance;
};

static double
outside_then(void *arg, const struct past *p, unsigned sample)
{
	(void)arg;
	return outside(past_count(p, sample, M_rej), past_count(p, sample, M_recv_rcpt),
	    past_count(p, sample, M_auth_rcpt));
}

static double
share_then(void *arg, const struct past *p, unsigned sample)
{
	double all = outside_then(NULL, p, sample);

	return all >= 1 ? 100 * past_count(p, sample, *(enum metric *)arg) / all : (double)NAN;
}

/* The counts that shares are made of, as recent.h has them. */
enum { KEY_RCPT, KEY_AUTH, KEY_REJ, KEYS = KEY_REJ + REASON_N };	/* KEY_REJ + a reason: its own */

static struct recent *
read_days(int64_t from, int64_t to)
{
	enum metric key[KEYS] = { [KEY_REJ] = M_rej, [KEY_RCPT] = M_recv_rcpt, [KEY_AUTH] = M_auth_rcpt };
	struct err e = { "" };
	struct recent *x;

	for (unsigned r = 1; r < REASON_N; r++)
		key[KEY_REJ + r] = metric_rej[r];
	if ((x = recent_read(set.r, set.id, from, to, key, KEYS, &e)) == NULL)
		check_unknown("%s", e.text);
	return x;
}

/* Recipients a minute. */
static double
outside_of_days(void *arg, const int64_t *n, double minutes, double *chance)
{
	double all = fmax(outside((double)n[KEY_REJ], (double)n[KEY_RCPT], (double)n[KEY_AUTH]), 0);

	(void)arg;
	*chance = sqrt(FLOW_BUNCH * fmax(all, 1)) / minutes;
	return all / minutes;
}

static double
share_of_days(void *arg, const int64_t *n, double minutes, double *chance)
{
	const struct share *s = arg;
	double all = outside_of_days(NULL, n, minutes, chance) * minutes;
	double part = fmin(fmax((double)n[s->key], 0), all);

	*chance = 100 * flow_chance(part, all, flow_bunch_of(s->part));
	return all >= 1 ? 100 * part / all : (double)NAN;
}

static double
distance(const struct share *s, const struct counts *c)
{
	const struct flow flow = { .kind = FLOW_SHARE, .x = { .n = 1,
		.step = { { .op = EXPR_NAME, .name = s->part } } } };

	return flow_distance(&flow, &s->usual, s->now, (double)c->outside, 0);
}

/* The share of a reason, or with reason 0 of all that is rejected. days may be NULL: else they are
 * looked at where it would ring. */
static struct share
compare(const char *measure, const struct past *p, const struct recent *days, const struct counts *c,
    unsigned reason)
{
	enum metric part = reason > 0 ? metric_rej[reason] : M_rej;
	struct share s = { .name = reason > 0 ? reason_name((enum reason)reason) : "ratio", .part = part,
		.key = KEY_REJ + reason, .now = percent(count(&c->cell, part), c->outside) };

	s.usual = past_usual(p, share_then, &s.part);
	s.distance = distance(&s, c);
	if (days == NULL || !check_would_ring(measure, s.distance, ""))
		return s;
	recent_widen(days, share_of_days, &s, false, s.now, &s.usual);
	s.distance = distance(&s, c);
	return s;
}

static double
count_then(void *arg, const struct past *p, unsigned sample)
{
	return past_count(p, sample, *(enum metric *)arg);
}

/* Did the share of a reason move because its own recipients became more or fewer, and not only others'? */
static bool
moved_itself(const struct past *p, const struct counts *c, const struct share *s)
{
	enum metric part = s->part;
	double now = (double)count(&c->cell, part), usual = past_usual(p, count_then, &part).value;

	return s->now > s->usual.value ? now > usual * (1 + OWN_PART) : now < usual * (1 - OWN_PART);
}

/* The ratio, or the reason that is farther from its past; *with: of the ratio, the reason that moved
 * farthest with it. With days one that moved itself comes before others, if it is far enough to ring. */
static struct share
farthest(const char *measure, const struct past *p, const struct recent *days, const struct counts *c,
    struct share *with)
{
	const struct share ratio = compare(measure, p, days, c, 0);
	struct share worst = ratio, itself = ratio;

	*with = (struct share){ .distance = 0 };
	for (unsigned r = 1; r < REASON_N; r++) {
		struct share s = compare(measure, p, days, c, r);

		if (s.distance > worst.distance)
			worst = s;
		if (days != NULL && s.distance > itself.distance && moved_itself(p, c, &s))
			itself = s;
		if (s.distance > with->distance &&
		    (s.now > s.usual.value) == (ratio.now > ratio.usual.value))
			*with = s;
	}
	return days != NULL && check_would_ring(measure, itself.distance, "") ? itself : worst;
}

/* In the last so many seconds; 0: in the window. */
static void
words(const char *measure, double in_s, const struct share *s, const struct share *with)
{
	struct buf b = buf_new(200);

	if (s->part == M_rej && with->distance >= MOVED)
		buf_fmt(&b, ", with %s %s where %s is usual", with->name, check_people(with->now, "%"),
		    check_people(with->usual.value, "%"));
	check_words(measure, NULL, "%s %s%s%s where %s give or take %s is usual at this time, %s times that away%s",
	    s->name, check_people(s->now, "%"), in_s > 0 ? " in " : "", in_s > 0 ? check_people(in_s, "s") : "",
	    check_people(s->usual.value, "%"),
	    check_people(fabs(s->now - s->usual.value) / s->distance, "%"), check_people(s->distance, ""),
	    b.n > 0 ? b.p : "");
	buf_free(&b);
}

static void
measure_change(const char *measure, double in_s, const struct past *p, const struct counts *c)
{
	struct share with, s = farthest(measure, p, NULL, c, &with);
	struct buf json = buf_new(300);

	if (c->outside < min_rcpt || c->outside <= 0 || isnan(s.distance)) {
		check_show(measure, (double)NAN, "");
		return;
	}
	if (check_would_ring(measure, s.distance, "")) {
		struct recent *days = read_days(c->from, c->to);

		s = farthest(measure, p, days, c, &with);
		recent_free(days);
	}
	if (check_value(measure, s.distance, "") > CHECK_OK && (s.part != M_rej || with.distance >= MOVED))
		blame(s.part != M_rej ? s.part : with.part);
	if (s.distance > 0)
		words(measure, in_s, &s, &with);
	else
		check_words(measure, NULL, "shares as usual at this time");
	buf_fmt(&json, "{\"name\":\"%s\",\"now\":%.2f,\"usual\":%.2f,\"spread\":%.2f,\"weeks\":%u}", s.name,
	    s.now, s.usual.value, s.usual.spread, s.usual.weeks);
	check_extra(measure, buf_slice(&json));
	buf_free(&json);
}

/* The spread of recipients that the days before suggest for what is below the usual. */
static double
falls_of_days(const struct usual *u, const struct counts *c)
{
	double minutes = (double)(c->to - c->from);
	struct usual rate = { .value = u->value / minutes, .spread = 0 };
	struct recent *days = read_days(c->from, c->to);

	recent_widen(days, outside_of_days, NULL, true, (double)c->outside / minutes, &rate);
	recent_free(days);
	return rate.spread * minutes;
}

/* Silence says something where none of the weeks was silent, and where it is not chance. */
static void
measure_traffic(const struct past *p, const struct counts *c)
{
	struct usual u = past_usual(p, outside_then, NULL);
	double v = u.value > 0 ? 100 * (double)c->outside / u.value : (double)NAN;

	u.spread = !isnan(v) && check_would_ring("traffic", v, "%") ? falls_of_days(&u, c) : 0;
	if (isnan(v) || u.value < (double)min_rcpt || u.least < u.value / 4 ||
	    surprise_count(fmax((double)c->outside, 0), u.value, u.spread, FLOW_BUNCH) < UNLIKELY) {
		check_show("traffic", v, "%");
		return;
	}
	check_value("traffic", v, "%");
	check_words("traffic", NULL, "%s %s where %s are usual at this time",
	    check_people((double)c->outside, ""), PLURAL(c->outside, "recipient", "recipients"),
	    check_people(round(u.value), ""));
}

/* The same in the last minutes alone: sooner than a longer window, which they fill in part. */
static void
measure_sudden(const struct past *p)
{
	int64_t to = checkstate_complete(&set);
	struct counts c;

	read_counts(set.r, set.id, to - (int64_t)ceil(sudden_s / 60), to, &c);
	measure_change("sudden", sudden_s, p, &c);
	cell_free(&c.cell);
}

/* On a holiday a Sunday's past is the one to compare with. */
static void
as_on_a_quiet_day(struct past *p, const struct counts *c)
{
	const struct quietday q = { .r = set.r, .host = set.id, .first = checkstate_first(&set),
		.from = c->from, .to = c->to, .n = (double)c->outside,
		.usual = past_usual(p, outside_then, NULL).value, .then = outside_then, .now = outside_now };
	struct past quiet;
	struct err e = { "" };
	int days;

	if (isnan(q.usual) || q.n * QUIETDAY_NEAR >= q.usual)
		return;
	days = quietday_find(&q, &quiet, &e);
	if (days < 0)
		check_unknown("%s", e.text);
	if (days == 0)
		return;
	past_free(p);
	*p = quiet;
	check_detail("There are as few recipients as on %s, and were in the hours before: that is what they "
	    "are compared with", quietday_name(c->to * 60, days));
}

static void
measure_past(const struct counts *c)
{
	struct past p;

	if (!check_has_limit("change") && !check_has_limit("sudden") && !check_has_limit("traffic"))
		return;
	checkstate_past(&set, &p);
	as_on_a_quiet_day(&p, c);
	if (check_has_limit("traffic"))
		measure_traffic(&p, c);
	if (check_has_limit("change"))
		measure_change("change", 0, &p, c);
	if (check_has_limit("sudden"))
		measure_sudden(&p);
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
			check_detail("%s %s (%s): %s", name, check_people((double)c->class[order[i]], ""),
			    check_people(percent(c->class[order[i]], all_of(c)), "%"),
			    reason_sentence((enum reason)order[i]));
		buf_fmt(&json, "%s\"%s\":%lld", i > 0 ? "," : "", name, (long long)c->class[order[i]]);
	}
	buf_char(&json, '}');
	check_extra("reject", buf_slice(&json));
	buf_free(&json);
	if (c->tempfailed > 0)
		check_detail("Refused for now (4xx), not in the ratio: %s", check_people((double)c->tempfailed, ""));
}

static void
tell_lists(struct stateread *r, const struct counts *c)
{
	struct buf text = buf_new(900), json = buf_new(1 << 16);
	struct stateread_top *zone;
	size_t n = stateread_counted(r, &c->cell, &zone);

	buf_char(&json, '{');
	for (size_t i = 0; i < n; i++) {
		if (i < TOP_SHOWN)
			buf_fmt(&text, "%s%s %s", i > 0 ? ", " : "", check_clean(zone[i].text),
			    check_people((double)zone[i].n, ""));
		buf_str(&json, i > 0 ? "," : "");
		buf_json_name(&json, zone[i].text);
		buf_fmt(&json, ":%llu", (unsigned long long)zone[i].n);
	}
	buf_char(&json, '}');
	if (n > 0)
		check_detail("Block lists: %s", text.p);
	if (!json.full)
		check_extra("dnsbl", buf_slice(&json));
	free(zone);
	buf_free(&text);
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
		check_detail("%s: %s of %s %s rejected", title, check_people(ratio_of(&c), "%"),
		    check_people((double)all_of(&c), ""), PLURAL(all_of(&c), "recipient", "recipients"));
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
		check_detail("%s %s of mail programs (%s) %s nothing: "
		    "\"mxgauge parse --unknown LOG\" shows %s", check_people((double)c->unknown, ""),
		    PLURAL(c->unknown, "line", "lines"), check_people(percent(c->unknown, ours), "%"),
		    PLURAL(c->unknown, "was not understood and counts", "were not understood and count"),
		    PLURAL(c->unknown, "it", "them"));
	if (c->too_late > 0)
		check_detail("%s %s came too late to be counted", check_people((double)c->too_late, ""),
		    PLURAL(c->too_late, "line", "lines"));
}

static void
tell(struct stateread *r, int host, int64_t from, int64_t to, struct counts *c)
{
	static const enum top_kind tops[] = { TOP_REASON, TOP_CLIENT, TOP_SENDER, TOP_RCPT };
	struct buf title = buf_new(100);
	int order[REASON_N];

	checkstate_tell_window(&set);
	tell_reasons(c);
	tell_lists(r, c);
	buf_fmt(&title, "The %s before", check_people(set.window_s, "s"));
	tell_before(r, host, from - (to - from), from, title.p, "before");
	tell_before(r, host, from - DAY_MINUTES, to - DAY_MINUTES, "The same time yesterday",
	    "yesterday");
	if (c->rejected > 0)
		checkstate_tell_tops(&set, tops, sizeof tops / sizeof *tops);
	tell_blind_spots(c);
	if (culprits == 0 && rank(c, order) > 0)
		blame(metric_rej[order[0]]);
	nextstep_samples(&set, host, culprit, culprits);
	nextstep_graph(&set, set.host, "reject", "reject");
	buf_free(&title);
}

int
main(int argc, char **argv)
{
	struct counts c;

	check_begin("REJECTS");
	opt_parse(&program, argc, argv);
	checkstate_open(&set);
	read_counts(set.r, set.id, set.from, set.to, &c);
	measure(&c);
	measure_past(&c);
	hold_answered();
	checkstate_tell_silent(&set);
	tell(set.r, set.id, set.from, set.to, &c);
	check_done();	/* the kernel closes and frees quicker than we could */
}
