/* state_kept.c - the answers of check_reputation and check_mail_accounts, made ready.
 *
 * The one with each new top tables, the other some seconds later than the lines. To look at the weeks before takes the
 * longer the more nodes a farm has, and no commit goes on meanwhile: so each gets a hundredth of the time. Where that is not
 * enough the checks find the answer too old and look for themselves. */
#include "clock.h"
#include "misuse_kept.h"
#include "reputation_kept.h"
#include "stateread.h"
#include "store/state_db.h"

#include "poison.h"

enum { KEPT_BYTES = 1 << 20, PART_OF_TIME = 100 };

static const struct kept {
	enum top_kind kind;
	bool (*keep)(struct buf *b, struct stateread *r, struct err *e);
	bool slow;		/* with the top tables */
	double every_s;
} all[KEPT_N] = {
	[KEPT_REPUTATION] = { TOP_REPUTATION, reputation_keep, true, 0 },
	[KEPT_MISUSE] = { TOP_MISUSE, misuse_keep, false, MISUSE_KEPT_S }
};

static bool
store(struct state *s, const struct kept *k, struct err *e)
{
	struct stateread *r = stateread_on(s->db, s->dir, NULL);
	struct buf b = buf_new(KEPT_BYTES);
	bool good;

	/* what cannot be read is no reason to stop: the check will say it */
	if (r == NULL || !k->keep(&b, r, NULL))
		buf_clear(&b);
	stateread_close(r);
	sqlite3_bind_int(s->put_top, 1, STATEREAD_FARM);
	sqlite3_bind_int(s->put_top, 2, 0);
	sqlite3_bind_int(s->put_top, 3, (int)k->kind);
	sqlite3_bind_blob(s->put_top, 4, b.p, (int)b.n, SQLITE_STATIC);
	good = db_step(s, s->put_top, "write", e);
	buf_free(&b);
	return good;
}

bool
kept_store(struct state *s, bool slow, struct err *e)
{
	for (int i = 0; i < KEPT_N; i++) {
		double begun = clock_now(), took;

		if (begun < s->kept_due[i] || (all[i].slow && !slow))
			continue;
		if (!store(s, &all[i], e))
			return false;
		took = clock_now() - begun;
		s->kept_due[i] = begun + (took * PART_OF_TIME > all[i].every_s ? took * PART_OF_TIME : all[i].every_s);
	}
	return true;
}
