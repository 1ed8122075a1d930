/* track_table.h - what track.c, meet.c and track_table.c share; nobody else includes it. */
#ifndef MX_TRACK_TABLE_H
#define MX_TRACK_TABLE_H

#include "flow/hop_index.h"
#include "flow/track.h"
#include "mem.h"

struct track {
	struct hash_key key;
	struct tally *tally;
	track_fetch_fn *fetch;
	void *arg;
	struct mail **slot;
	uint32_t *tag;		/* of each slot: lower bits of the hash and TAKEN; 0: free */
	size_t mask, n;
	struct mail **born;	/* all mails in order of birth, with NULL where one left; memory
				 * is walked faster in that order than in that of slot */
	size_t n_born, cap_born;
	bool leaving;		/* some are away, or left */
	struct mail **dirty;	/* to be counted again */
	size_t n_dirty, cap_dirty;
	struct mail **changed;	/* since the commit */
	size_t n_changed, cap_changed;
	struct mail **news;	/* they continue others, which nobody knew before: for track_bond() */
	size_t n_news, cap_news;
	struct pool pool;	/* mails, each with room for facts behind it */
	uint64_t now;		/* counts events */
	struct hop_index hops;
	unsigned hosts;		/* mails are of hosts below this number */
	int64_t away_until;	/* what was put away has no line after this time */
	size_t bytes;
};

/* The mail of an id: the table's, one that the store has, or a new one. */
struct mail *track_mail(struct track *t, unsigned host, struct slice id);
/* The same, if there is one; one on disk is looked for if it may have a line of that time or
 * later. */
struct mail *track_find(struct track *t, unsigned host, struct slice id, int64_t from);
/* m learns a fact; a fact that a line of its own says, so many times. */
void track_learn(struct track *t, struct mail *m, const struct fact *f);
void track_own_fact(struct track *t, struct mail *m, const struct fact *f, uint32_t times);
/* Why it did not succeed, as it is counted: why they refuse us must be seen. */
enum reason track_class(const struct event *e);
/* from->other_id continues as next_id. */
void track_bond(struct track *t, unsigned host, const struct fact *from, struct slice next_id);
/* Append to one of the lists. */
void track_push(struct mail ***list, size_t *n, size_t *cap, struct mail *m);

#endif
