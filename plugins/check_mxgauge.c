/* check_mxgauge - the watcher watched: does the collector run, read, write, and understand?
 *
 * Reads the collector's state, where mxgauged says each 10 s how it is, and asks the kernel
 * who holds the state's lock. It needs the right to read the state's folder and no other. Names
 * that came out of logs pass check_clean(). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "check.h"
#include "checkstate.h"
#include "monitors.h"
#include "nextstep.h"
#include "plural.h"
#include "programs.h"
#include "toplist.h"

#include "poison.h"

enum { SHOWN = 5, GONE_S = 8 * 86400, FUTURE_S = 86400 };

static struct checkstate set = { CHECKSTATE_DEFAULT, .window_s = 900 };

static const struct opt opts[] = { CHECKSTATE_OPTS_WHICH(set), { 0 } };

/* Why these limits: */
static const struct measure measures[] = {
	/* a beat comes each 30 s; a long commit or redrawing of RRDs may hold up some */
	{ "alive", "s", "since the daemon's last sign of life", "1m", "5m" },
	/* it looks at each log once a second; a burst or a start is caught up in a minute */
	{ "lag", "s", "for how long something has waited to be read in the worst log", "1m", "10m" },
	/* no MTA is quiet for so long, its own statistics included; small sites raise it */
	{ "silence", "s", "age of the newest line of the log that is quiet longest", "1h", NULL },
	/* a handful of odd lines is usual, a new release of an MTA is several per cent */
	{ "unknown", "%", "share of a mail program's lines that were not understood; that of the "
	    "worst. Less than 500 lines count as 500", "1%", NULL },
	/* drawn each minute */
	{ "rrd_behind", "s", "since the RRDs were brought up to date", "5m", "1h" },
	/* counted each minute, unless queue_interval says otherwise */
	{ "queues", "s", "since the mail queues were counted, where mxgauged does so", "5m", "1h" },
	/* where "mxgauge passive" tells monitors: it says each 10 s that it lives; a monitor is tried again each
	 * minute at least, and restarts in less than five */
	{ "passive", "s", "since mxgauge passive's last sign of life, where it tells monitors", "1m", "5m" },
	{ "monitor_lag", "s", "for how long results have waited for the monitor that is worst", "5m", "1h" },
	{ "monitor_waiting", "", "results that wait for it", NULL, NULL },
	/* a limit that bit made some figure inexact */
	{ "limits", "", "limits that bit in the window", "0", NULL },
	{ "disk", "%", "free share of the state's file system", "10%:", "3%:" },
	/* a weekend */
	{ "disk_left", "s", "until that is full, if the state grows as before", "3d:", "1d:" },
	/* the collector tells what is more than 3 s ahead or half a minute behind; at minutes the
	 * lines of one mail on two hosts do not fit any more */
	{ "skew", "s", "how wrong the clock of a host is, by its lines", "3s", "5m" },
	{ "too_late", "", "lines in the window older than the horizon, or from the future", "0", NULL },
	{ 0 }
};

static const struct program program = {
	"check_mxgauge", "does the collector run, read, write and understand?",
	"Answers from the state that mxgauged keeps. All measurements have limits of their own, "
	"which -w and -c replace; RANGE \"~:\" judges nothing.\n\n"
	"--host: silence, skew, unknown and too_late of one mail server; the others are the collector's. "
	"--window: how far to look back for unknown, too_late and limits. --at: the state keeps silence, "
	"unknown, too_late and limits of the past; alive, lag, rrd_behind, skew and the disk are known "
	"of now alone, and then not judged.",
	opts, .measures = measures,
	.examples = "check_mxgauge\ncheck_mxgauge -w unknown=3% -w silence=4h -c lag=5m\n"
	    "check_mxgauge --host mx1 --window 1d --at \"yesterday 23:59\""
};

static void
tell_alive(const struct stateread_run *run)
{
	int64_t now = set.now;
	pid_t pid = stateread_writer(set.state);
	double age = run->beat_at > 0 ? (double)(now - run->beat_at) : (double)NAN;

	if (run->beat_at == 0) {
		check_show("alive", age, "s");
		check_state(CHECK_CRITICAL, "mxgauged never ran on %s", set.state);
		return;
	}
	check_value("alive", age < 0 ? 0 : age, "s");
	check_words("alive", NULL, "last sign of life %s ago", check_people(age < 0 ? 0 : age, "s"));
	if (pid == 0) {
		check_state(CHECK_CRITICAL, "mxgauged is not running");
		return;
	}
	check_detail("Process %ld, version %s, since %s", (long)pid, check_clean(slice_of(run->version)),
	    checkstate_time(run->started_at));
	if (age >= 60)
		check_detail("It runs, but commits nothing: is the disk full? See its messages");
}

/* The log with the largest age: its line, and a line for each that is above the limit of a
 * minute. A log and its rotations are one. Of one that cannot be read the state may know nothing else. */
static void
tell_sources(const struct stateread_run *run)
{
	const struct stateread_source *s;
	struct err e = { "" };
	double worst = 0, unread = run->log_unread_since > 0 ? (double)(run->beat_at - run->log_unread_since) : 0;
	const char *name = NULL;
	size_t n, shown = 0;

	if (!stateread_sources(set.r, &s, &n, &e))
		check_unknown("%s", e.text);
	for (size_t i = 0; i < n; i++) {
		double lag = s[i].behind_since > 0 ? (double)(run->beat_at - s[i].behind_since) : 0;

		if (lag > worst) {
			worst = lag;
			name = s[i].name;
		}
		if (lag >= 60 && shown++ < SHOWN)
			check_detail("%s: read to byte %llu, what is behind it has waited for %s",
			    check_clean(slice_of(s[i].name)), (unsigned long long)s[i].offset,
			    check_people(lag, "s"));
	}
	check_value("lag", n > 0 || unread > 0 ? fmax(worst, unread) : (double)NAN, "s");
	if (run->log_unread_since > 0)
		check_detail("Not read since %s: %s", checkstate_time(run->log_unread_since),
		    check_clean(slice_of(run->log_unread)));
	if (unread > 0 && unread >= worst)
		check_words("lag", NULL, "a log is not read for %s: %s", check_people(unread, "s"),
		    check_clean(slice_of(run->log_unread)));
	else if (n == 0)
		check_words("lag", NULL, "no log was read yet");
	else if (name != NULL)
		check_words("lag", NULL, "%s waits to be read for %s", check_clean(slice_of(name)),
		    check_people(worst, "s"));
}

static bool
last_minute(void *arg, int host, int64_t minute, const struct cell *c)
{
	int64_t *last = arg;

	(void)host;
	if (cell_get(c, M_lines) > 0)
		*last = minute;
	return true;
}

/* The newest line of a host up to the time that is asked about, to the minute; 0: none. From there
 * backwards, in growing steps: most have one in the last minutes. */
static int64_t
newest_of(const struct stateread_host *h)
{
	int64_t last = 0, first = set.to - GONE_S / 60, from = set.to;
	struct err e;

	if (h->newest <= set.as_of || set.at == 0)
		return h->newest;
	stateread_only_metrics(set.r, true);
	for (int64_t step = 10; last == 0 && from > first; step *= 4) {
		int64_t to = from;

		from = to - step > first ? to - step : first;
		if (!stateread_minutes(set.r, h->id, from, to, last_minute, &last, &e))
			check_unknown("%s", e.text);
	}
	stateread_only_metrics(set.r, false);
	return 60 * last;
}

/* By host: what a log brings is lines of hosts, and it is these that are missed. */
static void
tell_silence(void)
{
	const struct stateread_host *worst = NULL;
	int64_t oldest = INT64_MAX;
	double age;

	for (size_t i = 0; i < set.n; i++) {
		int64_t newest;

		if (set.id != STATEREAD_FARM && set.hosts[i].id != set.id)
			continue;
		newest = newest_of(&set.hosts[i]);
		if (newest == 0 || newest >= oldest ||
		    (set.id == STATEREAD_FARM && set.as_of - newest > GONE_S))
			continue;
		oldest = newest;
		worst = &set.hosts[i];
	}
	age = worst == NULL ? (double)NAN : oldest > set.as_of ? 0 : (double)(set.as_of - oldest);
	check_value("silence", age, "s");
	if (worst == NULL)
		check_words("silence", NULL, "no host has a line of the last days");
	else
		check_words("silence", NULL, "newest line of %s %s old", check_clean(slice_of(worst->name)),
		    check_people(age, "s"));
}

/* By how much a host's clock is ahead; below 0: behind. By what its lines said as they came, and by
 * its newest line: one that nobody can have written yet came while the collector's own clock was wrong. */
static double
ahead_of(const struct stateread_host *h)
{
	double newest = (double)(h->newest - set.now);

	if (newest <= FUTURE_S || newest <= (double)h->skew)
		return (double)h->skew;
	check_detail("The newest line of %s is of %s: what is older than that by more than the horizon is not "
	    "counted. If no clock is so wrong now, that of this machine was, for days: move the state "
	    "away, and import the logs anew",
	    check_clean(slice_of(h->name)), checkstate_time(h->newest));
	return newest;
}

/* Our own jumped, and perhaps it should not have. */
static bool
own_jumped(const struct stateread_run *run)
{
	if (run->clock_jumped == 0 || run->clock_jump_s == 0 || set.id != STATEREAD_FARM)
		return false;
	check_detail("The clock of this machine jumped ahead to %s, from %s. If it is wrong, set it right: "
	    "within three days nothing is lost. If it is right this ends by itself",
	    checkstate_time(run->clock_jumped),
	    checkstate_time(run->clock_jumped - run->clock_jump_s));
	return true;
}

/* Hosts whose clock is wrong. */
static void
tell_skew(const struct stateread_run *run)
{
	struct buf names = buf_new(300);
	double worst = 0;
	size_t wrong = 0;

	if (own_jumped(run)) {
		worst = (double)run->clock_jump_s;
		buf_fmt(&names, "this machine's jumped %.0f s ahead", worst);
		wrong++;
	}
	for (size_t i = 0; i < set.n; i++) {
		const struct stateread_host *h = &set.hosts[i];
		double ahead, off;

		if (set.id == STATEREAD_FARM ? set.now - h->newest > GONE_S : h->id != set.id)
			continue;
		ahead = ahead_of(h);
		off = fabs(ahead);
		if (off < 1)
			continue;
		worst = fmax(worst, off);
		if (wrong++ < SHOWN)
			buf_fmt(&names, "%s%s %.0f s %s", names.n > 0 ? ", " : "",
			    check_clean(slice_of(h->name)), off, ahead > 0 ? "ahead" : "behind");
		if (h->skew != 0 && off > 800 && fmod(off + 2, 900) <= 4)
			check_detail("The clock of %s is off by whole quarters of an hour: see the timezone of its "
			    "source in the configuration", check_clean(slice_of(h->name)));
	}
	check_value("skew", worst, "s");
	if (wrong > 0)
		check_words("skew", NULL, "clocks wrong: %s%s", names.p, wrong > SHOWN ? " and others" : "");
	buf_free(&names);
}

/* Lines of mail programs, and those of them that were not understood. */
static void
count_lines(int64_t from, int64_t to, int64_t *ours, int64_t *unknown, int64_t *too_late)
{
	struct cell sum = { 0 };
	struct err e = { "" };

	if (!stateread_sum(set.r, set.id, from, to, &sum, &e))
		check_unknown("%s", e.text);
	*ours = cell_get(&sum, M_lines) - cell_get(&sum, M_foreign);
	*unknown = cell_get(&sum, M_unknown);
	*too_late = cell_get(&sum, M_too_late);
	cell_free(&sum);
}

/* How a line of that program began that was not understood. NULL: of none it is known. */
static const char *
sample_of(struct slice name, int64_t from, int64_t to)
{
	static char text[TOP_TEXT_MAX + 1];
	struct stateread_top top[TOP_KEEP];
	size_t n = stateread_top(set.r, set.id, from, to, TOP_UNKNOWN, top, TOP_KEEP);

	for (size_t i = 0; i < n; i++) {
		struct slice s = top[i].text;

		if (!slice_eat(&s, name) || !slice_eat(&s, SLICE(": ")) || s.n == 0)
			continue;
		(void)snprintf(text, sizeof text, "%.*s", (int)s.n, s.p);
		return text;
	}
	return NULL;
}

static int
worst_first(const void *a, const void *b)
{
	const struct program_lines *x = a, *y = b;
	double d = programs_share(y->unknown, y->lines) - programs_share(x->unknown, x->lines);

	return d > 0 ? 1 : d < 0 ? -1 : strcmp(x->name.p, y->name.p);
}

/* Programs are known by the hour: their shares are those of whole hours. share: of all lines. */
static void
tell_programs(int64_t from, int64_t to, double share)
{
	struct program_lines *p;
	struct err e = { "" };
	size_t n;

	if (!programs_read(set.r, set.id, from, to, &p, &n, &e))
		check_unknown("%s", e.text);
	qsort(p, n, sizeof *p, worst_first);
	if (n > 0 && programs_share(p[0].unknown, p[0].lines) > share)
		share = programs_share(p[0].unknown, p[0].lines);
	check_value("unknown", share, "%");
	if (n > 0 && p[0].unknown > 0)
		check_words("unknown", NULL, "%s of the lines of %s not understood",
		    check_people(100 * (double)p[0].unknown / (double)p[0].lines, "%"), check_clean(p[0].name));
	for (size_t i = 0; i < n && i < SHOWN && p[i].unknown > 0; i++) {
		const char *sample = sample_of(p[i].name, from, to);
		char lines[32];

		(void)snprintf(lines, sizeof lines, "%s", check_people((double)p[i].lines, ""));
		check_detail("%s: %s of %s %s in the hour%s of the window not understood%s%s%s",
		    check_clean(p[i].name), check_people((double)p[i].unknown, ""), lines,
		    PLURAL(p[i].lines, "line", "lines"),
		    PLURAL(to - from, "", "s"), sample != NULL ? ", as \"" : "",
		    sample != NULL ? check_clean(slice_of(sample)) : "", sample != NULL ? " ...\"" : "");
	}
	free(p);
}

static void
tell_lines(void)
{
	int64_t ours, unknown, too_late, from = set.from / 60, to = (set.to + 59) / 60;

	count_lines(set.from, set.to, &ours, &unknown, &too_late);
	if (unknown > 0)
		tell_programs(from, to, programs_share(unknown, ours));
	else
		check_value("unknown", 0, "%");
	check_value("too_late", (double)too_late, "");
	if (unknown > 0)
		check_detail("\"mxgauge parse --unknown LOG\" shows such lines");
}

static void
tell_rrd(const struct stateread_run *run)
{
	/* before the first time, since the start */
	int64_t since = run->rrd_written_at > 0 ? run->rrd_written_at : run->started_at;

	check_value("rrd_behind", since > 0 && set.now > since ? (double)(set.now - since) : 0,
	    "s");
	if (run->rrd_failed_since > 0)
		check_detail("Bringing the RRDs up to date has failed since %s: see the messages of mxgauged",
		    checkstate_time(run->rrd_failed_since));
}

/* When all of them could last be counted; before the first time, since the start. */
static void
tell_queues(const struct stateread_run *run)
{
	int64_t since = run->queue_counted_at > run->started_at ? run->queue_counted_at : run->started_at;
	double age = set.now > since ? (double)(set.now - since) : 0;

	if (run->queue_wanted == 0)
		return;
	check_value("queues", age, "s");
	check_words("queues", NULL, "queues not counted for %s%s%s", check_people(age, "s"),
	    run->queue_failed_since > 0 ? ": " : "",
	    run->queue_failed_since > 0 ? check_clean(slice_of(run->queue_said)) : "");
}

/* The monitors whose results were dropped in the window; how many. */
static size_t
dropped_results(struct buf *names)
{
	struct monitors m;
	struct err e;
	bool there;
	size_t bit = 0;

	if (set.at != 0 || !monitors_read(set.state, &m, &there, &e))
		return 0;
	for (size_t i = 0; i < m.n; i++) {
		const struct monitor_row *r = &m.row[i];

		if (r->dropped_at < set.from * 60 || r->dropped_at > set.as_of)
			continue;
		bit++;
		buf_fmt(names, "%sresults for monitor %s", names->n > 0 ? ", " : "", check_clean(slice_of(r->name)));
		check_detail("Results for monitor %s: %s dropped, %s refused, the last at %s",
		    check_clean(slice_of(r->name)), check_people((double)r->dropped, ""),
		    check_people((double)r->refused, ""), checkstate_time(r->dropped_at));
	}
	return bit;
}

static void
tell_limits(void)
{
	const struct stateread_limit *l;
	struct buf names = buf_new(300);
	struct err e = { "" };
	size_t n, bit = 0;

	if (!stateread_limits(set.r, &l, &n, &e))
		check_unknown("%s", e.text);
	for (size_t i = 0; i < n; i++) {
		if (l[i].hit_at > set.as_of)
			check_detail("Limit %s bit later, last at %s: whether it did before is not known",
			    check_clean(slice_of(l[i].name)), checkstate_time(l[i].hit_at));
		if (l[i].hit_at < set.from * 60 || l[i].hit_at > set.as_of)
			continue;
		bit++;
		buf_fmt(&names, "%s%s", names.n > 0 ? ", " : "", check_clean(slice_of(l[i].name)));
		check_detail("Limit %s: bit %s time%s in all, last at %s", check_clean(slice_of(l[i].name)),
		    check_people((double)l[i].hits, ""), PLURAL(l[i].hits, "", "s"),
		    checkstate_time(l[i].hit_at));
	}
	bit += dropped_results(&names);
	check_value("limits", (double)bit, "");
	if (bit > 0)
		check_words("limits", NULL, "limits reached: %s", names.p);
	buf_free(&names);
}

/* What mxgauge passive says of itself; nothing where it never ran. */
static void
tell_monitors(void)
{
	const struct monitor_row *worst = NULL;
	struct monitors m;
	double age, lag = 0;
	struct err e;
	bool there;

	if (!monitors_read(set.state, &m, &there, &e))
		check_unknown("%s", e.text);
	if (!there)
		return;
	age = set.now > m.beat_at ? (double)(set.now - m.beat_at) : 0;
	check_value("passive", age, "s");
	check_words("passive", NULL, "mxgauge passive gave its last sign of life %s ago", check_people(age, "s"));
	for (size_t i = 0; i < m.n; i++) {
		double waits = (double)monitors_lag(&m.row[i], set.now);

		if (worst == NULL || waits > lag) {
			worst = &m.row[i];
			lag = waits;
		}
		if (m.row[i].failed_since > 0)
			check_detail("Monitor %s cannot be told since %s: %s", check_clean(slice_of(m.row[i].name)),
			    checkstate_time(m.row[i].failed_since), check_clean(slice_of(m.row[i].said)));
	}
	check_value("monitor_lag", lag, "s");
	check_value("monitor_waiting", worst == NULL ? 0 : (double)worst->waiting, "");
	if (worst != NULL && lag > 0)
		check_words("monitor_lag", NULL, "results wait for monitor %s for %s",
		    check_clean(slice_of(worst->name)), check_people(lag, "s"));
}

static void
tell_disk(void)
{
	char path[4096];
	int64_t first = 0, last = 0;
	double grows = 0, room;
	struct statvfs fs;
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/state.db", set.state);
	if (statvfs(set.state, &fs) != 0 || fs.f_blocks == 0 || stat(path, &st) != 0)
		check_unknown("cannot look at the file system of %s", set.state);
	room = (double)fs.f_bavail * (double)fs.f_frsize;
	check_value("disk", 100 * (double)fs.f_bavail / (double)fs.f_blocks, "%");
	/* of less than six hours no growth can be told */
	if (stateread_span(set.r, &first, &last) && last - first >= 360)
		grows = (double)st.st_size / (double)(last - first + 1) / 60;
	if (grows > 0)
		check_value("disk_left", room / grows, "s");
	else
		check_show("disk_left", (double)NAN, "s");
}

/* What is asked of now alone; of another time it is shown as not known. */
static void
tell_now(void)
{
	static const char *const seconds[] = { "alive", "lag", "rrd_behind", "disk_left", "skew" };
	struct stateread_run run;
	struct err e = { "" };

	if (set.at != 0) {
		for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
			check_show(seconds[i], (double)NAN, "s");
		check_show("disk", (double)NAN, "%");
		check_detail("alive, lag, rrd_behind, disk, disk_left and skew are known of now alone, not of %s",
		    checkstate_time(set.as_of));
		return;
	}
	if (!stateread_run(set.r, &run, &e))
		check_unknown("%s", e.text);
	tell_alive(&run);
	tell_sources(&run);
	tell_rrd(&run);
	tell_queues(&run);
	tell_monitors();
	tell_disk();
	tell_skew(&run);
}

int
main(int argc, char **argv)
{
	check_begin("MXGAUGE");
	opt_parse(&program, argc, argv);
	checkstate_begin(&set);
	tell_now();
	tell_silence();
	tell_lines();
	tell_limits();
	checkstate_tell_window(&set);
	nextstep_graph(&set, set.host, "collector", "trouble");
	check_done();
}
