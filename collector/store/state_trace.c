/* state_trace.c - see mails.h. The log of mails is replayed as when the collector starts;
 * those that were put away are in blocks. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "mem.h"
#include "store/mails.h"
#include "store/state_db.h"

#include "poison.h"

struct each {
	mails_fn *f;
	void *arg;
};

static bool
damaged(struct err *e)
{
	return err_set(e, "the state has a damaged list of mails; " STATEREAD_MEND);
}

/* A record of a Message-ID (track.c) is no mail. */
static bool
give(const struct each *x, const struct mail *m)
{
	return mail_is_record(m) || x->f(x->arg, m);
}

static bool
give_logged(void *arg, struct mail *m)
{
	return give(arg, m);
}

static bool
read_key(struct stateread *r, struct hash_key *key, struct err *e)
{
	sqlite3_stmt *st = NULL;
	bool good = sqlite3_prepare_v2(stateread_db(r), "SELECT value FROM meta WHERE key='key'", -1, &st, NULL) ==
	    SQLITE_OK && sqlite3_step(st) == SQLITE_ROW && db_blob(st, 0).n == sizeof *key;

	if (good)
		memcpy(key, db_blob(st, 0).p, sizeof *key);
	else
		(void)stateread_fail(r, e);
	sqlite3_finalize(st);
	return good;
}

static bool
log_read(struct stateread *r, struct track *t, struct err *e)
{
	sqlite3_stmt *st = NULL;
	bool good = true;
	int rc = SQLITE_DONE;

	if (sqlite3_prepare_v2(stateread_db(r), "SELECT mails FROM mail_log ORDER BY id", -1, &st, NULL) !=
	    SQLITE_OK)
		return stateread_fail(r, e);
	while (good && (rc = sqlite3_step(st)) == SQLITE_ROW)
		good = mails_replay(t, db_blob(st, 0)) || damaged(e);
	if (good && rc != SQLITE_DONE)
		good = stateread_fail(r, e);
	sqlite3_finalize(st);
	return good;
}

static bool
blocks_each(struct stateread *r, const struct each *x, struct err *e)
{
	sqlite3_stmt *st = NULL;
	bool good = true, more = true;
	int rc = SQLITE_DONE;

	if (sqlite3_prepare_v2(stateread_db(r), "SELECT mails FROM block ORDER BY at", -1, &st, NULL) != SQLITE_OK)
		return stateread_fail(r, e);
	while (good && more && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct slice block = db_blob(st, 0);

		while (good && more && block.n > 0) {
			struct mail m;

			good = mail_decode(&block, &m) || damaged(e);
			if (!good)
				break;
			more = give(x, &m);
			free(m.facts);
		}
	}
	if (good && more && rc != SQLITE_DONE)
		good = stateread_fail(r, e);
	sqlite3_finalize(st);
	return good;
}

bool
mails_each(struct stateread *r, mails_fn *f, void *arg, struct err *e)
{
	struct each x = { f, arg };
	struct hash_key key;
	struct track *t;
	bool good;

	stateread_freeze(r);	/* log and blocks of the same commit */
	if (!read_key(r, &key, e))
		return false;
	t = track_new(&key, NULL, NULL, NULL);
	good = log_read(r, t, e);
	if (good && track_all(t, give_logged, &x))
		good = blocks_each(r, &x, e);
	track_free(t);
	return good;
}
