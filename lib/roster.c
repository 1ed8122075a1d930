/* roster.c - see roster.h. */
#include "roster.h"

#include <stdlib.h>
#include <string.h>

#include "poison.h"

static struct roster_one **
slot_of(const struct roster *r, struct slice name, uint32_t hash)
{
	uint32_t i = hash & r->mask;

	while (r->slot[i] != NULL && (r->slot[i]->hash != hash || !slice_eq(roster_name(r->slot[i]), name)))
		i = (i + 1) & r->mask;
	return &r->slot[i];
}

/* Room for as many more. */
static void
reserve(struct roster *r, uint32_t more)
{
	uint32_t slots = r->slot == NULL ? 2048 : r->mask + 1;

	while (slots / 2 < r->n + more)
		slots *= 2;
	if (r->slot != NULL && slots == r->mask + 1)
		return;
	if (r->slot == NULL) {
		r->key = hash_key_random();
		r->ones.size = sizeof(struct roster_one);
		r->parts.size = sizeof(struct roster_part);
	}
	free(r->slot);
	r->slot = xcalloc(slots, sizeof(struct roster_one *));
	r->mask = slots - 1;
	for (struct roster_one *one = r->first; one != NULL; one = one->next)
		*slot_of(r, roster_name(one), one->hash) = one;
}

/* What waits to be filed away comes behind what is, whatever its hour. */
static void
link_part(struct roster_one *one, struct roster_part *p)
{
	struct roster_part *at = one->last->hour <= p->hour ? one->last : &one->first;

	if (p->hour < at->hour) {	/* before the first, which stays where it is */
		struct roster_part was = one->first;

		one->first = *p;
		one->first.next = p;
		*p = was;
	} else {
		while (at->next != NULL && at->next->hour <= p->hour)
			at = at->next;
		p->next = at->next;
		at->next = p;
	}
	if (p->next == NULL)
		one->last = p;
}

static bool
has_failed(const struct users_part *p)
{
	return (p->has & (1u << USER_FAILED | 1u << USER_NAMELESS)) != 0 || p->faileds > 0;
}

enum { MOST_VISITORS = (1 << 15) - 1 };

static unsigned
sum(unsigned a, unsigned b)
{
	return a + b < MOST_VISITORS ? a + b : MOST_VISITORS;
}

static void
add_part(struct roster *r, int64_t hour, const struct users_part *p, struct slice bytes)
{
	uint32_t hash = (uint32_t)hash_bytes(&r->key, p->name);
	struct roster_part part = { NULL, bytes.p, (uint32_t)bytes.n, (int32_t)hour }, *more;
	struct roster_one **slot = slot_of(r, p->name, hash), *one = *slot;

	if (one != NULL) {
		more = pool_take(&r->parts);
		*more = part;
		link_part(one, more);
		one->oks = sum(one->oks, p->oks) & MOST_VISITORS;
		one->faileds = sum(one->faileds, p->faileds) & MOST_VISITORS;
		one->failed |= has_failed(p);
		one->more |= p->more_failed;
		return;
	}
	*slot = one = pool_take(&r->ones);
	*one = (struct roster_one){ .last = &one->first, .first = part, .hash = hash, .oks = p->oks,
		.faileds = p->faileds, .failed = has_failed(p), .more = p->more_failed };
	if (r->last != NULL)
		r->last->next = one;
	else
		r->first = one;
	r->last = one;
	r->n++;
}

bool
roster_add(struct roster *r, int64_t hour, struct slice table, bool failing)
{
	struct users_part p;
	uint32_t n;

	if (!failing)
		table = arena_slice(&r->text, table);
	if (!users_begin(&table, &n))
		return false;
	reserve(r, failing ? 0 : n);
	for (; n > 0; n--) {
		struct slice bytes = table, copy;

		if (!users_take(&table, &p))
			return false;
		if (failing && !has_failed(&p))
			continue;
		bytes.n -= table.n;
		if (failing) {	/* few */
			reserve(r, 1);
			copy = arena_slice(&r->text, bytes);
			p.name.p = copy.p + (p.name.p - bytes.p);
			bytes = copy;
		}
		add_part(r, hour, &p, bytes);
	}
	return table.n == 0;
}

struct roster_one *
roster_find(const struct roster *r, struct slice name)
{
	return r->slot != NULL ? *slot_of(r, name, (uint32_t)hash_bytes(&r->key, name)) : NULL;
}

bool
roster_numbers(const struct roster_one *one, int64_t num[USER_N])
{
	bool good = true;

	for (const struct roster_part *part = &one->first; part != NULL; part = part->next)
		good &= users_numbers(roster_bytes(part), num);
	return good;
}

bool
roster_visits(const struct roster_one *one, struct user *x)
{
	struct users_part p;
	bool good = true;

	for (const struct roster_part *part = &one->first; part != NULL; part = part->next) {
		struct slice s = roster_bytes(part);

		good &= users_take(&s, &p) && users_part_visits(&p, part->hour, x);
	}
	return good;
}

int
roster_order(const struct roster_one *a, const struct roster_one *b)
{
	return slice_order(roster_name(a), roster_name(b));
}

void
roster_free(struct roster *r)
{
	pool_free(&r->ones);
	pool_free(&r->parts);
	arena_free(&r->text);
	free(r->slot);
	*r = (struct roster){ 0 };
}
