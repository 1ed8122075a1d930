/* stateread_rows.c - rows of a host among those of all, see stateread_priv.h.
 *
 * Rows lie by time and then by host. Some of other hosts are passed by one after the other; where
 * there are many, the next place of the host is looked up, and from then on at once. All are of one commit. */
#include "stateread_priv.h"

#include "poison.h"

enum { PASS = 8 };	/* so many rows of others cost what it costs to look up a place */

/* The next place of a host behind another. */
static int64_t
next_place(int64_t at, int host)
{
	return (at & ~(int64_t)65535) + host + ((at & 65535) >= host ? 65536 : 0);
}

bool
stateread_rows_begin(struct stateread_rows *w, struct stateread *r, const char *sql, int host, int64_t from,
    int64_t to, struct err *e)
{
	*w = (struct stateread_rows){ .r = r, .sql = sql, .host = host, .st = stateread_borrow(r, sql, e) };
	if (w->st == NULL)
		return false;
	sqlite3_bind_int64(w->st, 1, from * 65536);
	sqlite3_bind_int64(w->st, 2, to * 65536);
	return true;
}

/* Also of a reader that is not frozen: the statement holds the commit until then. */
static void
look_up(struct stateread_rows *w, int64_t place)
{
	if (sqlite3_get_autocommit(w->r->db) != 0)
		w->frozen = sqlite3_exec(w->r->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
	(void)sqlite3_reset(w->st);
	sqlite3_bind_int64(w->st, 1, place);
}

int
stateread_rows_next(struct stateread_rows *w, int64_t *at)
{
	int rc, others = 0;

	if (w->next != 0)
		look_up(w, w->next);
	while ((rc = sqlite3_step(w->st)) == SQLITE_ROW) {
		*at = sqlite3_column_int64(w->st, 0);
		if (w->host < 0)
			return rc;
		if ((*at & 65535) == w->host) {
			w->next = w->many ? next_place(*at, w->host) : 0;
			return rc;
		}
		if (++others % PASS == 0) {
			w->many = true;
			look_up(w, next_place(*at, w->host));
		}
	}
	return rc;
}

void
stateread_rows_end(struct stateread_rows *w)
{
	stateread_give_back(w->r, w->sql, w->st);
	if (w->frozen)
		(void)sqlite3_exec(w->r->db, "COMMIT", NULL, NULL, NULL);
}
