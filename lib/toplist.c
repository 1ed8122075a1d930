/* toplist.c - see toplist.h. */
#include "toplist.h"

#include <stdlib.h>
#include <string.h>

#include "first.h"
#include "mem.h"

#include "poison.h"

/* One key for all lists: an archive has many thousands. */
static struct {
	struct hash_key key;
	bool made;
} hashes;

void
toplist_init(struct toplist *t)
{
	if (!hashes.made)
		hashes.key = hash_key_random();
	hashes.made = true;
	*t = (struct toplist){ .key = hashes.key };
}

void
toplist_free(struct toplist *t)
{
	for (uint32_t i = 0; i < t->rooms; i++)
		free(t->room[i]);
	free(t->entry);
	free(t->slot);
	t->entry = NULL;
	t->slot = NULL;
	t->n = t->cap = t->rooms = 0;
}

static void
clear_slots(struct toplist *t)
{
	if (t->cap > 0)
		memset(t->slot, 0, t->cap * 2 * sizeof *t->slot);
}

void
toplist_clear(struct toplist *t)
{
	clear_slots(t);
	t->n = t->floor = 0;
}

enum { INDEX = 1023 };		/* the bits of a slot that are not the hash's */
_Static_assert((int)TOP_ROOM <= (int)INDEX, "an index fits its bits");

/* The slot that holds the text with this hash, or the free one where it belongs; there is room
 * for one entry at least. Keyed hashes of 64 bits: equal ones are taken for equal texts. */
static inline uint32_t
slot_of(const struct toplist *t, uint64_t hash)
{
	uint32_t mask = t->cap * 2 - 1, i = (uint32_t)hash & mask, tag = (uint32_t)(hash >> 32);

	while (t->slot[i] != 0 && ((t->slot[i] ^ tag) > INDEX ||
	    t->entry[(t->slot[i] & INDEX) - 1].hash != hash))
		i = (i + 1) & mask;
	return i;
}

static inline void
slot_set(struct toplist *t, uint32_t slot, uint64_t hash, uint32_t index)
{
	t->slot[slot] = ((uint32_t)(hash >> 32) & ~(uint32_t)INDEX) | (index + 1);
}

static void
reindex(struct toplist *t)
{
	clear_slots(t);
	for (uint32_t i = 0; i < t->n; i++)
		slot_set(t, slot_of(t, t->entry[i].hash), t->entry[i].hash, i);
}

static int
by_count(const void *a, const void *b)
{
	const struct top_entry *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return slice_order(toplist_text(x), toplist_text(y));	/* the same every time */
}

void
toplist_sort(struct toplist *t)
{
	if (t->n > 1)
		qsort(t->entry, t->n, sizeof *t->entry, by_count);
	reindex(t);
}

void
toplist_first(struct toplist *t, size_t k)
{
	first_sort(t->entry, t->n, sizeof *t->entry, k, by_count);
}

static void
swap(struct top_entry *a, struct top_entry *b)
{
	struct top_entry was = *a;

	*a = *b;
	*b = was;
}

static uint32_t
saturated(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* Keep the TOP_KEEP most frequent, and let what the others may have had be the
 * error of all that come. */
static void
prune(struct toplist *t)
{
	enum { COUNTS = 1024 };
	uint32_t with[COUNTS] = { 0 }, limit = COUNTS, more = 0, kept = 0, ties;

	if (t->n <= TOP_KEEP)
		return;
	for (uint32_t i = 0; i < t->n; i++)
		with[t->entry[i].n < COUNTS ? t->entry[i].n : COUNTS - 1]++;
	while (limit > 1 && more + with[limit - 1] <= TOP_KEEP)
		more += with[--limit];
	if (limit == COUNTS) {	/* more than TOP_KEEP large ones: rare, sort */
		toplist_sort(t);
		limit = 0;
	}
	ties = TOP_KEEP - more;
	for (uint32_t i = 0; i < t->n; i++) {
		struct top_entry *e = &t->entry[i];

		if (limit == 0 ? i < TOP_KEEP : e->n >= limit || (e->n == limit - 1 && ties > 0 &&
		    ties-- > 0)) {
			swap(&t->entry[kept++], e);
			continue;
		}
		if (saturated(e->n, e->error) > t->floor)
			t->floor = saturated(e->n, e->error);
	}
	t->n = kept;
	reindex(t);
}

static __attribute__((noinline)) void
grow(struct toplist *t)
{
	uint32_t old = t->cap;
	struct top_text *room;

	t->cap = old > 0 ? old * 2 : TOP_FEW;
	t->entry = xreallocarray(t->entry, t->cap, sizeof *t->entry);
	t->room[t->rooms++] = room = xreallocarray(NULL, t->cap - old, sizeof *room);
	for (uint32_t i = old; i < t->cap; i++)
		t->entry[i].text = room++;
	t->slot = xreallocarray(t->slot, (size_t)t->cap * 2, sizeof *t->slot);
	reindex(t);
}

/* A text that has no entry yet; i: the free slot where its hash belongs. */
static __attribute__((noinline)) struct top_entry *
enter(struct toplist *t, uint32_t i, uint64_t hash, struct slice text, uint32_t n)
{
	struct top_entry *e;

	if (t->n == t->cap) {
		if (t->cap == TOP_ROOM)
			prune(t);
		else
			grow(t);
		i = slot_of(t, hash);
	}
	e = &t->entry[t->n++];
	e->hash = hash;
	e->n = n;
	e->error = t->floor;
	e->text->len = (uint8_t)text.n;
	if (text.n > 0)
		memcpy(e->text->p, text.p, text.n);
	slot_set(t, i, hash, t->n - 1);
	return e;
}

static inline struct top_entry *
add(struct toplist *t, struct slice text, uint32_t n, bool *new)
{
	struct top_entry *e;
	uint64_t hash;
	uint32_t i;

	if (t->cap == 0)
		grow(t);
	text = slice_head(text, TOP_TEXT_MAX);
	hash = hash_bytes(&t->key, text);
	i = slot_of(t, hash);
	*new = t->slot[i] == 0;
	if (*new)
		return enter(t, i, hash, text, n);
	e = &t->entry[(t->slot[i] & INDEX) - 1];
	e->n = saturated(e->n, n);
	return e;
}

void
toplist_add(struct toplist *t, struct slice text, uint32_t n)
{
	bool new;

	(void)add(t, text, n, &new);
}

void
toplist_take(struct toplist *t, struct slice text, uint32_t n)
{
	uint32_t i;
	struct top_entry *e;

	text = slice_head(text, TOP_TEXT_MAX);
	i = t->n > 0 ? t->slot[slot_of(t, hash_bytes(&t->key, text))] : 0;
	if (i == 0)
		return;		/* pruned: at most floor before, and so now */
	e = &t->entry[(i & INDEX) - 1];
	if (n <= e->n) {
		e->n -= n;
	} else {
		n -= e->n;
		e->n = 0;
		e->error -= e->error < n ? e->error : n;
	}
	if (e->n == 0 && e->error == 0) {
		swap(e, &t->entry[--t->n]);
		reindex(t);
	}
}

/* What is added is a list in which each text may be missing floor times: so may those
 * that are here already and are not in it. */
static void
merge_begin(struct toplist *sum, uint32_t floor)
{
	for (uint32_t i = 0; i < sum->n; i++)
		sum->entry[i].error = saturated(sum->entry[i].error, floor);
}

static void
merge_add(struct toplist *sum, struct slice text, uint32_t n, uint32_t error, uint32_t floor)
{
	bool new;
	struct top_entry *e = add(sum, text, n, &new);

	if (!new)
		e->error -= e->error > floor ? floor : e->error;
	e->error = saturated(e->error, error);
}

void
toplist_merge(struct toplist *sum, const struct toplist *t)
{
	merge_begin(sum, t->floor);
	for (uint32_t i = 0; i < t->n; i++)
		merge_add(sum, toplist_text(&t->entry[i]), t->entry[i].n,
		    t->entry[i].error, t->floor);
	sum->floor = saturated(sum->floor, t->floor);
}

void
toplist_encode(struct toplist *t, struct buf *b)
{
	prune(t);
	buf_varint(b, t->floor);
	buf_varint(b, t->n);
	for (uint32_t i = 0; i < t->n; i++) {
		const struct top_entry *e = &t->entry[i];

		buf_varint(b, e->n);
		buf_varint(b, e->error);
		buf_varint(b, e->text->len);
		buf_add(b, toplist_text(e));
	}
}

bool
toplist_read(struct toplist_reader *r, struct slice blob)
{
	uint64_t floor, n;

	if (!slice_varint(&blob, &floor) || !slice_varint(&blob, &n) || floor > UINT32_MAX ||
	    n > TOP_ROOM)
		return false;
	*r = (struct toplist_reader){ blob, (uint32_t)floor, (uint32_t)n };
	return true;
}

bool
toplist_next(struct toplist_reader *r, struct slice *text, uint32_t *n, uint32_t *error)
{
	const unsigned char *p = (const unsigned char *)r->rest.p, *end = p + r->rest.n;
	uint64_t count, may, len;

	if (r->left == 0)
		return false;
	if (end - p >= 3 && (p[0] | p[1] | p[2]) < 0x80) {	/* nearly all */
		count = p[0];
		may = p[1];
		len = p[2];
		p += 3;
	} else if ((p = varint_get(p, end, &count)) == NULL || (p = varint_get(p, end, &may)) == NULL ||
	    (p = varint_get(p, end, &len)) == NULL || count > UINT32_MAX || may > UINT32_MAX) {
		return false;
	}
	if (len > (size_t)(end - p) || len > TOP_TEXT_MAX)
		return false;
	*text = (struct slice){ (const char *)p, (size_t)len };
	*n = (uint32_t)count;
	*error = (uint32_t)may;
	p += len;
	r->rest = (struct slice){ (const char *)p, (size_t)(end - p) };
	r->left--;
	return true;
}

bool
toplist_decode(struct toplist *t, struct slice blob)
{
	struct toplist_reader r;
	struct slice text;
	uint32_t n, error;

	if (!toplist_read(&r, blob))
		return false;
	merge_begin(t, r.floor);
	while (toplist_next(&r, &text, &n, &error))
		merge_add(t, text, n, error, r.floor);
	t->floor = saturated(t->floor, r.floor);
	return r.left == 0 && r.rest.n == 0;
}
