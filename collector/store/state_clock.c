/* state_clock.c - is our own clock right, and what came while it was not.
 *
 * By one look nobody can tell. A clock that is more than a day further than it was may be right (the machine was off, a
 * virtual one slept) or not (a bad time server, an empty battery). So such a jump is unsure until the clock went on from
 * there for SURE_S: until then what is kept is counted back from the time before (clock_sure()), and lines of
 * after the jump can be taken back. They are when the clock is set back: no line is counted that is further
 * ahead of our clock than it may be, and so the counts are what they would be had it always been right.
 * Of a state that is new nothing is sure. A clock that says less than what was sure is the one that is wrong: nothing
 * is taken back for it. */
#include <string.h>

#include "cell.h"
#include "specimen.h"
#include "store/state_db.h"

#include "poison.h"

enum {
	DAY_S = 86400, HOUR_S = 3600,
	JUMP_S = 26 * HOUR_S,	/* a daily import is none */
	SURE_S = 3 * DAY_S	/* somebody looks at it after a weekend */
};

/* No clock is right that says less: 2026-01-01. Batteries that are empty say 1970, or 2000. */
#define OLDEST ((int64_t)1767225600)

/* No clock says more. */
#define LATEST ((int64_t)1 << 36)

static bool
read_number(struct state *s, const char *key, int64_t *to, struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, "SELECT value FROM run WHERE key=?1", e);
	bool found, good;

	if (st == NULL)
		return false;
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	good = db_find(s, st, &found, e);
	if (good && found && sqlite3_column_int64(st, 0) >= 0 && sqlite3_column_int64(st, 0) < LATEST)
		*to = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return good;
}

bool
clock_load(struct state *s, struct err *e)
{
	struct own_clock *c = &s->clock;
	int64_t committed = 0;

	*c = (struct own_clock){ 0 };
	if (!read_number(s, "committed_at", &committed, e))
		return false;
	c->sure = committed;		/* of a release that knew of no jumps */
	if (!read_number(s, "clock_sure", &c->sure, e) || !read_number(s, "clock_jumped", &c->jumped, e) ||
	    !read_number(s, "clock_jump_s", &c->jump_s, e))
		return false;
	c->last = committed > c->jumped ? committed : c->jumped;
	return true;
}

int64_t
clock_sure(const struct state *s)
{
	return s->clock.jumped != 0 && s->clock.sure != 0 ? s->clock.sure : INT64_MAX;
}

int64_t
state_back_from(const struct state *s, unsigned host)
{
	int64_t sure = clock_sure(s);

	return s->host_newest[host] < sure ? s->host_newest[host] : sure;
}

static void
say(struct state *s)
{
	state_say(s, "clock_sure", s->clock.sure);
	state_say(s, "clock_jumped", s->clock.jumped);
	state_say(s, "clock_jump_s", s->clock.jump_s);
}

/* Unsure from now on; by: how far while we ran, or 0. */
static enum state_clock
jumped(struct own_clock *c, int64_t now, int64_t by)
{
	c->jumped = now;
	c->jump_s = by;
	return by != 0 ? CLOCK_JUMPED : CLOCK_AS_EVER;
}

static enum state_clock
sure(struct own_clock *c, int64_t now)
{
	c->sure = now;
	c->jumped = c->jump_s = 0;
	return CLOCK_SURE;
}

/* Of an unsure clock that was set back: to where it was, or to somewhere between. */
static enum state_clock
set_back(struct own_clock *c, int64_t now)
{
	if (now - c->sure > JUMP_S)
		(void)jumped(c, now, c->jump_s != 0 ? now - c->sure : 0);
	else
		(void)sure(c, now > c->sure ? now : c->sure);
	return CLOCK_BACK;
}

/* It was unsure before this look; first: of this program. */
static enum state_clock
look_again(struct own_clock *c, int64_t now, int64_t last, bool first)
{
	bool jump = now - last > JUMP_S;

	/* to before the jump it goes also where nobody looked for hours; of a new state there was none */
	if (last - now > JUMP_S || (c->sure != 0 && now < c->jumped - HOUR_S))
		return set_back(c, now);
	if (jump && !first) {
		c->sure = c->sure != 0 ? c->sure : last;	/* of a new state: surer than this */
		return jumped(c, now, now - last);
	}
	if (now - c->jumped < SURE_S)
		return CLOCK_AS_EVER;
	if (!jump)
		return sure(c, now);
	c->sure = c->jumped;	/* it went on from there while nobody looked; but where is it now? */
	return jumped(c, now, 0);
}

/* Lines may be of up to then, which is the end of an hour: what is counted by the hour is not to be divided. */
static int64_t
believed(const struct own_clock *c, int64_t now, int64_t future_s)
{
	int64_t until = now + (future_s > 0 ? future_s : DAY_S);

	if (c->jumped - HOUR_S < until)	/* it was not far ahead: what came since the jump is of then */
		until = c->jumped - HOUR_S > now ? c->jumped - HOUR_S : now;
	return (until / HOUR_S + 1) * HOUR_S - 1;
}

enum state_clock
state_clock(struct state *s, int64_t now, int64_t future_s, int64_t *at)
{
	struct own_clock *c = &s->clock, before = *c;
	enum state_clock news = CLOCK_AS_EVER;

	if (now < OLDEST || now < c->sure - JUMP_S)
		return CLOCK_AS_EVER;
	c->looked = true;
	c->last = now;
	if (c->jumped != 0)
		news = look_again(c, now, before.last, !before.looked);
	else if (c->sure == 0)
		(void)jumped(c, now, 0);	/* of a state that is new */
	else if (now - c->sure > JUMP_S)
		news = jumped(c, now, before.looked ? now - c->sure : 0);
	else if (now > c->sure)
		c->sure = now;
	*at = news == CLOCK_BACK ? believed(&before, now, future_s) : before.last;
	say(s);
	return news;
}

/* --- what came while it was wrong ------------------------------------------------------------ */

/* The lines of the row of cells or hours that st stands on; c: to work with. */
static int64_t
lines_of(const struct state *s, sqlite3_stmt *st, struct cell *c)
{
	cell_clear(c);
	return cell_decode(db_blob(st, 1), c) ? cell_get(c, s->metric_number[M_lines]) : 0;
}

/* Find the newest line up to that time of each host of which newest is 0, to the unit of a table. */
static bool
find_newest(struct state *s, const char *sql, int64_t unit_s, int64_t until, size_t lack, int64_t newest[HOSTS_MAX],
    struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, sql, e);
	struct cell c = { 0 };
	int rc = SQLITE_DONE;

	if (st == NULL)
		return false;
	sqlite3_bind_int64(st, 1, (until / unit_s + 1) * 65536);
	while (lack > 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t at = sqlite3_column_int64(st, 0);
		size_t h = (size_t)(at & 65535);

		if (h >= s->hosts || newest[h] != 0 || lines_of(s, st, &c) <= 0)
			continue;
		newest[h] = (at >> 16) * unit_s;
		lack--;
	}
	cell_free(&c);
	return db_end(s, st, lack == 0 ? SQLITE_DONE : rc, e);
}

/* The newest lines of all hosts as they are up to that time; 0: there is none. */
static bool
newest_until(struct state *s, int64_t until, int64_t newest[HOSTS_MAX], struct err *e)
{
	static const struct {
		const char *sql;
		int64_t unit_s;
	} tables[] = {
		{ "SELECT at, pairs FROM cell WHERE at < ?1 ORDER BY at DESC", 60 },
		{ "SELECT at, pairs FROM hour WHERE at < ?1 ORDER BY at DESC", HOUR_S },	/* of who was silent for long */
	};

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		size_t lack = 0;

		for (size_t h = 0; h < s->hosts; h++) {
			if (s->host_newest[h] <= until)
				newest[h] = s->host_newest[h];
			lack += newest[h] == 0;
		}
		if (!find_newest(s, tables[i].sql, tables[i].unit_s, until, lack, newest, e))
			return false;
	}
	return true;
}

static void
disown_host(struct state *s, size_t h, int64_t newest, int64_t after, int64_t now)
{
	if (s->host_sampled[h] > after)
		s->host_sampled[h] = now;
	if (s->host_first[h] > after)
		s->host_first[h] = 0;
	/* known to the unit of a table */
	s->host_newest[h] = newest != 0 && newest < s->host_first[h] ? s->host_first[h] : newest;
	if (s->host_first[h] > host_last(s, h))
		s->host_first[h] = host_last(s, h);
	if (s->host_kept[h] > after / 60)
		s->host_kept[h] = 0;
	s->host_changed[h] = true;
}

static void
disown_source(struct state_source *src, int64_t after, int64_t now)
{
	src->changed = src->changed || src->newest > after || src->read_at > now || src->behind_since > now;
	src->newest = src->newest > after ? now : src->newest;
	src->oldest = src->oldest > after ? 0 : src->oldest;
	src->read_at = src->read_at > now ? now : src->read_at;
	src->behind_since = src->behind_since > now ? now : src->behind_since;
}

bool
disown_due(struct state *s, struct err *e)
{
	int64_t newest[HOSTS_MAX] = { 0 }, after = s->disown_after, now = s->disown_now;

	if (!s->disown_due)
		return true;
	if (!newest_until(s, after, newest, e))
		return false;
	for (size_t h = 0; h < s->hosts; h++)
		disown_host(s, h, newest[h], after, now);
	for (size_t i = 0; i < s->sources; i++)
		disown_source(s->source[i], after, now);
	for (size_t i = 0; i < s->limits; i++) {
		s->limit[i].changed = s->limit[i].changed || s->limit[i].hit_at > now;
		s->limit[i].hit_at = s->limit[i].hit_at > now ? now : s->limit[i].hit_at;
	}
	if (!mails_disown(s, after, e))
		return false;
	s->disown_due = false;
	return true;
}

void
state_disown(struct state *s, int64_t after, int64_t now)
{
	s->disown_after = s->disowns && s->disown_after < after ? s->disown_after : after;
	s->disown_now = now;
	s->disowns = s->disown_due = true;
	(void)disown_due(s, NULL);	/* the commit says why not */
}

bool
state_disowning(const struct state *s)
{
	return s->disowns;
}

bool
disowned_lines(struct state *s, int64_t lines[HOSTS_MAX], struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, "SELECT at, pairs FROM cell WHERE at >= ?1", e);
	struct cell c = { 0 };
	int rc;

	if (st == NULL)
		return false;
	sqlite3_bind_int64(st, 1, (s->disown_after + 1) / 60 * 65536);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		lines[sqlite3_column_int64(st, 0) & (HOSTS_MAX - 1)] += lines_of(s, st, &c);
	cell_free(&c);
	return db_end(s, st, rc, e);
}

bool
disowned_drop(struct state *s, struct err *e)
{
	/* ?1: the first that goes, in units of the column */
	static const struct {
		const char *sql;
		int64_t unit_s, times;
	} rows[] = {
		{ "DELETE FROM cell WHERE at >= ?1", 60, 65536 },
		{ "DELETE FROM seen WHERE at >= ?1", 60, 65536 },
		{ "DELETE FROM specimen WHERE at >= ?1", SPECIMEN_SLOT_S, 65536 },
		{ "DELETE FROM hour WHERE at >= ?1", HOUR_S, 65536 },
		{ "DELETE FROM account WHERE at >= ?1", HOUR_S, 65536 },
		{ "DELETE FROM top WHERE hour >= ?1 AND host >= 0", HOUR_S, 1 },
		{ "DELETE FROM unaccounted WHERE time >= ?1", 1, 1 },
		{ "DELETE FROM waiting WHERE since >= ?1", 1, 1 },
		{ "UPDATE waiting SET until = 1 << 40 WHERE until >= ?1 AND until < 1 << 40", 1, 1 },
	};
	int64_t from = s->disown_after + 1;

	if (!s->disowns)
		return true;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!db_write(s, rows[i].sql, from / rows[i].unit_s * rows[i].times, e))
			return false;
	return true;
}

void
disowned_committed(struct state *s)
{
	for (size_t h = 0; s->disowns && h < s->hosts; h++)
		if (s->host_stored[h] > s->disown_after / 60)
			s->host_stored[h] = s->disown_after / 60;
	s->disowns = false;
}
