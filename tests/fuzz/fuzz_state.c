/* fuzz_state.c - blobs of a state that anything may have happened to.
 *
 * The input is one blob, read as each of its kinds: a cell, a top table, a mail, a row of the
 * log of mails. What is accepted must be in order, and be the same when written and read
 * again; what it counts must be countable. */
#include <assert.h>
#include <stdlib.h>

#include "cell.h"
#include "flow/mail.h"
#include "flow/track.h"
#include "store/state_db.h"
#include "toplist.h"

#include "poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
as_cell(struct slice blob)
{
	struct cell c = { 0 }, again = { 0 };
	struct buf b = buf_new(1 << 22);

	if (cell_decode(blob, &c)) {
		for (uint32_t i = 0; i < c.n; i++)
			assert(c.pair[i].n != 0 && (i == 0 || c.pair[i - 1].key < c.pair[i].key));
		cell_encode(&b, &c);
		assert(cell_decode(buf_slice(&b), &again) && again.n == c.n);
	}
	cell_free(&c);
	cell_free(&again);
	buf_free(&b);
}

static void
as_toplist(struct slice blob)
{
	struct toplist t, again;
	struct buf b = buf_new(1 << 22);

	toplist_init(&t);
	toplist_init(&again);
	if (toplist_decode(&t, blob)) {
		assert(t.n <= TOP_ROOM);
		toplist_encode(&t, &b);
		assert(t.n <= TOP_KEEP && toplist_decode(&again, buf_slice(&b)));
		toplist_sort(&again);
	}
	toplist_free(&t);
	toplist_free(&again);
	buf_free(&b);
}

static bool
count(void *arg, struct mail *m)
{
	assert(m->id_n <= MAIL_ID_MAX && m->host < HOSTS_MAX && m->n <= MAIL_FACTS_MAX);
	mail_count(m, m->n, 1, arg);
	mail_count(m, m->n, -1, arg);
	return true;
}

static void
as_mails(struct slice blob)
{
	static const struct hash_key key = { { 1, 2, 3, 4 } };
	struct tally *tally = tally_new(NULL);
	struct track *t = track_new(&key, tally, NULL, NULL);
	struct slice s = blob;
	struct mail m;

	(void)mails_replay(t, blob);
	(void)track_all(t, count, tally);
	while (mail_decode(&s, &m)) {
		struct buf b = buf_new(1 << 22);
		struct slice back;
		struct mail again;

		(void)count(tally, &m);
		mail_encode(&b, &m);
		back = buf_slice(&b);
		assert(mail_decode(&back, &again) && again.n == m.n && again.host == m.host);
		free(again.facts);
		free(m.facts);
		buf_free(&b);
	}
	track_free(t);
	tally_free(tally);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a copy of exact size: reading past it is seen */
	char *copy = malloc(size + (size == 0));
	struct slice blob = { copy, size };

	if (copy == NULL)
		return 0;
	if (size > 0)
		memcpy(copy, data, size);
	as_cell(blob);
	as_toplist(blob);
	as_mails(blob);
	free(copy);
	return 0;
}
