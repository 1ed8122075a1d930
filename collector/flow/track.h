/* track.h - the table of mails: which facts belong to which queue id, and which
 * mails continue each other.
 *
 * Mails that nobody spoke of for a while go to the store and are fetched back when
 * a late line comes. The table is bounded; ids come from strangers' servers, so
 * its hash is keyed. Bonds are what lines say ("queued as", orig_queue_id), never
 * an address: when the next mail shows up, the one before learns that its delivery
 * was a hand-over, however late either line comes. */
#ifndef MX_TRACK_H
#define MX_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dialect/dialect.h"
#include "flow/mail.h"
#include "flow/tally.h"
#include "hash.h"

struct track;

/* Asked for an id that is not in the table: the store hands every mail of a block that holds
 * it to track_adopt() and says so, or there is none (any more: ids of hops.h may be in several). */
typedef bool track_fetch_fn(void *arg, uint64_t hash);

/* key: the state's, so that hashes in the store stay valid. fetch may be NULL. */
struct track *track_new(const struct hash_key *key, struct tally *tally, track_fetch_fn *fetch,
    void *arg);
void track_free(struct track *t);

/* Take in one event of a line: host's number, hash of the instance's name, how
 * often it happened. Events without a bearing on mails are ignored. */
void track_event(struct track *t, unsigned host, uint16_t label, int64_t time,
    const struct event *e, uint32_t times);

/* Put a mail from the store into the table; takes its facts over. logged: the
 * store's log, not a block, has it. */
void track_adopt(struct track *t, const struct mail *m, bool logged);
/* The state has mails put away of that host, the last line of any at that time. */
void track_has_away(struct track *t, unsigned host, int64_t last);
/* Forget one that the log says went to a block. */
void track_forget(struct track *t, uint64_t hash);
/* Append to one what mail_encode_more() wrote. False if it does not fit. */
bool track_grow(struct track *t, uint64_t hash, struct slice *block);
uint64_t track_hash(const struct track *t, unsigned host, struct slice id);

/* Bring the tally up to date with all facts. */
void track_settle(struct track *t);

/* Mails that changed since track_committed(), settled. */
typedef bool track_fn(void *arg, struct mail *m);
bool track_changed(struct track *t, track_fn *f, void *arg);
bool track_all(struct track *t, track_fn *f, void *arg);

/* All mails forget what lines of after that time said; the tally learns what is no longer so before that. Of the store's
 * log nothing is true after that: it is to be written anew. */
void track_disown(struct track *t, int64_t after);

/* Choose the mails to be put away: quiet in log time since before newest[host] -
 * quiet_s and not spoken of for idle lines; beyond max mails the longest idle too.
 * f stores each; they leave the table in track_committed(). */
bool track_put_away(struct track *t, const int64_t *newest, int64_t quiet_s, uint64_t idle,
    size_t max, track_fn *f, void *arg);
/* The commit was made: forget what was put away and what changed. */
void track_committed(struct track *t);
/* It was not: keep all. */
void track_kept(struct track *t);

size_t track_mails(const struct track *t);
size_t track_memory_bytes(const struct track *t);

#endif
