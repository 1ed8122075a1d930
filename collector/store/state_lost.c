/* state_lost.c - samples of the mails with unaccounted recipients.
 *
 * Table unaccounted has, by host and queue id, how many recipients and since when. Each
 * commit adds what changed; what comes to 0 goes. Rows below 0 are parts of a sum that is not
 * complete yet (the line of the other part is late) and are shown to nobody. It is bounded:
 * the newest of a host stay, the numbers in the cells are exact all the same. */
#include "flow/lost.h"
#include "store/state_db.h"

#include "poison.h"

enum { SAMPLES = 200 };		/* of a host: people look at five, a script at some */

struct put {
	sqlite3_stmt *add, *drop, *prune;
};

static bool
prepare_puts(struct state *s, struct put *p, struct err *e)
{
	p->add = db_prepare(s, "INSERT INTO unaccounted VALUES(?1,?2,?3,?4) ON CONFLICT(host, id)"
	    " DO UPDATE SET rcpts = rcpts + ?4, time = CASE WHEN ?5 THEN ?3 ELSE time END", e);
	p->drop = p->add == NULL ? NULL :
	    db_prepare(s, "DELETE FROM unaccounted WHERE host=?1 AND id=?2 AND rcpts=0", e);
	p->prune = p->drop == NULL ? NULL : db_prepare(s, "DELETE FROM unaccounted WHERE host=?1 AND"
	    " id IN (SELECT id FROM unaccounted WHERE host=?1 ORDER BY time DESC, id"
	    " LIMIT -1 OFFSET ?2)", e);
	return p->prune != NULL;
}

static bool
put_mail(struct state *s, const struct put *p, const struct lost_mail *m, struct err *e)
{
	sqlite3_bind_int(p->add, 1, m->host);
	sqlite3_bind_blob(p->add, 2, m->id, m->id_n, SQLITE_STATIC);
	sqlite3_bind_int64(p->add, 3, m->time);
	sqlite3_bind_int64(p->add, 4, m->rcpts);
	sqlite3_bind_int(p->add, 5, m->begun);
	sqlite3_bind_int(p->drop, 1, m->host);
	sqlite3_bind_blob(p->drop, 2, m->id, m->id_n, SQLITE_STATIC);
	return db_step(s, p->add, "write", e) && db_step(s, p->drop, "write", e);
}

bool
lost_store(struct state *s, const struct lost *l, struct err *e)
{
	struct put p = { NULL, NULL, NULL };
	bool host[HOSTS_MAX] = { false }, good;
	const struct lost_mail *m;
	size_t n;

	m = lost_mails(l, &n);
	if (n == 0)
		return true;
	good = prepare_puts(s, &p, e);
	for (size_t i = 0; good && i < n; i++) {
		if (m[i].rcpts == 0)
			continue;	/* taken back and counted again: nothing new */
		host[m[i].host] = true;
		good = put_mail(s, &p, &m[i], e);
	}
	for (size_t h = 0; good && h < s->hosts; h++) {
		if (!host[h])
			continue;
		sqlite3_bind_int64(p.prune, 1, (sqlite3_int64)h);
		sqlite3_bind_int(p.prune, 2, SAMPLES);
		good = db_step(s, p.prune, "write", e);
	}
	sqlite3_finalize(p.add);
	sqlite3_finalize(p.drop);
	sqlite3_finalize(p.prune);
	return good;
}

bool
lost_expire(struct state *s, int64_t keep, struct err *e)
{
	return db_write(s, "DELETE FROM unaccounted WHERE time <"
	    " (SELECT min(newest, ?2) - ?1 FROM host WHERE host.id = unaccounted.host)", keep * 60, e);
}
