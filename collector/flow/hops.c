/* hops.c - see hops.h.
 *
 * Another host's id is joined only if the Message-ID is the same and mail_bond_fits() says that
 * the times fit: MX hosts elsewhere also say "queued as", two hosts can use the same id, and ids
 * are used again. What is told depends on the delivery and on the line with the Message-ID
 * alone, once for each such pair. Equal hashes are taken for equal Message-IDs. */
#include "flow/hops.h"

#include <stdlib.h>
#include <string.h>

#include "flow/track_table.h"

#include "poison.h"

/* The Message-IDs of a mail, each with the line that said so. No text: the facts move when a
 * mail learns. */
struct mids {
	struct mid {
		uint64_t hash;
		int64_t time;
		uint32_t usec;
	} few[4], *mid;
	size_t n, cap;
};

/* Exim writes it without its brackets. */
static uint64_t
mid_hash(const struct track *t, struct slice mid)
{
	mid = slice_head(mid, MAIL_TEXT_MAX);
	if (mid.n >= 2 && mid.p[0] == '<' && mid.p[mid.n - 1] == '>')
		mid = (struct slice){ mid.p + 1, mid.n - 2 };
	return hash_bytes(&t->key, mid);
}

static uint64_t
key_of(const struct track *t, struct slice id, uint64_t mid)
{
	return hash_mix(hash_bytes(&t->key, slice_head(id, MAIL_ID_MAX)) ^ t->key.k[3],
	    mid ^ t->key.k[2]);
}

static void
mids_add(struct mids *s, const struct mid *mid)
{
	if (s->n == s->cap) {
		s->cap *= 2;
		s->mid = xreallocarray(s->mid == s->few ? NULL : s->mid, s->cap, sizeof *s->mid);
		if (s->n == sizeof s->few / sizeof *s->few)
			memcpy(s->mid, s->few, sizeof s->few);
	}
	s->mid[s->n++] = *mid;
}

/* One that a repeated line says again is one. */
static bool
mids_have(const struct mids *s, const struct mid *m)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->mid[i].hash == m->hash && s->mid[i].time == m->time &&
		    s->mid[i].usec == m->usec)
			return true;
	return false;
}

static void
mids_fill(struct mids *s, const struct track *t, const struct mail *m)
{
	uint32_t at = 0;
	struct fact f;

	s->mid = s->few;
	s->n = 0;
	s->cap = sizeof s->few / sizeof *s->few;
	/* they are nearly always at the front */
	for (unsigned left = m->msgids; left > 0 && mail_next_kind(m, FACT_MSGID, &at, &f); ) {
		struct mid mid = { 0, f.time, f.usec };

		mid.hash = mid_hash(t, f.a);
		if (mids_have(s, &mid))
			continue;
		mids_add(s, &mid);
		left -= left < UINT8_MAX;
	}
}

static void
mids_free(struct mids *s)
{
	if (s->mid != s->few)
		free(s->mid);
}

static bool
mids_name(const struct mids *s, uint64_t hash)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->mid[i].hash == hash)
			return true;
	return false;
}

/* A delivery to another machine that says how that calls the mail. */
static bool
goes_on(const struct fact *f)
{
	return f->kind == FACT_DELIVERED && f->other_id.n > 0 && !(f->flags & FACT_LOOPBACK) &&
	    (f->flags & FACT_WHERE) >> 1 == WHERE_EXT - 1;
}

/* --- the index -------------------------------------------------------------------- */

void
hops_keys(const struct track *t, const struct mail *m, hops_key_fn *f, void *arg)
{
	struct slice before = { NULL, 0 };
	struct mids mids;
	struct fact d;
	uint32_t at = 0;

	if (!m->hops)
		return;
	mids_fill(&mids, t, m);
	while (mids.n > 0 && mail_next_kind(m, FACT_DELIVERED, &at, &d)) {
		if (!goes_on(&d) || slice_eq(d.other_id, before))
			continue;	/* another recipient in the same transaction */
		before = d.other_id;
		for (size_t i = 0; i < mids.n; i++)
			f(arg, key_of(t, d.other_id, mids.mid[i].hash));
	}
	mids_free(&mids);
}

struct entering {
	struct track *t;
	struct mail *m;
};

static void
enter(void *arg, uint64_t key)
{
	const struct entering *e = arg;

	(void)hop_index_add(&e->t->hops, key, e->m);
}

static void
leave(void *arg, uint64_t key)
{
	const struct entering *e = arg;

	hop_index_remove(&e->t->hops, key, e->m);
}

void
hops_enter(struct track *t, struct mail *m)
{
	hops_keys(t, m, enter, &(struct entering){ t, m });
}

void
hops_leave(struct track *t, struct mail *m)
{
	if (t->hops.n > 0)
		hops_keys(t, m, leave, &(struct entering){ t, m });
}

static void
enter_new(struct track *t, struct mail *m, struct slice id, uint64_t mid, int64_t time)
{
	if (!hop_index_add(&t->hops, key_of(t, id, mid), m))
		tally_add(t->tally, m->host, time / 60, M_evicted, 1);
}

/* The mails that may have gone on as id; those on disk come to the table. */
static size_t
those_before(struct track *t, struct slice id, uint64_t mid, int64_t time,
    struct mail *mail[HOP_KEY_MAILS])
{
	uint64_t key = key_of(t, id, mid);

	while (t->fetch != NULL && time <= t->away_until + BOND_AFTER_S && t->fetch(t->arg, key))
		;
	return hop_index_find(&t->hops, key, mail);
}

/* --- who learns what -------------------------------------------------------------- */

/* Each with the time of its own line: they belong to lives of reused ids. */
static void
tell(struct track *t, struct mail *from, const struct fact *d, struct mail *to,
    const struct mid *mid)
{
	uint32_t said = (uint32_t)hash_mix(to->hash, (uint64_t)fact_at(d) ^ t->key.k[1]) | 1;
	struct fact f;

	fact_init(&f, FACT_HOP_FROM, mid->time);
	f.usec = mid->usec;
	f.other_id = mail_id(from);
	f.nrcpt = from->host;
	track_learn(t, to, &f);
	if (from->into == said)
		return;		/* another recipient in the same transaction */
	from->into = said;
	fact_init(&f, FACT_HOP_INTO, d->time);
	f.usec = d->usec;
	f.other_id = mail_id(to);
	f.nrcpt = to->host;
	track_learn(t, from, &f);
}

/* The mail d of host went on as, there. */
static struct mail *
that_after(struct track *t, const struct fact *d, unsigned host)
{
	int64_t took = d->delay_ms > 0 ? d->delay_ms / 1000 : 0;

	return track_find(t, host, d->other_id, d->time - took - BOND_BEFORE_S);
}

void
hops_delivered(struct track *t, struct mail *m, const struct fact *f)
{
	struct mids mine, theirs;

	if (!goes_on(f))
		return;
	m->hops = true;
	mids_fill(&mine, t, m);
	for (size_t i = 0; i < mine.n; i++)
		enter_new(t, m, f->other_id, mine.mid[i].hash, f->time);
	for (unsigned host = 0; mine.n > 0 && host < t->hosts; host++) {
		struct mail *next = host == m->host ? NULL : that_after(t, f, host);

		if (next == NULL)
			continue;
		mids_fill(&theirs, t, next);
		for (size_t i = 0; i < theirs.n; i++)
			if (mids_name(&mine, theirs.mid[i].hash) &&
			    mail_bond_fits(f, theirs.mid[i].time))
				tell(t, m, f, next, &theirs.mid[i]);
		mids_free(&theirs);
	}
	mids_free(&mine);
}

/* Has a mail been handed on to this one, whose Message-ID becomes known? */
static void
named_here(struct track *t, struct mail *m, const struct mid *mid)
{
	struct mail *before[HOP_KEY_MAILS];
	size_t n = those_before(t, mail_id(m), mid->hash, mid->time, before);

	for (size_t i = 0; i < n; i++) {
		uint32_t at = 0, end = before[i]->n;
		struct fact d;

		while (before[i]->host != m->host && at < end &&
		    mail_next_kind(before[i], FACT_DELIVERED, &at, &d))
			if (goes_on(&d) && slice_eq(d.other_id, mail_id(m)) &&
			    mail_bond_fits(&d, mid->time))
				tell(t, before[i], &d, m, mid);
	}
}

/* Has it been handed on already? */
static void
named_late(struct track *t, struct mail *m, const struct mid *mid)
{
	uint32_t at = 0, end = m->n;
	char id[MAIL_ID_MAX];
	struct mids theirs;
	struct fact d;

	while (at < end && mail_next_kind(m, FACT_DELIVERED, &at, &d)) {
		if (!goes_on(&d))
			continue;
		memcpy(id, d.other_id.p, d.other_id.n);	/* facts move when m is told */
		d.other_id.p = id;
		enter_new(t, m, d.other_id, mid->hash, d.time);
		for (unsigned host = 0; host < t->hosts; host++) {
			struct mail *next = host == m->host ? NULL : that_after(t, &d, host);

			if (next == NULL)
				continue;
			mids_fill(&theirs, t, next);
			for (size_t i = 0; i < theirs.n; i++)
				if (theirs.mid[i].hash == mid->hash &&
				    mail_bond_fits(&d, theirs.mid[i].time))
					tell(t, m, &d, next, &theirs.mid[i]);
			mids_free(&theirs);
		}
	}
}

void
hops_named(struct track *t, struct mail *m, const struct fact *f)
{
	bool maybe = t->hosts > 1 && (t->hops.n > 0 || f->time <= t->away_until + BOND_AFTER_S);
	struct mid mid = { 0, f->time, f->usec };
	struct mids mine;

	if (!maybe && !m->hops)
		return;
	mid.hash = mid_hash(t, f->a);
	mids_fill(&mine, t, m);
	if (maybe && !mids_have(&mine, &mid))
		named_here(t, m, &mid);
	if (m->hops && !mids_name(&mine, mid.hash))
		named_late(t, m, &mid);
	mids_free(&mine);
}
