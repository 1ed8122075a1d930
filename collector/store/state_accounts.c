/* state_accounts.c - accounts and networks by hour, on disk.
 *
 * What a commit brings is a row of account_log for each host and hour, a few bytes; once a
 * minute those rows are added to table account, whose rows are large, and go. Who reads adds
 * both up. So no commit writes much, and none leaves anything to be lost. */
#include "flow/accounts.h"
#include "store/state_db.h"

#include "poison.h"

enum { BLOB_MAX = 64 << 20 };

struct logging {
	struct state *s;
	sqlite3_stmt *put;
	struct err *e;
};

static bool
put_row(struct state *s, sqlite3_stmt *put, int64_t at, const struct users u[USERS_TABLES],
    struct err *e)
{
	struct buf blob[USERS_TABLES];
	bool good = true;

	sqlite3_bind_int64(put, 1, at);
	for (int k = 0; k < USERS_TABLES; k++) {
		blob[k] = buf_new(BLOB_MAX);
		if (u[k].n > 0)
			users_encode(&u[k], at >> 16, &blob[k]);
		good &= !blob[k].full;
		sqlite3_bind_blob(put, 2 + k, blob[k].p != NULL ? blob[k].p : "", (int)blob[k].n,
		    SQLITE_STATIC);
	}
	good = good ? db_step(s, put, "write", e) :
	    err_set(e, "%s/state.db: too much of the accounts of one hour", s->dir);
	for (int k = 0; k < USERS_TABLES; k++)
		buf_free(&blob[k]);
	return good;
}

static bool
log_table(void *arg, unsigned host, int64_t hour, const struct users u[USERS_TABLES])
{
	struct logging *l = arg;

	return put_row(l->s, l->put, hour * 65536 + host, u, l->e);
}

static bool
damaged(struct state *s, struct err *e)
{
	return err_set(e, "%s/state.db has a damaged table of accounts; import the logs again into a "
	    "new directory", s->dir);
}

/* Add the row's tables, from that column on, to u. */
static bool
take_row(struct state *s, sqlite3_stmt *st, int column, int64_t at, struct users u[USERS_TABLES],
    struct err *e)
{
	for (int k = 0; k < USERS_TABLES; k++) {
		struct slice blob = db_blob(st, column + k);

		if (blob.n > 0 && !users_decode(&u[k], at >> 16, blob, NULL))
			return damaged(s, e);
	}
	return true;
}

/* One hour of a host: what is stored, and what came. */
static bool
add_hour(struct state *s, sqlite3_stmt *get, sqlite3_stmt *put, int64_t at, struct accounts *a,
    struct users u[USERS_TABLES], struct err *e)
{
	bool found, good;

	sqlite3_bind_int64(get, 1, at);
	if (!db_find(s, get, &found, e))
		return false;
	good = !found || take_row(s, get, 0, at, u, e);
	(void)sqlite3_reset(get);
	for (int k = 0; k < USERS_TABLES; k++)
		accounts_drop(a, users_prune(&u[k], ACCOUNTS_MAX));
	good = good && put_row(s, put, at, u, e);
	for (int k = 0; k < USERS_TABLES; k++)
		users_free(&u[k]);
	return good;
}

static bool
merge_log(struct state *s, struct accounts *a, sqlite3_stmt *log, sqlite3_stmt *get,
    sqlite3_stmt *put, struct err *e)
{
	struct users u[USERS_TABLES] = { { 0 } };
	int64_t at = INT64_MIN;
	bool good = true;
	int rc = SQLITE_DONE;

	while (good && (rc = sqlite3_step(log)) == SQLITE_ROW) {
		int64_t next = sqlite3_column_int64(log, 0);

		if (at != INT64_MIN && next != at)
			good = add_hour(s, get, put, at, a, u, e);
		at = next;
		good = good && take_row(s, log, 1, at, u, e);
	}
	if (good && rc != SQLITE_DONE)
		good = db_fail(s, "read", e);
	if (good && at != INT64_MIN)
		good = add_hour(s, get, put, at, a, u, e);
	for (int k = 0; k < USERS_TABLES; k++)
		users_free(&u[k]);
	return good;
}

static bool
empty_log(struct state *s, struct accounts *a, struct err *e)
{
	sqlite3_stmt *log = db_prepare(s, "SELECT at, accounts, networks FROM account_log ORDER BY at", e);
	sqlite3_stmt *get = log == NULL ? NULL :
	    db_prepare(s, "SELECT accounts, networks FROM account WHERE at=?1", e);
	sqlite3_stmt *put = get == NULL ? NULL :
	    db_prepare(s, "INSERT OR REPLACE INTO account VALUES(?1,?2,?3)", e);
	bool good = put != NULL && merge_log(s, a, log, get, put, e);

	sqlite3_finalize(log);
	sqlite3_finalize(get);
	sqlite3_finalize(put);
	return good && db_run(s, "DELETE FROM account_log", e);
}

bool
accounts_store(struct state *s, struct accounts *a, bool slow, struct err *e)
{
	struct logging l = { s, NULL, e };
	bool good = true;

	if (accounts_any(a)) {
		l.put = db_prepare(s, "INSERT INTO account_log(at, accounts, networks) VALUES(?1,?2,?3)", e);
		good = l.put != NULL && accounts_each(a, log_table, &l);
		sqlite3_finalize(l.put);
	}
	return good && (!slow || empty_log(s, a, e));
}
