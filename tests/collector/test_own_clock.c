/* test_own_clock.c - is our own clock right? What state_clock() answers to what it says, over restarts too; and of lines that
 * came while it was wrong, what is left of mails that have others. */
#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commit.h"
#include "ingest.h"
#include "ingest_priv.h"
#include "message.h"
#include "state_dir.h"
#include "stateread.h"
#include "tap.h"

#include "poison.h"

#define T0 ((int64_t)1800003600)
enum { HOUR = 3600, DAY = 86400, YEAR = 365 * DAY };

static char dir[] = "/tmp/mx-own-clock.XXXXXX";

static const struct look {
	int64_t at;		/* what the clock says, since T0 */
	bool anew;		/* another program looks */
	enum state_clock answer;
	const char *what;
} looks[] = {
	{ 0, true, CLOCK_AS_EVER, "a new state" },
	{ YEAR, false, CLOCK_JUMPED, "a jump" },
	{ YEAR + HOUR, false, CLOCK_AS_EVER, "it is told once" },
	{ HOUR, false, CLOCK_BACK, "of a new state nothing is sure: it goes back" },
	{ 2 * DAY, false, CLOCK_JUMPED, "more than a day is a jump" },
	{ 3 * DAY, false, CLOCK_AS_EVER, "a day is none" },
	{ 4 * DAY, false, CLOCK_AS_EVER, "two days after the jump" },
	{ 5 * DAY, false, CLOCK_SURE, "after three days it is sure" },
	{ 6 * DAY, true, CLOCK_AS_EVER, "a restart" },
	{ 5 * DAY - 25 * HOUR, false, CLOCK_AS_EVER, "a day back is nothing, for who is sure" },
	{ -YEAR, false, CLOCK_AS_EVER, "nor is a year: that clock is wrong" },
	{ -YEAR, true, CLOCK_AS_EVER, "also after a restart" },
	{ 6 * DAY + HOUR, true, CLOCK_AS_EVER, "and it is not missed that it is right again" },
	{ 36 * DAY, true, CLOCK_AS_EVER, "the machine was off: nothing is told" },
	{ 37 * DAY, false, CLOCK_AS_EVER, "nor later" },
	{ 7 * DAY, true, CLOCK_BACK, "but it was wrong, by what another program sees" },
	{ 7 * DAY + HOUR, false, CLOCK_AS_EVER, "and that is sure" },
	{ YEAR, false, CLOCK_JUMPED, "ahead by a year" },
	{ YEAR / 2, false, CLOCK_BACK, "half way back" },
	{ 8 * DAY, false, CLOCK_BACK, "and the rest" },
	{ 15 * DAY, true, CLOCK_AS_EVER, "looked at once a week" },
	{ 22 * DAY, true, CLOCK_AS_EVER, "and again" },
	{ 15 * DAY - 25 * HOUR, false, CLOCK_BACK, "what it said the week before is sure: back to a day before that" },
	{ 15 * DAY, false, CLOCK_AS_EVER, "to now" },
	{ 7 * DAY, false, CLOCK_AS_EVER, "and no further" },
	{ -T0 + 100, false, CLOCK_AS_EVER, "an empty battery" },
	{ -T0 + 100, true, CLOCK_AS_EVER, "and a restart" },
	{ 15 * DAY + HOUR, false, CLOCK_AS_EVER, "right again" },
	{ 15 * DAY + 28 * HOUR, false, CLOCK_JUMPED, "ahead by little more than a day" },
	{ 15 * DAY + 27 * HOUR + 1, false, CLOCK_AS_EVER, "set right by an hour" },
	{ 15 * DAY + 4 * HOUR, true, CLOCK_BACK, "and by the day, while nobody looked" },
	{ 15 * DAY + 5 * HOUR, false, CLOCK_AS_EVER, "which is sure" },
	{ 15 * DAY + 29 * HOUR, false, CLOCK_AS_EVER, "a day later" },
};

static struct ingest *
begin(void)
{
	struct err e = { "" };
	struct ingest *in = ingest_open(dir, &ingest_defaults, &e);

	if (in == NULL)
		die(&e);
	return in;
}

/* Each look is stored, as if the program were killed behind it. */
static void
test_looks(void)
{
	struct err e = { "" };
	struct ingest *in = NULL;
	int64_t at;

	for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
		const struct look *l = &looks[i];

		if (l->anew) {
			ingest_close(in);
			in = begin();
		}
		is_int(state_clock(ingest_state(in), T0 + l->at, DAY, &at), l->answer, l->what);
		state_say(ingest_state(in), "committed_at", T0 + l->at);
		ingest_clock(in, T0 + l->at);
		if (!ingest_commit(in, true, &e))
			die(&e);
	}
	ingest_close(in);
	drop_state(dir);
}

static const char *
stamp(int64_t t)
{
	static char text[40];
	time_t time = (time_t)t;
	struct tm tm;

	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S+00:00", gmtime_r(&time, &tm));
	return text;
}

static void
take_of(struct ingest *in, struct feed *f, const char *host, int64_t t, const char *text)
{
	struct err e = { "" };
	char raw[500];

	(void)snprintf(raw, sizeof raw, "%s %s %s", stamp(t), host, text);
	if (!ingest_line(in, f, slice_of(raw), false, &e))
		die(&e);
}

static void
take(struct ingest *in, struct feed *f, int64_t t, const char *text)
{
	take_of(in, f, "mx1", t, text);
}

static struct feed *
open_feed(struct ingest *in)
{
	struct err e = { "" };
	struct feed *f = feed_open(in, state_source_add(ingest_state(in), "a"), "UTC", 0, "", T0, &e);

	if (f == NULL)
		die(&e);
	feed_live(f, true);
	return f;
}

static int64_t
sum(int64_t from, int64_t to, enum metric m)
{
	struct cell c = { 0 };
	struct err e = { "" };
	struct stateread *r = stateread_open(dir, &e);
	int64_t n;

	if (r == NULL || !stateread_sum(r, STATEREAD_FARM, from / 60, to / 60, &c, &e))
		die(&e);
	stateread_close(r);
	n = cell_get(&c, m);
	cell_free(&c);
	return n;
}

/* In memory, at the last commit. */
static int64_t
open_mails(void)
{
	const struct stateread_limit *l;
	struct err e = { "" };
	struct stateread *r = stateread_open(dir, &e);
	int64_t used = -1;
	size_t n;

	if (r == NULL || !stateread_limits(r, &l, &n, &e))
		die(&e);
	for (size_t i = 0; i < n; i++)
		if (strcmp(l[i].name, "open_mails") == 0)
			used = l[i].used;
	stateread_close(r);
	return used;
}

#define SENT(who) "to=<" who "@example.org>, relay=mx.example.org[198.51.100.9]:25, delay=5, delays=1/0/1/3, dsn=2.0.0, " \
	"status=sent (250 2.0.0 Ok)"

/* away: its mails are put away in between, and come back from their blocks. */
static void
test_mails(bool away, const char *how)
{
	struct ingest *in = begin();
	struct feed *f = open_feed(in);
	int64_t late = T0 + YEAR;

	ingest_clock(in, T0);
	take(in, f, T0, "postfix/qmgr[8]: 4A1B2C3D01: from=<a@example.net>, size=900, nrcpt=1 (queue active)");
	take(in, f, T0, "postfix/qmgr[8]: 4A1B2C3D02: from=<a@example.net>, size=900, nrcpt=2 (queue active)");
	take(in, f, T0 + 1, "postfix/smtp[9]: 4A1B2C3D02: " SENT("u"));
	commit(in, true);
	ingest_clock(in, late);
	take(in, f, late, "postfix/smtp[9]: 4A1B2C3D01: " SENT("u"));
	take(in, f, late, "postfix/qmgr[8]: 4A1B2C3D01: removed");
	take(in, f, late, "postfix/qmgr[8]: 4A1B2C3D03: from=<a@example.net>, size=900, nrcpt=1 (queue active)");
	commit(in, true);
	for (int i = 0; away && i < 3000; i++)	/* nobody speaks of them */
		take(in, f, late + HOUR, "postfix/smtpd[7]: connect from unknown[192.0.2.1]");
	ingest_clock(in, late + HOUR);
	commit(in, true);
	is_int(sum(late, late + HOUR, M_dlv_ext), 1, how);
	ingest_clock(in, T0 + HOUR);
	take(in, f, away ? late + HOUR : late, "postfix/smtpd[7]: connect from unknown[192.0.2.2]");
	commit(in, true);
	is_int(sum(T0 + DAY + HOUR, late + 2 * YEAR, M_lines), 0, "nothing is left of later, nor comes more of it");
	is_int(sum(T0, T0 + HOUR, M_recv_msg), 2, "what came before is there");
	is_int(sum(T0, T0 + HOUR, M_dlv_ext), 1, "and what went");
	is_int(sum(T0 + HOUR, T0 + HOUR + 60, M_too_late), away ? 3003 : 3, "and how many lines went");
	take(in, f, T0 + HOUR, "postfix/smtp[9]: 4A1B2C3D01: " SENT("u"));
	take(in, f, T0 + HOUR, "postfix/qmgr[8]: 4A1B2C3D01: removed");
	take(in, f, T0 + HOUR, "postfix/smtp[9]: 4A1B2C3D02: " SENT("v"));
	take(in, f, T0 + HOUR, "postfix/qmgr[8]: 4A1B2C3D02: removed");
	commit(in, true);
	is_int(sum(T0, T0 + 2 * HOUR, M_b_delivered), 3, "its end comes once more, and counts");
	is_int(sum(T0, T0 + 2 * HOUR, M_b_lost), 0, "nothing is unaccounted for");
	is_int(sum(T0, T0 + DAY + HOUR, M_dlv_ext), 3, "nor twice there");
	is_int(sum(T0, T0 + DAY + HOUR, M_recv_msg), 2, "no mail came twice");
	is_int(sum(T0 + DAY + HOUR, late + 2 * YEAR, M_dlv_ext), 0, "and later is not even less than nothing");
	feed_close(f);
	ingest_close(in);
	in = begin();
	is_int(state_newest(ingest_state(in))[0], T0 + HOUR, "another program reads it");
	ingest_clock(in, T0 + HOUR);
	commit(in, true);
	is_int(open_mails(), 2, "and its mails");
	ingest_close(in);
	drop_state(dir);
}

#define NAMED(id) "postfix/cleanup[7]: " id ": message-id=<m1@example.net>"
#define CAME(id) "postfix/qmgr[8]: " id ": from=<a@example.net>, size=900, nrcpt=1 (queue active)"

/* Our clock and that of mx1 jump while a mail waits there. Then it goes on to mx2, whose clock is right: the delay, which is
 * as long as the jump, lets the times fit. */
static void
test_hop(bool away, const char *how)
{
	struct ingest *in = begin();
	struct feed *f = open_feed(in);
	int64_t late = T0 + 5 * DAY;

	ingest_clock(in, T0);
	take(in, f, T0, NAMED("4A1B2C3D01"));
	take(in, f, T0, CAME("4A1B2C3D01"));
	take_of(in, f, "mx2", T0 + 60, NAMED("4A1B2C3D02"));
	take_of(in, f, "mx2", T0 + 60, CAME("4A1B2C3D02"));
	commit(in, true);
	ingest_clock(in, late);
	take(in, f, late, "postfix/smtp[9]: 4A1B2C3D01: to=<u@example.org>, relay=mx2.example.org[10.0.0.2]:25, "
	    "delay=432000, delays=0/431999/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4A1B2C3D02)");
	for (int i = 0; away && i < 3000; i++)	/* nobody speaks of them */
		take_of(in, f, "mx2", T0 + HOUR, "postfix/smtpd[7]: connect from unknown[192.0.2.1]");
	commit(in, true);
	is_int(sum(T0, T0 + HOUR, M_recv_msg), 1, how);
	ingest_clock(in, T0 + HOUR);
	commit(in, true);
	is_int(sum(T0, T0 + HOUR, M_recv_msg), 2, "taken back, there are two: nothing says that they are one");
	take(in, f, T0 + HOUR, "postfix/smtp[9]: 4A1B2C3D01: to=<u@example.org>, relay=mx2.example.org[10.0.0.2]:25, "
	    "delay=3600, delays=0/3599/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4A1B2C3D02)");
	commit(in, true);
	is_int(sum(T0, T0 + HOUR, M_recv_msg), 1, "but when a true line does they are");
	feed_close(f);
	ingest_close(in);
	drop_state(dir);
}

#define PIECE(n, text) "exim[7]: [" n "/2] " text
#define EXIM "1r0abc-000000012Xy-0aBc"

/* Half of a line came before our clock jumped, the other half comes when it is right again; and one of later waits, too. */
static void
test_pieces(bool killed, const char *how)
{
	struct ingest *in = begin();
	struct feed *f = open_feed(in);
	int64_t late = T0 + 5 * DAY;

	ingest_clock(in, T0);
	take(in, f, T0, PIECE("1", EXIM " <= a@example.net H=mx.example.net "));
	commit(in, true);
	ingest_clock(in, late);
	take_of(in, f, "mx2", late, PIECE("1", EXIM " <= b@example.net H=mx.example.net "));
	commit(in, true);
	ingest_clock(in, T0 + HOUR);
	commit(in, true);
	if (killed) {
		feed_close(f);
		ingest_close(in);
		in = begin();
		f = open_feed(in);
		ingest_clock(in, T0 + HOUR);
	}
	take(in, f, T0, PIECE("2", "[192.0.2.1] P=esmtp S=900"));
	commit(in, true);
	is_int(sum(T0, T0 + HOUR, M_unknown), 0, how);
	is_int(sum(T0, T0 + HOUR, M_recv_msg), 1, "it is a mail");
	is_int(sum(T0 + DAY + HOUR, late + YEAR, M_lines), 0, "nothing is left of later");
	ok(join_waiting(in->join) == 0, "nor does anything wait");
	feed_close(f);
	ingest_close(in);
	drop_state(dir);
}

/* A host that also sends lines of before the jump, and whose lines are all of one minute. */
static void
test_host(void)
{
	const struct stateread_host *hosts;
	struct err e = { "" };
	struct ingest *in = begin();
	struct feed *f = open_feed(in);
	struct stateread *r;
	size_t n;

	for (int64_t t = T0 - 4 * DAY; t < T0; t += DAY)	/* of a new state nothing is sure */
		ingest_clock(in, t);
	ingest_clock(in, T0 + 30);
	take(in, f, T0 + 30, "postfix/smtpd[7]: connect from unknown[192.0.2.1]");
	commit(in, true);
	ingest_clock(in, T0 + 30 * DAY);
	take(in, f, T0 + 30 * DAY, "postfix/smtpd[7]: connect from unknown[192.0.2.2]");
	take(in, f, T0 + 31, "postfix/smtpd[7]: connect from unknown[192.0.2.3]");
	commit(in, true);
	is_int(sum(T0, T0 + HOUR, M_lines), 2, "a true line of a host counts beside one that is weeks ahead");
	ingest_clock(in, T0 + HOUR);
	commit(in, true);
	is_int(sum(T0, T0 + HOUR, M_lines), 2, "and after that is taken back");
	r = stateread_open(dir, &e);
	if (r == NULL || !stateread_hosts(r, &hosts, &n, &e))
		die(&e);
	is_int(hosts[0].first, T0 + 30, "its first line stays the first");
	stateread_close(r);
	feed_close(f);
	ingest_close(in);
	drop_state(dir);
}

static void
rename_table(const char *from, const char *to)
{
	char path[100], sql[100];
	sqlite3 *db;

	(void)snprintf(path, sizeof path, "%s/state.db", dir);
	(void)snprintf(sql, sizeof sql, "ALTER TABLE %s RENAME TO %s", from, to);
	if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die(&(struct err){ "another program cannot change the state" });
	(void)sqlite3_close(db);
}

/* Where it cannot be read what there is to be taken back, nothing is committed until it can. */
static void
test_unreadable(void)
{
	struct err e = { "" };
	struct ingest *in = begin();
	struct feed *f = open_feed(in);
	int64_t late = T0 + 30 * DAY;

	ingest_clock(in, T0);
	take(in, f, T0, CAME("4A1B2C3D01"));
	commit(in, true);
	ingest_clock(in, late);
	take(in, f, late, "postfix/qmgr[8]: 4A1B2C3D01: removed");
	commit(in, true);
	rename_table("cell", "away");
	ingest_clock(in, T0 + HOUR);
	ok(!ingest_commit(in, false, &e), "it cannot be read what to take back: no commit");
	rename_table("away", "cell");
	ok(ingest_commit(in, false, &e), "it can, and nobody commits after that: we may be killed");
	is_int(sum(T0 + DAY, late + DAY, M_lines), 0, "nothing is left of later");
	is_int(state_newest(ingest_state(in))[0], T0, "nor does the host know of it");
	is_int(sum(T0, T0 + 2 * HOUR, M_too_late), 1, "it counts as too late");
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
	test_looks();
	test_mails(false, "a mail that ends a year later");
	test_mails(true, "a mail that was put away a year later");
	test_hop(false, "a mail goes on to another host, whose clock is right");
	test_hop(true, "that host's part of it was put away");
	test_pieces(false, "a line whose pieces came before the jump and after it is whole");
	test_pieces(true, "also where mxgauged was killed in between");
	test_host();
	test_unreadable();
	(void)rmdir(dir);
	return done_testing();
}
