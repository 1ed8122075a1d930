/* test_late.c - lines that come late, twice, or with stamps that leave something out, through
 * ingest with a clock given: spools, New Year, the repeated hour, the horizon. */
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ingest.h"
#include "logtime.h"
#include "message.h"
#include "state_dir.h"
#include "stateread.h"
#include "tap.h"

#include "poison.h"

enum { T0 = 1795005000, HORIZON_S = 8 * DAY_S, LINES_A_MAIL = 4 };

static char dir[] = "/tmp/mx-late.XXXXXX";

static struct ingest *
begin_with(int64_t horizon_s)
{
	struct ingest_settings set = ingest_defaults;
	struct err e = { "" };
	struct ingest *in;

	set.horizon_s = horizon_s;
	if ((in = ingest_open(dir, &set, &e)) == NULL)
		die(&e);
	ingest_clock(in, T0);
	return in;
}

static struct ingest *
begin(void)
{
	return begin_with(HORIZON_S);
}

/* A source of its own. written_at 0: live. */
static struct feed *
feed(struct ingest *in, const char *name, const char *zone, int64_t written_at)
{
	struct err e = { "" };
	struct state_source *src = state_source_add(ingest_state(in), name);
	struct feed *f = feed_open(in, src, zone, 0, "", written_at != 0 ? written_at : T0, &e);

	if (f == NULL)
		die(&e);
	if (written_at == 0)
		feed_live(f, true);
	return f;
}

static void
end(struct ingest *in)
{
	struct err e = { "" };

	if (!ingest_commit(in, true, &e))
		die(&e);
	ingest_close(in);
}

/* A line as it comes at this clock; 0: it does not matter. */
static void
take(struct ingest *in, struct feed *f, int64_t clock, const char *stamp, const char *text)
{
	struct err e = { "" };
	char raw[500];

	if (clock != 0)
		ingest_clock(in, clock);
	(void)snprintf(raw, sizeof raw, "%s %s", stamp, text);
	if (!ingest_line(in, f, slice_of(raw), false, &e))
		die(&e);
}

static const char *
iso(int64_t time)
{
	static char stamp[40];
	time_t t = time;
	struct tm tm;

	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S.500+00:00", gmtime_r(&t, &tm));
	return stamp;
}

struct sums {
	struct buf text;	/* every count of every minute from, of all hosts */
	int64_t from;
	const char *host;
};

static bool
add_minute(void *arg, int host, int64_t minute, const struct cell *c)
{
	struct sums *s = arg;

	(void)host;
	for (uint32_t i = 0; minute >= s->from && i < c->n; i++)
		if (c->pair[i].key != M_copies && c->pair[i].key != M_too_late)
			buf_fmt(&s->text, "%s %" PRId64 " %" PRIu32 " %" PRId64 "\n", s->host, minute,
			    c->pair[i].key, c->pair[i].n);
	return true;
}

/* What the state has of minutes from that one on, as text; the state is dropped. */
static char *
dump_from(int64_t from)
{
	const struct stateread_host *h;
	struct sums s = { .text = buf_new(1 << 22), .from = from };
	struct err e = { "" };
	struct stateread *r = stateread_open(dir, &e);
	size_t n;

	if (r == NULL || !stateread_hosts(r, &h, &n, &e))
		die(&e);
	for (size_t i = 0; i < n; i++) {
		s.host = h[i].name;
		if (!stateread_minutes(r, h[i].id, 0, INT32_MAX, add_minute, &s, &e))
			die(&e);
	}
	stateread_close(r);
	drop_state(dir);
	return s.text.p;
}

/* Of all hosts in the minutes of these times. */
static int64_t
count(int64_t from, int64_t to, enum metric m)
{
	struct err e = { "" };
	struct stateread *r = stateread_open(dir, &e);
	struct cell sum = { 0 };
	int64_t n;

	if (r == NULL || !stateread_sum(r, STATEREAD_FARM, from / 60, to / 60 + 1, &sum, &e))
		die(&e);
	n = cell_get(&sum, (uint32_t)m);
	cell_free(&sum);
	stateread_close(r);
	return n;
}

/* --- a node that was cut off -------------------------------------------------------------- */

/* Line k of mail i, which is of host mx1 or mx2, a mail each 20 s, each delivered after an hour
 * and a half; both hosts use the same queue ids. */
static int64_t
mail_line(int i, int k, char *text, size_t size)
{
	static const char *const what[LINES_A_MAIL] = {
		"smtpd[%d]: %010X: client=mx.example.net[192.0.2.1]",
		"qmgr[%d]: %010X: from=<a@example.net>, size=1000, nrcpt=1 (queue active)",
		"smtp[%d]: %010X: to=<u@example.com>, relay=mx.example.com[203.0.113.9]:25, delay=5400, "
		    "delays=1/1/1/1, dsn=2.0.0, status=sent (250 2.0.0 Ok)",
		"qmgr[%d]: %010X: removed",
	};
	char format[300];
	int n = snprintf(format, sizeof format, "mx%d postfix/%s", i % 2 + 1, what[k]);

	if (n < 0 || (size_t)n >= sizeof format)
		return 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(text, size, format, 100 + k, 0xA00000 + i / 2);
#pragma GCC diagnostic pop
	return T0 + i * 20 + (k < 2 ? 0 : 5400);
}

enum { MAILS = 900 };	/* five hours */

/* All lines whose time is in [from, to), in order; of mx1, mx2 or (0) both. */
static void
play(struct ingest *in, struct feed *f, int64_t from, int64_t to, int host, int64_t clock)
{
	char text[400];

	for (int64_t t = from; t < to; t += 20) {
		for (int k = 0; k < LINES_A_MAIL; k++) {
			int64_t i = (t - T0 - (k < 2 ? 0 : 5400)) / 20;

			if (t - T0 - (k < 2 ? 0 : 5400) < 0 || i >= MAILS || (host != 0 && i % 2 + 1 != host))
				continue;
			(void)mail_line((int)i, k, text, sizeof text);
			take(in, f, clock != 0 ? clock : t, iso(t), text);
		}
	}
}

static void
test_spool(void)
{
	enum { CUT = T0 + 4000, MENDED = T0 + 11200, END = T0 + 20 * MAILS + 5400 };
	struct ingest *in = begin();
	struct feed *f = feed(in, "net", "UTC", 0), *g;
	char *want, *got;

	play(in, f, T0, END, 0, 0);
	feed_close(f);
	end(in);
	is_int(count(T0, END, M_recv_msg), MAILS, "each mail once");
	is_int(count(T0, END, M_dlv_ext), MAILS, "each delivered once");
	is_int(count(T0, END, M_half_seen), 0, "all whole");
	want = dump_from(0);

	/* mx2 was cut off for two hours; then its spool comes within a minute */
	in = begin();
	f = feed(in, "relp mx1", "UTC", 0);
	g = feed(in, "relp mx2", "UTC", 0);
	play(in, f, T0, CUT, 1, 0);
	play(in, g, T0, CUT, 2, 0);
	play(in, f, CUT, MENDED, 1, 0);
	for (int m = 0; m < 60; m++) {
		play(in, g, CUT + m * 120, CUT + (m + 1) * 120, 2, MENDED + m);
		play(in, f, MENDED + m * 20, MENDED + (m + 1) * 20, 1, MENDED + m);
	}
	play(in, f, MENDED + 1200, END, 1, 0);
	play(in, g, MENDED, END, 2, 0);
	is_int(state_skew(ingest_state(in), 1), 0, "a spool is no wrong clock");
	feed_close(f);
	feed_close(g);
	end(in);
	got = dump_from(0);
	ok(strcmp(got, want) == 0, "a spool that is two hours late gives the same counts");
	free(got);

	/* one path lost an hour, the other brings all of it the next day */
	in = begin();
	f = feed(in, "/var/log/mail.log", "UTC", 0);
	g = feed(in, "central", "UTC", 0);
	play(in, f, T0, CUT, 0, 0);
	play(in, f, MENDED, END, 0, 0);
	play(in, g, T0, END, 0, T0 + DAY_S);
	is_int((long)ingest_totals(in)->copies, 4 * MAILS - 2 * 360 - 2 * 290,
	    "what both have is known again");
	feed_close(f);
	feed_close(g);
	end(in);
	got = dump_from(0);
	ok(strcmp(got, want) == 0, "two paths, one with a gap, one a day late, give the same counts");
	free(got);
	free(want);
}

/* --- years --------------------------------------------------------------------------------- */

static int64_t
at(int year, int month, int day, int hh, int mm)
{
	return civil_days(year, month, day) * DAY_S + hh * HOUR_S + mm * MINUTE_S;
}

#define TEXT "mx1 postfix/smtpd[1]: connect from unknown[192.0.2.1]"

/* The five lines of a New Year's Eve, as they come: two in the old year's last minute, one of
 * it late, one in the new year's first, one in its second. */
static void
new_year(struct ingest *in, struct feed *f, int64_t clock)
{
	static const char *const stamps[] = { "Dec 31 23:59:58", "Dec 31 23:59:59", "Jan  1 00:00:00",
	    "Dec 31 23:59:57", "Jan  1 00:01:00" };

	for (int i = 0; i < 5; i++)
		take(in, f, clock == 0 ? 0 : clock + (i < 2 ? 0 : i < 4 ? 1 : 61), stamps[i], TEXT);
}

static void
new_year_counts(int year, const char *what)
{
	is_int(count(at(year - 1, 12, 31, 23, 59), at(year - 1, 12, 31, 23, 59), M_lines), 3, what);
	is_int(count(at(year, 1, 1, 0, 0), at(year, 1, 1, 0, 0), M_lines), 1, "the first minute");
	is_int(count(at(year, 1, 1, 0, 1), at(year, 1, 1, 0, 1), M_lines), 1, "the second");
	is_int(count(60, INT64_C(60) * INT32_MAX - 60, M_too_late), 0, "nothing is too late");
	drop_state(dir);
}

static void
test_new_year(void)
{
	const struct { int64_t written_at; const char *what; } files[] = {
		{ at(2027, 1, 1, 0, 1), "a file read at once" },
		{ at(2027, 1, 2, 9, 0), "a file read on Jan 2" },
		{ at(2027, 8, 2, 9, 0), "a file read in August" },
		{ at(2027, 12, 29, 9, 0), "a file read in the next December" },
	};
	struct ingest *in;
	struct feed *f;

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		in = begin();
		f = feed(in, "file", "UTC", files[i].written_at);
		new_year(in, f, 0);
		feed_close(f);
		end(in);
		new_year_counts(2027, files[i].what);
	}
	/* the feed is open since November, and then for a year more */
	in = begin();
	f = feed(in, "live", "UTC", 0);
	take(in, f, T0, "Nov 18 12:30:00", TEXT);
	new_year(in, f, at(2026, 12, 31, 23, 59) + 59);
	feed_close(f);
	end(in);
	new_year_counts(2027, "a daemon over New Year");
	in = begin();
	f = feed(in, "live", "UTC", 0);
	take(in, f, T0, "Nov 18 12:30:00", TEXT);
	new_year(in, f, at(2027, 12, 31, 23, 59) + 59);
	feed_close(f);
	end(in);
	new_year_counts(2028, "a daemon over a quiet year and New Year");
}

static void
test_leap_day(void)
{
	struct ingest *in = begin();
	struct feed *f = feed(in, "file", "UTC", at(2024, 3, 2, 0, 0));

	take(in, f, 0, "Feb 28 23:59:59", TEXT);
	take(in, f, 0, "Feb 29 12:00:00", TEXT);
	take(in, f, 0, "Mar  1 00:00:00", TEXT);
	feed_close(f);
	end(in);
	is_int(count(at(2024, 2, 28, 23, 59), at(2024, 3, 1, 0, 0), M_lines), 3, "a file of last Feb 29");
	drop_state(dir);
	/* a copy of it that was written in 2026 hides the year: what does not fit is not guessed */
	in = begin();
	f = feed(in, "file", "UTC", at(2026, 11, 18, 0, 0));
	take(in, f, 0, "Feb 28 23:59:59", TEXT);
	take(in, f, 0, "Feb 29 12:00:00", TEXT);
	take(in, f, 0, "Mar  1 00:00:00", TEXT);
	is_int((long)ingest_totals(in)->too_late, 1, "whose year is hidden: told as too late");
	feed_close(f);
	end(in);
	drop_state(dir);
}

/* --- the repeated hour ----------------------------------------------------------------------- */

/* A line a minute, 02:00 to 02:59 twice, into a local file without zones; the same by a central
 * host with them, each 20 s later. The text is the same in both passes. */
static void
test_autumn(void)
{
	const int64_t first = 1792886400;	/* Europe/Berlin, 2026-10-25 02:00, summer time */
	struct ingest *in = begin();
	struct feed *f, *g;
	char stamp[40];

	ingest_clock(in, first - 600);
	f = feed(in, "local", "Europe/Berlin", 0);
	g = feed(in, "central", "UTC", 0);
	for (int m = 0; m < 120; m++) {
		(void)snprintf(stamp, sizeof stamp, "Oct 25 02:%02d:10", m % 60);
		take(in, f, first + m * 60 + 11, stamp, TEXT);
		take(in, g, first + m * 60 + 31, iso(first + m * 60 + 10), TEXT);
	}
	is_int((long)ingest_totals(in)->copies, 120, "the path with zones brings nothing new");
	is_int(state_skew(ingest_state(in), 0), 0, "and the clock is right");
	feed_close(f);
	feed_close(g);
	end(in);
	is_int(count(first, first + 3599, M_lines), 60, "the first pass has an hour of lines");
	is_int(count(first + 3600, first + 7199, M_lines), 60, "and so has the second");
	drop_state(dir);
}

/* --- the horizon ------------------------------------------------------------------------------ */

static void
test_horizon(void)
{
	struct ingest *in = begin();
	struct feed *f = feed(in, "net", "UTC", 0), *g;
	char *want, *got;

	play(in, f, T0, T0 + 4000, 0, T0 + 4000);
	take(in, f, 0, iso(T0 + 3960 - HORIZON_S), TEXT);
	take(in, f, 0, iso(T0 + 3959 - HORIZON_S), TEXT);
	take(in, f, 0, iso(T0 + 4000 + DAY_S), "mx9 postfix/smtpd[1]: statistics: max connection rate");
	take(in, f, 0, iso(T0 + 4001 + DAY_S), TEXT);
	is_int((long)ingest_totals(in)->too_late, 2, "older than eight days, and more than a day ahead");
	feed_close(f);
	end(in);
	is_int(count(T0 - 60, T0 + 4000, M_too_late), 2, "both are told at the host's newest minute");
	is_int(count(T0 - HORIZON_S, T0 - DAY_S, M_lines), 1, "just inside the horizon counts");
	drop_state(dir);

	in = begin();
	f = feed(in, "net", "UTC", 0);
	play(in, f, T0, T0 + 8000, 0, T0 + 8000);
	feed_close(f);
	end(in);
	want = dump_from(T0 / 60);
	/* the same among lines that are too late and from the future, the second half first */
	in = begin();
	f = feed(in, "net", "UTC", 0);
	g = feed(in, "old", "UTC", T0 + 8000);
	play(in, f, T0 + 4000, T0 + 8000, 0, T0 + 8000);
	for (int i = 0; i < 500; i++) {
		take(in, g, 0, iso(T0 - HORIZON_S - i * HOUR_S), TEXT);
		take(in, f, 0, iso(T0 + 2 * DAY_S + i), TEXT);
		if (i < 100)
			play(in, f, T0 + 40 * i, T0 + 40 * i + 1, 0, T0 + 8000);
	}
	for (int64_t t = T0; t < T0 + 4000; t += 20)
		if ((t - T0) % 40 != 0)
			play(in, g, t, t + 1, 0, T0 + 8000);
	is_int((long)ingest_totals(in)->too_late, 1000, "a thousand lines are not counted");
	feed_close(f);
	feed_close(g);
	end(in);
	got = dump_from(T0 / 60);
	ok(strcmp(got, want) == 0, "and change nothing of the others");
	free(got);
	free(want);
}

/* Who lets lines come later than minutes are kept gets each once all the same. */
static void
test_far_horizon(void)
{
	struct ingest *in = begin_with(2 * HORIZON_S);
	struct feed *f = feed(in, "net", "UTC", 0);

	take(in, f, T0, iso(T0), TEXT);
	take(in, f, T0, iso(T0 - 2 * HORIZON_S), TEXT);
	feed_close(f);
	end(in);
	in = begin_with(2 * HORIZON_S);
	f = feed(in, "relay", "UTC", 0);
	take(in, f, T0, iso(T0 - 2 * HORIZON_S), TEXT);
	is_int((long)ingest_totals(in)->too_late, 0, "what is not too late");
	is_int((long)ingest_totals(in)->copies, 1, "is known as a copy");
	feed_close(f);
	end(in);
	drop_state(dir);
}

/* A relay was down for longer than lines may be late, and the host's queues were counted all that time: what it brings
 * then counts once, though another relay brings it, too. */
static void
test_sampled_meanwhile(void)
{
	enum { LATER = T0 + HORIZON_S + DAY_S };
	struct ingest *in = begin();
	struct feed *f = feed(in, "relay", "UTC", 0);

	take(in, f, T0, iso(T0), TEXT);
	for (int64_t t = T0; t <= LATER; t += DAY_S) {	/* a clock that goes its way is right */
		ingest_clock(in, t);
		ingest_count(in, "mx1", M_q_samples, 1);
	}
	take(in, f, LATER, iso(T0 + 60), TEXT);
	feed_close(f);
	end(in);
	in = begin();
	f = feed(in, "other relay", "UTC", 0);
	take(in, f, LATER, iso(T0), TEXT);
	take(in, f, LATER, iso(T0 + 60), TEXT);
	is_int((long)ingest_totals(in)->too_late, 0, "lines of before the host's queues were counted last are not too late");
	is_int((long)ingest_totals(in)->copies, 2, "and are known as copies");
	feed_close(f);
	end(in);
	drop_state(dir);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	message_open(false, false, "error");
	test_spool();
	test_new_year();
	test_leap_day();
	test_autumn();
	test_horizon();
	test_far_horizon();
	test_sampled_meanwhile();
	rmdir(dir);
	return done_testing();
}
