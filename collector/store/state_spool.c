/* state_spool.c - see spool.h.
 *
 * The lock is on a file of its own, by flock(): processes that were forked share it, so it lasts until the
 * last of them has ended. SQLite's log is synced with each transaction (synchronous=FULL): a result is
 * there after a power failure, too. */
#define _DEFAULT_SOURCE	/* flock() */
#include "store/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#include "poison.h"

enum { VERSION = 1, PATH_BYTES = 4096 };

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS monitor(id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, most INTEGER,"
    " age INTEGER, used INTEGER, sent INTEGER DEFAULT 0, refused INTEGER DEFAULT 0, dropped INTEGER DEFAULT 0,"
    " sent_at INTEGER DEFAULT 0, dropped_at INTEGER DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS service(monitor INTEGER, host TEXT, name TEXT, state INTEGER,"
    " PRIMARY KEY(monitor, host, name)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS result(id INTEGER PRIMARY KEY AUTOINCREMENT, monitor INTEGER, host TEXT,"
    " service TEXT, state INTEGER, begun INTEGER, at INTEGER, change INTEGER, text TEXT);"
    "CREATE INDEX IF NOT EXISTS result_of ON result(monitor, host, service);";

/* Statements, prepared once. Of a service, ?2 and ?3 are its names. */
enum { STATE_OF, SET_STATE, DROP_REPEAT, ADD, DROP_OLDEST, COUNT_DROPPED, TAKE, REMOVE, COUNT_SENT,
	DROP_OLD, COUNTS, WAITING, STATEMENTS };

static const char *const sql[STATEMENTS] = {
	[STATE_OF] = "SELECT state FROM service WHERE monitor=?1 AND host=?2 AND name=?3",
	[SET_STATE] = "INSERT OR REPLACE INTO service VALUES(?1, ?2, ?3, ?4)",
	[DROP_REPEAT] = "DELETE FROM result WHERE change=0 AND id=(SELECT max(id) FROM result"
	    " WHERE monitor=?1 AND host=?2 AND service=?3)",
	[ADD] = "INSERT INTO result(monitor, host, service, state, begun, at, change, text)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[DROP_OLDEST] = "DELETE FROM result WHERE id IN (SELECT id FROM result AS r WHERE monitor=?1"
	    " AND EXISTS(SELECT 1 FROM result AS s WHERE s.monitor=?1 AND s.host=r.host"
	    " AND s.service=r.service AND s.id>r.id) ORDER BY id LIMIT"
	    " max(0, (SELECT count(*) FROM result WHERE monitor=?1)-(SELECT most FROM monitor WHERE id=?1)))",
	[COUNT_DROPPED] = "UPDATE monitor SET dropped=dropped+?2, dropped_at=?3 WHERE id=?1",
	[TAKE] = "SELECT id, host, service, state, begun, at, text, NOT EXISTS(SELECT 1 FROM result AS s"
	    " WHERE s.monitor=?1 AND s.host=r.host AND s.service=r.service AND s.id>r.id)"
	    " FROM result AS r WHERE monitor=?1 ORDER BY id LIMIT ?2",
	[REMOVE] = "DELETE FROM result WHERE id=?1 AND monitor=?2",
	[COUNT_SENT] = "UPDATE monitor SET sent=sent+?2, refused=refused+?3, sent_at=?4,"
	    " dropped_at=iif(?3>0, ?4, dropped_at) WHERE id=?1",
	[DROP_OLD] = "DELETE FROM result WHERE monitor=?1 AND"
	    " at<?2-(SELECT age FROM monitor WHERE id=?1)",
	[COUNTS] = "SELECT sent, refused, dropped, sent_at, dropped_at FROM monitor WHERE id=?1",
	[WAITING] = "SELECT count(*), coalesce(min(at), 0) FROM result WHERE monitor=?1",
};

struct spool {
	sqlite3 *db;
	int lock_fd;
	char path[PATH_BYTES];
	sqlite3_stmt *st[STATEMENTS];
};

static bool
fail(struct spool *s, const char *doing, struct err *e)
{
	return err_set(e, "%s %s: %s", doing, s->path, sqlite3_errmsg(s->db));
}

static bool
run(struct spool *s, const char *text, struct err *e)
{
	return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK || fail(s, "write", e);
}

/* One that gives no rows. */
static bool
step(struct spool *s, int which, struct err *e)
{
	int rc = sqlite3_step(s->st[which]);

	(void)sqlite3_reset(s->st[which]);
	return rc == SQLITE_DONE || rc == SQLITE_ROW || fail(s, "write", e);
}

static sqlite3_stmt *
bind(struct spool *s, int which, const int64_t *v, int n)
{
	for (int i = 0; i < n; i++)
		(void)sqlite3_bind_int64(s->st[which], i + 1, v[i]);
	return s->st[which];
}

static void
bind_service(sqlite3_stmt *st, int64_t monitor, const struct result *r)
{
	(void)sqlite3_bind_int64(st, 1, monitor);
	(void)sqlite3_bind_text(st, 2, r->host, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(st, 3, r->service, -1, SQLITE_STATIC);
}

/* --- opening --------------------------------------------------------------------------- */

static bool
take_lock(struct spool *s, const char *dir, double wait_s, struct err *e)
{
	double until = clock_now() + wait_s;
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof path, "%s/lock", dir);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (s->lock_fd < 0)
		return err_set(e, "open %s: %s", path, strerror(errno));
	while (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_set(e, "lock %s: %s", path, strerror(errno));
		if (clock_now() > until)
			return err_set(e, "%s: another mxgauge passive sends these results", dir);
		(void)nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000 * 1000 }, NULL);
	}
	return true;
}

static bool
open_db(struct spool *s, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int version = 0;

	if (sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	    SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return s->db != NULL ? fail(s, "open", e) : err_set(e, "open %s: no memory", s->path);
	(void)chmod(s->path, 0640);
	(void)sqlite3_busy_timeout(s->db, 5000);	/* while it is made, whoever reads it locks it */
	if (!run(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF;"
	    "PRAGMA cache_size=-4000", e))
		return false;
	if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	if (version > VERSION)
		return err_set(e, "%s is of a later version of mxgauge", s->path);
	if (!run(s, "BEGIN IMMEDIATE", e) || !run(s, schema, e) || !run(s, "PRAGMA user_version=1", e) ||
	    !run(s, "UPDATE monitor SET used=0", e) || !run(s, "COMMIT", e))
		return false;
	for (int i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v2(s->db, sql[i], -1, &s->st[i], NULL) != SQLITE_OK)
			return fail(s, "read", e);
	return true;
}

struct spool *
spool_open(const char *dir, double wait_s, struct err *e)
{
	struct spool *s = xcalloc(1, sizeof *s);
	bool good;

	s->lock_fd = -1;
	good = snprintf(s->path, sizeof s->path, "%s/spool.db", dir) < (int)sizeof s->path;
	if (!good)
		(void)err_set(e, "%s: the path is too long", dir);
	else if (mkdir(dir, 0750) != 0 && errno != EEXIST)
		good = err_set(e, "make %s: %s", dir, strerror(errno));
	if (!good || !take_lock(s, dir, wait_s, e) || !open_db(s, e)) {
		spool_close(s);
		return NULL;
	}
	return s;
}

void
spool_close(struct spool *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(s->st[i]);
	(void)sqlite3_close(s->db);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s);
}

int64_t
spool_monitor(struct spool *s, const char *name, int64_t most, int64_t age_s, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int64_t id = 0;

	if (sqlite3_prepare_v2(s->db, "INSERT INTO monitor(name, most, age, used) VALUES(?1, ?2, ?3, 1)"
	    " ON CONFLICT(name) DO UPDATE SET most=?2, age=?3, used=1 RETURNING id", -1, &st, NULL) == SQLITE_OK) {
		(void)sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
		(void)sqlite3_bind_int64(st, 2, most);
		(void)sqlite3_bind_int64(st, 3, age_s);
		if (sqlite3_step(st) == SQLITE_ROW)
			id = sqlite3_column_int64(st, 0);
	}
	if (sqlite3_finalize(st) != SQLITE_OK || id == 0) {
		(void)fail(s, "write", e);
		return 0;
	}
	return id;
}

bool
spool_forget(struct spool *s, size_t *monitors, struct err *e)
{
	if (!run(s, "BEGIN IMMEDIATE;"
	    "DELETE FROM result WHERE monitor IN (SELECT id FROM monitor WHERE used=0);"
	    "DELETE FROM service WHERE monitor IN (SELECT id FROM monitor WHERE used=0);"
	    "DELETE FROM monitor WHERE used=0", e)) {
		(void)run(s, "ROLLBACK", NULL);
		return false;
	}
	*monitors = (size_t)sqlite3_changes(s->db);
	return run(s, "COMMIT", e);
}

/* --- results ---------------------------------------------------------------------------- */

/* Its state before; -1: it is new. -2 and *e on failure. */
static int
state_of(struct spool *s, int64_t monitor, const struct result *r, struct err *e)
{
	sqlite3_stmt *st = s->st[STATE_OF];
	int rc, state = -1;

	bind_service(st, monitor, r);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		state = sqlite3_column_int(st, 0);
	(void)sqlite3_reset(st);
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return state;
	(void)fail(s, "read", e);
	return -2;
}

/* How many rows the statement dropped that was just run, counted. */
static bool
count_dropped(struct spool *s, int64_t monitor, int64_t now, struct err *e)
{
	int64_t n = sqlite3_changes(s->db);

	if (n == 0)
		return true;
	(void)bind(s, COUNT_DROPPED, (int64_t[]){ monitor, n, now }, 3);
	return step(s, COUNT_DROPPED, e);
}

static bool
put(struct spool *s, int64_t monitor, const struct result *r, struct err *e)
{
	int before = state_of(s, monitor, r, e);
	sqlite3_stmt *st = s->st[ADD];

	if (before == -2)
		return false;
	bind_service(s->st[DROP_REPEAT], monitor, r);
	bind_service(s->st[SET_STATE], monitor, r);
	(void)sqlite3_bind_int(s->st[SET_STATE], 4, r->state);
	bind_service(st, monitor, r);
	(void)sqlite3_bind_int(st, 4, r->state);
	(void)sqlite3_bind_int64(st, 5, r->begun);
	(void)sqlite3_bind_int64(st, 6, r->at);
	(void)sqlite3_bind_int(st, 7, before != r->state);
	(void)sqlite3_bind_text(st, 8, r->text, -1, SQLITE_STATIC);
	if (!step(s, DROP_REPEAT, e) || !step(s, SET_STATE, e) || !step(s, ADD, e))
		return false;
	(void)bind(s, DROP_OLDEST, &monitor, 1);
	return step(s, DROP_OLDEST, e) && count_dropped(s, monitor, r->at, e);
}

/* The end of a transaction; false stays false. */
static bool
end(struct spool *s, bool good, struct err *e)
{
	good = good && run(s, "COMMIT", e);
	if (!good)
		(void)run(s, "ROLLBACK", NULL);
	return good;
}

bool
spool_put(struct spool *s, const int64_t *monitor, size_t n, const struct result *r, struct err *e)
{
	bool good = run(s, "BEGIN IMMEDIATE", e);

	if (!good)
		return false;
	for (size_t i = 0; good && i < n; i++)
		good = put(s, monitor[i], r, e);
	return end(s, good, e);
}

static const char *
text(sqlite3_stmt *st, int column, struct arena *memory)
{
	const void *p = sqlite3_column_text(st, column);

	return arena_strdup(memory, (struct slice){ p != NULL ? p : "", (size_t)sqlite3_column_bytes(st, column) });
}

bool
spool_take(struct spool *s, int64_t monitor, struct spooled *out, size_t most, size_t *n,
    struct arena *memory, struct err *e)
{
	sqlite3_stmt *st = bind(s, TAKE, (int64_t[]){ monitor, (int64_t)most }, 2);
	int rc;

	*n = 0;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && *n < most)
		out[(*n)++] = (struct spooled){ .id = sqlite3_column_int64(st, 0),
			.r = { .host = text(st, 1, memory), .service = text(st, 2, memory),
			    .state = sqlite3_column_int(st, 3), .begun = sqlite3_column_int64(st, 4),
			    .at = sqlite3_column_int64(st, 5), .text = text(st, 6, memory) },
			.newest = sqlite3_column_int(st, 7) != 0 };
	(void)sqlite3_reset(st);
	return rc == SQLITE_DONE || rc == SQLITE_ROW || fail(s, "read", e);
}

bool
spool_done(struct spool *s, int64_t monitor, const int64_t *id, size_t n, bool refused, int64_t now,
    struct err *e)
{
	const int64_t count[] = { monitor, refused ? 0 : (int64_t)n, refused ? (int64_t)n : 0, now };
	bool good = run(s, "BEGIN IMMEDIATE", e);

	if (!good)
		return false;
	for (size_t i = 0; good && i < n; i++) {
		(void)bind(s, REMOVE, (int64_t[]){ id[i], monitor }, 2);
		good = step(s, REMOVE, e);
	}
	(void)bind(s, COUNT_SENT, count, 4);
	return end(s, good && step(s, COUNT_SENT, e), e);
}

bool
spool_expire(struct spool *s, int64_t now, struct err *e)
{
	sqlite3_stmt *st = NULL;
	bool good = run(s, "BEGIN IMMEDIATE", e);
	int rc;

	if (!good)
		return false;
	good = sqlite3_prepare_v2(s->db, "SELECT id FROM monitor", -1, &st, NULL) == SQLITE_OK || fail(s, "read", e);
	while (good && (rc = sqlite3_step(st)) != SQLITE_DONE) {
		int64_t monitor = sqlite3_column_int64(st, 0);

		(void)bind(s, DROP_OLD, (int64_t[]){ monitor, now }, 2);
		good = (rc == SQLITE_ROW || fail(s, "read", e)) && step(s, DROP_OLD, e) &&
		    count_dropped(s, monitor, now, e);
	}
	sqlite3_finalize(st);
	return end(s, good, e);
}

bool
spool_count(struct spool *s, int64_t monitor, struct spool_count *c, struct err *e)
{
	sqlite3_stmt *st = bind(s, COUNTS, &monitor, 1), *wait = bind(s, WAITING, &monitor, 1);
	bool good = sqlite3_step(st) == SQLITE_ROW && sqlite3_step(wait) == SQLITE_ROW;

	if (good)
		*c = (struct spool_count){ .sent = sqlite3_column_int64(st, 0),
			.refused = sqlite3_column_int64(st, 1), .dropped = sqlite3_column_int64(st, 2),
			.sent_at = sqlite3_column_int64(st, 3), .dropped_at = sqlite3_column_int64(st, 4),
			.waiting = sqlite3_column_int64(wait, 0), .oldest_at = sqlite3_column_int64(wait, 1) };
	else
		(void)fail(s, "read", e);
	(void)sqlite3_reset(st);
	(void)sqlite3_reset(wait);
	return good;
}
