/* repeat.h - what a sender sends again after its connection was cut is not taken twice.
 *
 * Between our commit and the sender's learning of it a connection can break, or one of
 * both can die. The sender then begins its next session with the messages that it does
 * not know to be safe: they are the last ones that we took, in the same order, and all of
 * them up to the end; behind them come new ones. So per session the hashes of its last lines
 * are kept (and committed with them); and of a new session the first lines are held back
 * as long as they repeat a part of one of those lists. The run that reaches the list's end was
 * sent again, and is dropped, and the new session carries that list on; if none does, or what
 * follows breaks it, nothing was, and the lines are taken.
 *
 * A session that ended in due form has nothing to send again, unless the sender itself died.
 * After such a one only lines that tell themselves apart, by a fraction of a second in their stamp,
 * are taken for sent again: a program that connects anew for each line may mean two equal ones.
 *
 * Lines whose stamps have microseconds are known again wherever else they come, too (ingest.c,
 * first_sent()): rsyslog also sends some again in the midst of a session.
 *
 * Limits: the lists of the SESSIONS_MAX sessions that sent last, and none that was silent for half an
 * hour while others sent; a sender that sends again more than RECENT_MAX lines, or
 * REPEAT_HELD_MAX bytes of them, is not recognised (RELP's windows are smaller). After a broken
 * connection two lines that differ in nothing, the second of them new and the first of a
 * session, look as one that is sent again: stamps, pids and queue ids tell lines apart. */
#ifndef MX_REPEAT_H
#define MX_REPEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

enum {
	SESSIONS_MAX = 6, RECENT_MAX = 1024, REPEAT_HELD_MAX = 1 << 18,
	RECENTS_BYTES = SESSIONS_MAX * (RECENT_MAX * 8 + 32), RECENT_IDLE_S = 1800
};

/* The last lines of a session, the oldest goes first. */
struct recent {
	uint64_t session;	/* 0: free */
	uint64_t turn;		/* in order of their last lines */
	int64_t at;		/* clock, when they were stored last */
	uint64_t *hash;		/* a ring, once it is full */
	size_t n, next;
	bool clean, news;	/* ended in due form; not stored yet */
};

/* Of a sender. Start with all zeros. */
struct recents {
	struct recent of[SESSIONS_MAX];
	uint64_t turn;
};

void recents_add(struct recents *r, uint64_t session, uint64_t hash);
/* It ended in due form; or has nothing to send again, whatever comes. */
void recents_end(struct recents *r, uint64_t session);
void recents_drop(struct recents *r, uint64_t session);
void recents_free(struct recents *r);
/* As bytes, for the state; and back: bytes that are none leave it empty. */
void recents_store(struct recents *r, int64_t now, struct buf *b);
void recents_load(struct recents *r, struct slice bytes);

/* The beginning of a session. Start with all zeros. */
struct repeat {
	uint64_t self;		/* the session */
	uint64_t of;		/* the one whose lines it sends again; 0: none, or carried on */
	uint64_t *list;		/* what recents held; NULL: the run is over, or never was */
	struct repeat_part {
		size_t end;	/* in list */
		uint64_t session;
		bool clean;
	} part[SESSIONS_MAX];
	struct repeat_start {
		uint32_t at, part;
	} *start;		/* where in it a run may have begun: each fits so far */
	size_t starts;
	size_t taken, known;	/* lines held; the first known of them were sent again */
	struct buf held;	/* those that are not known, each with its length in front */
	size_t given;		/* of held, by repeat_rest() */
};

/* self: a number that no other session has, and not 0. */
void repeat_begin(struct repeat *r, const struct recents *of, uint64_t self);
/* End the run, whatever was held. */
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

/* The session's next line, while the run goes on; exact: no other can be equal. True: it was kept or
 * dropped. False: the run has ended before it: take what repeat_rest() gives, then this line. */
bool repeat_hold(struct repeat *r, uint64_t hash, bool exact, struct slice line, bool cut);

/* End the run: what is held was new. Gives one line after the other; false: that was all,
 * and the run is over. Lines live until the next call. */
bool repeat_rest(struct repeat *r, struct slice *line, bool *cut);

/* Before a line is taken: the session carries on the list of the one that it repeated. */
void repeat_carry_on(struct repeat *r, struct recents *of);

#endif
