/* hop_index.h - which mails have a key; hops.c says what the keys are.
 *
 * A key may have several mails, and a mail several keys. Some KEY_MAILS of a key are kept:
 * whoever chooses both Message-IDs and the answers of a next hop could make a million. */
#ifndef MX_HOP_INDEX_H
#define MX_HOP_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HOP_KEY_MAILS = 16 };

struct mail;

struct hop_index {
	struct hop_entry {
		uint64_t key;
		struct mail *mail;
		uint32_t next;		/* of the same chain, or free: index + 1 */
	} *entry;
	uint32_t *head;			/* of each chain: index + 1 */
	uint32_t cap, used, unused;	/* entries; ever used; the first that is free again */
	uint32_t n;
};

void hop_index_free(struct hop_index *x);
/* False if the key has too many mails. */
bool hop_index_add(struct hop_index *x, uint64_t key, struct mail *m);
void hop_index_remove(struct hop_index *x, uint64_t key, const struct mail *m);
/* Remove all keys of the mails that are gone. */
void hop_index_sweep(struct hop_index *x, bool gone(const struct mail *));
/* The mails of a key; returns how many. */
size_t hop_index_find(const struct hop_index *x, uint64_t key, struct mail *mail[HOP_KEY_MAILS]);
size_t hop_index_bytes(const struct hop_index *x);

#endif
