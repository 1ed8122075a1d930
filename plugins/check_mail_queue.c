/* check_mail_queue - how much waits in a mail server's queue, since when, for whom and why.
 *
 * Reads the queue's folders itself (lib/queue.h): it runs no program of the MTA's and writes
 * nothing, unless it may not read them and must ask the MTA. Counts are exact; what stands in
 * files is read from all of them or from an even sample, and then the answer says so. A queue that
 * cannot be read is UNKNOWN and never empty. Domains and reasons are strangers' text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "checkstate.h"
#include "keep.h"
#include "mem.h"
#include "plural.h"
#include "queue.h"
#include "queue_find.h"
#include "queue_judge.h"

#include "poison.h"

enum { ROWS_KEPT = 32, NEWEST_S = 50, OLDEST_S = 3600 };

static struct {
	const char *mta, *sample, *reasons, *ask, *command;
	struct opt_list spool;
	double look_s;
	int64_t top;
	bool no_growth, from_state;
} set = { .mta = "auto", .sample = "5000", .reasons = "2000", .ask = "auto", .look_s = 3, .top = 5 };

static struct checkstate state = { .state = "/var/lib/mxgauge", .stale_s = 300, .window_s = 60 };

static const struct opt opts[] = {
	{ 0, "mta", OPT_CHOICE, &set.mta, "auto|postfix|exim|sendmail|qmail|opensmtpd|maildir",
	    "whose queue; auto looks which one is installed" },
	{ 'd', "spool", OPT_LIST, &set.spool, "DIR",
	    "its folder, where it is not the usual one; again for each further instance or queue" },
	{ 0, "sample", OPT_STRING, &set.sample, "N|all|none",
	    "read at most N of the messages' files for what their names do not tell" },
	{ 0, "sample-time", OPT_DURATION, &set.look_s, "TIME", "and read no longer than that",
	    .min = 0.01, .max = 3600 },
	{ 0, "reasons", OPT_STRING, &set.reasons, "N|all",
	    "where reasons stand in files of their own (Postfix), read at most N of those" },
	{ 0, "top", OPT_INT, &set.top, "N", "name so many domains and senders", .min = 0, .max = QUEUE_TOP_MAX },
	{ 0, "ask", OPT_CHOICE, &set.ask, "auto|always|never",
	    "let the MTA's own command list the queue: where the folders may not be read, always, never" },
	{ 0, "command", OPT_STRING, &set.command, "PATH", "where that command is" },
	{ 0, "no-growth", OPT_FLAG, &set.no_growth, NULL,
	    "keep no file for the next run to compare with" },
	{ 0, "from-state", OPT_FLAG, &set.from_state, NULL,
	    "read no queue: say what mxgauged's sensor counted last" },
	{ 's', "state", OPT_STRING, &state.state, "DIR", "for --from-state: the collector's state" },
	{ 'H', "host", OPT_STRING, &state.host, "HOST",
	    "for --from-state: one mail server instead of all that have a sensor" },
	{ 0, "at", OPT_TIME, &state.at, "TIME", "for --from-state: as of then, \"-2h\", \"yesterday 03:00\"" },
	{ 0, "stale", OPT_DURATION, &state.stale_s, "TIME",
	    "for --from-state: UNKNOWN if the queues were last counted longer ago",
	    .min = 60, .max = 8 * 86400 },
	{ 0 }
};

static const struct program program = {
	"check_mail_queue", "depth, age and cause of a mail server's queue",
	"Counting reads the queue's folders and opens no file, so that 200,000 messages are counted in "
	"a tenth of a second. Ages stand in the names of Exim's, Sendmail's and maildirs' files, and of "
	"Postfix's with enable_long_queue_ids = yes. For the rest (ages otherwise, domains, senders, "
	"sizes, reasons) files are read: at most --sample of them, evenly from all folders, "
	"and no longer than --sample-time; then the answer says \"sampled\" and how far an "
	"estimate may be off. The oldest of a sample is at least as old as said.\n\n"
	"Messages are counted, for OpenSMTPD envelopes (one a recipient). Exim and Sendmail keep new and "
	"deferred messages in one folder: which is which stands in the files.\n\n"
	"Of Postfix all instances are counted that main.cf names (multi_instance_directories), and "
	"several are named in the answer.\n\n"
	"Postfix, Sendmail, qmail and OpenSMTPD keep their queues from other accounts. The best way "
	"is --from-state: mxgauged's sensor (its setting queues) has the right, and the check none. Or "
	"\"setcap cap_dac_read_search+ep check_mail_queue\" on a copy that only the group of the "
	"monitoring may execute; it then reads every file, so keep it from others. Else "
	"the MTA's own command is asked (postqueue -j, exim -bp, mailq, smtpctl), which reads all files and "
	"is slow on large queues. Exim's queue may be read by who is in Exim's group.\n\n"
	"growth compares with the last run at least 50 s before, which is kept in "
	"NAGIOS_PLUGIN_STATE_DIRECTORY or in /var/tmp/mxgauge-UID. The first run has none.",
	opts, .measures = queue_measures,
	.examples = "check_mail_queue -w 500 -c 5000 -w oldest=4h -w hold=100 -c growth=50/min\n"
	    "check_mail_queue --mta postfix --spool /var/spool/postfix --spool /var/spool/postfix-out\n"
	    "check_mail_queue --from-state -H mx1 -w deferred=500 -c oldest=4h\n"
	    "# everything of a large queue, by hand\n"
	    "check_mail_queue --sample all --sample-time 1m -t 2m --top 20 -v"
};

static struct queue q;
static struct queue_place place[QUEUE_PLACES_MAX];
static size_t places;
static const char *foreign;	/* a folder of --spool of which the MTA's own command knows nothing */

/* --- whose queue ---------------------------------------------------------------------- */

static bool
same_folder(const char *a, const char *b)
{
	size_t an = strlen(a), bn = strlen(b);

	an -= an > 1 && a[an - 1] == '/';
	bn -= bn > 1 && b[bn - 1] == '/';
	return an == bn && memcmp(a, b, an) == 0;
}

/* The folders of --spool, and which of this machine's instances each is: its command has to be told. */
static void
given_places(const struct queue_mta *mta, struct arena *memory)
{
	static struct queue_place usual[QUEUE_PLACES_MAX];
	size_t n = set.spool.n > 0 ? queue_places(mta, memory, usual, QUEUE_PLACES_MAX) : 0;

	for (size_t i = 0; i < set.spool.n && places < QUEUE_PLACES_MAX; i++) {
		struct queue_place *p = &place[places++];
		size_t u = 0;

		while (u < n && !same_folder(usual[u].spool, set.spool.v[i]))
			u++;
		*p = u < n ? usual[u] : (struct queue_place){ .mta = mta };
		p->spool = set.spool.v[i];
		if (u == n)
			foreign = p->spool;
	}
}

/* The queues to look at: of one MTA. */
static void
find_places(void)
{
	struct arena memory = { 0 };	/* until the end */

	if (strcmp(set.mta, "auto") != 0) {
		const struct queue_mta *mta = queue_mta(set.mta);

		given_places(mta, &memory);
		if (places == 0)
			places = queue_places(mta, &memory, place, QUEUE_PLACES_MAX);
		if (places == 0)
			check_unknown("there is no queue of %s at %s; name its folder by --spool", mta->title,
			    mta->spools[0] != NULL ? mta->spools[0] : "a usual place");
		return;
	}
	if (set.spool.n > 0)
		check_unknown("--spool needs --mta: whose folder is it?");
	places = queue_find(&memory, place, QUEUE_PLACES_MAX);
	for (size_t i = 1; i < places; i++)
		if (place[i].mta != place[0].mta)
			check_unknown("both %s and %s are installed here; say which one by --mta %s or "
			    "--mta %s", place[0].mta->title, place[i].mta->title, place[0].mta->name,
			    place[i].mta->name);
	if (places == 0)
		check_unknown("no mail server was found on this machine; name it by --mta, and its "
		    "queue by --spool");
}

/* --- reading -------------------------------------------------------------------------- */

/* 0: all. */
static size_t
how_many(const char *option, const char *text, const char *or)
{
	struct slice s = slice_of(text);
	uint64_t n;

	if (slice_eq(s, SLICE("all")))
		return 0;
	if (!slice_u64(&s, &n) || s.n > 0 || n == 0 || n > 100000000)
		check_unknown("%s %s is neither a number from 1 on nor \"all\"%s", option,
		    check_clean(slice_of(text)), or);
	return (size_t)n;
}

/* "; how to get the right", where it is a right that is missing. */
static const char *
hint(const char *why, const char *said)
{
	static char text[400];

	if (strstr(why, "ermission denied") == NULL && strstr(said, "ermission denied") == NULL)
		return "";
	(void)snprintf(text, sizeof text, "; %s; or let mxgauged count it, and use --from-state",
	    q.mta->right);
	return text;
}

/* "postfix-out in /var/spool/postfix-out: 12 messages, 10 deferred": of several instances. */
static void
tell_place(const struct queue_place *p, const int64_t before[QUEUE_BOXES],
    const int64_t after[QUEUE_BOXES])
{
	int64_t all = 0;

	if (places < 2)
		return;
	for (int i = 0; i < QUEUE_BOXES; i++)
		all += after[i] - before[i];
	if (q.mta->boxed)
		check_detail("%s%s%s: %s %s, %s deferred, %s on hold", p->name != NULL ?
		    check_clean(slice_of(p->name)) : "", p->name != NULL ? " in " : "",
		    check_clean(slice_of(p->spool)), check_people((double)all, ""), PLURAL(all, "message", "messages"),
		    check_people((double)(after[QUEUE_DEFERRED] - before[QUEUE_DEFERRED]), ""),
		    check_people((double)(after[QUEUE_HOLD] - before[QUEUE_HOLD]), ""));
	else
		check_detail("%s: %s %s", check_clean(slice_of(p->spool)),
		    check_people((double)all, ""), PLURAL(all, "message", "messages"));
}

static void
ask(const char *why)
{
	const char *command = set.command != NULL ? set.command : q.mta->ask[0];
	bool each = (places > 1 || set.spool.n > 0) && place[0].conf != NULL;
	const struct queue_mta *mta = q.mta;
	int64_t now = q.now, before[QUEUE_BOXES];
	struct err e;

	if (command == NULL || strcmp(set.ask, "never") == 0)
		check_unknown("%s%s", why, hint(why, ""));
	if (foreign != NULL && set.command == NULL)
		check_unknown("%s%s%s is not asked, because it knows nothing of %s%s", why, why[0] == '\0' ? "" : "; ",
		    command, foreign, hint(why, ""));
	queue_free(&q);
	queue_init(&q, mta, now);
	check_phase("waiting for %s", command);
	for (size_t i = 0; i < (each ? places : 1); i++) {
		memcpy(before, q.n, sizeof before);
		if (!queue_ask(&q, command, each ? place[i].conf : NULL, &e))
			check_unknown("%s%s%s%s", why, why[0] == '\0' ? "" : ", and ", e.text,
			    hint(why, e.text));
		if (each)
			tell_place(&place[i], before, q.n);
	}
	check_verbose(1, "listed by %s%s%s", command, why[0] == '\0' ? "" : ": ", why);
}

/* All of them, or none: then why. */
static bool
walk(struct err *e)
{
	int64_t n[QUEUE_PLACES_MAX + 1][QUEUE_BOXES] = { { 0 } };

	for (size_t i = 0; i < places; i++) {
		check_phase("counting %s", place[i].spool);
		if (!queue_walk(&q, place[i].spool, e))
			return false;
		memcpy(n[i + 1], q.n, sizeof n[0]);
	}
	for (size_t i = 0; i < places; i++)
		tell_place(&place[i], n[i], n[i + 1]);
	return true;
}

static void
count(void)
{
	size_t reasons = how_many("--reasons", set.reasons, "");
	struct err e = { "" };

	if (strcmp(set.ask, "always") == 0 || !walk(&e)) {
		/* of a folder that was named and is not there the MTA knows nothing */
		if (set.spool.n > 0 && strstr(e.text, "No such file") != NULL)
			check_unknown("%s", e.text);
		ask(e.text);
		return;
	}
	check_phase("reading the messages' files");
	q.max_reasons = reasons == 0 ? SIZE_MAX : reasons;
	if (strcmp(set.sample, "none") != 0)
		queue_look(&q, how_many("--sample", set.sample, " nor \"none\""), set.look_s);
	if (q.unreadable > 0 && q.looked == 0)
		check_unknown("%s%s", q.trouble.text, hint(q.trouble.text, ""));
}

/* --- growth ----------------------------------------------------------------------------- */

struct row {
	int64_t time, total;
};

/* "TIME TOTAL" lines, the newest last. */
static size_t
old_rows(struct slice kept, struct row row[ROWS_KEPT])
{
	struct slice line;
	uint64_t time, total;
	size_t n = 0;

	while (n < ROWS_KEPT && slice_cut(&kept, '\n', &line)) {
		if (!slice_u64(&line, &time) || !slice_eat_char(&line, ' ') ||
		    !slice_u64(&line, &total) || line.n > 0)
			continue;
		if ((int64_t)time <= q.now && (int64_t)time > q.now - OLDEST_S)
			row[n++] = (struct row){ (int64_t)time, (int64_t)total };
	}
	return n;
}

/* One row in twenty seconds is enough: whoever runs the check by hand does not push out the last
 * run of the monitoring. */
static bool
keep_rows(struct slice what, const struct row *row, size_t n, struct err *e)
{
	struct buf b = buf_new(ROWS_KEPT * 48);
	bool good;

	for (size_t i = n == ROWS_KEPT; i < n; i++)
		buf_fmt(&b, "%lld %lld\n", (long long)row[i].time, (long long)row[i].total);
	if (n == 0 || q.now - row[n - 1].time >= 20)
		buf_fmt(&b, "%lld %lld\n", (long long)q.now, (long long)queue_total(&q));
	good = keep_write("check_mail_queue", what, buf_slice(&b), e);
	buf_free(&b);
	return good;
}

static double
growth(void)
{
	struct buf what = buf_new(4096), kept = buf_new(KEEP_BYTES);
	struct row row[ROWS_KEPT];
	double per_min = (double)NAN;
	struct err e = { "" };
	size_t n = 0;
	bool known;

	buf_str(&what, q.mta->name);
	for (size_t i = 0; i < set.spool.n; i++)
		buf_fmt(&what, "\n%s", set.spool.v[i]);
	known = keep_read("check_mail_queue", buf_slice(&what), &kept, &e);
	if (known)
		n = old_rows(buf_slice(&kept), row);
	for (size_t i = n; i > 0 && isnan(per_min); i--)
		if (q.now - row[i - 1].time >= NEWEST_S)
			per_min = (double)(queue_total(&q) - row[i - 1].total) * 60 /
			    (double)(q.now - row[i - 1].time);
	/* without a memory growth is never known, and its limit would be silent for ever */
	if (!keep_rows(buf_slice(&what), row, n, known ? &e : NULL) || !known)
		keep_failed(check_has_limit("growth"), "growth is not known", &e);
	buf_free(&what);
	buf_free(&kept);
	return per_min;
}

/* --- what mxgauged's sensor counted ---------------------------------------------------------- */

enum { GAUGES = METRIC_GAUGE_LAST - METRIC_GAUGE_FIRST + 1 };

struct counted {
	int64_t minute;		/* 0: none */
	double gauge[GAUGES];	/* NAN: not known */
};

struct counts {
	struct counted last, before;
};

static double
gauge(const struct counted *c, enum metric m)
{
	return c->gauge[(int)m - METRIC_GAUGE_FIRST];
}

static double
all_of(const struct counted *c)
{
	double all = 0;

	for (int i = 0; i < QUEUE_BOXES; i++)
		all += gauge(c, queue_gauge[i]);
	return all;
}

static bool
take_minute(void *arg, int host, int64_t minute, const struct cell *c)
{
	struct counts *of = arg;

	(void)host;
	if (isnan(cell_gauge(c, M_q_active)) || minute * 60 > state.as_of)
		return true;
	of->before = of->last;
	of->last.minute = minute;
	for (int m = METRIC_GAUGE_FIRST; m <= METRIC_GAUGE_LAST; m++)
		of->last.gauge[m - METRIC_GAUGE_FIRST] = cell_gauge(c, (enum metric)m);
	return true;
}

/* Stale figures would look fine for ever. */
static _Noreturn void
stale(const struct stateread_host *h, int64_t last)
{
	struct stateread_run run;
	struct err e;

	if (last == 0)
		last = h->sampled < state.as_of ? h->sampled : 0;
	if (state.at != 0 || !stateread_run(state.r, &run, &e))
		run = (struct stateread_run){ 0 };
	if (last == 0)
		check_unknown("the queues of %s were not counted at %s", check_clean(slice_of(h->name)),
		    checkstate_time(state.as_of));
	check_unknown("the queues of %s were last counted %s ago, at %s%s%s%s",
	    check_clean(slice_of(h->name)), check_people((double)(state.as_of - last), "s"),
	    checkstate_time(last), run.queue_failed_since > 0 ? ": " : "",
	    run.queue_failed_since > 0 ? check_clean(slice_of(run.queue_said)) : "",
	    stateread_writer(state.state) == 0 && state.at == 0 ? "; mxgauged is not running" : "");
}

/* One host's, to those of the others. */
static void
add_host(const struct stateread_host *h, struct counts *sum)
{
	int64_t back = (int64_t)ceil(state.stale_s / 60);
	struct counts of = { { 0, { 0 } }, { 0, { 0 } } };
	struct err e;

	if (!stateread_minutes(state.r, h->id, state.to - back - 2, state.to, take_minute, &of, &e))
		check_unknown("%s", e.text);
	if ((double)(state.as_of - of.last.minute * 60) > state.stale_s + 60)
		stale(h, of.last.minute * 60);
	check_detail("%s: %s %s, counted at %s", check_clean(slice_of(h->name)),
	    check_people(all_of(&of.last), ""), PLURAL(all_of(&of.last), "message", "messages"),
	    checkstate_time(of.last.minute * 60));
	if (sum->last.minute == 0) {
		*sum = of;
		return;
	}
	for (int i = 0; i < GAUGES; i++) {
		double *to = &sum->last.gauge[i], v = of.last.gauge[i];

		*to = !metric_greatest((enum metric)(i + METRIC_GAUGE_FIRST)) || !(*to > v) ? *to + v : *to;
		sum->before.gauge[i] += of.before.gauge[i];
	}
	if (of.before.minute == 0)
		sum->before.minute = 0;
}

/* Each measurement that the sensor has; where one that it has not is to be judged, UNKNOWN. */
static void
measure_counted(const struct counted *c, const struct counted *before)
{
	static const struct { const char *name, *unit; enum metric m; } told[] = {
		{ "active", "", M_q_active }, { "deferred", "", M_q_deferred }, { "hold", "", M_q_hold },
		{ "incoming", "", M_q_incoming }, { "maildrop", "", M_q_maildrop },
		{ "corrupt", "", M_q_corrupt }, { "oldest", "s", M_q_oldest_s }, { "bytes", "B", M_q_bytes }
	};

	check_value("total", all_of(c), "");
	for (size_t i = 0; i < sizeof told / sizeof *told; i++)
		check_asked(told[i].name, gauge(c, told[i].m), told[i].unit);
	if (before->minute > 0)
		check_value("growth", (all_of(c) - all_of(before)) / (double)(c->minute - before->minute),
		    "/min");
	else
		check_show("growth", (double)NAN, "/min");
	for (const struct measure *m = queue_measures; m->name != NULL; m++)
		if (check_has_limit(m->name) && m >= queue_measures + QUEUE_MEASURES_COUNTED)
			check_value(m->name, (double)NAN, m->unit);
}

static _Noreturn void
from_state(void)
{
	struct counts sum = { { 0, { 0 } }, { 0, { 0 } } };
	struct buf text = buf_new(400);
	double oldest;

	checkstate_begin(&state);
	for (size_t i = 0; i < state.n; i++)
		if (state.hosts[i].sampled > 0 && (state.id < 0 || state.hosts[i].id == state.id))
			add_host(&state.hosts[i], &sum);
	if (sum.last.minute == 0)
		check_unknown("mxgauged does not count the queues of %s: its setting queues says which, "
		    "on that machine", checkstate_whose(&state));
	measure_counted(&sum.last, &sum.before);
	for (int i = 0; i < QUEUE_BOXES; i++)
		if (gauge(&sum.last, queue_gauge[i]) > 0)
			buf_fmt(&text, "%s%s %s", text.n > 0 ? ", " : " (",
			    check_people(gauge(&sum.last, queue_gauge[i]), ""), queue_box_name[i]);
	if (text.n > 0)
		buf_char(&text, ')');
	oldest = gauge(&sum.last, M_q_oldest_s);
	if (oldest > 0)
		buf_fmt(&text, ", oldest %s", check_people(oldest, "s"));
	check_words("total", NULL, "%s message%s queued%s", check_people(all_of(&sum.last), ""),
	    PLURAL(all_of(&sum.last), "", "s"), text.n > 0 ? text.p : "");
	check_done();
}

int
main(int argc, char **argv)
{
	check_begin("QUEUE");
	opt_parse(&program, argc, argv);
	if (set.from_state)
		from_state();
	if (state.host != NULL || state.at != 0)	/* whose queue, and when: else it would be this machine's, now */
		opt_fail(&program, "%s needs --from-state", state.host != NULL ? "-H" : "--at");
	find_places();
	queue_init(&q, place[0].mta, (int64_t)time(NULL));
	count();
	queue_judge(&q, set.no_growth ? (double)NAN : growth(), (size_t)set.top);
	check_done();
}
