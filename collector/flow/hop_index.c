/* hop_index.c - see hop_index.h. Keys are keyed hashes already. */
#include "flow/hop_index.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "poison.h"

void
hop_index_free(struct hop_index *x)
{
	free(x->entry);
	free(x->head);
	*x = (struct hop_index){ 0 };
}

/* cap is a power of two, and there are as many chains. */
static uint32_t *
chain(const struct hop_index *x, uint64_t key)
{
	return &x->head[key & (x->cap - 1)];
}

static void
grow(struct hop_index *x)
{
	x->cap = x->cap > 0 ? x->cap * 2 : 256;
	x->entry = xreallocarray(x->entry, x->cap, sizeof *x->entry);
	free(x->head);
	x->head = xcalloc(x->cap, sizeof *x->head);
	for (uint32_t i = 0; i < x->used; i++) {	/* none is free: that is why it grows */
		uint32_t *head = chain(x, x->entry[i].key);

		x->entry[i].next = *head;
		*head = i + 1;
	}
}

bool
hop_index_add(struct hop_index *x, uint64_t key, struct mail *m)
{
	unsigned same = 0;
	uint32_t i, *head;

	for (i = x->cap > 0 ? *chain(x, key) : 0; i != 0; i = x->entry[i - 1].next) {
		const struct hop_entry *e = &x->entry[i - 1];

		if (e->key != key)
			continue;
		if (e->mail == m)
			return true;
		if (++same == HOP_KEY_MAILS)
			return false;
	}
	if (x->unused != 0) {
		i = x->unused;
		x->unused = x->entry[i - 1].next;
	} else {
		if (x->used == x->cap)
			grow(x);
		i = ++x->used;
	}
	head = chain(x, key);
	x->entry[i - 1] = (struct hop_entry){ key, m, *head };
	*head = i;
	x->n++;
	return true;
}

/* The entry that *at, its link, tells of leaves its chain. */
static void
unlink_entry(struct hop_index *x, uint32_t *at)
{
	uint32_t i = *at;
	struct hop_entry *e = &x->entry[i - 1];

	*at = e->next;
	e->next = x->unused;
	x->unused = i;
	x->n--;
}

void
hop_index_remove(struct hop_index *x, uint64_t key, const struct mail *m)
{
	uint32_t *at = x->cap > 0 ? chain(x, key) : NULL;

	while (at != NULL && *at != 0) {
		struct hop_entry *e = &x->entry[*at - 1];

		if (e->key == key && e->mail == m) {
			unlink_entry(x, at);
			return;
		}
		at = &e->next;
	}
}

void
hop_index_sweep(struct hop_index *x, bool gone(const struct mail *))
{
	for (uint32_t i = 0; i < x->cap && x->n > 0; i++) {
		uint32_t *at = &x->head[i];

		while (*at != 0) {
			struct hop_entry *e = &x->entry[*at - 1];

			if (gone(e->mail))
				unlink_entry(x, at);
			else
				at = &e->next;
		}
	}
}

size_t
hop_index_find(const struct hop_index *x, uint64_t key, struct mail *mail[HOP_KEY_MAILS])
{
	size_t n = 0;

	for (uint32_t i = x->cap > 0 ? *chain(x, key) : 0; i != 0; i = x->entry[i - 1].next)
		if (x->entry[i - 1].key == key && n < HOP_KEY_MAILS)
			mail[n++] = x->entry[i - 1].mail;
	return n;
}

size_t
hop_index_bytes(const struct hop_index *x)
{
	return x->cap * (sizeof *x->entry + sizeof *x->head);
}
