/* whereabouts.h - in which row of table block the mails are that were put away, by the hashes of their ids.
 *
 * Every new mail is asked for here, and nearly none is there. So a search goes by tags of a byte, which stay
 * in the cache where the table itself, of millions, would not. */
#ifndef MX_WHEREABOUTS_H
#define MX_WHEREABOUTS_H

#include <stddef.h>
#include <stdint.h>

#include "slice.h"

/* Open addressing; {0} is an empty one. */
struct whereabouts {
	struct whereabout {
		uint64_t hash;
		int64_t block;
	} *entry;
	unsigned char *tag;	/* of each entry; 0: none is there */
	size_t mask, n;
};

void whereabouts_free(struct whereabouts *w);

/* A block that has it; 0: none. */
int64_t whereabouts_find(const struct whereabouts *w, uint64_t hash);

/* A block's hashes, 8 bytes each. Several blocks may have the same, up to HOP_KEY_MAILS (flow/hop_index.h):
 * several mails may have gone on under one id; what is more is left out. */
void whereabouts_add(struct whereabouts *w, struct slice hashes, int64_t block);
/* One of them, and all; what is not there is no matter. */
void whereabouts_remove(struct whereabouts *w, uint64_t hash, int64_t block);
void whereabouts_remove_all(struct whereabouts *w, struct slice hashes, int64_t block);

#endif
