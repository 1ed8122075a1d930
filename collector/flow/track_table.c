/* track_table.c - see track.h: find mails by their id, and let them come and go.
 *
 * Open addressing by the 64-bit keyed hash of host and id; equal hashes are taken
 * for equal ids (a day of a million mails: chance 1e-8). Not thread-safe. */
#include "flow/track_table.h"

#include "flow/hops.h"
#include "hist.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "poison.h"

void
track_push(struct mail ***list, size_t *n, size_t *cap, struct mail *m)
{
	if (*n == *cap) {
		*cap = *cap > 0 ? *cap * 2 : 1024;
		*list = xreallocarray(*list, *cap, sizeof(struct mail *));
	}
	(*list)[(*n)++] = m;
}

#define TAKEN ((uint32_t)1 << 31)

struct track *
track_new(const struct hash_key *key, struct tally *tally, track_fetch_fn *fetch, void *arg)
{
	struct track *t = xcalloc(1, sizeof *t);

	t->key = *key;
	t->tally = tally;
	t->fetch = fetch;
	t->arg = arg;
	t->away_until = INT64_MIN / 2;
	t->pool.size = sizeof(struct mail) + MAIL_ROOM;
	t->mask = 4095;
	t->slot = xcalloc(t->mask + 1, sizeof(struct mail *));
	t->tag = xcalloc(t->mask + 1, sizeof *t->tag);
	return t;
}

/* Once no key of hops.h leads to it. */
static void
mail_free(struct track *t, struct mail *m)
{
	t->bytes -= sizeof *m + m->cap;
	if (!m->inside)
		free(m->facts);
	pool_give(&t->pool, m);
}

void
track_free(struct track *t)
{
	if (t == NULL)
		return;
	hop_index_free(&t->hops);
	for (size_t i = 0; i < t->n_born; i++)
		if (t->born[i] != NULL)
			mail_free(t, t->born[i]);
	pool_free(&t->pool);
	free(t->slot);
	free(t->tag);
	free(t->born);
	free(t->dirty);
	free(t->changed);
	free(t->news);
	free(t);
}

uint64_t
track_hash(const struct track *t, unsigned host, struct slice id)
{
	return hash_bytes(&t->key, slice_head(id, MAIL_ID_MAX)) ^ hash_u64(&t->key, host + 1);
}

/* A search goes by tags, and looks into the mail of a tag that fits only: another mail
 * would hardly be in the cache. */
static size_t
slot_of(const struct track *t, uint64_t hash)
{
	uint32_t tag = (uint32_t)hash | TAKEN;
	size_t i = tag & t->mask;

	while (t->tag[i] != 0 && (t->tag[i] != tag || t->slot[i]->hash != hash))
		i = (i + 1) & t->mask;
	return i;
}

static void
slot_set(struct track *t, struct mail *m)
{
	size_t i = slot_of(t, m->hash);

	t->slot[i] = m;
	t->tag[i] = (uint32_t)m->hash | TAKEN;
}

static void
insert(struct track *t, struct mail *m)
{
	if (t->n * 3 > t->mask * 2) {
		struct mail **old = t->slot;
		size_t old_mask = t->mask;

		t->mask = t->mask * 2 + 1;
		assert(t->mask < TAKEN);
		t->slot = xcalloc(t->mask + 1, sizeof(struct mail *));
		free(t->tag);
		t->tag = xcalloc(t->mask + 1, sizeof *t->tag);
		for (size_t i = 0; i <= old_mask; i++)
			if (old[i] != NULL)
				slot_set(t, old[i]);
		free(old);
	}
	slot_set(t, m);
	t->n++;
	if (m->host >= t->hosts)
		t->hosts = m->host + 1u;
	m->place = (uint32_t)t->n_born;
	track_push(&t->born, &t->n_born, &t->cap_born, m);
}

static void
take_out(struct track *t, size_t i)
{
	size_t gap = i;

	/* move later members of the run over the gap where their home allows it */
	for (size_t k = (i + 1) & t->mask; t->tag[k] != 0; k = (k + 1) & t->mask) {
		size_t home = t->tag[k] & t->mask;

		if (((k - home) & t->mask) >= ((k - gap) & t->mask)) {
			t->slot[gap] = t->slot[k];
			t->tag[gap] = t->tag[k];
			gap = k;
		}
	}
	t->slot[gap] = NULL;
	t->tag[gap] = 0;
	t->n--;
}

static struct mail *
make(struct track *t, uint64_t hash, unsigned host, struct slice id)
{
	struct mail *m = pool_take(&t->pool);

	*m = (struct mail){ .hash = hash, .cap = MAIL_ROOM, .inside = true,
		.facts = (unsigned char *)(m + 1) };
	m->host = (uint16_t)host;
	m->id_n = (uint8_t)(id.n < MAIL_ID_MAX ? id.n : MAIL_ID_MAX);
	memcpy(m->id, id.p, m->id_n);
	t->bytes += sizeof *m + m->cap;
	insert(t, m);
	return m;
}

struct mail *
track_mail(struct track *t, unsigned host, struct slice id)
{
	uint64_t hash = track_hash(t, host, id);
	struct mail *m = t->slot[slot_of(t, hash)];

	if (m == NULL && t->fetch != NULL) {
		(void)t->fetch(t->arg, hash);
		m = t->slot[slot_of(t, hash)];
	}
	return m != NULL ? m : make(t, hash, host, id);
}

struct mail *
track_find(struct track *t, unsigned host, struct slice id, int64_t from)
{
	uint64_t hash = track_hash(t, host, id);
	struct mail *m = t->slot[slot_of(t, hash)];

	if (m == NULL && t->fetch != NULL && from <= t->away_until) {
		(void)t->fetch(t->arg, hash);
		m = t->slot[slot_of(t, hash)];
	}
	return m;
}

void
track_has_away(struct track *t, unsigned host, int64_t last)
{
	if (host >= t->hosts)
		t->hosts = host + 1;
	if (last > t->away_until)
		t->away_until = last;
}

void
track_adopt(struct track *t, const struct mail *m, bool in_log)
{
	uint64_t hash = track_hash(t, m->host, mail_id(m));
	size_t i = slot_of(t, hash);
	struct mail *copy;

	if (t->slot[i] != NULL && !in_log) {
		free(m->facts);		/* only in a damaged state: the table knows better */
		return;
	}
	if (t->slot[i] != NULL) {	/* the log's later version replaces an earlier one */
		uint32_t place;

		copy = t->slot[i];
		place = copy->place;
		hops_leave(t, copy);
		t->bytes -= copy->cap;
		if (!copy->inside)
			free(copy->facts);
		*copy = *m;
		copy->place = place;
	} else {
		copy = pool_take(&t->pool);
		*copy = *m;
		copy->hash = hash;
		t->bytes += sizeof *copy;
		insert(t, copy);
	}
	copy->hash = hash;
	copy->waits = true;	/* for all we know */
	copy->touched = t->now;
	copy->logged = in_log ? copy->n : 0;
	t->bytes += copy->cap;
	hops_enter(t, copy);
	if (!in_log) {		/* its block goes: the log must have it */
		copy->changed = true;
		track_push(&t->changed, &t->n_changed, &t->cap_changed, copy);
	}
}

bool
track_grow(struct track *t, uint64_t hash, struct slice *block)
{
	struct mail *m = t->slot[slot_of(t, hash)];
	uint32_t cap;

	if (m == NULL)
		return false;
	cap = m->cap;
	if (!mail_grow(block, m))
		return false;
	t->bytes += m->cap - cap;
	m->logged = m->n;
	hops_enter(t, m);
	return true;
}

void
track_forget(struct track *t, uint64_t hash)
{
	size_t i = slot_of(t, hash);

	if (t->slot[i] == NULL)
		return;
	t->born[t->slot[i]->place] = NULL;
	t->leaving = true;
	if (t->slot[i]->hops)
		hops_leave(t, t->slot[i]);
	mail_free(t, t->slot[i]);
	take_out(t, i);
}

bool
track_changed(struct track *t, track_fn *f, void *arg)
{
	for (size_t i = 0; i < t->n_changed; i++) {
		if (i + MAILS_AHEAD < t->n_changed)
			mail_fetch(t->changed[i + MAILS_AHEAD]);
		if (!t->changed[i]->away && !f(arg, t->changed[i]))
			return false;
	}
	return true;
}

bool
track_all(struct track *t, track_fn *f, void *arg)
{
	for (size_t i = 0; i < t->n_born; i++)
		if (t->born[i] != NULL && !t->born[i]->away && !f(arg, t->born[i]))
			return false;
	return true;
}

/* The bucket of idleness from which on mails must go, that no more than max stay. */
static unsigned
too_idle(const struct track *t, size_t max)
{
	size_t in[HIST_N] = { 0 }, go = 0;
	unsigned b = HIST_N;

	if (t->n <= max)
		return HIST_N;
	for (size_t i = 0; i < t->n_born; i++)
		if (t->born[i] != NULL)
			in[hist_bucket(t->now - t->born[i]->touched)]++;
	while (b > 0 && go < t->n - max)
		go += in[--b];
	return b;
}

bool
track_put_away(struct track *t, const int64_t *newest, int64_t quiet_s, uint64_t idle, size_t max,
    track_fn *f, void *arg)
{
	unsigned limit = too_idle(t, max);

	for (size_t i = 0; i < t->n_born; i++) {
		struct mail *m = t->born[i];
		bool quiet;

		if (i + MAILS_AHEAD < t->n_born)
			__builtin_prefetch(t->born[i + MAILS_AHEAD]);
		if (m == NULL)
			continue;
		quiet = t->now - m->touched >= idle && m->last < newest[m->host] - quiet_s;
		if (!quiet && (limit == HIST_N || hist_bucket(t->now - m->touched) < limit))
			continue;
		m->away = t->leaving = true;
		track_has_away(t, m->host, m->last);
		if (!f(arg, m))
			return false;
	}
	return true;
}

/* Have the cache fetch the places of the table that taking m out needs. */
static void
fetch_place(const struct track *t, const struct mail *m)
{
	__builtin_prefetch(&t->tag[m->hash & t->mask]);
	__builtin_prefetch(&t->slot[m->hash & t->mask]);
}

static bool
is_away(const struct mail *m)
{
	return m->away;
}

/* Keep the facts of up to that time, but for hops from gone (NULL: from none). */
static void
keep_facts(struct mail *m, int64_t until, const struct mail *gone)
{
	struct mail rest = *m;
	uint32_t at = 0;
	struct fact f;

	rest.facts = NULL;
	rest.inside = rest.real = false;
	rest.n = rest.cap = 0;
	rest.label = 0;
	while (mail_next(m, &at, &f)) {
		if (f.time > until || (gone != NULL && f.kind == FACT_HOP_FROM && f.nrcpt == gone->host &&
		    slice_eq(f.other_id, mail_id(gone))))
			continue;
		(void)mail_add(&rest, &f);	/* they did fit */
		rest.real = rest.real || !fact_is_bond(f.kind);
	}
	if (!m->inside)
		free(m->facts);
	*m = rest;
}

/* One that has lines of before, and is to keep no others; gone: as above. */
static void
disown_some(struct track *t, struct mail *m, int64_t after, const struct mail *gone)
{
	mail_count(m, m->n, -1, t->tally);
	hops_leave(t, m);
	t->bytes -= m->cap;
	keep_facts(m, after, gone);
	t->bytes += m->cap;
	hops_enter(t, m);
	m->open = mail_count(m, m->n, 1, t->tally) & MAIL_OPEN;
	m->counted = m->n;
	m->logged = 0;
	m->into = 0;
	m->asked = 0;
	m->waiting = m->bound;
	m->waits = true;
	if (!m->changed)
		track_push(&t->changed, &t->n_changed, &t->cap_changed, m);
	m->changed = true;
}

/* Mails of other hosts of which later lines said that m went on as them. They know it with the time of their own line,
 * which may be before: of a mail that waited while the clock jumped, the delay makes all times fit. */
static void
disown_hops(struct track *t, const struct mail *m, int64_t after)
{
	uint32_t at = 0;
	struct fact f;

	while (m->hops && mail_next_kind(m, FACT_HOP_INTO, &at, &f)) {
		struct mail *next = f.time > after ? track_find(t, f.nrcpt, f.other_id, INT64_MIN) : NULL;

		if (next != NULL && next->first <= after)
			disown_some(t, next, after, m);
	}
}

void
track_disown(struct track *t, int64_t after)
{
	size_t kept = 0;

	track_settle(t);
	for (size_t i = 0; i < t->n_changed; i++)
		if (t->changed[i]->first <= after)
			t->changed[kept++] = t->changed[i];
	t->n_changed = kept;
	for (size_t i = 0; i < t->n_born; i++) {
		struct mail *m = t->born[i];

		if (m == NULL || m->last <= after)
			continue;
		disown_hops(t, m, after);
		if (m->first <= after)
			disown_some(t, m, after, NULL);
		else
			track_forget(t, m->hash);
	}
	t->away_until = t->away_until < after ? t->away_until : after;
}

/* Let go of the mails that are away, and close the gaps. */
static void
leave(struct track *t)
{
	size_t kept = 0;

	hop_index_sweep(&t->hops, is_away);	/* to ask each for its keys takes its facts */
	for (size_t i = 0; i < t->n_born; i++) {
		struct mail *m = t->born[i], *ahead = i + MAILS_AHEAD < t->n_born ?
		    t->born[i + MAILS_AHEAD] : NULL;

		if (ahead != NULL && ahead->away)
			fetch_place(t, ahead);
		if (i + 2 * MAILS_AHEAD < t->n_born && t->born[i + 2 * MAILS_AHEAD] != NULL)
			mail_fetch(t->born[i + 2 * MAILS_AHEAD]);
		if (m == NULL)
			continue;
		if (m->away) {
			take_out(t, slot_of(t, m->hash));
			mail_free(t, m);
		} else {
			m->place = (uint32_t)kept;
			t->born[kept++] = m;
		}
	}
	t->n_born = kept;
	t->leaving = false;
}

void
track_committed(struct track *t)
{
	for (size_t i = 0; i < t->n_changed; i++) {
		t->changed[i]->changed = false;
		t->changed[i]->logged = t->changed[i]->n;
	}
	t->n_changed = 0;
	if (t->leaving)
		leave(t);
}

void
track_kept(struct track *t)
{
	for (size_t i = 0; i < t->n_born; i++)
		if (t->born[i] != NULL)
			t->born[i]->away = false;
}

size_t
track_mails(const struct track *t)
{
	return t->n;
}

size_t
track_memory_bytes(const struct track *t)
{
	return t->bytes + hop_index_bytes(&t->hops) + t->cap_born * sizeof(struct mail *) +
	    (t->mask + 1) * (sizeof(struct mail *) + sizeof *t->tag);
}
