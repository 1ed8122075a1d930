/* queue_table.h - texts, how often each was seen, and since when: for the queue readers.
 *
 * Seeded, since the texts are strangers'; at most QUEUE_TABLE_MAX different ones, what comes
 * after them is counted as others. */
#ifndef MX_QUEUE_TABLE_H
#define MX_QUEUE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "hash.h"
#include "slice.h"

enum { QUEUE_TABLE_MAX = 1 << 16, QUEUE_TEXT_MAX = 255 };

struct queue_row {
	uint64_t hash;
	uint32_t at, len;	/* in text */
	int64_t n;
	int64_t oldest;		/* epoch; 0: not known */
};

/* Start with all zeros. */
struct queue_table {
	struct hash_key key;
	struct queue_row *row;
	size_t n, cap;
	uint32_t *slot;		/* index + 1 */
	char *text;
	size_t text_n, text_cap;
	int64_t others;
};

/* Count text once, cut at QUEUE_TEXT_MAX; since when is 0 if not known. */
void queue_table_add(struct queue_table *t, struct slice text, int64_t since);
void queue_table_free(struct queue_table *t);
struct slice queue_table_text(const struct queue_table *t, const struct queue_row *r);

/* The most frequent that begin with head (empty: any), most frequent first; how many there are.
 * At most max. */
size_t queue_table_top(const struct queue_table *t, struct slice head,
    const struct queue_row **out, size_t max);

#endif
