/* state_trace.c - see mails.h. Of a mail in the log the last entry counts; one that
 * was put away since is in a block. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "mem.h"
#include "store/mails.h"
#include "store/state_db.h"

#include "poison.h"

struct logged {
	uint64_t hash;
	struct mail mail;
	bool gone;
};

struct log {
	struct hash_key key;
	struct logged *mail;	/* sorted by hash at the end, the latest of each last */
	size_t n, cap;
};

static bool
damaged(struct err *e)
{
	return err_set(e, "the state has a damaged list of mails; import the logs again");
}

/* As track.c makes it. */
static uint64_t
hash_of(const struct hash_key *key, unsigned host, struct slice id)
{
	return hash_bytes(key, id) ^ hash_u64(key, host + 1);
}

static bool
add_entries(struct log *l, struct slice row, struct err *e)
{
	while (row.n > 0) {
		char entry = row.p[0];
		struct logged x = { .gone = entry == ENTRY_GONE };

		row = slice_from(row, 1);
		if (entry == ENTRY_MAIL && mail_decode(&row, &x.mail)) {
			x.hash = hash_of(&l->key, x.mail.host, mail_id(&x.mail));
		} else if (entry == ENTRY_GONE && row.n >= 8) {
			x.hash = hash_read64(row.p);
			row = slice_from(row, 8);
		} else {
			return damaged(e);
		}
		if (l->n == l->cap) {
			l->cap = l->cap > 0 ? l->cap * 2 : 256;
			l->mail = xreallocarray(l->mail, l->cap, sizeof *l->mail);
		}
		l->mail[l->n++] = x;
	}
	return true;
}

static int
by_hash(const void *a, const void *b)
{
	const struct logged *x = *(struct logged *const *)a, *y = *(struct logged *const *)b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x < y ? -1 : x > y;	/* in order of the log */
}

static bool
log_read(struct stateread *r, struct log *l, struct err *e)
{
	sqlite3 *db = stateread_db(r);
	sqlite3_stmt *st = NULL;
	bool good = true;

	if (sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE key='key'", -1, &st, NULL) !=
	    SQLITE_OK || sqlite3_step(st) != SQLITE_ROW || db_blob(st, 0).n != sizeof l->key) {
		sqlite3_finalize(st);
		return err_set(e, "read the state: %s", sqlite3_errmsg(db));
	}
	memcpy(&l->key, db_blob(st, 0).p, sizeof l->key);
	sqlite3_finalize(st);
	if (sqlite3_prepare_v2(db, "SELECT mails FROM mail_log ORDER BY id", -1, &st, NULL) !=
	    SQLITE_OK)
		return err_set(e, "read the state: %s", sqlite3_errmsg(db));
	while (good && sqlite3_step(st) == SQLITE_ROW)
		good = add_entries(l, db_blob(st, 0), e);
	sqlite3_finalize(st);
	return good;
}

/* The latest entry of each id. False: f wants no more. */
static bool
log_each(const struct log *l, mails_fn *f, void *arg)
{
	struct logged **order = xreallocarray(NULL, l->n + 1, sizeof(struct logged *));
	bool more = true;

	for (size_t i = 0; i < l->n; i++)
		order[i] = &l->mail[i];
	if (l->n > 1)
		qsort(order, l->n, sizeof(struct logged *), by_hash);
	for (size_t i = 0; more && i < l->n; i++)
		if (!order[i]->gone && (i + 1 == l->n || order[i + 1]->hash != order[i]->hash))
			more = f(arg, &order[i]->mail);
	free(order);
	return more;
}

static bool
blocks_each(struct stateread *r, mails_fn *f, void *arg, struct err *e)
{
	sqlite3 *db = stateread_db(r);
	sqlite3_stmt *st = NULL;
	bool good = true, more = true;

	if (sqlite3_prepare_v2(db, "SELECT mails FROM block ORDER BY at", -1, &st, NULL) != SQLITE_OK)
		return err_set(e, "read the state: %s", sqlite3_errmsg(db));
	while (good && more && sqlite3_step(st) == SQLITE_ROW) {
		struct slice block = db_blob(st, 0);

		while (good && more && block.n > 0) {
			struct mail m;

			good = mail_decode(&block, &m) || damaged(e);
			if (!good)
				break;
			more = f(arg, &m);
			free(m.facts);
		}
	}
	sqlite3_finalize(st);
	return good;
}

bool
mails_each(struct stateread *r, mails_fn *f, void *arg, struct err *e)
{
	struct log l = { .n = 0 };
	bool good;

	stateread_freeze(r);	/* log and blocks of the same commit */
	good = log_read(r, &l, e);
	if (good && log_each(&l, f, arg))
		good = blocks_each(r, f, arg, e);
	for (size_t i = 0; i < l.n; i++)
		free(l.mail[i].mail.facts);
	free(l.mail);
	return good;
}
