/* rcpts.c - see rcpts.h. Recipients are strangers' words: the hash is seeded. */
#include "flow/rcpts.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "mem.h"

#include "poison.h"

static bool
same_rcpt(const struct fact *a, const struct fact *b)
{
	return slice_eq(a->a, b->a) && slice_eq(a->b, b->b);
}

/* The recipient of the envelope. */
static struct slice
original(const struct fact *f)
{
	return f->b.n > 0 ? f->b : f->a;
}

static const struct hash_key *
seed(void)
{
	static struct hash_key key;

	if (key.k[0] == 0)
		key = hash_key_random();
	return &key;
}

uint32_t *
rcpts_slot(struct rcpts *r, const struct life *l, const struct fact *f)
{
	const struct hash_key *key = seed();
	uint32_t i;

	i = (uint32_t)(r->by_original ? hash_bytes(key, original(f)) :
	    hash_bytes(key, f->a) ^ hash_bytes(key, f->b) * 3) & r->mask;
	while (r->slot[i] != 0) {
		const struct fact *o = &l->fact[r->slot[i] - 1];

		if (r->by_original ? slice_eq(original(o), original(f)) : same_rcpt(o, f))
			break;
		mail_steps++;
		i = (i + 1) & r->mask;
	}
	mail_steps++;
	return &r->slot[i];
}

void
rcpts_fill(struct rcpts *r, const struct life *l, enum fact_kind kind, bool by_original)
{
	r->by_original = by_original;
	r->mask = sizeof r->few / sizeof *r->few - 1;
	while (r->mask < l->n * 2)
		r->mask = r->mask * 2 + 1;
	r->n = 0;
	memset(r->few, 0, sizeof r->few);
	r->slot = r->mask < sizeof r->few / sizeof *r->few ? r->few :
	    xcalloc(r->mask + 1, sizeof *r->slot);
	for (uint32_t i = 0; i < l->n; i++) {
		const struct fact *f = &l->fact[i];
		uint32_t *slot;

		if (kind != 0 ? f->kind != kind :
		    !fact_is_delivery(f->kind) && f->kind != FACT_STARTED)
			continue;
		slot = rcpts_slot(r, l, f);
		if (*slot != 0)
			continue;
		*slot = i + 1;
		r->n++;
	}
}

/* The place of an address: 2 * i + 1 is a of fact i, 2 * i + 2 its b; 0: it is not there. */
static uint32_t *
address_slot(uint32_t *slot, uint32_t mask, const struct life *l, struct slice a)
{
	uint32_t i = (uint32_t)hash_bytes(seed(), a) & mask;

	mail_steps++;
	for (; slot[i] != 0; i = (i + 1) & mask) {
		const struct fact *o = &l->fact[(slot[i] - 1) / 2];

		if (slice_eq((slot[i] - 1) % 2 ? o->b : o->a, a))
			break;
		mail_steps++;
	}
	return &slot[i];
}

uint32_t
rcpts_waiting(const struct life *l, int64_t since)
{
	uint32_t few[64] = { 0 }, mask = sizeof few / sizeof *few - 1, *slot, n = 0;

	while (mask < l->n * 4)
		mask = mask * 2 + 1;
	slot = mask < sizeof few / sizeof *few ? few : xcalloc(mask + 1, sizeof *slot);
	for (uint32_t i = 0; i < l->n; i++) {
		const struct fact *f = &l->fact[i];

		if (f->kind != FACT_DELIVERED && f->kind != FACT_BOUNCED)
			continue;
		*address_slot(slot, mask, l, f->a) = 2 * i + 1;
		if (f->b.n > 0)
			*address_slot(slot, mask, l, f->b) = 2 * i + 2;
	}
	for (uint32_t i = 0; i < l->n; i++) {
		const struct fact *f = &l->fact[i];
		uint32_t *at;

		if ((f->kind != FACT_DEFERRED && f->kind != FACT_STARTED) || f->time < since)
			continue;
		at = address_slot(slot, mask, l, f->a);
		n += *at == 0;
		if (*at == 0)
			*at = 2 * i + 1;
	}
	if (slot != few)
		free(slot);
	return n;
}

void
rcpts_free(struct rcpts *r)
{
	if (r->slot != r->few)
		free(r->slot);
	r->slot = NULL;
}
