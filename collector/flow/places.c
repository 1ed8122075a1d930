/* places.c - see places.h. Hosts and times come from strangers' lines: the hash is seeded. */
#include "flow/places.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "poison.h"

void
places_init(struct places *p)
{
	*p = (struct places){ .key = hash_key_random(), .mask = 63 };
	p->slot = xcalloc(p->mask + 1, sizeof *p->slot);
}

void
places_free(struct places *p)
{
	free(p->slot);
	free(p->item);
	*p = (struct places){ 0 };
}

static size_t
slot_of(const struct places *p, uint64_t at)
{
	size_t i = hash_u64(&p->key, at) & p->mask;

	while (p->slot[i] != NULL && *p->slot[i] != at)
		i = (i + 1) & p->mask;
	return i;
}

static void
fill_slots(struct places *p)
{
	for (size_t i = 0; i < p->n; i++)
		p->slot[slot_of(p, *p->item[i])] = p->item[i];
}

void *
places_find(struct places *p, uint64_t at)
{
	uint64_t *item = p->slot[slot_of(p, at)];

	if (item != NULL)
		p->recent[place_host(at) % HOSTS_MAX] = item;
	return item;
}

void
places_add(struct places *p, void *item)
{
	uint64_t *at = item;

	if (p->n == p->cap) {
		p->cap = p->cap > 0 ? p->cap * 2 : 32;
		p->item = xreallocarray(p->item, p->cap, sizeof *p->item);
	}
	p->item[p->n++] = at;
	if (p->n * 2 > p->mask) {
		free(p->slot);
		p->mask = p->mask * 2 + 1;
		p->slot = xcalloc(p->mask + 1, sizeof *p->slot);
		fill_slots(p);
	} else {
		p->slot[slot_of(p, *at)] = at;
	}
	p->recent[place_host(*at) % HOSTS_MAX] = at;
}

void *
places_make(struct places *p, uint64_t at, size_t size)
{
	uint64_t *item = places_find(p, at);

	if (item == NULL) {
		item = xcalloc(1, size);
		*item = at;
		places_add(p, item);
	}
	return item;
}

void
places_keep(struct places *p, size_t n)
{
	p->n = n;
	memset(p->slot, 0, (p->mask + 1) * sizeof *p->slot);
	memset(p->recent, 0, sizeof p->recent);
	fill_slots(p);
}
