/* state_kept.c - the answers of check_reputation and check_mail_accounts, made ready with each new tables.
 *
 * To look at the weeks before takes the longer the more nodes a farm has, and no commit goes on meanwhile. So it
 * gets a hundredth of the time: where that is not enough for each minute, the checks find the answer too old and look
 * for themselves. */
#include "clock.h"
#include "misuse_kept.h"
#include "reputation_kept.h"
#include "stateread.h"
#include "store/state_db.h"

#include "poison.h"

enum { KEPT_BYTES = 1 << 20, PART_OF_TIME = 100 };

static bool
put(struct state *s, enum top_kind kind, const struct buf *b, struct err *e)
{
	sqlite3_bind_int(s->put_top, 1, STATEREAD_FARM);
	sqlite3_bind_int(s->put_top, 2, 0);
	sqlite3_bind_int(s->put_top, 3, (int)kind);
	sqlite3_bind_blob(s->put_top, 4, b->p, (int)b->n, SQLITE_STATIC);
	return db_step(s, s->put_top, "write", e);
}

bool
kept_store(struct state *s, struct err *e)
{
	struct buf b = buf_new(KEPT_BYTES);
	double begun = clock_now();
	struct stateread *r;
	bool good;

	if (begun < s->kept_due)
		return true;
	r = stateread_on(s->db, s->dir, NULL);
	/* what cannot be read is no reason to stop: the check will say it */
	if (r == NULL || !reputation_keep(&b, r, NULL))
		buf_clear(&b);
	good = put(s, TOP_REPUTATION, &b, e);
	buf_clear(&b);
	if (r == NULL || !misuse_keep(&b, r, NULL))
		buf_clear(&b);
	good = good && put(s, TOP_MISUSE, &b, e);
	stateread_close(r);
	buf_free(&b);
	s->kept_due = begun + (clock_now() - begun) * PART_OF_TIME;
	return good;
}
