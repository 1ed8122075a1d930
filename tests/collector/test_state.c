/* test_state.c - what is committed is whole: commits that fail at any page and are tried
 * again, hosts that are days apart, sources that are recognised, lines without a time. */
#include <inttypes.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "commit.h"
#include "ingest.h"
#include "state_dir.h"
#include "stateread.h"
#include "store/state_db.h"
#include "tap.h"

#include "poison.h"

enum { T0 = 1773136800, DAY = 86400 };

static char dir[] = "/tmp/mx-state.XXXXXX";
static struct ingest_settings set;

static struct ingest *
begin(void)
{
	struct err e = { "" };
	struct ingest *in = ingest_open(dir, &set, &e);

	if (in == NULL)
		die(&e);
	ingest_clock(in, T0);
	return in;
}

static struct feed *
feed(struct ingest *in, const char *name)
{
	struct err e = { "" };
	struct state *s = ingest_state(in);
	struct state_source *src = NULL;
	struct feed *f;

	for (size_t i = 0; i < state_sources(s); i++)
		if (strcmp(state_source_at(s, i)->name, name) == 0)
			src = state_source_at(s, i);
	f = feed_open(in, src != NULL ? src : state_source_add(s, name), "UTC", 0, NULL,
	    T0 + 30 * DAY, &e);
	if (f == NULL)
		die(&e);
	return f;
}

static void
line(struct ingest *in, struct feed *f, const char *text)
{
	struct err e = { "" };

	if (!ingest_line(in, f, slice_of(text), false, &e))
		die(&e);
}

static void
at(struct ingest *in, struct feed *f, int64_t time, const char *host, const char *text)
{
	time_t t = (time_t)time;
	struct tm tm;
	char stamp[40], all[600];

	(void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S+00:00", gmtime_r(&t, &tm));
	(void)snprintf(all, sizeof all, "%s %s postfix/%s", stamp, host, text);
	line(in, f, all);
}

static void
reject(struct ingest *in, struct feed *f, int64_t time, const char *host)
{
	at(in, f, time, host, "smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 5.7.1 "
	    "<u@example.org>: Relay access denied; from=<a@example.net> to=<u@example.org> "
	    "proto=ESMTP helo=<h>");
}

static int64_t
count_of(const char *host, enum metric m)
{
	const struct stateread_host *hosts;
	struct err e = { "" };
	struct stateread *r = stateread_open(dir, &e);
	struct cell sum = { 0 };
	int64_t n;
	size_t k;

	if (r == NULL || !stateread_hosts(r, &hosts, &k, &e))
		die(&e);
	for (size_t i = 0; i < k; i++)
		if (strcmp(hosts[i].name, host) == 0 &&
		    !stateread_sum(r, hosts[i].id, 0, INT32_MAX, &sum, &e))
			die(&e);
	n = cell_get(&sum, (uint32_t)m);
	cell_free(&sum);
	stateread_close(r);
	return n;
}

/* --- commits that fail ------------------------------------------------------------- */

/* Part k of a day: mails of which each is spoken of in several parts. */
static void
part(struct ingest *in, struct feed *f, int k)
{
	char text[300];

	for (int i = 0; i < 60; i++) {
		int64_t t = T0 + k * 1800 + i * 20;

		(void)snprintf(text, sizeof text, "smtpd[1]: A%04d%04d: client=mx.example.net[192.0.2.1]", k, i);
		at(in, f, t, "mx1", text);
		(void)snprintf(text, sizeof text,
		    "qmgr[1]: A%04d%04d: from=<a@example.net>, size=1000, nrcpt=2 (queue active)", k, i);
		at(in, f, t, "mx1", text);
		for (int old = k; old >= 0 && old > k - 3; old--) {
			(void)snprintf(text, sizeof text, "smtp[1]: A%04d%04d: to=<u%d@example.com>, relay=none, "
			    "delay=1, delays=1/0/0/0, dsn=4.4.1, status=deferred (connect to "
			    "mx.example.com[203.0.113.9]:25: Connection refused)", old, i, old % 2);
			at(in, f, t + 1, "mx1", text);
		}
		reject(in, f, t, "mx2");
	}
}

static void
limit_pages(struct ingest *in, int more)
{
	struct state *s = ingest_state(in);
	char sql[80];
	sqlite3_stmt *st = NULL;
	int pages = 0;

	(void)sqlite3_prepare_v2(s->db, "PRAGMA page_count", -1, &st, NULL);
	if (sqlite3_step(st) == SQLITE_ROW)
		pages = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	(void)snprintf(sql, sizeof sql, "PRAGMA max_page_count=%d", more < 0 ? 1 << 30 : pages + more);
	(void)sqlite3_exec(s->db, sql, NULL, NULL, NULL);
}

static bool
add_minute(void *arg, int host, int64_t minute, const struct cell *c)
{
	struct buf *b = arg;

	for (uint32_t i = 0; i < c->n; i++)
		buf_fmt(b, "%d %" PRId64 " %u %" PRId64 "\n", host, minute, c->pair[i].key, c->pair[i].n);
	return true;
}

static char *
dump(void)
{
	struct err e = { "" };
	struct stateread *r = stateread_open(dir, &e);
	struct buf b = buf_new(1 << 24);

	for (int h = 0; h < 2; h++)
		if (r == NULL || !stateread_minutes(r, h, 0, INT32_MAX, add_minute, &b, &e))
			die(&e);
	stateread_close(r);
	return b.p;
}

/* room: pages that each commit may add before it fails; -1: no limit. */
static char *
day(int room, int *failed)
{
	struct ingest *in = begin();
	struct feed *f = feed(in, "log");
	struct err e = { "" };

	for (int k = 0; k < 8; k++) {
		part(in, f, k);
		limit_pages(in, room < 0 ? -1 : room);
		for (int tries = 0; !ingest_commit(in, true, &e); tries++) {
			++*failed;
			if (strstr(e.text, "no space left") == NULL)
				die(&e);
			if (tries == 0 && k % 2 == 0) {	/* meanwhile more lines come */
				part(in, f, ++k);
				continue;
			}
			limit_pages(in, -1);
		}
	}
	feed_close(f);
	ingest_close(in);
	return dump();
}

static void
test_faults(void)
{
	int failed = 0, none = 0;
	char *want = day(-1, &none), *got;
	bool good = true;

	drop_state(dir);
	for (int room = 0; good && room < 24; room += 1 + room / 6) {
		got = day(room, &failed);
		good = strcmp(got, want) == 0;
		if (!good)
			printf("# room for %d pages\n", room);
		free(got);
		drop_state(dir);
	}
	ok(none == 0 && failed > 10, "commits failed");
	printf("# %d of them\n", failed);
	ok(good, "and were made good later, to the unit");
	free(want);
}

struct stops {
	sqlite3 *db;
	int step, at;		/* steps so far; the one that is stopped */
	bool met;
};

static int
stop_there(void *arg)
{
	struct stops *s = arg;

	if (sqlite3_get_autocommit(s->db))
		return 0;	/* not begun, or on the disk already */
	s->met |= ++s->step == s->at;
	return s->step == s->at;
}

/* A commit is stopped at its n-th step for each n, so that each read and each write fails
 * once: had a row that cannot be read passed for none, the one written would begin anew. */
static void
test_stopped(void)
{
	struct ingest *in = begin();
	struct feed *f = feed(in, "log");
	struct stops stops = { .met = true };
	struct err e = { "" };
	int lines = 0, failed = 0;
	bool exact = true;

	for (; stops.met && exact && lines < 5000; lines++) {
		stops = (struct stops){ ingest_state(in)->db, 0, lines, false };
		reject(in, f, T0, "mx1");
		sqlite3_progress_handler(ingest_state(in)->db, 1, stop_there, &stops);
		stops.met |= lines == 0;
		failed += !ingest_commit(in, true, &e);
		sqlite3_progress_handler(ingest_state(in)->db, 0, NULL, NULL);
		commit(in, true);
		exact = count_of("mx1", M_rej) == lines + 1;
	}
	feed_close(f);
	ingest_close(in);
	ok(!stops.met && failed > 100, "commits were stopped at each of their steps");
	ok(exact, "and made good later: a cell that cannot be read is no empty one");
	printf("# %d of %d failed: %s\n", failed, lines, e.text);
	drop_state(dir);
}

/* Killed right behind each commit, while the database has room for a few pages only, so that
 * most are in the log before the commit, and some are changed there. */
static void
test_killed(void)
{
	int failed = 0;
	char *want = day(-1, &failed), *got;

	drop_state(dir);
	for (int k = 0; k < 8; k++) {
		pid_t pid = fork();
		int status = 1;

		if (pid == 0) {
			struct ingest *in = begin();
			struct feed *f = feed(in, "log");

			state_bulk(ingest_state(in));
			(void)sqlite3_exec(ingest_state(in)->db, "PRAGMA cache_size=4;"
			    "PRAGMA cache_spill=4", NULL, NULL, NULL);
			part(in, f, k);
			commit(in, true);
			_exit(0);
		}
		failed += pid < 0 || waitpid(pid, &status, 0) != pid || status != 0;
	}
	got = dump();
	ok(failed == 0 && strcmp(got, want) == 0, "what was committed stays when its writer is gone");
	free(got);
	free(want);
	drop_state(dir);
}

/* Another connection, as a check's. */
static sqlite3 *
reader(const char *sql)
{
	char path[sizeof dir + sizeof "/state.db"];
	sqlite3 *db = NULL;

	(void)snprintf(path, sizeof path, "%s/state.db", dir);
	if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		printf("# %s\n", sqlite3_errmsg(db));
	return db;
}

static bool
is_whole(void)
{
	sqlite3 *db = reader("");
	sqlite3_stmt *st = NULL;
	bool good;

	(void)sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &st, NULL);
	good = sqlite3_step(st) == SQLITE_ROW &&
	    strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0;
	sqlite3_finalize(st);
	sqlite3_close(db);
	return good;
}

/* The log is moved into the database: as far as a reader lets it be, and all of it. */
static void
test_moved(void)
{
	struct ingest *in = begin();
	struct feed *f = feed(in, "log");
	sqlite3 *db = ingest_state(in)->db, *old = NULL;
	int in_log = 0, moved = 0, rejects = 0;
	bool whole = true;

	state_bulk(ingest_state(in));
	for (int k = 0; k < 6; k++) {
		for (int i = 0; i < 200; i++, rejects++)
			reject(in, f, T0 + rejects * 60, "mx1");
		commit(in, true);
		if (k == 2)
			old = reader("BEGIN; SELECT count(*) FROM cell");
	}
	(void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
	ok(moved > 10 && moved < in_log, "while somebody reads what was, a part of the log is moved");
	whole = is_whole();
	ok(whole && count_of("mx1", M_rej) == rejects, "and others read what is");
	sqlite3_close(old);
	state_checkpoint(ingest_state(in));
	whole = is_whole();
	ok(whole && count_of("mx1", M_rej) == rejects, "all of it, and nothing changes");
	feed_close(f);
	ingest_close(in);
	drop_state(dir);
}

/* --- hosts, sources, lines ------------------------------------------------------------ */

static void
test_days(void)
{
	struct ingest *in = begin();
	struct feed *f = feed(in, "log");

	reject(in, f, T0, "mx1");
	commit(in, true);
	reject(in, f, T0 - 300 * DAY, "mx2");
	commit(in, true);
	reject(in, f, T0 - 300 * DAY - 7 * DAY, "mx2");
	commit(in, true);
	is_int(count_of("mx2", M_rej), 2, "a host of last year keeps its own days");
	reject(in, f, T0 - 300 * DAY + 2 * DAY, "mx2");
	commit(in, true);
	is_int(count_of("mx2", M_rej), 2, "which end with its own newest line");
	reject(in, f, T0 - 9 * DAY, "mx1");
	reject(in, f, T0 + 40 * DAY, "mx1");
	commit(in, true);
	ok(count_of("mx1", M_rej) == 1 && count_of("mx1", M_too_late) == 2,
	    "too old and too new is not counted, and said");
	feed_close(f);
	ingest_close(in);
	drop_state(dir);
}

static void
test_timeless(void)
{
	struct ingest *in = begin();
	struct feed *f = feed(in, "log");

	line(in, f, "rubbish");
	line(in, f, "");
	reject(in, f, T0, "mx1");
	line(in, f, "more rubbish");
	feed_remember(f);
	commit(in, true);
	is_int(count_of("mx1", M_unknown), 3, "lines without a time are counted beside the others");
	is_int(count_of("unknown", M_lines), 0, "and not as a host of their own");
	feed_close(f);
	f = feed(in, "rubbish");
	line(in, f, "nothing but rubbish");
	feed_remember(f);
	commit(in, true);
	is_int(count_of("unknown", M_unknown), 1, "but for a file that has nothing else");
	is_int(count_of("mx1", M_rej), 1, "which takes nothing from the others");
	feed_close(f);
	ingest_close(in);
	drop_state(dir);
}

static void
test_repeats(void)
{
	struct ingest *in = begin();
	struct feed *f = feed(in, "log");

	reject(in, f, T0, "mx1");
	reject(in, f, T0, "mx2");
	feed_remember(f);
	commit(in, true);
	feed_close(f);
	ingest_close(in);
	in = begin();
	f = feed(in, "log");
	line(in, f, "2026-03-10T10:00:05+00:00 mx1 last message repeated 4 times");
	line(in, f, "2026-03-10T10:00:05+00:00 mx2 last message repeated 2 times");
	line(in, f, "2026-03-10T10:00:05+00:00 mx3 last message repeated 9 times");
	commit(in, true);
	ok(count_of("mx1", M_rej) == 5 && count_of("mx2", M_rej) == 3,
	    "over a restart each host's last line is known");
	is_int(count_of("mx3", M_repeat_lost), 1, "what is not known is said");
	feed_close(f);
	ingest_close(in);
	drop_state(dir);
}

static void
test_family(void)
{
	struct ingest *in = begin();
	struct state *s = ingest_state(in);
	struct state_source *a = state_source_add(s, "/log"), *b = state_source_add(s, "/log");
	struct state_source *c = state_source_add(s, "/log"), *d = state_source_add(s, "-");

	a->oldest = T0;
	a->newest = T0 + 1000;
	state_source_begins(s, b, T0 + 1000);
	state_source_begins(s, c, T0 + 10);
	ok(a->family == a->id && b->family == a->id, "what goes on where the other ended is its rotation");
	ok(c->family == c->id, "what begins in the middle of it is a copy");
	ok(d->family == d->id, "a stream is alone");
	ingest_close(in);
	drop_state(dir);
}

/* Rows of logs that rotation replaced or that are gone are dropped with the time; what may still be
 * followed is not. */
static void
test_sources_kept(void)
{
	struct err e = { "" };
	char quiet[64], names[256] = "";
	struct ingest *in = begin();
	struct { const char *name; int days; bool head; } rows[] = {
		{ quiet, 300, true }, { quiet, 200, true },	/* it is there */
		{ "/nowhere/a.log", 200, true }, { "/nowhere/a.log", 50, true },
		{ "/nowhere/gone.log", 101, true }, { "/nowhere/late.log", 99, true },
		{ "journal", 300, false }, { "udp 192.0.2.7", 300, false }, { "-", 300, true },
		{ "/nowhere/none.log", 0, true },
	};
	FILE *f;

	(void)snprintf(quiet, sizeof quiet, "%s/quiet.log", dir);
	f = fopen(quiet, "we");
	if (f == NULL || fclose(f) != 0)
		exit(1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct state_source *src = state_source_add(ingest_state(in), rows[i].name);

		src->read_at = src->newest = T0 - rows[i].days * DAY;
		src->pos.head_n = rows[i].head ? 7 : 0;
		src->pos.offset = i;
	}
	state_source_add(ingest_state(in), "/nowhere/last.log")->read_at = T0 - 300 * DAY;
	commit(in, true);
	ingest_close(in);
	in = begin();
	ingest_clock(in, T0 + DAY);
	if (!ingest_commit(in, true, &e))
		die(&e);
	ingest_close(in);
	in = begin();
	for (size_t i = 0; i < state_sources(ingest_state(in)); i++) {
		const struct state_source *src = state_source_at(ingest_state(in), i);
		size_t n = strlen(names);

		(void)snprintf(names + n, sizeof names - n, " %d", (int)src->id);
	}
	is_str(names, " 2 4 6 7 10 11", "what is followed, or was lately, is kept, and the last");
	is_int(state_source_add(ingest_state(in), "/nowhere/new.log")->id, 12, "ids are not used again");
	ingest_close(in);
	drop_state(dir);
	(void)unlink(quiet);
}

/* What is said of the collector and its limits is kept, and hits add up over restarts. */
static void
test_facts(void)
{
	const struct stateread_limit *l = NULL;
	struct stateread_run run;
	struct err e = { "" };
	struct stateread *r;
	size_t n = 0;

	for (int64_t i = 0; i < 2; i++) {
		struct ingest *in = begin();

		state_say(ingest_state(in), "beat_at", T0 + i);
		state_say_text(ingest_state(in), "version", "1.2");
		state_limit(ingest_state(in), "a_table", 5, 7, 2 + i, T0 + i);
		commit(in, true);
		ingest_close(in);
	}
	r = stateread_open(dir, &e);
	if (r == NULL || !stateread_run(r, &run, &e) || !stateread_limits(r, &l, &n, &e))
		die(&e);
	is_int(run.beat_at, T0 + 1, "the last beat is read");
	is_str(run.version, "1.2", "and who wrote it");
	is_int(n > 0 && strcmp(l[0].name, "a_table") == 0 ? l[0].hits : -1, 5, "hits add up");
	is_int(n > 0 ? l[0].hit_at : -1, T0 + 1, "with the time of the last one");
	is_int(stateread_writer(dir), 0, "nobody writes now");
	stateread_close(r);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	set = ingest_defaults;
	set.max_mails = 50;
	test_faults();
	test_stopped();
	test_killed();
	test_moved();
	set = ingest_defaults;
	test_days();
	test_timeless();
	test_repeats();
	test_family();
	test_sources_kept();
	test_facts();
	(void)rmdir(dir);
	return done_testing();
}
