/* test_skew.c - which clocks are wrong, by the delays of their lines: with a clock given. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "flow/skew.h"
#include "ingest.h"
#include "message.h"
#include "state_dir.h"
#include "tap.h"

enum { T0 = 1795005000, MIN = 60 };

/* A line each gap_s from minute from to minute to; the delay of a line grows by rate / 100 with
 * the time, and every third is 7 s later than that. */
static void
lines(struct skew *k, int from, int to, int gap_s, int64_t delay_s, int rate)
{
	for (int t = from * MIN; t < to * MIN; t += gap_s)
		(void)skew_line(k, delay_s + (int64_t)(t - from * MIN) * rate / 100 + t / gap_s % 3 / 2 * 7,
		    T0 + t);
}

static void
test_right(void)
{
	struct skew k = { 0 };

	lines(&k, 0, 30, 1, 0, 0);
	is_int(k.ahead_s, 0, "a clock that is right");
	lines(&k, 30, 60, 1, -1, 0);
	is_int(k.ahead_s, 0, "ahead by a second");
	lines(&k, 60, 90, 1, -3, 0);
	is_int(k.ahead_s, 0, "ahead by three");
	lines(&k, 90, 120, 1, 30, 0);
	is_int(k.ahead_s, 0, "a relay that takes half a minute");
}

static void
test_ahead(void)
{
	struct skew k = { 0 };

	lines(&k, 0, 3, 1, 0, 0);
	for (int i = 0; i < 4; i++)
		(void)skew_line(&k, -3600, T0 + 3 * MIN + i);
	is_int(k.ahead_s, 0, "four forged lines");
	lines(&k, 4, 10, 1, 0, 0);
	is_int(k.ahead_s, 0, "are nothing in minutes that are right");
	for (int i = 0; i < 5; i++)
		(void)skew_line(&k, -4, T0 + 11 * MIN + i);
	is_int(k.ahead_s, 4, "told at the fifth line");
	lines(&k, 12, 14, 1, -120, 0);
	is_int(k.ahead_s, 120, "it grew");
	lines(&k, 14, 16, 1, -3, 0);
	is_int(k.ahead_s, 3, "it shrank, and is not yet right");
	lines(&k, 16, 18, 1, -1, 0);
	is_int(k.ahead_s, 0, "it came right");
	k = (struct skew){ 0 };
	lines(&k, 0, 41, 600, -90, 0);
	is_int(k.ahead_s, 83, "of a host that says something each ten minutes the fifth line tells");
}

static void
test_behind(void)
{
	struct skew k = { 0 };

	lines(&k, 0, 5, 1, 40, 0);
	is_int(k.ahead_s, 0, "behind for less than five minutes");
	lines(&k, 5, 6, 1, 40, 0);
	is_int(k.ahead_s, -40, "behind for five minutes");
	lines(&k, 6, 20, 1, 43, 0);
	is_int(k.ahead_s, -40, "three seconds more are no news");
	lines(&k, 20, 26, 1, 3600, 0);
	is_int(k.ahead_s, -3600, "an hour: another clock, or another zone");
	lines(&k, 26, 36, 1, 1800, 100);
	is_int(k.ahead_s, -3600, "a cut says nothing of the clock");
	lines(&k, 36, 38, 1, 1, 0);
	is_int(k.ahead_s, 0, "it came right");
	k = (struct skew){ 0 };
	lines(&k, 0, 60, 600, 3600, 0);
	is_int(k.ahead_s, 0, "a host with a line each ten minutes");
	lines(&k, 60, 61, 1, 3600, 0);
	(void)skew_line(&k, 3600, T0 + 40 * MIN);
	lines(&k, 41, 45, 1, 3600, 0);
	is_int(k.ahead_s, 0, "our own clock was set back");
}

/* What is old, and no clock's fault. */
static void
test_held_up(void)
{
	struct skew k = { 0 };

	lines(&k, 0, 20, 1, 7200, -100);
	is_int(k.ahead_s, 0, "a spool that is drained at twice the speed of life");
	lines(&k, 20, 60, 1, 6000, -10);
	is_int(k.ahead_s, 0, "one that is drained slowly");
	k = (struct skew){ 0 };
	for (int i = 0; i < 5000; i++)
		(void)skew_line(&k, 86400 - i, T0 + i / 1000);
	is_int(k.ahead_s, 0, "a log of a day, read in five seconds");
	lines(&k, 1, 20, 1, 0, 0);
	is_int(k.ahead_s, 0, "and what comes behind it");
	k = (struct skew){ 0 };
	for (int hour = 0; hour < 8; hour++)
		for (int i = 0; i < 100; i++)
			(void)skew_line(&k, 90 + 36 * (100 - i), T0 + hour * 60 * MIN);
	is_int(k.ahead_s, 0, "a log that is copied each hour, in a minute and a half");
}

/* --- through ingest -------------------------------------------------------------------- */

static char dir[] = "/tmp/mx-skew.XXXXXX";

/* n lines of a host, a second apart, whose clock is ahead by so much. */
static void
take(struct ingest *in, struct feed *f, const char *host, int64_t from, int n, int64_t ahead_s)
{
	struct err e = { "" };

	for (int i = 0; i < n; i++) {
		char raw[200], stamp[40];
		time_t t = from + i + ahead_s;
		struct tm tm;

		ingest_clock(in, from + i);
		strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", gmtime_r(&t, &tm));
		(void)snprintf(raw, sizeof raw, "%s %s postfix/smtpd[%d]: connect from "
		    "unknown[192.0.2.1]", stamp, host, i);
		if (!ingest_line(in, f, slice_of(raw), false, &e))
			die(&e);
	}
}

static struct ingest *
begin(struct feed **f, bool live)
{
	struct err e = { "" };
	struct ingest *in = ingest_open(dir, &ingest_defaults, &e);
	struct state *s;

	if (in == NULL)
		die(&e);
	s = ingest_state(in);
	ingest_clock(in, T0);
	*f = feed_open(in, state_sources(s) > 0 ? state_source_at(s, 0) : state_source_add(s, "net"),
	    "UTC", 0, NULL, T0, &e);
	if (*f == NULL)
		die(&e);
	if (live)
		feed_live(*f, true);
	return in;
}

static int64_t
skew_of(struct ingest *in, const char *host)
{
	struct state *s = ingest_state(in);

	return state_skew(s, (unsigned)state_host(s, slice_of(host)));
}

static void
test_ingest(void)
{
	struct err e = { "" };
	struct feed *f;
	struct ingest *in = begin(&f, true);

	take(in, f, "right", T0, 400, 0);
	take(in, f, "ahead", T0 + 400, 400, 50);
	take(in, f, "far", T0 + 800, 10, 20 * 86400);
	take(in, f, "behind", T0 + 900, 400, -500);
	is_int(skew_of(in, "right"), 0, "a clock that is right");
	is_int(skew_of(in, "ahead"), 50, "one that is ahead");
	is_int(skew_of(in, "far"), 20 * 86400, "one whose lines are not counted any more");
	is_int((long)ingest_totals(in)->too_late, 10, "which is told");
	is_int(skew_of(in, "behind"), -500, "one that is behind");
	if (!ingest_commit(in, true, &e))
		die(&e);
	feed_close(f);
	ingest_close(in);
	in = begin(&f, true);
	is_int(skew_of(in, "ahead"), 50, "it is known after a restart");
	take(in, f, "ahead", T0 + 2000, 100, 0);
	is_int(skew_of(in, "ahead"), 0, "and comes right");
	for (int i = 0; i < 20; i++) {
		ingest_clock(in, T0 + 2200 + i);
		if (!ingest_line(in, f, SLICE("<22>behind prog[7]: no stamp"), false, &e))
			die(&e);
	}
	take(in, f, "behind", T0 + 2300, 100, -500);
	is_int(skew_of(in, "behind"), -500, "lines without a stamp tell nothing");
	feed_close(f);
	ingest_close(in);
	drop_state(dir);
	in = begin(&f, false);
	take(in, f, "old", T0 + 400, 400, -500);
	is_int(skew_of(in, "old"), 0, "an import judges no clock");
	feed_close(f);
	ingest_close(in);
	drop_state(dir);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	message_open(false, false, "error");
	test_right();
	test_ahead();
	test_behind();
	test_held_up();
	test_ingest();
	rmdir(dir);
	return done_testing();
}
