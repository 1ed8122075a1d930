/* roster.c - see roster.h. */
#include "roster.h"

#include <stdlib.h>
#include <string.h>

#include "poison.h"

static struct roster_one **
slot_of(const struct roster *r, struct slice name, uint32_t hash)
{
	uint32_t i = hash & r->mask;

	while (r->slot[i] != NULL && (r->slot[i]->hash != hash || !slice_eq(r->slot[i]->name, name)))
		i = (i + 1) & r->mask;
	return &r->slot[i];
}

/* Room for as many more. */
static void
reserve(struct roster *r, uint32_t more)
{
	uint32_t slots = r->slot == NULL ? 512 : r->mask + 1;

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
		*slot_of(r, one->name, one->hash) = one;
}

static struct roster_one *
one_of(struct roster *r, struct slice name)
{
	uint32_t hash = (uint32_t)hash_bytes(&r->key, name);
	struct roster_one **slot = slot_of(r, name, hash), *one = *slot;

	if (one != NULL)
		return one;
	*slot = one = pool_take(&r->ones);
	one->next = NULL;
	one->name = name;
	one->first = one->last = NULL;
	one->hash = hash;
	one->oks = one->faileds = 0;
	one->failed = one->more = false;
	if (r->last != NULL)
		r->last->next = one;
	else
		r->first = one;
	r->last = one;
	r->n++;
	return one;
}

/* What waits to be filed away comes behind what is, whatever its hour. */
static void
link_part(struct roster_one *one, struct roster_part *p)
{
	struct roster_part **at = &one->first;

	if (one->last != NULL && one->last->hour <= p->hour)
		at = &one->last->next;
	while (*at != NULL && (*at)->hour <= p->hour)
		at = &(*at)->next;
	p->next = *at;
	*at = p;
	if (p->next == NULL)
		one->last = p;
}

static bool
has_failed(const struct users_part *p)
{
	return (p->has & (1u << USER_FAILED | 1u << USER_NAMELESS)) != 0 || p->faileds > 0;
}

static uint16_t
sum(unsigned a, unsigned b)
{
	return (uint16_t)(a + b < UINT16_MAX ? a + b : UINT16_MAX);
}

static void
add_part(struct roster *r, int64_t hour, const struct users_part *p, struct slice bytes)
{
	struct roster_one *one = one_of(r, p->name);
	struct roster_part *part = one->first == NULL ? &one->part : pool_take(&r->parts);

	*part = (struct roster_part){ .bytes = bytes, .hour = hour };
	link_part(one, part);
	one->oks = sum(one->oks, p->oks);
	one->faileds = sum(one->faileds, p->faileds);
	one->failed |= has_failed(p);
	one->more |= p->more_failed;
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

	for (const struct roster_part *part = one->first; part != NULL; part = part->next)
		good &= users_numbers(part->bytes, USER_N, num);
	return good;
}

bool
roster_visits(const struct roster_one *one, struct user *x)
{
	struct users_part p;
	bool good = true;

	for (const struct roster_part *part = one->first; part != NULL; part = part->next) {
		struct slice s = part->bytes;

		good &= users_take(&s, &p) && users_part_visits(&p, part->hour, x);
	}
	return good;
}

int
roster_order(const struct roster_one *a, const struct roster_one *b)
{
	size_t n = a->name.n < b->name.n ? a->name.n : b->name.n;
	int c = n > 0 ? memcmp(a->name.p, b->name.p, n) : 0;

	return c != 0 ? c : (int)a->name.n - (int)b->name.n;
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
