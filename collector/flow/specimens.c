/* specimens.c - see specimens.h.
 *
 * Nearly every line loses against the largest rank that is kept of its kind, and costs a
 * comparison. What is kept is a copy: the line is gone soon. */
#include "flow/specimens.h"

#include <stdlib.h>
#include <string.h>

#include "flow/tally.h"
#include "hash.h"
#include "mem.h"

#include "poison.h"

enum { SLOW = METRIC_N, KINDS, FULL_BYTES = 6 << 20, MERGED_MAX = 1024 };

_Static_assert(KINDS < 256 && SPECIMEN_TEXT_MAX < 256, "numbers and lengths fit a byte");

/* A copy of what is kept. */
struct copy {
	int64_t time;
	uint8_t n[SPECIMEN_TEXTS];
	char bytes[];		/* the texts, one behind the other */
};

/* What is kept of one kind, the smallest rank first. */
struct group {
	uint64_t rank[SPECIMENS_KEPT];
	struct copy *copy[SPECIMENS_KEPT];
	uint8_t kind, n;
};

struct slot {
	uint64_t at;		/* host and slot */
	uint8_t of[KINDS];	/* group + 1 of each kind; 0: none yet */
	struct group *group;
	uint8_t n;
};

struct specimens {
	struct hash_key key;
	struct slot **table;	/* open addressing by at */
	size_t mask, n, bytes;
	struct slot *recent[HOSTS_MAX];	/* by host */
};

struct specimens *
specimens_new(void)
{
	struct specimens *s = xcalloc(1, sizeof *s);

	s->key = hash_key_random();
	s->mask = 63;
	s->table = xcalloc(s->mask + 1, sizeof(struct slot *));
	return s;
}

static void
slot_free(struct slot *b)
{
	for (unsigned g = 0; g < b->n; g++)
		for (unsigned i = 0; i < b->group[g].n; i++)
			free(b->group[g].copy[i]);
	free(b->group);
	free(b);
}

void
specimens_clear(struct specimens *s)
{
	for (size_t i = 0; s->n > 0 && i <= s->mask; i++) {
		if (s->table[i] != NULL)
			slot_free(s->table[i]);
		s->table[i] = NULL;
	}
	s->n = s->bytes = 0;
	memset(s->recent, 0, sizeof s->recent);
}

void
specimens_free(struct specimens *s)
{
	if (s == NULL)
		return;
	specimens_clear(s);
	free(s->table);
	free(s);
}

static struct slot **
place_of(const struct specimens *s, uint64_t at)
{
	size_t i = hash_u64(&s->key, at) & s->mask;

	while (s->table[i] != NULL && s->table[i]->at != at)
		i = (i + 1) & s->mask;
	return &s->table[i];
}

static void
grow(struct specimens *s)
{
	struct slot **old = s->table;
	size_t n = s->mask + 1;

	s->mask = n * 2 - 1;
	s->table = xcalloc(s->mask + 1, sizeof(struct slot *));
	for (size_t i = 0; i < n; i++)
		if (old[i] != NULL)
			*place_of(s, old[i]->at) = old[i];
	free(old);
}

static struct slot *
find_slot(struct specimens *s, uint64_t at)
{
	struct slot **place = place_of(s, at);

	if (*place == NULL) {
		if (s->n * 2 > s->mask) {
			grow(s);
			place = place_of(s, at);
		}
		*place = xcalloc(1, sizeof **place);
		(*place)->at = at;
		s->n++;
		s->bytes += sizeof **place;
	}
	return *place;
}

static struct group *
new_group(struct specimens *s, struct slot *b, unsigned kind)
{
	struct group *g;

	if ((b->n & 7) == 0)
		b->group = xreallocarray(b->group, b->n + 8u, sizeof *b->group);
	g = &b->group[b->n++];
	*g = (struct group){ .kind = (uint8_t)kind };
	b->of[kind] = b->n;
	s->bytes += sizeof *g;
	return g;
}

static size_t
copy_bytes(const struct copy *c)
{
	size_t n = sizeof *c;

	for (int i = 0; i < SPECIMEN_TEXTS; i++)
		n += c->n[i];
	return n;
}

static struct copy *
copy_of(const struct event *e, int64_t time, unsigned kind)
{
	const struct slice text[SPECIMEN_TEXTS] = {
		[SPECIMEN_ID] = e->id, [SPECIMEN_CLIENT] = e->client_ip, [SPECIMEN_USER] = e->sasl_user,
		[SPECIMEN_FROM] = e->from, [SPECIMEN_TO] = e->to,
		[SPECIMEN_SAID] = e->text.n > 0 && kind != SLOW ? e->text : e->relay
	};
	struct copy head = { .time = time }, *c;
	char *p;

	for (int i = 0; i < SPECIMEN_TEXTS; i++)
		head.n[i] = (uint8_t)(text[i].n < SPECIMEN_TEXT_MAX ? text[i].n : SPECIMEN_TEXT_MAX);
	c = xmalloc(copy_bytes(&head));
	*c = head;
	p = c->bytes;
	for (int i = 0; i < SPECIMEN_TEXTS; i++) {
		if (head.n[i] > 0)
			memcpy(p, text[i].p, head.n[i]);
		p += head.n[i];
	}
	return c;
}

/* Keep it in place of the one with the largest rank. */
static __attribute__((noinline)) void
keep(struct specimens *s, struct group *g, uint64_t rank, int64_t time, const struct event *e)
{
	unsigned at = 0;

	while (at < g->n && g->rank[at] < rank)
		at++;
	if (at < g->n && g->rank[at] == rank)
		return;		/* another recipient of the same line */
	if (g->n == SPECIMENS_KEPT) {
		s->bytes -= copy_bytes(g->copy[--g->n]);
		free(g->copy[g->n]);
	}
	for (unsigned i = g->n++; i > at; i--) {
		g->rank[i] = g->rank[i - 1];
		g->copy[i] = g->copy[i - 1];
	}
	g->rank[at] = rank;
	g->copy[at] = copy_of(e, time, g->kind);
	s->bytes += copy_bytes(g->copy[at]);
}

static inline void
offer(struct specimens *s, unsigned host, int64_t time, unsigned kind, uint64_t rank,
    const struct event *e)
{
	int64_t slot = time >= 0 ? time / SPECIMEN_SLOT_S : 0;
	uint64_t at = (uint64_t)host << 48 | (uint64_t)slot;
	struct slot **recent = &s->recent[host % HOSTS_MAX];
	struct group *g;

	if (*recent == NULL || (*recent)->at != at)
		*recent = find_slot(s, at);
	g = (*recent)->of[kind] > 0 ? &(*recent)->group[(*recent)->of[kind] - 1] :
	    new_group(s, *recent, kind);
	if (g->n < SPECIMENS_KEPT || rank < g->rank[SPECIMENS_KEPT - 1])
		keep(s, g, rank, time, e);
}

void
specimens_offer(struct specimens *s, unsigned host, int64_t time, enum metric m, uint64_t line,
    const struct event *e)
{
	offer(s, host, time, m, line, e);
}

void
specimens_slow(struct specimens *s, unsigned host, int64_t time, uint64_t line,
    const struct event *e)
{
	if (e->delay_ms >= 0 && e->id.n > 0)
		offer(s, host, time, SLOW, specimen_slow(e->delay_ms, line), e);
}

bool
specimens_full(const struct specimens *s)
{
	return s->bytes > FULL_BYTES;
}

static void
encode(struct buf *b, const struct group *g, unsigned i)
{
	const struct copy *c = g->copy[i];
	struct specimen one = { .kind = slice_of(g->kind == SLOW ? SPECIMEN_SLOW : metrics[g->kind].name),
		.rank = g->rank[i], .time = c->time };
	const char *p = c->bytes;

	for (int k = 0; k < SPECIMEN_TEXTS; k++) {
		one.text[k] = (struct slice){ p, c->n[k] };
		p += c->n[k];
	}
	specimen_encode(b, &one);
}

bool
specimens_each(struct specimens *s, specimens_fn *f, void *arg)
{
	struct buf blob = buf_new(FULL_BYTES);
	bool good = true;

	for (size_t i = 0; good && s->n > 0 && i <= s->mask; i++) {
		const struct slot *b = s->table[i];

		if (b == NULL)
			continue;
		buf_clear(&blob);
		for (unsigned g = 0; g < b->n; g++)
			for (unsigned k = 0; k < b->group[g].n; k++)
				encode(&blob, &b->group[g], k);
		good = f(arg, (unsigned)(b->at >> 48), (int64_t)(b->at & 0xffffffffffff), buf_slice(&blob));
	}
	buf_free(&blob);
	return good;
}

/* --- what is stored already ------------------------------------------------------------- */

static int
by_kind(const void *a, const void *b)
{
	const struct specimen *x = a, *y = b;
	size_t n = x->kind.n < y->kind.n ? x->kind.n : y->kind.n;
	int c = n > 0 ? memcmp(x->kind.p, y->kind.p, n) : 0;

	if (c != 0 || x->kind.n != y->kind.n)
		return c != 0 ? c : x->kind.n < y->kind.n ? -1 : 1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static bool
take_all(struct slice blob, struct specimen *all, size_t *n)
{
	while (blob.n > 0 && *n < MERGED_MAX)
		if (!specimen_decode(&blob, &all[(*n)++]))
			return false;
	return blob.n == 0;
}

bool
specimens_merge(struct slice a, struct slice b, struct buf *sum)
{
	struct specimen *all = xcalloc(MERGED_MAX, sizeof *all);
	size_t n = 0, of_kind = 0;
	bool good = take_all(a, all, &n) && take_all(b, all, &n);

	if (good && n > 1)
		qsort(all, n, sizeof *all, by_kind);
	for (size_t i = 0; good && i < n; i++) {
		bool same = i > 0 && slice_eq(all[i].kind, all[i - 1].kind);

		if (same && all[i].rank == all[i - 1].rank)
			continue;
		of_kind = same ? of_kind + 1 : 0;
		if (of_kind < SPECIMENS_KEPT)
			specimen_encode(sum, &all[i]);
	}
	free(all);
	return good;
}
