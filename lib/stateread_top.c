/* stateread_top.c - the tables of what was most frequent, and of accounts. See stateread.h and stateread_top.h. */
#include "stateread_top.h"

#include <stdlib.h>

#include <sqlite3.h>

#include "cell.h"
#include "mem.h"
#include "stateread_priv.h"

#include "poison.h"

enum { FEW_HOURS = 48 };

/* The next larger id of a host that is wanted, -1: there is none. */
static int
host_behind(const struct stateread *r, int wanted, int id)
{
	int next = -1;

	for (size_t i = 0; i < r->hosts; i++) {
		int h = r->host[i].id;

		if ((wanted < 0 || h == wanted) && h > id && (next < 0 || h < next))
			next = h;
	}
	return next;
}

/* One by one: of a span SQLite looks at the tables of all kinds. */
static void
add_tops(struct stateread *r, int host, int64_t from, int64_t to, enum top_kind kind)
{
	static const char sql[] = "SELECT list FROM top WHERE hour = ?1 AND host = ?2 AND kind = ?3";
	sqlite3_stmt *st = stateread_borrow(r, sql, NULL);

	for (int64_t hour = from; st != NULL && hour < to; hour++)
		for (int id = host_behind(r, host, -1); id >= 0; id = host_behind(r, host, id)) {
			sqlite3_bind_int64(st, 1, hour);
			sqlite3_bind_int(st, 2, id);
			sqlite3_bind_int(st, 3, (int)kind);
			if (sqlite3_step(st) == SQLITE_ROW)
				(void)toplist_decode(&r->top, stateread_blob(st, 0));
			(void)sqlite3_reset(st);
		}
	if (st != NULL)
		stateread_give_back(r, sql, st);
}

/* Nor is a year of hours asked for, where a state has a day. */
static void
add_tops_of_span(struct stateread *r, int host, int64_t from, int64_t to, enum top_kind kind)
{
	static const char of_host[] = "SELECT list FROM top WHERE hour >= ?1 AND hour < ?2 AND kind = ?3"
	    " AND host = ?4";
	static const char of_all[] = "SELECT list FROM top WHERE hour >= ?1 AND hour < ?2 AND kind = ?3";
	sqlite3_stmt *st = stateread_prepare_span(r, of_host, of_all, host, from, to);

	if (st == NULL)
		return;
	sqlite3_bind_int(st, 3, (int)kind);
	while (sqlite3_step(st) == SQLITE_ROW)
		(void)toplist_decode(&r->top, stateread_blob(st, 0));
	stateread_give_back(r, host >= 0 ? of_host : of_all, st);
}

size_t
stateread_top(struct stateread *r, int host, int64_t from, int64_t to, enum top_kind kind,
    struct stateread_top *top, size_t max)
{
	const struct stateread_host *hosts;
	struct err e;
	size_t n;

	if (r->top.entry == NULL)
		toplist_init(&r->top);
	toplist_clear(&r->top);
	if (to - from <= FEW_HOURS && stateread_hosts(r, &hosts, &n, &e))
		add_tops(r, host, from, to, kind);
	else
		add_tops_of_span(r, host, from, to, kind);
	toplist_first(&r->top, max);
	for (n = 0; n < r->top.n && n < max; n++)
		top[n] = (struct stateread_top){ toplist_text(&r->top.entry[n]), r->top.entry[n].n,
			r->top.entry[n].error };
	return n;
}

static int
by_count(const void *a, const void *b)
{
	const struct stateread_top *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return slice_order(x->text, y->text);
}

size_t
stateread_counted(struct stateread *r, const struct cell *c, struct stateread_top **words)
{
	struct stateread_top *w = *words = xcalloc(c->n + 1, sizeof *w);
	size_t n = 0;

	for (uint32_t i = 0; i < c->n; i++)
		if (c->pair[i].key >= CELL_WORD && c->pair[i].n > 0)
			w[n++] = (struct stateread_top){ stateread_word(r, c->pair[i].key - CELL_WORD),
				(uint64_t)c->pair[i].n, 0 };
	qsort(w, n, sizeof *w, by_count);
	return n;
}

bool
stateread_users(struct stateread *r, int host, int64_t from, int64_t to, stateread_users_fn *f,
    void *arg, struct err *e)
{
	static const char sql[] = "SELECT at, accounts, networks FROM account WHERE at >= ?1"
	    " AND at < ?2 UNION ALL SELECT at, accounts, networks FROM account_log"
	    " WHERE at >= ?1 AND at < ?2";
	sqlite3_stmt *st = stateread_borrow(r, sql, e);
	bool good;
	int rc;

	if (st == NULL)
		return false;
	sqlite3_bind_int64(st, 1, from * 65536);
	sqlite3_bind_int64(st, 2, to * 65536);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t at = sqlite3_column_int64(st, 0);

		if (host >= 0 && (at & 65535) != host)
			continue;
		if (!f(arg, (int)(at & 65535), at >> 16, stateread_blob(st, 1), stateread_blob(st, 2)))
			break;
	}
	good = rc == SQLITE_ROW || rc == SQLITE_DONE || stateread_fail(r, e);
	stateread_give_back(r, sql, st);
	return good;
}

bool
stateread_tables(struct stateread *r, int host, int64_t from, int64_t to, unsigned kinds,
    stateread_table_fn *f, void *arg, struct err *e)
{
	sqlite3 *db = stateread_db(r);
	sqlite3_stmt *st = NULL;
	int rc;

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
