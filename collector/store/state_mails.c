/* state_mails.c - mails on disk.
 *
 * Mails that are in memory have their latest version in mail_log, one row a commit
 * with those that changed; an entry is a mail, what was added to one that is there
 * already, or says that one went to a block.
 * Blocks hold mails that were put away, about one per host and minute; ids has
 * their hashes, from which the index of whereabouts is made at the start. A late line
 * brings a whole block back; its row goes with the next commit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/hop_index.h"
#include "flow/hops.h"
#include "mem.h"
#include "store/state_db.h"

#include "poison.h"

enum {
	BLOB_MAX = 512 << 20,
	LOG_SLACK_BYTES = 1 << 20	/* a log this short is never rewritten */
};

void
mails_free(struct state *s)
{
	whereabouts_free(&s->where);
	free(s->fetched);
}

/* --- reading --------------------------------------------------------------------- */

struct row {
	struct state *s;
	int64_t block;
};

static void
unset_key(void *arg, uint64_t key)
{
	const struct row *r = arg;

	whereabouts_remove(&r->s->where, key, r->block);
}

/* The block's row goes with the next commit. */
static void
was_fetched(struct state *s, int64_t block)
{
	if (s->n_fetched == s->cap_fetched) {
		s->cap_fetched = s->cap_fetched > 0 ? s->cap_fetched * 2 : 16;
		s->fetched = xreallocarray(s->fetched, s->cap_fetched, sizeof *s->fetched);
	}
	s->fetched[s->n_fetched++] = block;
}

static bool
is_fetched(const struct state *s, int64_t block)
{
	for (size_t i = 0; i < s->n_fetched; i++)
		if (s->fetched[i] == block)
			return true;
	return false;
}

bool
state_fetch(void *arg, uint64_t hash)
{
	struct state *s = arg;
	int64_t id = whereabouts_find(&s->where, hash);
	struct slice block = { "", 0 };
	struct mail m;
	bool good;

	if (id == 0)
		return false;
	sqlite3_bind_int64(s->get_block, 1, id);
	good = sqlite3_step(s->get_block) == SQLITE_ROW;
	block = good ? db_blob(s->get_block, 0) : slice_head(block, 0);
	while (block.n > 0 && (good = mail_decode(&block, &m))) {
		whereabouts_remove(&s->where, track_hash(s->track, m.host, mail_id(&m)), id);
		hops_keys(s->track, &m, unset_key, &(struct row){ s, id });
		track_adopt(s->track, &m, false);
	}
	(void)sqlite3_reset(s->get_block);
	if (!good) {
		s->unread_block = true;
		return false;
	}
	was_fetched(s, id);
	return true;
}

bool
mails_replay(struct track *t, struct slice row)
{
	while (row.n > 0) {
		char entry = row.p[0];
		struct mail m;
		uint64_t hash;

		row = slice_from(row, 1);
		if (entry == ENTRY_MAIL) {
			if (!mail_decode(&row, &m))
				return false;
			track_adopt(t, &m, true);
			continue;
		}
		if (row.n < 8)
			return false;
		hash = hash_read64(row.p);
		row = slice_from(row, 8);
		if (entry == ENTRY_GONE)
			track_forget(t, hash);
		else if (entry != ENTRY_MORE || !track_grow(t, hash, &row))
			return false;
	}
	return true;
}

static bool
load_log(struct state *s, struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, "SELECT mails FROM mail_log ORDER BY id", e);
	bool good = st != NULL;
	int rc = SQLITE_DONE;

	while (good && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct slice row = db_blob(st, 0);

		s->log_bytes += (int64_t)row.n;
		good = mails_replay(s->track, row) || err_set(e, "%s/state.db has a damaged list of "
		    "mails; import the logs again into a new directory", s->dir);
	}
	if (good && rc != SQLITE_DONE)
		good = db_fail(s, "read", e);
	sqlite3_finalize(st);
	return good;
}

/* Where each mail that was put away is. Blocks whose mails are in the table again
 * are on their way out. */
static bool
load_index(struct state *s, struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, "SELECT id, ids, at FROM block", e);
	int rc;

	if (st == NULL)
		return false;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t row = sqlite3_column_int64(st, 0), at = sqlite3_column_int64(st, 2);

		if (!is_fetched(s, row))
			whereabouts_add(&s->where, db_blob(st, 1), row);
		track_has_away(s->track, (unsigned)(at & 65535), (at >> 16) * 60 + 59);
	}
	return db_end(s, st, rc, e);
}

bool
mails_load(struct state *s, struct err *e)
{
	return load_index(s, e) && load_log(s, e);
}

/* --- writing --------------------------------------------------------------------- */

/* A mail that is put away, with what it is sorted by: looking into 20000 mails in every
 * step would miss the cache each time. */
struct leaving {
	uint64_t block_at;
	struct mail *mail;
};

struct away {
	struct leaving *mail;
	size_t n, cap;
};

static uint64_t
block_at(const struct mail *m)
{
	return (uint64_t)(m->last / 60 * 65536 + m->host);
}

static bool
gather(void *arg, struct mail *m)
{
	struct away *a = arg;

	if (a->n == a->cap) {
		a->cap = a->cap > 0 ? a->cap * 2 : 256;
		a->mail = xreallocarray(a->mail, a->cap, sizeof *a->mail);
	}
	a->mail[a->n++] = (struct leaving){ block_at(m), m };
	return true;
}

/* By block, within one as they came. Byte by byte from the lowest on, and most bytes are
 * the same in all: qsort() is ten times slower. */
static void
sort_away(struct away *a)
{
	struct leaving *from = a->mail, *to, *other;

	if (a->n < 2)
		return;
	to = xreallocarray(NULL, a->n, sizeof *to);
	for (unsigned shift = 0; shift < 64; shift += 8) {
		size_t at[257] = { 0 };

		for (size_t i = 0; i < a->n; i++)
			at[(from[i].block_at >> shift & 255) + 1]++;
		if (at[(from[0].block_at >> shift & 255) + 1] == a->n)
			continue;
		for (size_t i = 1; i < 256; i++)
			at[i] += at[i - 1];
		for (size_t i = 0; i < a->n; i++)
			to[at[from[i].block_at >> shift & 255]++] = from[i];
		other = from;
		from = to;
		to = other;
	}
	a->mail = from;
	free(to);
}

static void
add_key(void *ids, uint64_t key)
{
	buf_add(ids, (struct slice){ (const char *)&key, sizeof key });
}

static bool
put_blocks(struct state *s, struct away *a, struct buf *log, struct err *e)
{
	struct buf ids = buf_new(BLOB_MAX), mails = buf_new(BLOB_MAX);
	bool good = true;

	sort_away(a);
	for (size_t i = 0; i < a->n && good; ) {
		uint64_t at = a->mail[i].block_at;

		buf_clear(&ids);
		buf_clear(&mails);
		for (; i < a->n && a->mail[i].block_at == at && mails.n < 1 << 18; i++) {
			const struct mail *m = a->mail[i].mail;
			struct slice hash = { (const char *)&m->hash, 8 };

			if (i + MAILS_AHEAD < a->n)
				mail_fetch(a->mail[i + MAILS_AHEAD].mail);
			buf_add(&ids, hash);
			hops_keys(s->track, m, add_key, &ids);
			mail_encode(&mails, m);
			if (m->logged > 0) {
				buf_char(log, ENTRY_GONE);
				buf_add(log, hash);
			}
		}
		sqlite3_bind_int64(s->put_block, 1, (int64_t)at);
		sqlite3_bind_blob(s->put_block, 2, ids.p, (int)ids.n, SQLITE_STATIC);
		sqlite3_bind_blob(s->put_block, 3, mails.p, (int)mails.n, SQLITE_STATIC);
		good = db_step(s, s->put_block, "write", e);
		if (good)
			whereabouts_add(&s->where, buf_slice(&ids), sqlite3_last_insert_rowid(s->db));
	}
	buf_free(&ids);
	buf_free(&mails);
	return good;
}

static bool
log_whole(void *arg, struct mail *m)
{
	struct buf *log = arg;

	buf_char(log, ENTRY_MAIL);
	mail_encode(log, m);
	return !log->full;
}

/* A mail to many recipients is not written anew for each of them. */
static bool
log_mail(void *arg, struct mail *m)
{
	struct buf *log = arg;

	if (m->logged == 0)
		return log_whole(arg, m);
	buf_char(log, ENTRY_MORE);
	buf_add(log, (struct slice){ (const char *)&m->hash, 8 });
	mail_encode_more(log, m);
	return !log->full;
}

static bool
put_log_row(struct state *s, const struct buf *log, struct err *e)
{
	if (log->n == 0)
		return true;
	sqlite3_bind_blob(s->put_log, 1, log->p, (int)log->n, SQLITE_STATIC);
	if (!db_step(s, s->put_log, "write", e))
		return false;
	s->log_bytes += (int64_t)log->n;
	return true;
}

/* When most of the log is old versions, write the present ones and drop the rest. */
static bool
rewrite_log(struct state *s, struct track *track, struct err *e)
{
	struct buf log = buf_new(BLOB_MAX);
	bool good = track_all(track, log_whole, &log) && db_run(s, "DELETE FROM mail_log", e);

	s->log_bytes = 0;
	good = good && put_log_row(s, &log, e);
	buf_free(&log);
	return good;
}

bool
mails_store(struct state *s, const struct commit *c, struct err *e)
{
	struct away a = { 0 };
	struct buf log = buf_new(BLOB_MAX);
	char sql[80];
	bool good = true;

	s->log_bytes_before = s->log_bytes;
	if (s->unread_block)	/* what a late line added would be counted as a new mail */
		return err_set(e, "%s/state.db is damaged: mails of an earlier hour cannot be read; "
		    "import the logs again into a new directory", s->dir);
	if (c->put_away)
		good = waiting_store(s, c->track, e) && track_put_away(c->track, s->host_newest, c->quiet_s, c->idle, c->max_mails,
		    gather, &a) && put_blocks(s, &a, &log, e);
	free(a.mail);
	for (size_t i = 0; good && i < s->n_fetched; i++) {
		(void)snprintf(sql, sizeof sql, "DELETE FROM block WHERE id=%lld",
		    (long long)s->fetched[i]);
		good = db_run(s, sql, e);
	}
	if (good && (s->disowns ||
	    s->log_bytes > LOG_SLACK_BYTES + 4 * (int64_t)track_memory_bytes(c->track)))
		good = rewrite_log(s, c->track, e);
	else
		good = good && track_changed(c->track, log_mail, &log) && put_log_row(s, &log, e);
	buf_free(&log);
	return good;
}

void
mails_committed(struct state *s, bool done)
{
	if (done) {
		s->n_fetched = 0;
		return;
	}
	/* rolled back: what put_blocks() noted is not there; read the index again */
	s->log_bytes = s->log_bytes_before;
	whereabouts_free(&s->where);
	if (!load_index(s, NULL))
		s->unread_block = true;
}

/* Was it accepted, and nothing said its end? */
static bool
is_open(const struct mail *m)
{
	uint32_t at = 0;
	struct fact f;
	bool begun = false;

	while (mail_next(m, &at, &f)) {
		if (f.kind == FACT_REMOVED || f.kind == FACT_REFUSED || f.kind == FACT_PROBE ||
		    (f.kind == FACT_INTO && (f.flags & FACT_BY_REQUEUE)))
			return false;
		begun |= f.kind == FACT_QUEUED || f.kind == FACT_DEFERRED;
	}
	return begun;
}

static void
forget(struct state *s, struct slice mails)
{
	struct mail m;

	while (mails.n > 0 && mail_decode(&mails, &m)) {
		s->gone[m.host] += is_open(&m);
		free(m.facts);
	}
}

/* Mails of a block; those of which nothing else is known are not fetched. */
static bool
disown_block(struct state *s, struct slice mails, int64_t after)
{
	struct mail m;

	while (mails.n > 0) {
		if (!mail_decode(&mails, &m))
			return false;
		if (m.first <= after)
			track_adopt(s->track, &m, false);
		else
			free(m.facts);
	}
	return true;
}

bool
mails_disown(struct state *s, int64_t after, struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, "SELECT id, ids, mails FROM block WHERE at >= ?1", e);
	int rc;

	if (st == NULL)
		return false;
	sqlite3_bind_int64(st, 1, (after / 60 + 1) * 65536);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t block = sqlite3_column_int64(st, 0);

		if (is_fetched(s, block))
			continue;
		whereabouts_remove_all(&s->where, db_blob(st, 1), block);
		if (!disown_block(s, db_blob(st, 2), after))
			s->unread_block = true;
		was_fetched(s, block);
	}
	track_disown(s->track, after);
	return db_end(s, st, rc, e);
}

bool
mails_expire(struct state *s, int64_t keep, struct err *e)
{
	/* the first condition uses the index: else each block's first page is read, every minute */
	static const char old[] = "FROM block WHERE at <"
	    " (SELECT min(max(newest), ?2) / 60 - ?1 FROM host) * 65536 AND at >> 16 <"
	    " (SELECT min(newest, ?2) / 60 - ?1 FROM host WHERE host.id = (at & 65535))";
	char sql[200];
	sqlite3_stmt *st;
	int rc;

	(void)snprintf(sql, sizeof sql, "SELECT id, ids, mails %s", old);
	if ((st = db_prepare(s, sql, e)) == NULL)
		return false;
	sqlite3_bind_int64(st, 1, keep);
	sqlite3_bind_int64(st, 2, clock_sure(s));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		whereabouts_remove_all(&s->where, db_blob(st, 1), sqlite3_column_int64(st, 0));
		forget(s, db_blob(st, 2));
	}
	if (!db_end(s, st, rc, e))
		return false;
	(void)snprintf(sql, sizeof sql, "DELETE %s", old);
	return db_write(s, sql, keep, e);
}
