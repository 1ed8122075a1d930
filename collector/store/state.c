/* state.c - open the state; hosts, sources, and what is asked of it line by line.
 * Writing is in state_commit.c, mails in state_mails.c. */
#include "store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "stateread.h"
#include "store/state_db.h"
#include "store/state_wal.h"

#include "when.h"

#include "poison.h"

#define NEW_IN_6 \
	"CREATE TABLE run(key TEXT PRIMARY KEY, value);" \
	"CREATE TABLE capacity(name TEXT PRIMARY KEY, used INT, cap INT, hits INT, hit_at INT);" \
	"CREATE TABLE unaccounted(host INT, id BLOB, time INT, rcpts INT, PRIMARY KEY(host, id))" \
	" WITHOUT ROWID;"

#define NEW_IN_8 \
	"CREATE TABLE specimen(at INTEGER PRIMARY KEY, list BLOB);" \
	"CREATE TABLE account(at INTEGER PRIMARY KEY, accounts BLOB, networks BLOB);" \
	"CREATE TABLE account_log(id INTEGER PRIMARY KEY, at INT, accounts BLOB, networks BLOB);" \
	"CREATE TABLE waiting(host INT, id BLOB, since INT, until INT, PRIMARY KEY(host, id))" \
	" WITHOUT ROWID;" \
	"CREATE INDEX waiting_until ON waiting(until);"

#define NEW_IN_9 \
	"CREATE TABLE top_log(id INTEGER PRIMARY KEY, lists BLOB, networks BLOB);"

/* Rows are found by integer keys: minute * 65536 + host. */
static const char schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value);"
    "CREATE TABLE host(id INTEGER PRIMARY KEY, name TEXT UNIQUE, first INT, newest INT,"
    " undrawn INT, kept INT, skew INT, sampled INT);"
    "CREATE TABLE word(id INTEGER PRIMARY KEY, text TEXT);"
    "CREATE TABLE metric(id INTEGER PRIMARY KEY, name TEXT UNIQUE);"
    "CREATE TABLE source(id INTEGER PRIMARY KEY, name TEXT, offset INT, head_hash INT,"
    " head_n INT, tail_hash INT, tail_n INT, lines INT, newest INT, read_at INT, size INT,"
    " last_line BLOB, family INT, oldest INT, unfinished BLOB, cursor BLOB, behind_since INT);"
    "CREATE TABLE cell(at INTEGER PRIMARY KEY, pairs BLOB);"
    "CREATE TABLE hour(at INTEGER PRIMARY KEY, pairs BLOB);"
    "CREATE TABLE top(host INT, hour INT, kind INT, list BLOB, PRIMARY KEY(hour, host, kind))"
    " WITHOUT ROWID;"
    "CREATE TABLE seen(id INTEGER PRIMARY KEY, at INT, source INT, hashes BLOB);"
    "CREATE INDEX seen_at ON seen(at);"
    "CREATE TABLE block(id INTEGER PRIMARY KEY, at INT, ids BLOB, mails BLOB);"
    "CREATE INDEX block_at ON block(at);"
    "CREATE TABLE piece(id INTEGER PRIMARY KEY, bytes BLOB);"
    "CREATE TABLE mail_log(id INTEGER PRIMARY KEY, mails BLOB);"
    NEW_IN_6 NEW_IN_8 NEW_IN_9;

/* How a state of each earlier release becomes one of the next. */
static const struct {
	int from;
	const char *sql;
} migrations[] = {
	{ 5, "ALTER TABLE host ADD COLUMN skew INT;"
	    "ALTER TABLE source ADD COLUMN cursor BLOB;"
	    "ALTER TABLE source ADD COLUMN behind_since INT;"
	    NEW_IN_6
	    "INSERT INTO run SELECT key, value FROM meta WHERE key='committed_at';"
	    "DELETE FROM meta WHERE key='committed_at';" },
	{ 6, "ALTER TABLE host ADD COLUMN sampled INT;" },
	{ 7, NEW_IN_8 },
	{ 8, NEW_IN_9 },
};

bool
db_fail(struct state *s, const char *doing, struct err *e)
{
	int rc = sqlite3_errcode(s->db);

	/* of a quota or a file size limit the database only says that it could not write */
	if (rc == SQLITE_FULL || sqlite3_extended_errcode(s->db) == SQLITE_IOERR_WRITE)
		return err_set(e, "%s %s/state.db: %s; nothing that was committed is lost, run again when "
		    "there is room", doing, s->dir, rc == SQLITE_FULL ? "no space left on the disk" :
		    "it cannot be written (quota, file size limit, broken disk?)");
	if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB)
		return err_set(e, "%s/state.db is damaged (%s); " STATEREAD_MEND,
		    s->dir, sqlite3_errmsg(s->db));
	return err_set(e, "%s %s/state.db: %s", doing, s->dir, sqlite3_errmsg(s->db));
}

bool
db_run(struct state *s, const char *sql, struct err *e)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(s, "write", e);
	return true;
}

sqlite3_stmt *
db_prepare(struct state *s, const char *sql, struct err *e)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK)
		(void)db_fail(s, "read", e);
	return st;
}

bool
db_step(struct state *s, sqlite3_stmt *st, const char *doing, struct err *e)
{
	int rc = sqlite3_step(st);
	bool good = rc == SQLITE_DONE || rc == SQLITE_ROW;

	if (!good)
		(void)db_fail(s, doing, e);
	(void)sqlite3_reset(st);
	return good;
}

bool
db_write(struct state *s, const char *sql, int64_t number, struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, sql, e);
	bool good;

	if (st == NULL)
		return false;
	sqlite3_bind_int64(st, 1, number);
	if (sqlite3_bind_parameter_count(st) > 1)
		sqlite3_bind_int64(st, 2, clock_sure(s));
	good = db_step(s, st, "write", e);
	sqlite3_finalize(st);
	return good;
}

bool
db_find(struct state *s, sqlite3_stmt *st, bool *found, struct err *e)
{
	int rc = sqlite3_step(st);

	*found = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return true;
	(void)db_fail(s, "read", e);
	(void)sqlite3_reset(st);
	return false;
}

bool
db_end(struct state *s, sqlite3_stmt *st, int rc, struct err *e)
{
	bool good = rc == SQLITE_DONE || db_fail(s, "read", e);

	sqlite3_finalize(st);
	return good;
}

/* Who has the lock, and since when: then it wrote its pid there. */
static bool
in_use(const struct state *s, pid_t pid, struct err *e)
{
	struct buf since = buf_new(64);
	struct stat st;

	if (fstat(s->lock_fd, &st) == 0) {
		buf_str(&since, ", since ");
		when_print(&since, st.st_mtime);
	}
	err_set(e, "%s is in use by process %ld%s; stop that first", s->dir, (long)pid,
	    since.p != NULL ? since.p : "");
	buf_free(&since);
	return false;
}

/* One writer: the lock file holds its pid, and the kernel the lock. */
static bool
take_lock(struct state *s, struct err *e)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[4096], pid[32];

	(void)snprintf(path, sizeof path, "%s/lock", s->dir);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (s->lock_fd < 0)
		return err_set(e, "open %s: %s", path, strerror(errno));
	if (fcntl(s->lock_fd, F_SETLK, &fl) != 0) {
		struct flock who = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

		if (fcntl(s->lock_fd, F_GETLK, &who) == 0 && who.l_type != F_UNLCK)
			return in_use(s, who.l_pid, e);
		return err_set(e, "lock %s: %s", path, strerror(errno));
	}
	(void)snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	if (ftruncate(s->lock_fd, 0) != 0 || pwrite(s->lock_fd, pid, strlen(pid), 0) < 0) {
		/* the pid is only for people: the lock is held all the same */
	}
	return true;
}

static bool
make_dirs(const char *dir, struct err *e)
{
	char path[4096];
	struct stat st;

	if (snprintf(path, sizeof path, "%s", dir) >= (int)sizeof path)
		return err_set(e, "%.60s...: the name is too long", dir);
	for (char *p = path + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0750) != 0 && errno != EEXIST)
			return err_set(e, "make directory %s: %s", path, strerror(errno));
		*p = '/';
	}
	if (mkdir(path, 0750) != 0 && errno != EEXIST)
		return err_set(e, "make directory %s: %s", path, strerror(errno));
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(e, "%s is not a directory", path);
	return true;
}

static bool
create(struct state *s, struct err *e)
{
	sqlite3_stmt *st;
	bool good;

	s->key = hash_key_random();
	if (!db_run(s, "BEGIN IMMEDIATE", e) || !db_run(s, schema, e))
		return false;
	st = db_prepare(s, "INSERT INTO meta VALUES('version',?1),('key',?2)", e);
	if (st == NULL)
		return false;
	sqlite3_bind_int(st, 1, STATE_VERSION);
	sqlite3_bind_blob(st, 2, &s->key, sizeof s->key, SQLITE_STATIC);
	good = db_step(s, st, "write", e);
	sqlite3_finalize(st);
	return good && db_run(s, "COMMIT", e);
}

/* All steps from that version on in one transaction: an accident leaves the state as it was. */
static bool
migrate(struct state *s, int version, struct err *e)
{
	char sql[80];

	if (!db_run(s, "BEGIN IMMEDIATE", e))
		return false;
	for (size_t i = 0; i < sizeof migrations / sizeof *migrations; i++)
		if (migrations[i].from >= version && !db_run(s, migrations[i].sql, e))
			return false;
	(void)snprintf(sql, sizeof sql, "UPDATE meta SET value=%d WHERE key='version'", STATE_VERSION);
	return db_run(s, sql, e) && db_run(s, "COMMIT", e);
}

/* An empty file, one of ours, or somebody else's? */
static bool
check_version(struct state *s, bool *fresh, struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, "SELECT count(*) FROM sqlite_master", e);
	int version = -1, rc = SQLITE_ROW;

	if (st == NULL)
		return false;
	if (sqlite3_step(st) != SQLITE_ROW) {
		sqlite3_finalize(st);
		return db_fail(s, "read", e);
	}
	*fresh = sqlite3_column_int(st, 0) == 0;
	sqlite3_finalize(st);
	if (*fresh)
		return true;
	st = db_prepare(s, "SELECT (SELECT value FROM meta WHERE key='version'),"
	    " (SELECT value FROM meta WHERE key='key')", NULL);
	if (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct slice key = db_blob(st, 1);

		version = sqlite3_column_int(st, 0);
		if (key.n == sizeof s->key)
			memcpy(&s->key, key.p, sizeof s->key);
	}
	sqlite3_finalize(st);
	if (rc != SQLITE_ROW)
		return db_fail(s, "read", e);
	if (version == STATE_VERSION)
		return true;
	for (size_t i = 0; i < sizeof migrations / sizeof *migrations; i++)
		if (version == migrations[i].from)
			return migrate(s, version, e);
	if (version < 0)
		return err_set(e, "%s/state.db is no state of mxgauge; choose another --state "
		    "directory", s->dir);
	return err_set(e, "%s/state.db has version %d, this program writes version %d; use the program "
	    "that made it, or import the logs into a new directory", s->dir, version, STATE_VERSION);
}

static bool
prepare_all(struct state *s, struct err *e)
{
	const struct {
		sqlite3_stmt **st;
		const char *sql;
	} all[] = {
		{ &s->get_cell, "SELECT pairs FROM cell WHERE at=?1" },
		{ &s->put_cell, "INSERT OR REPLACE INTO cell VALUES(?1,?2)" },
		{ &s->get_hour, "SELECT pairs FROM hour WHERE at=?1" },
		{ &s->put_hour, "INSERT OR REPLACE INTO hour VALUES(?1,?2)" },
		{ &s->get_seen, "SELECT source, hashes FROM seen WHERE at=?1" },
		{ &s->put_seen, "INSERT INTO seen(at, source, hashes) VALUES(?1,?2,?3)" },
		{ &s->get_block, "SELECT mails FROM block WHERE id=?1" },
		{ &s->put_block, "INSERT INTO block(at, ids, mails) VALUES(?1,?2,?3)" },
		{ &s->put_log, "INSERT INTO mail_log(mails) VALUES(?1)" },
		{ &s->get_top, "SELECT list FROM top WHERE host=?1 AND hour=?2 AND kind=?3" },
		{ &s->put_top, "INSERT OR REPLACE INTO top VALUES(?1,?2,?3,?4)" },
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if ((*all[i].st = db_prepare(s, all[i].sql, e)) == NULL)
			return false;
	return true;
}

/* So that readers see at once that they need not compare the names: 0 is no fingerprint. */
static bool
say_metrics(struct state *s, int64_t fingerprint, struct err *e)
{
	return db_write(s, "INSERT INTO meta VALUES('metrics',?1) ON CONFLICT(key) DO UPDATE"
	    " SET value=excluded.value WHERE value!=excluded.value", fingerprint, e);
}

/* Metrics have numbers of the state's own, so that a new program may reorder them. */
static bool
load_metrics(struct state *s, struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, "SELECT id, name FROM metric", e);
	uint32_t next = 0;
	bool known[METRIC_N] = { false }, good = true;
	int rc;

	if (st == NULL)
		return false;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		uint32_t id = (uint32_t)sqlite3_column_int(st, 0);
		enum metric m;

		if (metric_by_name(db_blob(st, 1), &m)) {
			known[m] = true;
			s->metric_number[m] = id;
		}
		next = id >= next ? id + 1 : next;
	}
	if (!db_end(s, st, rc, e))
		return false;
	s->metrics_same = true;
	st = NULL;
	for (uint32_t m = 0; m < METRIC_N && good; m++) {
		if (!known[m]) {
			if (st == NULL && ((st = db_prepare(s, "INSERT INTO metric VALUES(?1,?2)",
			    e)) == NULL || !db_run(s, "BEGIN IMMEDIATE", e))) {
				sqlite3_finalize(st);
				return false;
			}
			s->metric_number[m] = next++;
			sqlite3_bind_int64(st, 1, s->metric_number[m]);
			sqlite3_bind_text(st, 2, metrics[m].name, -1, SQLITE_STATIC);
			good = db_step(s, st, "write", e);
		}
		s->metrics_same &= s->metric_number[m] == m;
	}
	if (st != NULL) {
		sqlite3_finalize(st);
		if (!good || !db_run(s, "COMMIT", e)) {
			(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
			return false;
		}
	}
	return good && say_metrics(s, s->metrics_same && next == METRIC_N ? metric_fingerprint() : 0, e);
}

static bool
open_db(struct state *s, struct err *e)
{
	char path[4096];
	bool fresh = false;
	int persist = 1;

	(void)snprintf(path, sizeof path, "%s/state.db", s->dir);
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	    SQLITE_OPEN_NOMUTEX, state_wal_vfs()) != SQLITE_OK)
		return s->db != NULL ? db_fail(s, "open", e) : err_set(e, "open %s: no memory", path);
	if (!place_take(s, e))
		return false;
	(void)sqlite3_busy_timeout(s->db, 5000);
	/* Each commit of the daemon changes a few bytes in each of ten pages, and the disk gets them
	 * whole, so pages are small. The log may have 16 MB before they are written to the file: most
	 * are in it many times by then. */
	if (!db_run(s, "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
	    "PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-8000; PRAGMA temp_store=MEMORY;"
	    "PRAGMA trusted_schema=OFF", e))
		return false;
	/* unprivileged readers need the WAL files to stay (DESIGN 3) */
	(void)sqlite3_file_control(s->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &persist);
	(void)chmod(path, 0640);
	if (!check_version(s, &fresh, e) || (fresh && !create(s, e)))
		return false;
	place_remember(s);
	return load_metrics(s, e) && prepare_all(s, e) && hosts_load(s, e) && sources_load(s, e) &&
	    limits_load(s, e) && clock_load(s, e);
}

struct state *
state_open(const char *dir, struct err *e)
{
	struct state *s = xcalloc(1, sizeof *s);

	s->dir = xstrdup(dir);
	s->lock_fd = -1;
	if (!make_dirs(dir, e) || !take_lock(s, e) || !open_db(s, e)) {
		state_close(s);
		return NULL;
	}
	return s;
}

void
state_close(struct state *s)
{
	if (s == NULL)
		return;
	sqlite3_stmt *all[] = { s->get_cell, s->put_cell, s->get_hour, s->put_hour, s->get_seen,
		s->put_seen, s->get_block, s->put_block, s->put_log, s->get_top, s->put_top };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		sqlite3_finalize(all[i]);
	if (s->placed)
		place_leave(s);
	(void)sqlite3_close(s->db);
	if (s->lock_fd >= 0)
		(void)close(s->lock_fd);
	for (size_t i = 0; i < s->hosts; i++)
		free(s->host_name[i]);
	for (size_t i = 0; i < s->sources; i++) {
		free(s->source[i]->name);
		free(s->source[i]->last_line);
		buf_free(&s->source[i]->unfinished);
		buf_free(&s->source[i]->cursor);
		free(s->source[i]);
	}
	free(s->source);
	mails_free(s);
	free(s->dir);
	free(s);
}

const struct hash_key *
state_key(const struct state *s)
{
	return &s->key;
}

bool
state_seen_load(void *arg, unsigned host, int64_t minute, seen_block_fn *block, void *block_arg,
    struct err *e)
{
	struct state *s = arg;
	int rc;

	if (host >= s->hosts || minute > s->host_stored[host])
		return true;	/* newer than all that is stored: the usual case */
	sqlite3_bind_int64(s->get_seen, 1, minute * 65536 + host);
	while ((rc = sqlite3_step(s->get_seen)) == SQLITE_ROW) {
		struct slice hashes = db_blob(s->get_seen, 1);

		block(block_arg, (uint32_t)sqlite3_column_int64(s->get_seen, 0),
		    (const unsigned char *)hashes.p, hashes.n / SEEN_BYTES);
	}
	(void)sqlite3_reset(s->get_seen);
	return rc == SQLITE_DONE ? true : db_fail(s, "read", e);
}

static bool
load_pieces(struct state *s, struct join *join, struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, "SELECT id, bytes FROM piece ORDER BY id", e);
	int rc = SQLITE_DONE;

	if (st == NULL)
		return false;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (join_load(join, (uint64_t)sqlite3_column_int64(st, 0), db_blob(st, 1)))
			continue;
		sqlite3_finalize(st);
		return err_set(e, "%s/state.db has a damaged piece of a line; import the logs again "
		    "into a new directory", s->dir);
	}
	return db_end(s, st, rc, e);
}

bool
state_load(struct state *s, struct tally *tally, struct track *track, struct join *join,
    struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, "SELECT text, id FROM word ORDER BY id", e);
	int rc = SQLITE_DONE;

	if (st == NULL)
		return false;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		(sqlite3_column_int64(st, 1) < STATEREAD_PROGRAMS ? tally_word_load : tally_program_load)(
		    tally, db_blob(st, 0));
	if (!db_end(s, st, rc, e))
		return false;
	s->words_stored = tally_words(tally);
	s->programs_stored = tally_programs(tally);
	s->track = track;
	return load_pieces(s, join, e) && mails_load(s, e);
}

void
state_bulk(struct state *s)
{
	(void)sqlite3_wal_autocheckpoint(s->db, 0);
	/* a page that is written before the commit and changed once more costs all behind it anew */
	(void)sqlite3_exec(s->db, "PRAGMA cache_spill=OFF", NULL, NULL, NULL);
}

void
state_checkpoint(struct state *s)
{
	(void)sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}
