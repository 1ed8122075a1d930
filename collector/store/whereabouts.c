/* whereabouts.c - see whereabouts.h. Hashes are keyed already. */
#include "store/whereabouts.h"

#include <stdbool.h>
#include <stdlib.h>

#include "flow/hop_index.h"
#include "hash.h"
#include "mem.h"

#include "poison.h"

enum { FEW = 4096, ANY_BLOCK = 0, AHEAD = 8 };

static unsigned char
tag_of(uint64_t hash)
{
	return (unsigned char)(hash >> 57 | 0x80);
}

/* The place of the first of that hash, or that of block; else the free one behind them. */
static size_t
place_of_hash(const struct whereabouts *w, uint64_t hash, int64_t block)
{
	size_t i = hash & w->mask;
	unsigned char tag = tag_of(hash);

	while (w->tag[i] != 0 && (w->tag[i] != tag || w->entry[i].hash != hash ||
	    (block != ANY_BLOCK && w->entry[i].block != block)))
		i = (i + 1) & w->mask;
	return i;
}

static void
put(struct whereabouts *w, size_t i, struct whereabout e)
{
	w->tag[i] = tag_of(e.hash);
	w->entry[i] = e;
}

void
whereabouts_free(struct whereabouts *w)
{
	free(w->entry);
	free(w->tag);
	*w = (struct whereabouts){ 0 };
}

int64_t
whereabouts_find(const struct whereabouts *w, uint64_t hash)
{
	size_t i;

	if (w->n == 0)
		return 0;
	i = place_of_hash(w, hash, ANY_BLOCK);
	return w->tag[i] != 0 ? w->entry[i].block : 0;
}

static void
grow(struct whereabouts *w)
{
	struct whereabouts old = *w;
	size_t places = old.entry == NULL ? FEW : (old.mask + 1) * 2;

	w->entry = xreallocarray(NULL, places, sizeof *w->entry);
	w->tag = xcalloc(places, sizeof *w->tag);
	w->mask = places - 1;
	for (size_t i = 0; old.entry != NULL && i <= old.mask; i++)
		if (old.tag[i] != 0)
			put(w, place_of_hash(w, old.entry[i].hash, old.entry[i].block), old.entry[i]);
	whereabouts_free(&old);
}

static unsigned
same_hash(const struct whereabouts *w, uint64_t hash)
{
	unsigned n = 0, tag = tag_of(hash);

	for (size_t i = hash & w->mask; w->tag[i] != 0; i = (i + 1) & w->mask)
		n += w->tag[i] == tag && w->entry[i].hash == hash;
	return n;
}

static void
add(struct whereabouts *w, uint64_t hash, int64_t block)
{
	size_t i;

	if (w->entry == NULL || w->n * 3 > w->mask * 2)
		grow(w);
	i = place_of_hash(w, hash, block);
	if (w->tag[i] != 0 || same_hash(w, hash) >= HOP_KEY_MAILS)
		return;		/* a mail's own hash is there once */
	put(w, i, (struct whereabout){ hash, block });
	w->n++;
}

void
whereabouts_add(struct whereabouts *w, struct slice hashes, int64_t block)
{
	for (size_t k = 0; k + 8 <= hashes.n; k += 8) {
		if (w->entry != NULL && k + 8 * AHEAD + 8 <= hashes.n) {
			size_t soon = hash_read64(hashes.p + k + 8 * AHEAD) & w->mask;

			__builtin_prefetch(&w->tag[soon]);
			__builtin_prefetch(&w->entry[soon]);
		}
		add(w, hash_read64(hashes.p + k), block);
	}
}

void
whereabouts_remove(struct whereabouts *w, uint64_t hash, int64_t block)
{
	size_t gap;

	if (w->n == 0)
		return;
	gap = place_of_hash(w, hash, block);
	if (w->tag[gap] == 0)
		return;
	for (size_t k = (gap + 1) & w->mask; w->tag[k] != 0; k = (k + 1) & w->mask) {
		size_t home = w->entry[k].hash & w->mask;

		if (((k - home) & w->mask) >= ((k - gap) & w->mask)) {
			put(w, gap, w->entry[k]);
			gap = k;
		}
	}
	w->tag[gap] = 0;
	w->n--;
}

void
whereabouts_remove_all(struct whereabouts *w, struct slice hashes, int64_t block)
{
	for (size_t k = 0; k + 8 <= hashes.n; k += 8)
		whereabouts_remove(w, hash_read64(hashes.p + k), block);
}
