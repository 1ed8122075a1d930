/* state_accounts.c - accounts and networks by hour, on disk.
 *
 * What a commit brings is a row of account_log for each host and hour, a few bytes; once a
 * minute those rows are added to table account, whose rows are large, and go. Who reads adds
 * both up. So no commit writes much, and none leaves anything to be lost. What an import brings
 * is much anyway, and goes to the table at once. */
#include "flow/accounts.h"
#include "store/state_db.h"

#include "poison.h"

enum { BLOB_MAX = 64 << 20 };

struct storing {
	struct state *s;
	struct accounts *a;
	sqlite3_stmt *get, *put;
	struct err *e;
};

static bool
put_row(const struct storing *t, int64_t at, const struct users u[USERS_TABLES])
{
	struct buf blob[USERS_TABLES];
	bool good = true;

	sqlite3_bind_int64(t->put, 1, at);
	for (int k = 0; k < USERS_TABLES; k++) {
		blob[k] = buf_new(BLOB_MAX);
		if (u[k].n > 0)
			users_encode(&u[k], at >> 16, &blob[k]);
		good &= !blob[k].full;
		sqlite3_bind_blob(t->put, 2 + k, blob[k].p != NULL ? blob[k].p : "", (int)blob[k].n,
		    SQLITE_STATIC);
	}
	good = good ? db_step(t->s, t->put, "write", t->e) :
	    err_set(t->e, "%s/state.db: too much of the accounts of one hour", t->s->dir);
	for (int k = 0; k < USERS_TABLES; k++)
		buf_free(&blob[k]);
	return good;
}

/* Add the row's tables, from that column on, to u. */
static bool
take_row(const struct storing *t, sqlite3_stmt *st, int column, int64_t at,
    struct users u[USERS_TABLES])
{
	for (int k = 0; k < USERS_TABLES; k++) {
		struct slice blob = db_blob(st, column + k);

		if (blob.n > 0 && !users_decode(&u[k], at >> 16, blob, NULL))
			return err_set(t->e, "%s/state.db has a damaged table of accounts; import the logs "
			    "again into a new directory", t->s->dir);
	}
	return true;
}

/* One hour of a host: what came, u, and what is stored. u is empty afterwards. */
static bool
add_hour(const struct storing *t, int64_t at, struct users u[USERS_TABLES])
{
	bool found, good;

	sqlite3_bind_int64(t->get, 1, at);
	good = db_find(t->s, t->get, &found, t->e) && (!found || take_row(t, t->get, 0, at, u));
	(void)sqlite3_reset(t->get);
	for (int k = 0; k < USERS_TABLES; k++)
		accounts_drop(t->a, users_prune(&u[k], ACCOUNTS_MAX));
	good = good && put_row(t, at, u);
	for (int k = 0; k < USERS_TABLES; k++)
		users_free(&u[k]);
	return good;
}

static bool
add_log(const struct storing *t, sqlite3_stmt *log)
{
	struct users u[USERS_TABLES] = { { 0 } };
	int64_t at = INT64_MIN;
	bool good = true;
	int rc = SQLITE_DONE;

	while (good && (rc = sqlite3_step(log)) == SQLITE_ROW) {
		int64_t next = sqlite3_column_int64(log, 0);

		if (at != INT64_MIN && next != at)
			good = add_hour(t, at, u);
		at = next;
		good = good && take_row(t, log, 1, at, u);
	}
	if (good && rc != SQLITE_DONE)
		good = db_fail(t->s, "read", t->e);
	if (good && at != INT64_MIN)
		good = add_hour(t, at, u);
	for (int k = 0; k < USERS_TABLES; k++)
		users_free(&u[k]);
	return good;
}

static bool
add_table(void *arg, unsigned host, int64_t hour, const struct users u[USERS_TABLES])
{
	const struct storing *t = arg;
	struct users sum[USERS_TABLES] = { { 0 } };
	int64_t at = hour * 65536 + host;
	bool found;

	sqlite3_bind_int64(t->get, 1, at);
	if (!db_find(t->s, t->get, &found, t->e))
		return false;
	(void)sqlite3_reset(t->get);
	if (!found && u[USERS_ACCOUNTS].n <= ACCOUNTS_MAX && u[USERS_NETWORKS].n <= ACCOUNTS_MAX)
		return put_row(t, at, u);	/* as in an import */
	for (int k = 0; k < USERS_TABLES; k++)
		users_merge(&sum[k], &u[k]);
	return add_hour(t, at, sum);
}

static bool
put_log(void *arg, unsigned host, int64_t hour, const struct users u[USERS_TABLES])
{
	return put_row(arg, hour * 65536 + host, u);
}

static bool
store_slowly(struct storing *t)
{
	sqlite3_stmt *log = db_prepare(t->s, "SELECT at, accounts, networks FROM account_log ORDER BY at",
	    t->e);
	bool good;

	t->get = log == NULL ? NULL : db_prepare(t->s, "SELECT accounts, networks FROM account WHERE at=?1",
	    t->e);
	t->put = t->get == NULL ? NULL : db_prepare(t->s, "INSERT OR REPLACE INTO account VALUES(?1,?2,?3)",
	    t->e);
	good = t->put != NULL && add_log(t, log) && accounts_each(t->a, add_table, t);
	sqlite3_finalize(log);
	sqlite3_finalize(t->get);
	sqlite3_finalize(t->put);
	return good && db_run(t->s, "DELETE FROM account_log", t->e);
}

bool
accounts_store(struct state *s, struct accounts *a, bool slow, struct err *e)
{
	struct storing t = { s, a, NULL, NULL, e };
	bool good;

	if (slow)
		return store_slowly(&t);
	if (!accounts_any(a))
		return true;
	t.put = db_prepare(s, "INSERT INTO account_log(at, accounts, networks) VALUES(?1,?2,?3)", e);
	good = t.put != NULL && accounts_each(a, put_log, &t);
	sqlite3_finalize(t.put);
	return good;
}
