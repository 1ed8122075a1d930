/* state_commit.c - everything that was learnt goes to disk in one transaction.
 *
 * Cells in memory are corrections: they are added to what is stored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/origin.h"
#include "flow/places.h"
#include "flow/specimens.h"
#include "mem.h"
#include "store/state_db.h"

#include "poison.h"

#define LAST "max(newest, coalesce(sampled, 0))"	/* of a host, as host_last() has it */

enum {
	BLOB_MAX = 512 << 20,
	AGED_S = 86400,		/* a host whose log went on so far has old rows to drop */
	OLD_CELLS = 20000	/* dropped by one commit: all of their pages are in memory */
};

struct hour_sum {		/* corrections of an hour, gathered over its minutes */
	uint64_t at;		/* host and hour */
	struct cell c;
};

struct writing {
	struct state *s;
	struct err *e;
	struct cell sum, numbered;
	struct places hours;	/* struct hour_sum */
	int64_t stored[HOSTS_MAX];	/* newest minute written, by host */
	int64_t undrawn[HOSTS_MAX], kept[HOSTS_MAX];	/* host_kept, once it is committed */
	bool expires;		/* what is too old goes */
	bool old_left;		/* but for some */
	struct buf out;
};

/* metric numbers of the enum to those of the state */
static const struct cell *
to_numbers(struct writing *w, const struct cell *c)
{
	if (w->s->metrics_same)
		return c;
	cell_clear(&w->numbered);
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t key = c->pair[i].key, what = key % CELL_HOP;

		if (what < METRIC_N)
			key = key - what + w->s->metric_number[what];
		cell_add(&w->numbered, key, c->pair[i].n);
	}
	return &w->numbered;
}

static bool
add_to_row(struct writing *w, sqlite3_stmt *get, sqlite3_stmt *put, int64_t at, bool may_exist,
    const struct cell *c)
{
	cell_clear(&w->sum);
	if (may_exist) {
		bool found, whole;

		sqlite3_bind_int64(get, 1, at);
		if (!db_find(w->s, get, &found, w->e))
			return false;
		whole = !found || cell_decode(db_blob(get, 0), &w->sum);
		(void)sqlite3_reset(get);
		if (!whole)
			return err_set(w->e, "%s/state.db has a damaged cell; import the logs again into "
			    "a new directory", w->s->dir);
	}
	cell_merge(&w->sum, c);
	buf_clear(&w->out);
	cell_encode(&w->out, &w->sum);
	sqlite3_bind_int64(put, 1, at);
	sqlite3_bind_blob(put, 2, w->out.p, (int)w->out.n, SQLITE_STATIC);
	return db_step(w->s, put, "write", w->e);
}

static void
add_to_hour(struct writing *w, unsigned host, int64_t hour, const struct cell *c)
{
	struct hour_sum *sum = places_get(&w->hours, place_of(host, hour), sizeof *sum);

	cell_merge(&sum->c, c);
}

static bool
put_hours(struct writing *w)
{
	for (size_t i = 0; i < w->hours.n; i++) {
		const struct hour_sum *sum = (const struct hour_sum *)w->hours.item[i];
		int64_t at = place_time(sum->at) * 65536 + place_host(sum->at);

		if (!add_to_row(w, w->s->get_hour, w->s->put_hour, at, true, &sum->c))
			return false;
	}
	return true;
}

static void
drop_hours(struct writing *w)
{
	for (size_t i = 0; i < w->hours.n; i++) {
		struct hour_sum *sum = (struct hour_sum *)w->hours.item[i];

		cell_free(&sum->c);
		free(sum);
	}
	places_free(&w->hours);
}

static int64_t
floor_hour(int64_t minute)
{
	return minute >= 0 ? minute / 60 : (minute - 59) / 60;
}

static bool
put_cell_at(struct writing *w, unsigned host, int64_t minute, const struct cell *c, bool may_exist)
{
	const struct cell *n = to_numbers(w, c);

	if (n->n == 0)
		return true;
	if (minute > w->stored[host])
		w->stored[host] = minute;
	if (minute < w->undrawn[host])
		w->undrawn[host] = minute;
	add_to_hour(w, host, floor_hour(minute), n);
	return add_to_row(w, w->s->get_cell, w->s->put_cell, minute * 65536 + host, may_exist, n);
}

static bool
put_cell(void *arg, unsigned host, int64_t minute, const struct cell *c)
{
	struct writing *w = arg;

	return put_cell_at(w, host, minute, c, minute <= w->s->host_stored[host]);
}

/* Of lines that disowned_drop() takes: in this commit, or their number would be gone with a kill before the next. */
static bool
put_disowned(struct writing *w, int64_t now)
{
	int64_t lines[HOSTS_MAX] = { 0 };
	struct cell c = { 0 };
	bool good;

	if (!state_disowning(w->s))
		return true;
	good = disowned_lines(w->s, lines, w->e);
	for (size_t h = 0; good && h < w->s->hosts; h++) {
		cell_clear(&c);
		cell_add(&c, CELL_METRIC + M_too_late, lines[h]);
		good = put_cell_at(w, (unsigned)h, now / 60, &c, true);
	}
	cell_free(&c);
	return good;
}

static bool
put_programs(void *arg, unsigned host, int64_t hour, const struct cell *c)
{
	struct writing *w = arg;

	add_to_hour(w, host, hour, c);
	return true;
}

static bool
put_seen(void *arg, unsigned host, int64_t minute, uint32_t source, const unsigned char *hashes,
    size_t n)
{
	struct writing *w = arg;
	sqlite3_stmt *st = w->s->put_seen;

	if (minute > w->stored[host])
		w->stored[host] = minute;
	sqlite3_bind_int64(st, 1, minute * 65536 + host);
	sqlite3_bind_int64(st, 2, source);
	sqlite3_bind_blob(st, 3, hashes, (int)(n * SEEN_BYTES), SQLITE_STATIC);
	return db_step(w->s, st, "write", w->e);
}

/* Those that are new; their numbers begin with base. */
static bool
put_names(struct writing *w, const struct tally *t, size_t stored, size_t n, size_t base,
    struct slice (*text_of)(const struct tally *, uint32_t))
{
	sqlite3_stmt *st;
	bool good = true;

	if (stored == n)
		return true;
	st = db_prepare(w->s, "INSERT INTO word VALUES(?1,?2)", w->e);
	for (size_t i = stored; st != NULL && good && i < n; i++) {
		struct slice text = text_of(t, (uint32_t)i);

		sqlite3_bind_int64(st, 1, (sqlite3_int64)(base + i));
		sqlite3_bind_text(st, 2, text.p, (int)text.n, SQLITE_STATIC);
		good = db_step(w->s, st, "write", w->e);
	}
	sqlite3_finalize(st);
	return st != NULL && good;
}

static bool
put_words(struct writing *w, const struct tally *t)
{
	return put_names(w, t, w->s->words_stored, tally_words(t), 0, tally_word_text) &&
	    put_names(w, t, w->s->programs_stored, tally_programs(t), STATEREAD_PROGRAMS,
	    tally_program_text);
}

/* The newest line or sample of a host, if our clock was right when it came. */
static int64_t
kept_back_from(const struct state *s, size_t h)
{
	int64_t sure = clock_sure(s), last = host_last(s, h);

	return last < sure ? last : sure;
}

/* Each minute; and before that where an import brings days at once, lest the state have all of an archive first. */
static bool
is_to_expire(const struct state *s, const struct commit *c)
{
	bool aged = c->slow;

	for (size_t h = 0; !aged && h < s->hosts; h++)
		aged = kept_back_from(s, h) - s->host_expired[h] >= AGED_S;
	return aged;
}

/* From which minute on some of a host's are not in the RRDs, as it is stored; INT64_MAX: all are. */
static int64_t
undrawn_before(const struct state *s, size_t h)
{
	return s->host_drawing[h] < s->host_undrawn[h] ? s->host_drawing[h] : s->host_undrawn[h];
}

/* The same once this is committed. */
static int64_t
undrawn_from(const struct writing *w, size_t h)
{
	int64_t before = undrawn_before(w->s, h);

	return w->undrawn[h] < before ? w->undrawn[h] : before;
}

static bool
put_hosts(struct writing *w)
{
	/* no REPLACE: it would write a page of the index of names, too */
	sqlite3_stmt *st = db_prepare(w->s, "INSERT INTO host VALUES(?1,?2,?3,?4,?5,?6,?7,?8)"
	    " ON CONFLICT(id) DO UPDATE SET first=?3, newest=?4, undrawn=?5, kept=?6, skew=?7,"
	    " sampled=?8", w->e);
	bool good = st != NULL;

	for (size_t h = 0; good && h < w->s->hosts; h++) {
		int64_t undrawn = undrawn_from(w, h);

		if (!w->s->host_changed[h] && undrawn == undrawn_before(w->s, h))
			continue;
		sqlite3_bind_int64(st, 1, (sqlite3_int64)h);
		sqlite3_bind_text(st, 2, w->s->host_name[h], -1, SQLITE_STATIC);
		sqlite3_bind_int64(st, 3, w->s->host_first[h]);
		sqlite3_bind_int64(st, 4, w->s->host_newest[h]);
		sqlite3_bind_int64(st, 5, undrawn);
		sqlite3_bind_int64(st, 6, w->kept[h]);
		sqlite3_bind_int64(st, 7, w->s->host_skew[h]);
		sqlite3_bind_int64(st, 8, w->s->host_sampled[h]);
		good = db_step(w->s, st, "write", w->e);
	}
	sqlite3_finalize(st);
	return good;
}

static bool
put_sources(struct writing *w)
{
	sqlite3_stmt *st = db_prepare(w->s, "INSERT OR REPLACE INTO source"
	    " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)", w->e);
	bool good = st != NULL;

	for (size_t i = 0; good && i < w->s->sources; i++) {
		const struct state_source *src = w->s->source[i];

		if (!src->changed)
			continue;
		sqlite3_bind_int64(st, 1, src->id);
		sqlite3_bind_text(st, 2, src->name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(st, 3, (sqlite3_int64)src->pos.offset);
		sqlite3_bind_int64(st, 4, (sqlite3_int64)src->pos.head_hash);
		sqlite3_bind_int64(st, 5, src->pos.head_n);
		sqlite3_bind_int64(st, 6, (sqlite3_int64)src->pos.tail_hash);
		sqlite3_bind_int64(st, 7, src->pos.tail_n);
		sqlite3_bind_int64(st, 8, (sqlite3_int64)src->lines);
		sqlite3_bind_int64(st, 9, src->newest);
		sqlite3_bind_int64(st, 10, src->read_at);
		sqlite3_bind_int64(st, 11, (sqlite3_int64)src->size);
		if (src->last_line != NULL)
			sqlite3_bind_blob(st, 12, src->last_line, (int)strlen(src->last_line),
			    SQLITE_STATIC);
		else
			sqlite3_bind_null(st, 12);
		sqlite3_bind_int64(st, 13, src->family);
		sqlite3_bind_int64(st, 14, src->oldest);
		sqlite3_bind_blob(st, 15, src->unfinished.p, (int)src->unfinished.n, SQLITE_STATIC);
		sqlite3_bind_blob(st, 16, src->cursor.p, (int)src->cursor.n, SQLITE_STATIC);
		sqlite3_bind_int64(st, 17, src->behind_since);
		good = db_step(w->s, st, "write", w->e);
	}
	sqlite3_finalize(st);
	return good;
}

struct pieces {
	struct writing *w;
	sqlite3_stmt *put, *drop;
};

static bool
put_piece(void *arg, uint64_t number, struct slice bytes)
{
	struct pieces *p = arg;
	sqlite3_stmt *st = bytes.n > 0 ? p->put : p->drop;

	sqlite3_bind_int64(st, 1, (sqlite3_int64)number);
	if (bytes.n > 0)
		sqlite3_bind_blob(st, 2, bytes.p, (int)bytes.n, SQLITE_STATIC);
	return db_step(p->w->s, st, "write", p->w->e);
}

static bool
put_pieces(struct writing *w, struct join *join)
{
	struct pieces p = { w, NULL, NULL };
	bool good = true;

	if (!join_changed(join))
		return true;
	p.put = db_prepare(w->s, "INSERT OR REPLACE INTO piece VALUES(?1,?2)", w->e);
	p.drop = p.put != NULL ? db_prepare(w->s, "DELETE FROM piece WHERE id=?1", w->e) : NULL;
	good = p.drop != NULL && join_each_change(join, put_piece, &p);
	sqlite3_finalize(p.put);
	sqlite3_finalize(p.drop);
	return good;
}

/* Minutes of cells that go: *n of them, to be freed. What the RRDs do not show yet stays from midnight on, where rows of all
 * lengths begin. An import draws when it ends, so that of an archive all minutes may become too old at once. */
static int64_t *
old_cells(struct writing *w, const struct commit *c, size_t *n)
{
	const char *undrawn = c->keep_undrawn ?
	    " AND at >> 16 < (SELECT undrawn - undrawn % 1440 FROM host WHERE id = (at & 65535))" : "";
	int64_t before = 0, *old = xreallocarray(NULL, OLD_CELLS, sizeof *old);
	sqlite3_stmt *st;
	char sql[400];
	int rc = SQLITE_DONE;

	for (size_t h = 0; h < w->s->hosts; h++) {
		int64_t from = kept_back_from(w->s, h) / 60 - c->keep_minutes;

		if (c->keep_undrawn && undrawn_from(w, h) < from)
			from = undrawn_from(w, h);
		before = from > before ? from : before;
	}
	/* the first condition uses the index, and does not look at what is not drawn each time */
	(void)snprintf(sql, sizeof sql, "SELECT at FROM cell WHERE at < %lld AND"
	    " at >> 16 < (SELECT min(" LAST ", %lld) / 60 - %lld FROM host"
	    " WHERE id = (at & 65535))%s ORDER BY at LIMIT %d",
	    (long long)(before * 65536), (long long)clock_sure(w->s), (long long)c->keep_minutes, undrawn, OLD_CELLS);
	*n = 0;
	st = db_prepare(w->s, sql, w->e);
	while (st != NULL && *n < OLD_CELLS && (rc = sqlite3_step(st)) == SQLITE_ROW)
		old[(*n)++] = sqlite3_column_int64(st, 0);
	if (st != NULL && db_end(w->s, st, *n == OLD_CELLS ? SQLITE_DONE : rc, w->e))
		return old;
	free(old);
	return NULL;
}

/* Of a host that was silent all cells may be there from long before keep_minutes on: what is kept begins behind the newest
 * that goes. */
static bool
expire_cells(struct writing *w, const struct commit *c)
{
	size_t n;
	int64_t *old = old_cells(w, c, &n);
	sqlite3_stmt *drop = old != NULL ? db_prepare(w->s, "DELETE FROM cell WHERE at=?1", w->e) : NULL;
	sqlite3_stmt *put = drop != NULL ? db_prepare(w->s, "UPDATE host SET kept=?2 WHERE id=?1", w->e) : NULL;
	bool good = put != NULL;

	for (size_t i = 0; good && i < n; i++) {
		size_t h = (size_t)(old[i] & 65535);

		if (h < w->s->hosts && old[i] / 65536 >= w->kept[h])
			w->kept[h] = old[i] / 65536 + 1;
		sqlite3_bind_int64(drop, 1, old[i]);
		good = db_step(w->s, drop, "write", w->e);
	}
	for (size_t h = 0; good && h < w->s->hosts; h++) {
		if (w->kept[h] == w->s->host_kept[h])
			continue;
		sqlite3_bind_int64(put, 1, (sqlite3_int64)h);
		sqlite3_bind_int64(put, 2, w->kept[h]);
		good = db_step(w->s, put, "write", w->e);
	}
	w->old_left = good && n == OLD_CELLS;
	sqlite3_finalize(drop);
	sqlite3_finalize(put);
	free(old);
	return good;
}

/* Drop what is older than it is kept, counted back from the host's newest line or sample and not from
 * the clock: an archive of last year imports like today's log, also beside it. But what came after our
 * clock jumped must not age anything while the jump is not sure. By which lines are known again goes by lines alone, as
 * how late they may be does. */
static bool
expire(struct writing *w, const struct commit *c)
{
	const int64_t minutes = c->keep_minutes * 60;
	/* reports take whole hours from there, also where the minutes are kept yet */
	const int64_t hours = c->keep_hours > c->keep_minutes ? c->keep_hours * 60 : minutes;
	const int64_t seen = (c->horizon > c->keep_minutes ? c->horizon : c->keep_minutes) * 60;
	char delays[60];
	const struct {
		const char *table, *at, *host;
		int64_t unit, keep;	/* of at, in seconds; seconds */
		int by_key;		/* what at is shifted by */
		const char *from, *also;	/* it is counted back from that */
	} rows[] = {
		{ "seen", "at >> 16", "at & 65535", 60, seen, 16, "newest", "" },
		{ "specimen", "at >> 16", "at & 65535", SPECIMEN_SLOT_S, SPECIMEN_KEEP_S, 16, LAST, "" },
		{ "hour", "at >> 16", "at & 65535", 3600, hours, 16, LAST, "" },
		{ "account", "at >> 16", "at & 65535", 3600, c->keep_accounts * 60, 16, LAST, "" },
		{ "top", "hour", "host", 3600, hours, 0, LAST, "" },
		{ "top", "hour", "host", 3600, minutes, 0, LAST, delays },
	};
	int64_t newest = 0;
	char sql[400];

	/* nobody compares these with last year's, and they are large */
	(void)snprintf(delays, sizeof delays, " AND kind IN (%d, %d)", TOP_RELAY_DELAY, TOP_RCPT_DELAY);
	for (size_t h = 0; h < w->s->hosts; h++)
		newest = kept_back_from(w->s, h) > newest ? kept_back_from(w->s, h) : newest;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t keep = rows[i].keep, unit = rows[i].unit;

		/* the first condition uses the index */
		(void)snprintf(sql, sizeof sql, "DELETE FROM %s WHERE %s < %lld AND %s <"
		    " (SELECT min(%s, %lld) - %lld FROM host WHERE id = (%s)) / %lld%s",
		    rows[i].table, rows[i].by_key > 0 ? "at" : "hour",
		    (long long)((newest - keep) / unit * (1 << rows[i].by_key)), rows[i].at, rows[i].from,
		    (long long)clock_sure(w->s), (long long)keep, rows[i].host, (long long)unit,
		    rows[i].also);
		if (!db_run(w->s, sql, w->e))
			return false;
	}
	return expire_cells(w, c) && sources_expire(w->s, c, w->e) && lost_expire(w->s, c->keep_mails, w->e) &&
	    waiting_expire(w->s, c->keep_mails, w->e) && mails_expire(w->s, c->keep_mails, w->e);
}

/* Mails that were forgotten for their age: in this commit, or their number would be gone with a kill before the next. */
static bool
put_gone(struct writing *w)
{
	struct cell c = { 0 };
	bool good = true, any = false;

	drop_hours(w);	/* they are written */
	places_init(&w->hours);
	for (size_t h = 0; good && h < w->s->hosts; h++) {
		if (w->s->gone[h] == 0)
			continue;
		any = true;
		cell_clear(&c);
		cell_add(&c, CELL_METRIC + M_evicted, w->s->gone[h]);
		good = put_cell_at(w, (unsigned)h, w->s->host_newest[h] / 60, &c, true);
	}
	cell_free(&c);
	return good && (!any || (put_hours(w) && put_hosts(w)));
}

static bool
store_all(struct writing *w, const struct commit *c)
{
	struct state *s = w->s;

	memcpy(w->kept, s->host_kept, sizeof w->kept);
	state_say(s, "committed_at", c->now);
	if (!tally_each(c->tally, put_cell, w) || !put_disowned(w, c->now) ||
	    !tally_each_hour(c->tally, put_programs, w) || !put_hours(w))
		return false;
	if (!seen_each(c->seen, put_seen, w) || !mails_store(s, c, w->e) ||
	    !lost_store(s, tally_lost(c->tally), w->e) ||
	    !accounts_store(s, tally_accounts(c->tally), c->with_tables, w->e) || !put_words(w, c->tally) ||
	    !put_hosts(w) || !put_sources(w) || !put_pieces(w, c->join) || !facts_store(s, c->slow, w->e))
		return false;
	if (c->specimens != NULL && !specimens_store(s, c->specimens, w->e))
		return false;
	if (!tops_store(s, c->tops, tally_origins(c->tally), c->with_tables, w->e) ||
	    !disowned_drop(s, w->e) || (w->expires && (!expire(w, c) || !put_gone(w))))
		return false;
	/* the answers of an import are made when it ends */
	if ((c->slow || !c->with_tables) && !kept_store(s, c->slow, w->e))
		return false;
	return db_run(s, "COMMIT", w->e);
}

/* It is on disk: forget it here. */
static void
committed(struct writing *w, const struct commit *c)
{
	struct state *s = w->s;

	for (size_t h = 0; h < s->hosts; h++) {
		s->host_changed[h] = false;
		s->host_kept[h] = w->kept[h];
		if (w->expires)
			s->host_expired[h] = kept_back_from(s, h);
		if (w->stored[h] > s->host_stored[h])
			s->host_stored[h] = w->stored[h];
		if (w->undrawn[h] < s->host_undrawn[h])
			s->host_undrawn[h] = w->undrawn[h];
	}
	for (size_t i = 0; i < s->sources; i++)
		s->source[i]->changed = false;
	s->old_left = w->old_left;
	s->words_stored = tally_words(c->tally);
	s->programs_stored = tally_programs(c->tally);
	facts_committed(s, c->slow);
	tally_clear(c->tally);
	seen_committed(c->seen);
	join_stored(c->join);
	tops_clear(c->tops);
	origins_clear(tally_origins(c->tally));
	if (c->specimens != NULL)
		specimens_clear(c->specimens);
	mails_committed(s, true);
	disowned_committed(s);
	track_committed(c->track);
}

int64_t
state_gone(struct state *s, unsigned host)
{
	int64_t gone = s->gone[host];

	s->gone[host] = 0;
	return gone;
}

bool
state_old_left(const struct state *s)
{
	return s->old_left;
}

bool
state_commit(struct state *s, const struct commit *c, struct err *e)
{
	struct writing *w;
	bool good;

	if (!place_kept(s, e))
		return false;
	w = xcalloc(1, sizeof *w);
	w->s = s;
	w->e = e;
	w->out = buf_new(BLOB_MAX);
	places_init(&w->hours);
	for (size_t h = 0; h < HOSTS_MAX; h++) {
		w->stored[h] = INT64_MIN;
		w->undrawn[h] = INT64_MAX;
	}
	track_settle(c->track);
	w->expires = is_to_expire(s, c);
	good = disown_due(s, e) && db_run(s, "BEGIN IMMEDIATE", e) && store_all(w, c);
	if (good) {
		committed(w, c);
	} else {
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		mails_committed(s, false);
		memset(s->gone, 0, sizeof s->gone);
		track_kept(c->track);
	}
	drop_hours(w);
	cell_free(&w->sum);
	cell_free(&w->numbered);
	buf_free(&w->out);
	free(w);
	return good;
}
