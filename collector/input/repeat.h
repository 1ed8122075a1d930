/* repeat.h - what a sender sends again after its connection was cut is not taken twice.
 *
 * Between our commit and the sender's learning of it a connection can break, or one of
 * both can die. The sender then begins its next session with the messages that it does
 * not know to be safe: they are the last ones that we took, in the same order, and all of
 * them up to the end; behind them come new ones. So per sender the hashes of the last lines
 * are kept (and committed with them); and of a new session the first lines are held back
 * as long as they repeat a part of that list. The run that reaches the list's end was sent
 * again, and is dropped; if none does, or what follows breaks it, nothing was, and the lines
 * are taken.
 *
 * Limits: a sender that uses several connections at once mixes their lines in one list,
 * and sends again what is not the end of it; a sender that sends again more than
 * RECENT_MAX lines, or REPEAT_HELD_MAX bytes of them, is not recognised (RELP's windows
 * are smaller). Two lines that differ in nothing, the second of them new and the first of
 * a session, look as one that is sent again: stamps, pids and queue ids tell lines apart. */
#ifndef MX_REPEAT_H
#define MX_REPEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

enum { RECENT_MAX = 1024, RECENT_BYTES = RECENT_MAX * 8, REPEAT_HELD_MAX = 1 << 18 };

/* The last lines of a sender, the oldest goes first. Start with all zeros. */
struct recent {
	uint64_t *hash;		/* a ring; NULL while empty */
	size_t n, next;
};

void recent_add(struct recent *r, uint64_t hash);
void recent_free(struct recent *r);
/* As bytes, for the state; and back: bytes that are none leave it empty. */
void recent_store(const struct recent *r, struct buf *b);
void recent_load(struct recent *r, struct slice bytes);

/* The beginning of a session. Start with all zeros. */
struct repeat {
	uint64_t *list;		/* what recent held; NULL: the run is over, or never was */
	size_t n;
	uint32_t *start;	/* where in it a run may have begun: each fits so far */
	size_t starts;
	size_t taken, known;	/* lines held; the first known of them were sent again */
	struct buf held;	/* those that are not known, each with its length in front */
};

void repeat_begin(struct repeat *r, const struct recent *of);
void repeat_free(struct repeat *r);

/* Is there a run that may go on? */
static inline bool
repeat_running(const struct repeat *r)
{
	return r->list != NULL;
}

/* Lines that are held and may yet turn out to be new. */
static inline size_t
repeat_undecided(const struct repeat *r)
{
	return r->list == NULL ? 0 : r->taken - r->known;
}

/* The session's next line, while the run goes on. True: it was kept or dropped. False: the run
 * has ended before it: take what repeat_rest() gives, then this line. */
bool repeat_hold(struct repeat *r, uint64_t hash, struct slice line, bool cut);

/* End the run: what is held was new. Gives one line after the other; false: that was all,
 * and the run is over. Lines live until the next call. */
bool repeat_rest(struct repeat *r, struct slice *line, bool *cut);

#endif
