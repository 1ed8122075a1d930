/* specimens.c - see specimens.h.
 *
 * Nearly every line loses against the largest rank that is kept of its kind, and costs a
 * comparison. What is kept is a copy: the line is gone soon. */
#include "flow/specimens.h"

#include <stdlib.h>
#include <string.h>

#include "flow/places.h"
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
	struct places slots;
	size_t bytes;
};

struct specimens *
specimens_new(void)
{
	struct specimens *s = xcalloc(1, sizeof *s);

	places_init(&s->slots);
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
	for (size_t i = 0; i < s->slots.n; i++)
		slot_free((struct slot *)s->slots.item[i]);
	places_keep(&s->slots, 0);
	s->bytes = 0;
}

void
specimens_free(struct specimens *s)
{
	if (s == NULL)
		return;
	specimens_clear(s);
	places_free(&s->slots);
	free(s);
}

static __attribute__((noinline)) struct slot *
find_slot(struct specimens *s, uint64_t at)
{
	size_t before = s->slots.n;
	struct slot *b = places_get(&s->slots, at, sizeof *b);

	s->bytes += (s->slots.n - before) * sizeof *b;
	return b;
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
	uint64_t at = place_of(host, time >= 0 ? time / SPECIMEN_SLOT_S : 0);
	struct slot *b = places_near(&s->slots, at);
	struct group *g;

	if (b == NULL)
		b = find_slot(s, at);
	g = b->of[kind] > 0 ? &b->group[b->of[kind] - 1] : new_group(s, b, kind);
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

	for (size_t i = 0; good && i < s->slots.n; i++) {
		const struct slot *b = (const struct slot *)s->slots.item[i];

		buf_clear(&blob);
		for (unsigned g = 0; g < b->n; g++)
			for (unsigned k = 0; k < b->group[g].n; k++)
				encode(&blob, &b->group[g], k);
		good = f(arg, place_host(b->at), place_time(b->at), buf_slice(&blob));
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
