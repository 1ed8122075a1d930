/* join.h - lines that a program or its logger cut into pieces, put together again.
 *
 * A dialect's part() says what is a piece. Pieces of one host, tag, process and key belong
 * together when they are within 5 seconds of each other; they may come from several sources,
 * each of which lacks some. Numbered ones may come in any order, others follow their time.
 * Where none has a number, the line is taken as it is after 10 seconds of its host's log time,
 * and a rest without its beginning as it stood; one that is known to lack a piece is given up
 * when its time or the room is out. Other hosts' lines and clocks have no part in that, nor has
 * a single line of a time far ahead. What a host that says nothing more left waits until the
 * room is out.
 * Bounded: at most 10,000 pieces and 4 MB wait, and the oldest leave first. */
#ifndef MX_JOIN_H
#define MX_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dialect/dialect.h"
#include "err.h"
#include "hash.h"

enum { JOIN_PIECES = 10000, JOIN_BYTES = 4 << 20 };

struct join;

struct join_piece {
	int64_t time;
	uint64_t mark;		/* the caller's, and what it wanted kept */
	struct slice raw;
};

/* A line that is whole, or never will be: then it is unknown, and line has what there is. */
struct joined {
	unsigned host;
	bool whole;
	enum { JOIN_STAYED, JOIN_MANY, JOIN_BIG } evicted;	/* for want of room: too many pieces, or bytes */
	struct line line;	/* its first piece with the text of all; ident is the text */
	const struct join_piece *piece;	/* in the order of the text; time and mark of each */
	size_t pieces;
};

/* Called from within the functions below; *w lives for the call. */
typedef void join_done_fn(void *arg, const struct joined *w);

/* key: for the table of what waits. lasting_s: how long a line that lacks a piece waits, in
 * its host's log time. */
struct join *join_new(const struct hash_key *key, int64_t lasting_s, join_done_fn *done,
    void *arg);
void join_free(struct join *j);

/* Take a piece (copied), whose time join_time() was told; p->text is a part of l->text. raw: kept for the
 * caller, may be empty; it is not stored. */
void join_add(struct join *j, unsigned host, const struct line *l, const struct part *p,
    uint64_t mark, struct slice raw);

/* How many pieces wait, and in how many bytes. While any do, tell the time of each line, once. */
size_t join_waiting(const struct join *j);
size_t join_bytes(const struct join *j);
void join_time(struct join *j, unsigned host, int64_t time);

/* No more lines will come: what does not lack a piece for certain is taken as it is, and
 * with all also the others are given up. */
void join_end(struct join *j, bool all);

/* Our clock was ahead: pieces later than after are forgotten. The others wait on, and what time it is at their hosts is
 * learnt anew. */
void join_disown(struct join *j, int64_t after);

/* What changed of the waiting pieces since join_stored(): each new one as bytes under a
 * number, and each that is gone with none. join_load() takes them back, in rising order of
 * their numbers; false if one is damaged. */
bool join_changed(const struct join *j);
typedef bool join_put_fn(void *arg, uint64_t number, struct slice bytes);
bool join_each_change(struct join *j, join_put_fn *put, void *arg);
void join_stored(struct join *j);
bool join_load(struct join *j, uint64_t number, struct slice bytes);

#endif
