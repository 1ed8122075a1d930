/* toplist.h - the most frequent texts, in bounded space.
 *
 * Up to TOP_KEEP entries survive a prune, four times as many are kept between.
 * What was pruned leaves its largest count as the error of all that come later:
 * a stored n means between n and n + error. Lists of the same thing merge. */
#ifndef MX_TOPLIST_H
#define MX_TOPLIST_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "hash.h"
#include "slice.h"

enum { TOP_KEEP = 128, TOP_FEW = 16, TOP_ROOM = 512, TOP_ROOMS = 6, TOP_TEXT_MAX = 79 };
_Static_assert(TOP_FEW << (TOP_ROOMS - 1) == TOP_ROOM, "it doubles each time");

struct top_text {
	uint8_t len;
	char p[TOP_TEXT_MAX];
};

struct top_entry {
	uint64_t hash;
	uint32_t n, error;
	struct top_text *text;
};

struct toplist {
	struct hash_key key;
	uint32_t n, cap;
	uint32_t floor;			/* the largest count ever pruned */
	struct top_entry *entry;	/* cap of them; each has room for a text, that no other has */
	/* by hash, open addressing, 2 * cap: upper bits of the hash, and in the lower 10 index + 1.
	 * So a search touches no entry but the one that it wants, and no text. */
	uint32_t *slot;
	struct top_text *room[TOP_ROOMS];	/* of the texts: each time it grew, one more */
	uint32_t rooms;
};

static inline struct slice
toplist_text(const struct top_entry *e)
{
	return (struct slice){ e->text->p, e->text->len };
}

void toplist_init(struct toplist *t);
void toplist_free(struct toplist *t);
/* As after toplist_init(), but the memory stays. */
void toplist_clear(struct toplist *t);
/* Count text n times; it is cut at TOP_TEXT_MAX bytes. */
void toplist_add(struct toplist *t, struct slice text, uint32_t n);
/* Count it n times less: what was pruned of it stays within the error. */
void toplist_take(struct toplist *t, struct slice text, uint32_t n);
void toplist_merge(struct toplist *sum, const struct toplist *t);
/* The most frequent first. */
void toplist_sort(struct toplist *t);
/* Only the k most frequent, before all others; nothing may be counted or merged afterwards. */
void toplist_first(struct toplist *t, size_t k);
/* Append at most TOP_KEEP entries to b; add what a blob has to t. */
void toplist_encode(struct toplist *t, struct buf *b);
bool toplist_decode(struct toplist *t, struct slice blob);

/* What a blob has, without making a list of it; it lives as long as the blob. */
struct toplist_reader {
	struct slice rest;
	uint32_t floor;		/* a text that is not in it came at most so often */
	uint32_t left;		/* entries that are still to come */
};
bool toplist_read(struct toplist_reader *r, struct slice blob);
/* The next: it came n to n + error times. False at the end, or if the blob is damaged (left > 0). */
bool toplist_next(struct toplist_reader *r, struct slice *text, uint32_t *n, uint32_t *error);

#endif
