/* stateread_top.c - see stateread_top.h. */
#include "stateread_top.h"

#include <sqlite3.h>

#include "stateread_priv.h"

#include "poison.h"

bool
stateread_tables(struct stateread *r, int host, int64_t from, int64_t to, unsigned kinds,
    stateread_table_fn *f, void *arg, struct err *e)
{
	sqlite3 *db = stateread_db(r);
	sqlite3_stmt *st = NULL;
	int rc;

	stateread_once(r);
	if (sqlite3_prepare_v2(db, "SELECT host, hour, kind, list FROM top WHERE hour >= ?1 AND hour < ?2"
	    " AND (?3 >> kind & 1) AND (?4 < 0 OR host = ?4) ORDER BY hour, host, kind", -1, &st,
	    NULL) != SQLITE_OK)
		return err_set(e, "read the top tables: %s", sqlite3_errmsg(db));
	sqlite3_bind_int64(st, 1, from);
	sqlite3_bind_int64(st, 2, to);
	sqlite3_bind_int64(st, 3, kinds);
	sqlite3_bind_int(st, 4, host);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const char *p = sqlite3_column_blob(st, 3);
		struct slice blob = { p != NULL ? p : "", (size_t)sqlite3_column_bytes(st, 3) };
		struct toplist_reader table;

		if (toplist_read(&table, blob) && !f(arg, sqlite3_column_int(st, 0),
		    sqlite3_column_int64(st, 1), (enum top_kind)sqlite3_column_int(st, 2), &table))
			break;
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		err_set(e, "read the top tables: %s", sqlite3_errmsg(db));
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

bool
stateread_kept(struct stateread *r, enum top_kind kind, struct buf *b)
{
	sqlite3_stmt *st = stateread_prepare(r, "SELECT list FROM top WHERE hour = 0 AND host = ?1 AND kind = ?2", NULL);
	bool found;

	if (st == NULL)
		return false;
	sqlite3_bind_int(st, 1, STATEREAD_FARM);
	sqlite3_bind_int(st, 2, (int)kind);
	found = sqlite3_step(st) == SQLITE_ROW;
	if (found)
		buf_add(b, stateread_blob(st, 0));
	sqlite3_finalize(st);
	return found;
}
