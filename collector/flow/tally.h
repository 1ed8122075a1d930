/* tally.h - corrections of minute cells since the last commit.
 *
 * Whoever learns something adds to (host, minute, metric); whoever learns better
 * takes it back. The store adds what is here to what it has, and empties it. */
#ifndef MX_TALLY_H
#define MX_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "cell.h"
#include "hash.h"
#include "metric.h"
#include "slice.h"

enum {
	HOSTS_MAX = 4096,	/* distinct hosts a state may know */
	WORDS_MAX = 4096,	/* distinct DNSBL zones; further ones are "other" */
	PROGRAMS_MAX = 256	/* distinct tags of log lines; further ones are "other" */
};

struct accounts;
struct lost;
struct origins;
struct tally;

/* key: the state's; NULL: one of its own. */
struct tally *tally_new(const struct hash_key *key);
void tally_free(struct tally *t);

void tally_add(struct tally *t, unsigned host, int64_t minute, enum metric m, int64_t n);
/* Of what was added there, n is not the farm's: another host has it too (CELL_HOP). */
void tally_hop(struct tally *t, unsigned host, int64_t minute, enum metric m, int64_t n);
/* The counts by metric of one minute, to add to directly; valid until tally_clear(). */
int64_t *tally_counts(struct tally *t, unsigned host, int64_t minute);
/* A delay in a histogram: base is CELL_DELAY or CELL_DELAY_TOTAL, with CELL_HOP as tally_hop(); and
 * the same for a bucket, also of CELL_DELAY_PARTS. */
void tally_bucket(struct tally *t, unsigned host, int64_t minute, unsigned base, unsigned bucket,
    int64_t n);
void tally_delay(struct tally *t, unsigned host, int64_t minute, unsigned base, uint64_t ms,
    int64_t n);
/* A word's count; text is lower-cased and cut at 100 bytes. */
void tally_word(struct tally *t, unsigned host, int64_t minute, struct slice text, int64_t n);
/* How a block list was found, n times; its name is such a word. There is room for the first CELL_LISTS
 * words of a state: of others it is left out, and tally_left_out() tells and forgets how often. */
void tally_list(struct tally *t, unsigned host, int64_t minute, struct slice text,
    const int64_t fact[CELL_FACTS], int64_t n);
uint64_t tally_left_out(struct tally *t);

/* The number of a program, by the tag of its lines (cut at 63 bytes). */
unsigned tally_program(struct tally *t, struct slice tag);
/* One more line of it in that hour, or one of those that was not understood. */
void tally_line(struct tally *t, unsigned host, int64_t hour, unsigned program);
void tally_unknown(struct tally *t, unsigned host, int64_t hour, unsigned program);

/* How long a mail was in the queue, until 0: it still is. Kept only by a tally that was told to: it counts
 * nothing else. */
struct stay {
	unsigned host;
	struct slice id;	/* the mail's own */
	int64_t since, until;
};
void tally_want_stays(struct tally *t);
void tally_stay(struct tally *t, unsigned host, struct slice id, int64_t since, int64_t until);
/* Those since the last tally_clear(), in order. */
const struct stay *tally_stays(const struct tally *t, size_t *n);

/* Whose the recipients counted as b_lost are; cleared with the cells. */
struct lost *tally_lost(struct tally *t);
/* Whose the mails of authenticated users are; cleared with the cells. */
struct accounts *tally_accounts(struct tally *t);
/* Where accepted recipients came from; saved, and cleared, with the top tables and not with the
 * cells. */
struct origins *tally_origins(struct tally *t);

/* Cells that wait for the commit: how many, and each as sparse pairs with all
 * its keys (words by their number here). c is the tally's own, until the next call. */
size_t tally_cells(const struct tally *t);
typedef bool tally_fn(void *arg, unsigned host, int64_t minute, const struct cell *c);
bool tally_each(struct tally *t, tally_fn *f, void *arg);
/* The same for the programs' lines, which are counted by the hour. */
bool tally_each_hour(struct tally *t, tally_fn *f, void *arg);
void tally_clear(struct tally *t);

/* Words by number, and programs; those from stored on are new since the state was read. */
size_t tally_words(const struct tally *t);
struct slice tally_word_text(const struct tally *t, uint32_t word);
/* Make text the next number: in order, when the state is read. */
void tally_word_load(struct tally *t, struct slice text);
size_t tally_programs(const struct tally *t);
struct slice tally_program_text(const struct tally *t, uint32_t program);
void tally_program_load(struct tally *t, struct slice text);

#endif
