/* lives.c - the facts of a queue id, sorted by their time and cut into lives.
 *
 * The same set of facts gives the same lives in whatever order it came. Ids are used again:
 * a life begins with client= or a pickup, or with another first line (message-id, qmgr) after
 * the id was removed. Two instances on a host may use the same id at once: their lines are
 * told apart by their names. What a life gives to the counts is in count.c. */
#include "flow/life.h"

#include "flow/judged.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "poison.h"

enum {
	FEW = 24,		/* facts that need no memory of their own */
	RESENT_S = 60		/* Message-ID and Resent-Message-ID are logged together */
};

/* The facts of an instance, each kind in order of time. */
struct sorted {
	struct fact *fact, *into, *bond;	/* its lines, INTO, other bonds */
	uint32_t n, n_bonds, n_into;
	bool unique;		/* the id is never used again: one life */
	unsigned host;
	struct slice id;
	int sign;
	struct tally *t;
};

/* --- order ------------------------------------------------------------------------ */

/* The order of facts with the same second: as a mail goes. */
static int
rank(const struct fact *f)
{
	switch (f->kind) {
	case FACT_NEW: case FACT_CLIENT: case FACT_PICKUP: return 0;
	case FACT_MSGID: return 1;
	case FACT_QUEUED: return 2;
	case FACT_DEFERRED: case FACT_STARTED: return 3;
	case FACT_REMOVED: return 6;
	case FACT_EXPIRED: return 5;
	default: return 4;
	}
}

/* What is told apart no further counts the same in any order; deliveries do. */
static int
by_content(const struct fact *x, const struct fact *y)
{
	const struct slice *s = &x->other_id, *o = &y->other_id;
	int c;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (fact_is_delivery(x->kind))
		return 0;
	if (x->flags != y->flags)
		return x->flags < y->flags ? -1 : 1;
	if (x->label != y->label)
		return x->label < y->label ? -1 : 1;
	if (x->nrcpt != y->nrcpt)
		return x->nrcpt < y->nrcpt ? -1 : 1;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	if (x->kind == FACT_CLIENT) {
		s = &x->b;
		o = &y->b;
	}
	if (s->n != o->n)
		return s->n < o->n ? -1 : 1;
	c = s->n > 0 ? memcmp(s->p, o->p, s->n) : 0;
	return c;
}

static int
by_time(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;
	int c;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	if (x->usec != y->usec)
		return x->usec < y->usec ? -1 : 1;
	c = rank(x) - rank(y);
	return c != 0 ? c : by_content(x, y);
}

static void
sort_facts(struct fact *f, uint32_t n)
{
	/* nearly always in order already */
	for (uint32_t i = 1, k; i < n; i++) {
		struct fact x;

		if (by_time(&f[i - 1], &f[i]) <= 0)
			continue;
		k = i;
		if (n > 64) {
			qsort(f, n, sizeof *f, by_time);
			return;
		}
		x = f[i];
		do {
			f[k] = f[k - 1];
		} while (--k > 0 && by_time(&f[k - 1], &x) > 0);
		f[k] = x;
	}
}

/* --- lives ------------------------------------------------------------------------ */

/* What the facts of a life said so far. */
struct so_far {
	bool begun, removed, named;	/* it has a client or was picked up; has ended; has MSGID */
	int64_t start, named_at;
};

/* Does a new life begin with f? A queue file has one message-id line: another one later is
 * of another file, though nothing told the end of the first (cleanup refused it, or the
 * line was lost). */
static bool
begins(const struct so_far *l, const struct fact *f)
{
	switch (f->kind) {
	case FACT_NEW:
	case FACT_CLIENT:
	case FACT_PICKUP:
		return l->begun || l->removed || f->time - l->start > LIFE_SKEW_S;
	case FACT_MSGID:
		return l->removed || (l->named && f->time - l->named_at > RESENT_S);
	case FACT_QUEUED:
		return l->removed;
	default:
		return false;
	}
}

static void
go_on(struct so_far *l, const struct fact *f)
{
	l->begun |= rank(f) == 0;
	l->removed |= f->kind == FACT_REMOVED;
	if (f->kind == FACT_MSGID && !l->named) {
		l->named = true;
		l->named_at = f->time;
	}
}

static unsigned
count_lives(const struct sorted *s)
{
	unsigned found = 0;
	struct life l = { .bond = s->bond, .n_bonds = s->n_bonds, .into = s->into,
		.n_into = s->n_into, .unique = s->unique, .first = true, .sign = s->sign,
		.host = s->host, .id = s->id, .t = s->t };
	struct so_far sum = { .start = s->n > 0 ? s->fact[0].time : 0 };
	const struct fact *f = s->fact;
	uint32_t from = 0;

	for (uint32_t i = 1; i <= s->n; i++) {
		bool end = i == s->n;

		go_on(&sum, &f[i - 1]);
		if (!end && (s->unique || !begins(&sum, &f[i])))
			continue;
		l.fact = f + from;
		l.n = i - from;
		l.last = end;
		l.until = end ? 0 : fact_at(&f[i]);
		found |= life_count(&l);
		l.first = false;
		sum = (struct so_far){ .start = end ? 0 : f[i].time };
		from = i;
	}
	if (s->n == 0) {
		l.last = true;
		found |= life_count(&l);
	}
	return found;
}

/* --- instances -------------------------------------------------------------------- */

/* The names under which qmgr speaks, and its lines in order of time. */
struct labels {
	uint16_t label[4];
	uint32_t n;
	const struct fact **queued;
	uint32_t n_queued;
};

static uint32_t
number_of(const struct labels *l, uint16_t label)
{
	uint32_t i = 0;

	while (i < l->n && l->label[i] != label)
		i++;
	return i;
}

/* Whose is x: the instance of its own name, if own is said and qmgr speaks under it; else
 * that of the qmgr line nearest in time, one before rather than one after. */
static uint32_t
label_of(const struct labels *l, const struct fact *x, bool own)
{
	int64_t best = INT64_MAX;
	uint16_t label = l->label[0];
	uint32_t i;

	if (own && (i = number_of(l, x->label)) < l->n)
		return i;
	for (uint32_t q = 0; q < l->n_queued; q++) {
		int64_t d = x->time - l->queued[q]->time;

		mail_steps++;
		d = d >= 0 ? d * 2 : -d * 2 + 1;
		if (d < best) {
			best = d;
			label = l->queued[q]->label;
		}
	}
	i = number_of(l, label);
	return i < l->n ? i : 0;
}

static uint32_t
pick(const struct labels *l, uint32_t k, const struct fact *from, uint32_t n, bool own,
    struct fact *to)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < n; i++)
		if (label_of(l, &from[i], own) == k)
			to[size++] = from[i];
	return size;
}

/* Two instances on one host may use the same id: part the facts by the names
 * under which qmgr speaks; lines of other names (submission) go to the nearest. */
static unsigned
count_instances(const struct sorted *s)
{
	struct labels l = { .n = 0 };
	unsigned found = 0;
	struct sorted part = *s;

	for (uint32_t i = 0; i < s->n; i++) {
		bool new = s->fact[i].kind == FACT_QUEUED;

		l.n_queued += new;
		for (uint32_t k = 0; k < l.n && new; k++)
			new = l.label[k] != s->fact[i].label;
		if (new && l.n < 4)
			l.label[l.n++] = s->fact[i].label;
	}
	if (l.n < 2)
		return count_lives(s);
	l.queued = xreallocarray(NULL, l.n_queued, sizeof *l.queued);
	l.n_queued = 0;
	for (uint32_t i = 0; i < s->n; i++)
		if (s->fact[i].kind == FACT_QUEUED)
			l.queued[l.n_queued++] = &s->fact[i];
	part.fact = xreallocarray(NULL, s->n + s->n_bonds + s->n_into, sizeof *part.fact);
	part.bond = part.fact + s->n;
	part.into = part.bond + s->n_bonds;
	for (uint32_t k = 0; k < l.n; k++) {
		part.n = pick(&l, k, s->fact, s->n, true, part.fact);
		part.n_bonds = pick(&l, k, s->bond, s->n_bonds, false, part.bond);
		part.n_into = pick(&l, k, s->into, s->n_into, false, part.into);
		found |= count_lives(&part);
	}
	free(part.fact);
	free(l.queued);
	return found;
}

/* Part the n facts at s->fact: bonds go to room, where others of them are than INTO, and INTO
 * behind those. */
static void
part_bonds(struct sorted *s, uint32_t n, struct fact *room, uint32_t others)
{
	s->n = 0;
	s->bond = room;
	s->into = room + others;
	for (uint32_t i = 0; i < n; i++) {
		const struct fact *f = &s->fact[i];

		if (f->kind == FACT_INTO)
			s->into[s->n_into++] = *f;
		else if (fact_is_bond(f->kind))
			s->bond[s->n_bonds++] = *f;
		else if (s->n++ < i)
			s->fact[s->n - 1] = *f;
	}
}

/* Take out the deliveries that VOID says were another mail's; returns how many facts are left. */
static uint32_t
without_void(struct fact *f, uint32_t n)
{
	uint32_t left = 0;

	for (uint32_t v = 0; v < n; v++) {
		for (uint32_t i = 0; i < n && f[v].kind == FACT_VOID; i++) {
			mail_steps++;
			if (!fact_is_delivery(f[i].kind) || fact_at(&f[i]) != fact_at(&f[v]) ||
			    !slice_eq(f[i].a, f[v].a))
				continue;
			f[i].kind = 0;
			break;
		}
	}
	for (uint32_t i = 0; i < n; i++)
		if (f[i].kind != 0)
			f[left++] = f[i];
	return left;
}

unsigned
mail_count(const struct mail *m, uint32_t upto, int sign, struct tally *t)
{
	struct fact few[FEW], few_bonds[FEW], *f, *room = few_bonds;
	struct sorted s = { .host = m->host, .id = mail_id(m), .sign = sign, .t = t };
	uint32_t n, bonds = 0, into = 0;
	unsigned found;
	bool any_void = false;

	if (mail_is_record(m)) {
		if (m->id_n > 1 && m->id[1] == MAIL_JUDGED)
			judged_count(m, upto, sign, t);
		return 0;
	}
	/* Exim's ids, the only ones with a '-', are made of the time */
	s.unique = memchr(m->id, '-', m->id_n) != NULL;
	n = mail_facts(m, upto, few, FEW, &f);
	for (uint32_t i = 0; i < n; i++) {
		bonds += fact_is_bond(f[i].kind);
		into += f[i].kind == FACT_INTO;
		any_void |= f[i].kind == FACT_VOID;
	}
	if (any_void) {
		sort_facts(f, n);
		n = without_void(f, n);
	}
	if (bonds > FEW)
		room = xreallocarray(NULL, bonds, sizeof *room);
	s.fact = f;
	part_bonds(&s, n, room, bonds - into);
	sort_facts(s.fact, s.n);
	sort_facts(s.bond, s.n_bonds);
	sort_facts(s.into, s.n_into);
	found = count_instances(&s);
	if (room != few_bonds)
		free(room);
	if (f != few)
		free(f);
	return found;
}
