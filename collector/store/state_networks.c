/* state_networks.c - the answer of check_reputation, made ready with each new top table. */
#include "reputation_kept.h"
#include "stateread.h"
#include "store/state_db.h"

#include "poison.h"

enum { KEPT_BYTES = 1 << 20 };

bool
networks_store(struct state *s, struct err *e)
{
	struct buf b = buf_new(KEPT_BYTES);
	struct stateread *r = stateread_on(s->db, s->dir, NULL);
	bool good;

	/* what cannot be read is no reason to stop: the check will say it */
	if (r == NULL || !reputation_keep(&b, r, NULL))
		buf_clear(&b);
	stateread_close(r);
	sqlite3_bind_int(s->put_top, 1, STATEREAD_FARM);
	sqlite3_bind_int(s->put_top, 2, 0);
	sqlite3_bind_int(s->put_top, 3, TOP_REPUTATION);
	sqlite3_bind_blob(s->put_top, 4, b.p, (int)b.n, SQLITE_STATIC);
	good = db_step(s, s->put_top, "write", e);
	buf_free(&b);
	return good;
}
