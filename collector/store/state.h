/* state.h - the collector's memory on disk: one SQLite file, one writer.
 *
 * Positions, cells, identities of lines and mails are committed together, so that
 * after any accident the numbers and the place where reading goes on fit each
 * other. WAL, synchronous NORMAL: a crash of the machine may lose the last commits
 * whole, never a part. Schema and who reads what: docs/hacking.md.
 * Readers use lib/stateread.h. */
#ifndef MX_STATE_H
#define MX_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "flow/seen.h"
#include "hash.h"
#include "input/reader.h"
#include "slice.h"

struct join;
struct specimens;
struct state;
struct tally;
struct tops;
struct track;

/* Open or make DIR/state.db, and keep every other writer out (DIR/lock). NULL and *e:
 * not a directory of ours, damaged, another version, locked (by which process, since when),
 * no rights. */
struct state *state_open(const char *dir, struct err *e);
void state_close(struct state *s);

const struct hash_key *state_key(const struct state *s);

/* Hosts by name, made when new; -1 when there are HOSTS_MAX. "MX1" is "mx1": it keeps the spelling that
 * came first; one that calls itself as the farm is called is "_farm_". */
int state_host(struct state *s, struct slice name);
const char *state_host_name(const struct state *s, unsigned host);
size_t state_hosts(const struct state *s);
/* Log time of the oldest and newest line of a host; 0: none yet. state_newest() is
 * an array by host, valid until a host is added. */
void state_host_line(struct state *s, unsigned host, int64_t time);
const int64_t *state_newest(const struct state *s);

enum { STATE_CURSOR_MAX = 1 << 16 };

/* A source is one physical file or stream. Known ones go on at their position. Copies of a
 * line are counted by family: a file and its rotations are one. A file of that name whose
 * lines begin in the middle of what another had is no rotation: it was written anew. */
struct state_source {
	uint32_t id;
	uint32_t family;	/* id of the first source of that name, or its own */
	bool changed;		/* set it, and the next commit stores it */
	uint64_t dev, ino;	/* of the file, once it was opened by this program; else 0 */
	struct position pos;
	uint64_t lines;
	int64_t oldest, newest;	/* log time of its first and its newest line, 0: none yet */
	int64_t read_at;	/* clock */
	uint64_t size;		/* bytes of the file when it was read last */
	int64_t behind_since;	/* clock: since then something waits to be read; 0: nothing does */
	char *name;		/* path as it was opened, less what rotation adds */
	char *last_line;	/* for "last message repeated"; NULL if none */
	struct buf cursor;	/* of what is no file: how far it was read, by its own means */
	struct buf unfinished;	/* what was read of a line that takes several (header.h) */
};

/* The known source whose position fits this file, which state_source_add() would call so, or NULL. False and *e if it
 * cannot be read. */
bool state_source_of(struct state *s, struct reader *r, const char *name, struct state_source **out, struct err *e);
struct state_source *state_source_add(struct state *s, const char *name);
/* Its first line has this time: does it belong to the family of its name? */
void state_source_begins(struct state *s, struct state_source *src, int64_t time);
size_t state_sources(const struct state *s);
struct state_source *state_source_at(struct state *s, size_t i);

/* Callbacks for seen_new() and track_new(), arg is the state. */
bool state_seen_load(void *arg, unsigned host, int64_t minute, seen_block_fn *block,
    void *block_arg, struct err *e);
bool state_fetch(void *arg, uint64_t hash);

/* Once after opening: words into the tally, logged mails into the table, pieces of lines to
 * those that wait. */
bool state_load(struct state *s, struct tally *tally, struct track *track, struct join *join,
    struct err *e);

/* What is to be stored, and when which of it. */
struct commit {
	struct tally *tally;
	struct seen *seen;
	struct track *track;
	struct tops *tops;
	struct join *join;
	struct specimens *specimens;	/* NULL: not now */
	int64_t now;		/* clock */
	bool slow;		/* once a minute and at the end: what is too old goes, too, as it does
				 * whenever a host's log went on by a day */
	bool with_tables;	/* tops and accounts, which are large: likewise, or there is much anyway */
	bool put_away;		/* quiet mails leave the memory */
	int64_t quiet_s;	/* quiet that long in log time */
	uint64_t idle;		/* and not spoken of for that many events */
	size_t max_mails;	/* in memory */
	int64_t keep_minutes, keep_hours, keep_mails;	/* days and hours in minutes */
	int64_t keep_accounts, keep_sources;
	int64_t horizon;	/* in minutes, too: of what lines may still come */
	bool keep_undrawn;	/* minutes that the RRDs do not show yet stay, however old */
};

/* All or nothing. After false (*e: disk full ...) everything is still in memory, and
 * the same call may be made again later. */
bool state_commit(struct state *s, const struct commit *c, struct err *e);

/* Did the last commit leave some of what is too old to be kept, as there was so much? */
bool state_old_left(const struct state *s);

/* How many mails of a host the last commit dropped for their age, and counted, and they had not ended; asking takes it. */
int64_t state_gone(struct state *s, unsigned host);

/* What the RRDs do not show yet: the oldest minute of a host that changed, INT64_MAX if none.
 * What changes from now on is for the next time. */
int64_t state_draw_begin(struct state *s, unsigned host);
/* They show it now; or, where drawn is false, they do not. Stored with the next commit. */
void state_draw_end(struct state *s, unsigned host, bool drawn);

/* Seconds that the clock of a host is ahead of ours, 0: it is right. Stored with the next
 * commit. */
void state_set_skew(struct state *s, unsigned host, int64_t seconds);
int64_t state_skew(const struct state *s, unsigned host);
/* When the queues of a host were last counted; likewise. */
void state_set_sampled(struct state *s, unsigned host, int64_t when);

/* Of what time lines may still come is counted back from this: a host's newest line, while our own clock is not sure no later
 * than it was; 0: none yet. */
int64_t state_back_from(const struct state *s, unsigned host);

/* Look at our own clock: at the start, and before lines are read. One that jumps ahead by more than a day is not sure
 * (CLOCK_JUMPED, once, where it did while we ran; *at: where it was) until it went on from there for three days (CLOCK_SURE): until then nothing
 * is dropped for its age that would not have been before. When it is set back (CLOCK_BACK), what was counted of
 * later than *at is to be disowned: lines may be no more than future_s (0: a day) ahead of the clock. */
enum state_clock { CLOCK_AS_EVER, CLOCK_JUMPED, CLOCK_SURE, CLOCK_BACK };
enum state_clock state_clock(struct state *s, int64_t now, int64_t future_s, int64_t *at);
/* What was counted of later than the time after never was; after is the last second of an hour. From now on hosts have
 * the newest lines that they have without it; the rows go with the next commit, which must be a slow one. That one fails
 * where the state cannot be read now. */
void state_disown(struct state *s, int64_t after, int64_t now);
/* Is the next commit to be a slow one for that? */
bool state_disowning(const struct state *s);

/* What the collector says of itself (lib/stateread.h has the keys) and how full its tables
 * are; stored with the next commit. Keys and texts live as long as the state; there is room
 * for 20 keys and 32 limits, and more than that is a fault of ours. */
void state_say(struct state *s, const char *key, int64_t value);
void state_say_text(struct state *s, const char *key, const char *text);
/* cap 0: the limit is no number of things. hits: how often it bit since this was called last. */
void state_limit(struct state *s, const char *name, int64_t used, int64_t cap, int64_t hits,
    int64_t now);

/* An import writes much in a few commits: leave it in the database's own log until
 * state_checkpoint() moves it into the file at the end. */
void state_bulk(struct state *s);
void state_checkpoint(struct state *s);

/* Has a commit failed because the file of the state was taken away or replaced? None will succeed until
 * it is opened again. */
bool state_replaced(const struct state *s);

#endif
