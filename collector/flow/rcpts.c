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

uint32_t *
rcpts_slot(struct rcpts *r, const struct life *l, const struct fact *f)
{
	static struct hash_key key;
	uint32_t i;

	if (key.k[0] == 0)
		key = hash_key_random();
	i = (uint32_t)(r->by_original ? hash_bytes(&key, original(f)) :
	    hash_bytes(&key, f->a) ^ hash_bytes(&key, f->b) * 3) & r->mask;
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

void
rcpts_free(struct rcpts *r)
{
	if (r->slot != r->few)
		free(r->slot);
	r->slot = NULL;
}
