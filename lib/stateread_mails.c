/* stateread_mails.c - mails of which something is unaccounted, mails that wait, and sample lines. See stateread.h. */
#include <string.h>

#include "stateread_priv.h"

#include "poison.h"

size_t
stateread_lost(struct stateread *r, int host, int64_t from, int64_t to,
    struct stateread_lost *lost, size_t max)
{
	sqlite3_stmt *st = stateread_prepare_span(r,
	    "SELECT host, id, time, rcpts FROM unaccounted WHERE host = ?4 AND time >= ?1 AND time < ?2"
	    " AND rcpts > 0 ORDER BY time DESC, host, id LIMIT ?3",
	    "SELECT host, id, time, rcpts FROM unaccounted WHERE time >= ?1 AND time < ?2"
	    " AND rcpts > 0 ORDER BY time DESC, host, id LIMIT ?3", host, from, to);
	size_t n = 0;

	if (st == NULL)
		return 0;
	sqlite3_bind_int64(st, 3, (sqlite3_int64)max);
	while (n < max && sqlite3_step(st) == SQLITE_ROW) {
		struct slice id = stateread_blob(st, 1);

		lost[n] = (struct stateread_lost){ .host = sqlite3_column_int(st, 0),
			.time = sqlite3_column_int64(st, 2), .rcpts = sqlite3_column_int64(st, 3) };
		id = slice_head(id, sizeof lost[n].id - 1);
		memcpy(lost[n++].id, id.p, id.n);
	}
	sqlite3_finalize(st);
	return n;
}

/* The oldest first; of those as old in order of host and id. */
static bool
is_before(const struct stateread_waiting *a, const struct stateread_waiting *b)
{
	if (a->since != b->since)
		return a->since < b->since;
	return a->host != b->host ? a->host < b->host : memcmp(a->id, b->id, sizeof a->id) < 0;
}

size_t
stateread_waiting(struct stateread *r, int host, int64_t at, int64_t before,
    struct stateread_waiting *w, size_t max, int64_t *n)
{
	/* until, by which there is an index: of those that ended later than that there are few */
	sqlite3_stmt *st = stateread_prepare_span(r,
	    "SELECT host, id, since FROM waiting WHERE until > ?1 AND since < ?2 AND host = ?4",
	    "SELECT host, id, since FROM waiting WHERE until > ?1 AND since < ?2", host, at, before);
	size_t kept = 0;

	for (*n = 0; st != NULL && sqlite3_step(st) == SQLITE_ROW; (*n)++) {
		struct slice id = slice_head(stateread_blob(st, 1), sizeof w->id - 1);
		struct stateread_waiting x = { .host = sqlite3_column_int(st, 0),
			.since = sqlite3_column_int64(st, 2) };
		size_t i;

		memcpy(x.id, id.p, id.n);
		if (kept == max && (max == 0 || !is_before(&x, &w[max - 1])))
			continue;
		i = kept < max ? kept++ : max - 1;
		for (; i > 0 && is_before(&x, &w[i - 1]); i--)
			w[i] = w[i - 1];
		w[i] = x;
	}
	sqlite3_finalize(st);
	return kept;
}

bool
stateread_specimens(struct stateread *r, int host, int64_t from, int64_t to,
    stateread_specimen_fn *f, void *arg, struct err *e)
{
	struct stateread_rows rows;
	bool more = true, good;
	int rc = SQLITE_DONE;
	int64_t at;

	if (!stateread_rows_begin(&rows, r, "SELECT at, list FROM specimen WHERE at >= ?1 AND at < ?2 ORDER BY at",
	    host, from / SPECIMEN_SLOT_S, (to - 1) / SPECIMEN_SLOT_S + 1, e))
		return false;
	while (more && (rc = stateread_rows_next(&rows, &at)) == SQLITE_ROW) {
		struct slice list = stateread_blob(rows.st, 1);
		struct specimen s;

		while (more && specimen_decode(&list, &s))
			if (s.time >= from && s.time < to)
				more = f(arg, (int)(at & 65535), &s);
	}
	good = !more || rc == SQLITE_DONE || stateread_fail(r, e);
	stateread_rows_end(&rows);
	return good;
}
