/* status.c - how the collector itself is: sources, limits, disk.
 *
 * What is said of the disk is an estimate: the size of the state over the time
 * that its minutes cover. It stops growing once the oldest are dropped. */
#include "view/status.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "monitors.h"
#include "plural.h"
#include "programs.h"
#include "view/words.h"
#include "when.h"

#include "poison.h"

enum { PROGRAMS_SHOWN = 10 };

/* "3 s ago", "in 5 min" (clocks differ), "never". */
static struct words
ago(int64_t t, int64_t now)
{
	struct words w = { "never" };

	if (t > 0 && t <= now)
		snprintf(w.s, sizeof w.s, "%.30s ago", words_seconds((double)(now - t)).s);
	else if (t > now)
		snprintf(w.s, sizeof w.s, "%.30s ahead", words_seconds((double)(t - now)).s);
	return w;
}

static int64_t
file_bytes(const char *dir, const char *name)
{
	char path[4096];
	struct stat st;

	if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path ||
	    stat(path, &st) != 0)
		return 0;
	return st.st_size;
}

static void
disk(struct stateread *state, const char *dir, struct buf *out)
{
	int64_t bytes = file_bytes(dir, "state.db") + file_bytes(dir, "state.db-wal");
	int64_t first = 0, last = 0;
	bool any = stateread_span(state, &first, &last);
	double covered = any ? (double)(last - first + 1) / 1440 : 0;
	double a_day = covered > 0 ? (double)bytes / covered : 0, free_bytes;
	int64_t days;
	struct statvfs fs;

	buf_fmt(out, "  size          %s", words_bytes((double)bytes).s);
	if (covered >= 0.25)
		buf_fmt(out, ", about %s a day; minutes go back %s", words_bytes(a_day).s,
		    words_seconds(covered * 86400).s);
	buf_char(out, '\n');
	if (statvfs(dir, &fs) != 0)
		return;
	free_bytes = (double)fs.f_bavail * (double)fs.f_frsize;
	buf_fmt(out, "  disk          %s free of %s", words_bytes(free_bytes).s,
	    words_bytes((double)fs.f_blocks * (double)fs.f_frsize).s);
	if (covered < 0.25) {
		buf_str(out, "; too early to say how long it lasts\n");
		return;
	}
	if (free_bytes > a_day * 3650) {
		buf_str(out, ": lasts for more than ten years\n");
		return;
	}
	days = (int64_t)(free_bytes / a_day);
	buf_fmt(out, ": lasts %" PRId64 " %s, and longer\n%16sonce the oldest minutes and mails are "
	    "dropped (keep_minutes,\n%16skeep_mails)\n", days > 730 ? days / 365 : days,
	    days > 730 ? "years" : PLURAL(days, "day", "days"), "", "");
}

static void
one_source(const struct stateread_source *s, size_t files, int64_t now, struct buf *out)
{
	/* a journal has its cursor; of what was sent to us nothing can be read again */
	bool has_bytes = strncmp(s->name, "journal", 7) != 0 &&
	    (s->offset > 0 || s->size > 0 || s->lines == 0);

	buf_str(out, "  ");
	buf_clean(out, slice_of(s->name), 200);
	buf_str(out, "\n      ");
	if (has_bytes) {
		buf_fmt(out, "read to byte %s", words_count((int64_t)s->offset).s);
		if (s->size > s->offset)
			buf_fmt(out, ", %s to go", words_bytes((double)(s->size - s->offset)).s);
		buf_str(out, "; ");
	}
	buf_fmt(out, "%s line%s so far", words_count((int64_t)s->lines).s, PLURAL(s->lines, "", "s"));
	if (files > 1)
		buf_fmt(out, " from %zu files", files);
	buf_fmt(out, "\n      newest line %s, last read %s\n", ago(s->newest, now).s,
	    ago(s->read_at, now).s);
}

static bool
sources(struct stateread *state, int64_t now, struct buf *out, struct err *e)
{
	const struct stateread_source *s;
	size_t n;

	if (!stateread_sources(state, &s, &n, e))
		return false;
	buf_str(out, n == 0 ? "\nSources: none was read yet\n" : "\nSources\n");
	for (size_t i = 0, files; i < n; i += files) {
		struct stateread_source last = s[i];
		size_t brought = s[i].lines > 0;	/* a file that was empty is known anew once it is not */

		/* a source is a file with its rotations: the one read last says how it is */
		for (files = 1; i + files < n && strcmp(s[i + files].name, s[i].name) == 0; files++) {
			const struct stateread_source *next = &s[i + files];
			uint64_t lines = last.lines + next->lines;

			brought += next->lines > 0;
			if (next->read_at >= last.read_at)
				last = *next;
			last.lines = lines;
		}
		one_source(&last, brought, now, out);
	}
	return true;
}

/* The hosts, and of each the last 24 hours before its own newest line. */
static bool
hosts(struct stateread *state, int64_t now, struct buf *out, struct err *e)
{
	const struct stateread_host *h;
	struct cell sum = { 0 };
	bool good = true;
	size_t n;

	if (!stateread_hosts(state, &h, &n, e))
		return false;
	if (n > 0)
		buf_fmt(out, "\n%-24s %18s %12s %10s %8s\n", "Hosts, their last day", "newest line",
		    "lines", "unknown", "late");
	for (size_t i = 0; good && i < n; i++) {
		int64_t to = h[i].newest / 60 + 1;

		cell_clear(&sum);
		good = stateread_sum(state, h[i].id, to - 1440, to, &sum, e);
		words_name(out, slice_of(h[i].name), 22);
		buf_fmt(out, " %18s %12s %10s %8s\n",
		    ago(h[i].newest, now).s, words_count(cell_get(&sum, M_lines)).s,
		    words_share(cell_get(&sum, M_unknown), cell_get(&sum, M_lines)).s,
		    words_count(cell_get(&sum, M_too_late)).s);
		if (h[i].skew != 0)
			buf_fmt(out, "      its clock is %s %s\n",
			    words_seconds(fabs((double)h[i].skew)).s, h[i].skew > 0 ? "ahead" : "behind");
	}
	cell_free(&sum);
	return good;
}

/* Those with most lines in the last day before the newest line, and what of them was not understood. */
static bool
programs(struct stateread *state, struct buf *out, struct err *e)
{
	struct program_lines *p;
	int64_t first, last;
	size_t n;

	if (!stateread_span(state, &first, &last))
		return true;
	if (!programs_read(state, STATEREAD_FARM, last / 60 - 23, last / 60 + 1, &p, &n, e))
		return false;
	if (n > 0)
		buf_fmt(out, "\n%-42s %12s %10s\n", "Programs, the last day", "lines", "unknown");
	for (size_t i = 0; i < n && i < PROGRAMS_SHOWN; i++) {
		words_name(out, p[i].name, 40);
		buf_fmt(out, " %12s %10s\n", words_count(p[i].lines).s,
		    words_share(p[i].unknown, p[i].lines).s);
	}
	free(p);
	return true;
}

/* Bytes as bytes; of an age or the like there is no number. */
static struct words
amount(const struct stateread_limit *l, int64_t v)
{
	if (l->cap == 0)
		return (struct words){ "-" };
	if (strcmp(l->name, "disk") == 0 || slice_ends(slice_of(l->name), SLICE("_bytes")))
		return words_bytes((double)v);
	return words_count(v);
}

/* Each limit: how much of it is used, and whether it bit. */
static bool
limits(struct stateread *state, int64_t now, struct buf *out, struct err *e)
{
	const struct stateread_limit *l;
	size_t n;

	if (!stateread_limits(state, &l, &n, e))
		return false;
	if (n > 0)
		buf_fmt(out, "\n%-24s %12s %12s   %s\n", "Limits", "used", "of", "reached");
	for (size_t i = 0; i < n; i++) {
		struct buf name = buf_new(64);

		buf_clean(&name, slice_of(l[i].name), 22);
		buf_fmt(out, "  %-22s %12s %12s   ", name.p == NULL ? "?" : name.p,
		    amount(&l[i], l[i].used).s, amount(&l[i], l[i].cap).s);
		buf_free(&name);
		if (l[i].hits == 1)
			buf_fmt(out, "once, %s\n", ago(l[i].hit_at, now).s);
		else if (l[i].hits > 0)
			buf_fmt(out, "%s times, last %s\n", words_count(l[i].hits).s, ago(l[i].hit_at, now).s);
		else
			buf_str(out, "never\n");
	}
	return true;
}

/* Mails that came in and did not leave yet. */
static bool
under_way(struct stateread *state, struct buf *out, struct err *e)
{
	struct cell sum = { 0 };
	int64_t first, last;
	bool good;

	if (!stateread_span(state, &first, &last))
		return true;
	good = stateread_sum(state, STATEREAD_FARM, first, last + 1, &sum, e);
	buf_fmt(out, "  open mails    %s\n", words_count(cell_get(&sum, M_b_msgs)).s);
	cell_free(&sum);
	return good;
}

/* The queues that its sensor counts. */
static void
queues(const struct stateread_run *run, int64_t now, struct buf *out)
{
	if (run->queue_wanted == 0)
		return;
	if (run->queue_failed_since > 0)
		buf_fmt(out, "  queues        not counted since %s", ago(run->queue_failed_since, now).s);
	else if (run->queue_counted_at > 0)
		buf_fmt(out, "  queues        counted %s", ago(run->queue_counted_at, now).s);
	else
		buf_str(out, "  queues        not counted yet");
	if (run->queue_said[0] != '\0')
		buf_str(out, ": ");
	buf_clean(out, slice_of(run->queue_said), sizeof run->queue_said);
	buf_char(out, '\n');
}

static void
own_clock(const struct stateread_run *run, struct buf *out)
{
	if (run->clock_jumped == 0 || run->clock_sure == 0)
		return;
	buf_str(out, "  own clock     jumped from ");
	when_print(out, run->clock_sure);
	buf_str(out, " to ");
	when_print(out, run->clock_jumped);
	buf_str(out, ":\n                nothing old is dropped until that is sure\n");
}

/* What the collector says of itself. */
static bool
itself(struct stateread *state, int64_t now, struct buf *out, struct err *e)
{
	struct stateread_run run;

	if (!stateread_run(state, &run, e))
		return false;
	if (run.started_at == 0)
		return true;
	buf_str(out, "  mxgauged      version ");
	buf_clean(out, slice_of(run.version), 32);
	buf_fmt(out, ", started %s, last sign of life %s\n", ago(run.started_at, now).s,
	    ago(run.beat_at, now).s);
	if (run.rrd_written_at > 0)
		buf_fmt(out, "  RRDs          up to date %s", ago(run.rrd_written_at, now).s);
	else
		buf_str(out, "  RRDs          not written yet");
	if (run.rrd_failed_since > 0)
		buf_fmt(out, "; it has failed since, first %s", ago(run.rrd_failed_since, now).s);
	buf_char(out, '\n');
	if (run.log_unread_since > 0) {
		buf_fmt(out, "  not read      since %s: ", ago(run.log_unread_since, now).s);
		buf_clean(out, slice_of(run.log_unread), sizeof run.log_unread);
		buf_char(out, '\n');
	}
	own_clock(&run, out);
	queues(&run, now, out);
	return true;
}

/* How "mxgauge passive" gets on with each monitor, where it runs. */
static bool
monitors(const char *dir, int64_t now, struct buf *out, struct err *e)
{
	struct monitors m;
	bool there;

	if (!monitors_read(dir, &m, &there, e))
		return false;
	if (!there)
		return true;
	buf_fmt(out, "\nMonitors, told by mxgauge passive: %s %s, last sign of life %s%s\n",
	    words_count(m.checks).s, PLURAL(m.checks, "check", "checks"),
	    ago(m.beat_at, now).s, m.pid == 0 ? "; it does not run" : "");
	for (size_t i = 0; i < m.n; i++) {
		const struct monitor_row *r = &m.row[i];

		buf_fmt(out, "  %s (%s)\n      last told %s, %s %s so far", r->name, r->type, ago(r->sent_at, now).s,
		    words_count(r->sent).s, PLURAL(r->sent, "result", "results"));
		if (r->waiting > 0)
			buf_fmt(out, "; %s waiting, the first from %s", words_count(r->waiting).s,
			    ago(r->oldest_at, now).s);
		if (r->dropped + r->refused > 0)
			buf_fmt(out, "\n      %s dropped and %s refused, the last %s", words_count(r->dropped).s,
			    words_count(r->refused).s, ago(r->dropped_at, now).s);
		if (r->failed_since > 0)
			buf_fmt(out, "\n      cannot be told, first %s", ago(r->failed_since, now).s);
		buf_fmt(out, "%s%s\n", r->said[0] == '\0' ? "" : r->failed_since > 0 ? ": " : "\n      ", r->said);
	}
	return true;
}

bool
status_text(struct stateread *state, const char *dir, int64_t now, struct buf *out,
    struct err *e)
{
	pid_t pid = stateread_writer(dir);

	buf_str(out, "State ");
	buf_clean(out, slice_of(dir), 200);
	if (pid > 0)
		buf_fmt(out, "\n  written by    process %ld\n", (long)pid);
	else
		buf_str(out, "\n  written by    nobody now (mxgauged is not running)\n");
	buf_fmt(out, "  last commit   %s\n", ago(stateread_committed_at(state), now).s);
	disk(state, dir, out);
	return itself(state, now, out, e) && under_way(state, out, e) && sources(state, now, out, e) &&
	    hosts(state, now, out, e) && programs(state, out, e) && limits(state, now, out, e) &&
	    monitors(dir, now, out, e);
}

bool
status_run(const char *dir, struct err *e)
{
	struct stateread *state = stateread_open(dir, e);
	struct buf out = buf_new(16 << 20);
	bool good;

	if (state == NULL)
		return false;
	good = status_text(state, dir, (int64_t)time(NULL), &out, e);
	if (good && (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0))
		good = err_set(e, "write the status: %s", strerror(errno));
	buf_free(&out);
	stateread_close(state);
	return good;
}
