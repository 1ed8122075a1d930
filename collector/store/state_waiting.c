/* state_waiting.c - which mails wait, or waited: table waiting.
 *
 * A row for each mail that was in the queue for more than a quarter of an hour: since when, and
 * until when or STATEREAD_WAITS. So it can be asked what waited at any time of the last days, and
 * the many mails that are delivered at once cost nothing. Whenever quiet mails are put away those
 * in memory are looked at: who is open and old gets a row, who has one and ended gets its end. Of an
 * id that was used again the last life stays. */
#include "flow/tally.h"
#include "store/state_db.h"

#include "poison.h"

struct look {
	struct state *s;
	struct tally *tally;
};

/* Of few mails in memory anything is to be said. */
static bool
look(void *arg, struct mail *m)
{
	const struct look *l = arg;
	bool old = l->s->host_newest[m->host] - m->first > STATEREAD_WAITED_S;

	if (mail_is_record(m) || !(m->waits || (m->open && old) || m->last - m->first > STATEREAD_WAITED_S))
		return true;
	(void)mail_count(m, m->n, 1, l->tally);
	m->waits = true;
	return true;
}

static bool
put(struct state *s, sqlite3_stmt *add, sqlite3_stmt *drop, const struct stay *w, struct err *e)
{
	int64_t newest = s->host_newest[w->host];
	bool waited = (w->until == 0 ? newest : w->until) - w->since > STATEREAD_WAITED_S;
	sqlite3_stmt *st = waited ? add : drop;

	sqlite3_bind_int64(st, 1, w->host);
	sqlite3_bind_blob(st, 2, w->id.p, (int)w->id.n, SQLITE_STATIC);
	if (waited) {
		sqlite3_bind_int64(st, 3, w->since);
		sqlite3_bind_int64(st, 4, w->until == 0 ? STATEREAD_WAITS : w->until);
	}
	return db_step(s, st, "write", e);
}

bool
waiting_store(struct state *s, struct track *t, struct err *e)
{
	struct look l = { s, tally_new(NULL) };
	sqlite3_stmt *add = NULL, *drop = NULL;
	const struct stay *w;
	size_t n;
	bool good = true;

	tally_want_stays(l.tally);
	(void)track_all(t, look, &l);
	w = tally_stays(l.tally, &n);
	if (n > 0) {
		/* a page that does not change is not written */
		add = db_prepare(s, "INSERT INTO waiting VALUES(?1,?2,?3,?4) ON CONFLICT(host, id) DO UPDATE"
		    " SET since=?3, until=?4 WHERE since IS NOT ?3 OR until IS NOT ?4", e);
		drop = add == NULL ? NULL : db_prepare(s, "DELETE FROM waiting WHERE host=?1 AND id=?2", e);
		good = drop != NULL;
	}
	for (size_t i = 0; good && i < n; i++)
		good = put(s, add, drop, &w[i], e);
	sqlite3_finalize(add);
	sqlite3_finalize(drop);
	tally_free(l.tally);
	return good;
}

bool
waiting_expire(struct state *s, int64_t keep, struct err *e)
{
	/* whose end nobody told is not waited for for ever */
	return db_write(s, "DELETE FROM waiting WHERE min(until, since + ?1) <"
	    " (SELECT min(newest, ?2) - ?1 FROM host WHERE host.id = waiting.host)", keep * 60, e);
}
