/* state_specimens.c - lines that stand for others (flow/specimens.h), a row per host and ten
 * minutes. They are kept for SPECIMEN_KEEP_S. A row that cannot be read is begun anew: samples are
 * worth no stop. */
#include "flow/specimens.h"
#include "store/state_db.h"

#include "poison.h"

struct put {
	struct state *s;
	sqlite3_stmt *get, *put;
	struct buf sum;
	struct err *e;
};

static bool
put_slot(void *arg, unsigned host, int64_t slot, struct slice blob)
{
	struct put *p = arg;
	int64_t at = slot * 65536 + host;
	bool found;

	sqlite3_bind_int64(p->get, 1, at);
	if (!db_find(p->s, p->get, &found, p->e))
		return false;
	buf_clear(&p->sum);
	if (found && specimens_merge(db_blob(p->get, 0), blob, &p->sum))
		blob = buf_slice(&p->sum);
	(void)sqlite3_reset(p->get);
	sqlite3_bind_int64(p->put, 1, at);
	sqlite3_bind_blob(p->put, 2, blob.p, (int)blob.n, SQLITE_STATIC);
	return db_step(p->s, p->put, "write", p->e);
}

bool
specimens_store(struct state *s, struct specimens *some, struct err *e)
{
	struct put p = { .s = s, .sum = buf_new(1 << 24), .e = e };
	bool good;

	p.get = db_prepare(s, "SELECT list FROM specimen WHERE at=?1", e);
	p.put = p.get == NULL ? NULL : db_prepare(s, "INSERT OR REPLACE INTO specimen VALUES(?1,?2)", e);
	good = p.put != NULL && specimens_each(some, put_slot, &p);
	sqlite3_finalize(p.get);
	sqlite3_finalize(p.put);
	buf_free(&p.sum);
	return good;
}
