/* test_aged.c - what is too old to be kept goes by the time of the logs, not by ours: while a commit follows the other
 * within the same second, and no more of it at once than fits in little memory. */
#include <inttypes.h>
#include <sqlite3.h>
#include <time.h>
#include <unistd.h>

#include "commit.h"
#include "ingest.h"
#include "state_dir.h"
#include "stateread.h"
#include "tap.h"

#include "poison.h"

#define T0 ((int64_t)1800003600)
enum { HOUR = 3600, DAY = 86400, DAYS = 60, KEPT = 8, OLD = 50000 };

static char dir[] = "/tmp/mx-aged.XXXXXX";

static struct ingest *
begin(bool draws)
{
	struct ingest_settings set = ingest_defaults;
	struct err e = { "" };
	struct ingest *in;

	set.draws = draws;
	if ((in = ingest_open(dir, &set, &e)) == NULL)
		die(&e);
	ingest_clock(in, T0 + DAYS * DAY);
	return in;
}

static struct feed *
open_feed(struct ingest *in)
{
	struct err e = { "" };
	struct feed *f = feed_open(in, state_source_add(ingest_state(in), "a"), "UTC", 0, "", T0 + DAYS * DAY, &e);

	if (f == NULL)
		die(&e);
	return f;
}

static void
take_text(struct ingest *in, struct feed *f, const char *host, int64_t t, const char *text)
{
	time_t time = (time_t)t;
	struct err e = { "" };
	char raw[200], at[40];
	struct tm tm;

	strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%S+00:00", gmtime_r(&time, &tm));
	(void)snprintf(raw, sizeof raw, "%s %s postfix/%s", at, host, text);
	if (!ingest_line(in, f, slice_of(raw), false, &e))
		die(&e);
}

static void
take(struct ingest *in, struct feed *f, const char *host, int64_t t)
{
	take_text(in, f, host, t, "smtpd[7]: connect from unknown[192.0.2.1]");
}

static void
end(struct ingest *in, struct feed *f)
{
	feed_close(f);
	ingest_close(in);
	drop_state(dir);
}

/* Another program's look into the state, or hand in it. */
static int64_t
ask(const char *sql)
{
	sqlite3_stmt *st;
	sqlite3 *db;
	char path[100];
	int64_t n = -1;

	(void)snprintf(path, sizeof path, "%s/state.db", dir);
	if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		die(&(struct err){ "another program cannot read the state" });
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	(void)sqlite3_close(db);
	return n;
}

/* How many hours of a host have rows in a table of minutes. */
static int64_t
hours(const char *table, int host)
{
	char sql[200];

	(void)snprintf(sql, sizeof sql, "SELECT count(DISTINCT (at >> 16) / 60) FROM %s WHERE at & 65535 = %d", table, host);
	return ask(sql);
}

/* A line an hour, a commit a day. Returns of how many hours the state had rows at most. */
static int64_t
archive(struct ingest *in, struct feed *f, const char *table, int64_t from, int days)
{
	int64_t most = 0;

	for (int d = 0; d < days; d++) {
		for (int h = 0; h < 24; h++)
			take(in, f, "mx1", from + d * DAY + h * HOUR);
		commit(in, false);
		most = hours(table, 0) > most ? hours(table, 0) : most;
	}
	return most;
}

static void
test_archive(void)
{
	struct ingest *in = begin(false);
	struct feed *f = open_feed(in);
	int64_t most;

	take(in, f, "mx1", T0);
	take(in, f, "mx2", T0);		/* was switched off then */
	most = archive(in, f, "cell", T0, DAYS);
	ok(most >= KEPT * 24 && most <= (KEPT + 2) * 24, "of two months the state has at most the minutes of ten days: "
	    "%" PRId64 " hours", most);
	ok(hours("seen", 0) <= (KEPT + 2) * 24, "and of lines that were seen");
	is_int(hours("cell", 1), 1, "what is old by another host's time alone stays");
	commit(in, true);
	is_int(hours("cell", 0), KEPT * 24 + 1, "at the end it has what is to be kept");
	is_int(ask("SELECT count(*) FROM hour WHERE at & 65535 = 0"), DAYS * 24, "and all hours");
	end(in, f);
}

static void
test_undrawn(void)
{
	struct ingest *in = begin(true);
	struct feed *f = open_feed(in);

	is_int(archive(in, f, "cell", T0, DAYS), DAYS * 24, "what the RRDs lack stays");
	is_int(ask("SELECT kept FROM host WHERE id = 0"), 0, "and it is known that nothing went");
	ok(hours("seen", 0) <= (KEPT + 2) * 24, "of lines that were seen they need nothing");
	(void)state_draw_begin(ingest_state(in), 0);
	state_draw_end(ingest_state(in), 0, true);
	commit(in, true);
	is_int(hours("cell", 0), KEPT * 24 + 1, "and goes when they have it");
	is_int(ask("SELECT kept FROM host WHERE id = 0"), (T0 + (DAYS - KEPT) * DAY - 2 * HOUR) / 60 + 1,
	    "behind the newest that went all are there");
	end(in, f);
}

/* Our clock, and with it the lines', jumps: what came before it is still counted back from there. */
static void
test_unsure(void)
{
	struct ingest *in = begin(false);
	struct feed *f = open_feed(in);

	for (int d = DAYS; d < DAYS + 5; d++)	/* of a new state nothing is sure */
		ingest_clock(in, T0 + d * DAY);
	(void)archive(in, f, "cell", T0 + (DAYS - 3) * DAY, 7);
	ingest_clock(in, T0 + 400 * DAY);
	feed_clock(f, T0 + 400 * DAY);
	(void)archive(in, f, "cell", T0 + 390 * DAY, 10);
	is_int(ask("SELECT count(*) FROM cell WHERE at >> 16 < (1800003600 + 70 * 86400) / 60"), 7 * 24,
	    "lines of while our clock is not sure drop nothing");
	end(in, f);
}

static void
test_portions(void)
{
	struct ingest *in = begin(false);
	struct feed *f = open_feed(in);
	int64_t left;
	char sql[300];

	take(in, f, "mx1", T0);
	commit(in, true);
	(void)snprintf(sql, sizeof sql, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
	    " INSERT INTO cell SELECT (%" PRId64 " - i) * 65536, x'00' FROM n", OLD, (T0 - 20 * DAY) / 60);
	(void)ask(sql);
	take(in, f, "mx1", T0 + DAY);
	commit(in, false);
	left = ask("SELECT count(*) FROM cell");
	ok(left > OLD / 2 && left < OLD, "a commit drops some of what is too old: %" PRId64 " of %d are left", left, OLD);
	commit(in, true);
	is_int(ask("SELECT count(*) FROM cell"), 2, "the last all of it");
	end(in, f);
}

/* How many mails the report says were forgotten, by minutes or hours; as if we were killed. */
static int64_t
forgotten(bool by_hours)
{
	struct err e = { "" };
	struct stateread *r = stateread_open(dir, &e);
	struct cell c = { 0 };
	int64_t n, from = T0 / 3600, to = (T0 + DAYS * DAY) / 3600;

	if (r == NULL || !(by_hours ? stateread_sum_hours(r, STATEREAD_FARM, from, to, &c, &e) :
	    stateread_sum(r, STATEREAD_FARM, from * 60, to * 60, &c, &e)))
		die(&e);
	stateread_close(r);
	n = cell_get(&c, M_evicted);
	cell_free(&c);
	return n;
}

/* A mail that nobody ends, put away, and then too old: the commit that forgets it counts it. */
static void
test_forgotten(void)
{
	struct ingest *in = begin(false);
	struct feed *f = open_feed(in);

	take_text(in, f, "mx1", T0, "qmgr[7]: 4A1B2C3D: from=<a@example.net>, size=900, nrcpt=1 (queue active)");
	for (int i = 0; i < 25000; i++)
		take(in, f, "mx1", T0 + HOUR);
	commit(in, false);
	commit(in, true);
	is_int(forgotten(false), 0, "a mail waits in a block");
	take(in, f, "mx1", T0 + 20 * DAY);
	commit(in, false);
	is_int(ask("SELECT count(*) FROM block"), 0, "it is forgotten");
	is_int(forgotten(false), 1, "by a commit that says so, in the minute");
	is_int(forgotten(true), 1, "and in the hour");
	is_int(ask("SELECT kept FROM host WHERE id = 0"), (T0 + HOUR) / 60 + 1, "which minutes went with it is known");
	commit(in, true);
	is_int(forgotten(false), 1, "once");
	is_int(forgotten(true), 1, "in the hour too");
	end(in, f);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	test_archive();
	test_undrawn();
	test_unsure();
	test_portions();
	test_forgotten();
	(void)rmdir(dir);
	return done_testing();
}
