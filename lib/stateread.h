/* stateread.h - read the collector's state: for checks, reports and graphs.
 *
 * DIR/state.db is one SQLite file in WAL mode; any number of readers may have it
 * open while the daemon writes, also after it was killed. Readers see the last
 * commit. Times are UTC epoch; minutes and hours are epoch / 60 and / 3600. */
#ifndef MX_STATEREAD_H
#define MX_STATEREAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cell.h"
#include "err.h"
#include "slice.h"
#include "specimen.h"

struct sqlite3;
struct stateread;

/* Before the first state is opened, in a program that reads one shortly and ends: SQLite then takes no memory
 * ahead and keeps few pages, and has neither locks between threads nor statistics. */
void stateread_briefly(void);

/* NULL and *e: there is none, it may not be read, it is damaged or of another
 * version; the sentence says which and what to do. */
struct stateread *stateread_open(const char *dir, struct err *e);
/* The same, and stateread_freeze() at once: cheaper than later. */
struct stateread *stateread_open_frozen(const char *dir, struct err *e);
void stateread_close(struct stateread *r);

/* From here on to the end see one commit only, whatever is committed meanwhile: for
 * numbers that must fit each other. Not for readers that stay open for long. */
void stateread_freeze(struct stateread *r);

/* For rooms of the collector that have tables of their own in the state. */
struct sqlite3 *stateread_db(struct stateread *r);
/* *e from the words of the database, which failed just now. Always false. */
bool stateread_fail(struct stateread *r, struct err *e);
/* Is its file one that "mxgauge backup" wrote, and nobody else since? To be asked before it is read: a log
 * (state.db-wal) that lies beside it is another state's. */
bool stateread_is_copy(struct sqlite3 *db);
/* What to do about one that is damaged. */
#define STATEREAD_MEND "put a backup in its place, or move it away and import the logs again"
/* The collector's own connection, in the middle of a commit: it stays the caller's. */
struct stateread *stateread_on(struct sqlite3 *db, const char *dir, struct err *e);

/* When the last commit was made by the clock, and up to which log time. */
int64_t stateread_committed_at(struct stateread *r);

struct stateread_host {
	int id;
	char name[256];
	int64_t first, newest;		/* times of its oldest and newest line; newest 0: none */
	int64_t kept;			/* minutes before this one were dropped; 0: none */
	int64_t skew;			/* seconds that its clock is ahead of ours; 0: it is right */
	int64_t sampled;		/* when its queues were last counted; 0: never */
};

/* When anything was last counted of it: a line, or its queues. */
static inline int64_t
stateread_last(const struct stateread_host *h)
{
	return h->sampled > h->newest ? h->sampled : h->newest;
}

/* All hosts by name. *hosts is the reader's own, until it closes. */
bool stateread_hosts(struct stateread *r, const struct stateread_host **hosts, size_t *n,
    struct err *e);
/* The first of them that is meant by a name (host_meant()), or NULL. */
const struct stateread_host *stateread_host_named(const struct stateread_host *hosts, size_t n, const char *name);
/* The log time of the newest line of a host, or of all of them; 0: there is none. */
int64_t stateread_newest(const struct stateread_host *hosts, size_t n, int host);
/* Since when something is known of a host, or of any: the log time of the oldest line, or the oldest hour, where
 * those before were dropped. INT64_MAX: nothing is. */
int64_t stateread_begin(struct stateread *r, const struct stateread_host *hosts, size_t n, int host);
/* Minutes of a host, or of any, before this one were dropped, and there are hours alone; 0: none were. */
int64_t stateread_minutes_from(const struct stateread_host *hosts, size_t n, int host);

/* "1d", "15m", a date and so on are the caller's business; here host is an id,
 * or STATEREAD_FARM: all hosts and the corrections of what was joined inside the farm. */
enum { STATEREAD_FARM = -1 };

/* Add up the minutes from <= minute < to. sum holds metrics by enum metric,
 * histograms and words (names by stateread_word). */
bool stateread_sum(struct stateread *r, int host, int64_t from_minute, int64_t to_minute,
    struct cell *sum, struct err *e);
/* The same from hourly cells, kept much longer. */
bool stateread_sum_hours(struct stateread *r, int host, int64_t from_hour, int64_t to_hour,
    struct cell *sum, struct err *e);

/* The cells of minutes from <= minute < to one by one, also for the farm: f is told whose each
 * is, and it is for f to leave out the hops: cell_whose(), of the cell or of the sum. Whole hours come as one, from the hourly cells; minute is their first. */
typedef bool stateread_minute_fn(void *arg, int host, int64_t minute, const struct cell *c);
bool stateread_parts(struct stateread *r, int host, int64_t from_minute, int64_t to_minute,
    stateread_minute_fn *f, void *arg, struct err *e);

/* Add them up in sum, an empty cell: what the host or the farm itself did, the hops left out. */
bool stateread_whole(struct stateread *r, int host, int64_t from_minute, int64_t to_minute,
    struct cell *sum, struct err *e);

/* From here on the reader leaves out of cells what is no metric, and the hops too: half of them. Not for the
 * sums of a farm. */
void stateread_only_metrics(struct stateread *r, bool only);

/* Call f for each minute that has a cell, in order of time; minutes without one
 * were zero (or not watched). f returns false to stop. */
bool stateread_minutes(struct stateread *r, int host, int64_t from_minute, int64_t to_minute,
    stateread_minute_fn *f, void *arg, struct err *e);

/* The same as it is stored: of the farm the cells of its hosts one by one, in which what is less for the
 * farm stands under the key + CELL_HOP. Half the time. */
bool stateread_rows(struct stateread *r, int host, int64_t from_minute, int64_t to_minute,
    stateread_minute_fn *f, void *arg, struct err *e);

/* The oldest and newest minute that has a cell; false if there is none. */
bool stateread_span(struct stateread *r, int64_t *first, int64_t *last);
/* The oldest of a host. */
bool stateread_oldest(struct stateread *r, int host, int64_t *minute);

/* The text of a word ("zen.example.org"), empty if unknown. Lives until close. */
struct slice stateread_word(struct stateread *r, uint32_t word);
/* The tag of a program's lines, by the number that cells have of it. */
struct slice stateread_program(struct stateread *r, uint32_t program);
enum { STATEREAD_PROGRAMS = 4096 };	/* in the table of words their numbers are behind this */

/* Top tables: the most frequent of a kind in an hour. Counts are lower bounds,
 * too small by at most error. */
enum top_kind {
	TOP_CLIENT,		/* refused clients, by network /24 or /64 */
	TOP_SASL,		/* SASL users: messages and failures */
	TOP_REASON,		/* texts of refusals, numbers and addresses taken out */
	TOP_RELAY,		/* next hops that deferred or bounced */
	TOP_SENDER,		/* sender domains refused */
	TOP_RCPT,		/* recipient domains refused */
	TOP_UNKNOWN,		/* lines that were not understood: program, ": ", and how they begin */
	TOP_FILTER,		/* filters and services that failed */
	TOP_RELAY_DELAY,	/* next hops, and how long deliveries to them took: delaylist.h */
	TOP_RCPT_DELAY,		/* the same by the recipient's domain */
	TOP_ACCEPTED,		/* recipients of accepted mails, by the client's network */
	TOP_JUDGED,		/* those of mails that a filter took for spam, a virus or forbidden: not in
				 * TOP_ACCEPTED */
	TOP_KIND_N,
	/* no lists: what reputation_keep() and misuse_keep() made of the farm, in hour 0 of no host */
	TOP_REPUTATION = 100, TOP_MISUSE
};
#define STATEREAD_NOWHERE "?"	/* the network of clients of which no line has the address */

struct stateread_top {
	struct slice text;
	uint64_t n, error;
};

/* The most frequent first, at most max of them, hours from <= hour < to. The texts live
 * until the next call of it. Returns how many. */
size_t stateread_top(struct stateread *r, int host, int64_t from_hour, int64_t to_hour,
    enum top_kind kind, struct stateread_top *top, size_t max);

/* The words that a cell counted: block lists by their refusals. Most first, equal ones by name, so that the
 * order in which a state met them does not show. The caller frees *words; names live until close. */
size_t stateread_counted(struct stateread *r, const struct cell *c, struct stateread_top **words);

/* What accounts and networks did in the hours from <= hour < to, as blobs for users_decode(); f
 * may be given several of the same host and hour, to be added up. */
typedef bool stateread_users_fn(void *arg, int host, int64_t hour, struct slice accounts,
    struct slice networks);
bool stateread_users(struct stateread *r, int host, int64_t from_hour, int64_t to_hour,
    stateread_users_fn *f, void *arg, struct err *e);

/* Mails that ended with recipients of which nothing says what became of them. */
struct stateread_lost {
	int host;
	char id[64];		/* from the log: to be cleaned before it is shown */
	int64_t time;		/* when they were gone; of an id used again, one of those times */
	int64_t rcpts;
};

/* Those of from <= time < to, the newest first, at most max. Few are kept of each host: that
 * some are missing says nothing. Returns how many. */
size_t stateread_lost(struct stateread *r, int host, int64_t from, int64_t to,
    struct stateread_lost *lost, size_t max);

/* Call f for each line that is kept of from <= time < to as one of its kind, the oldest slot first.
 * f returns false to stop; slices live until then. */
typedef bool stateread_specimen_fn(void *arg, int host, const struct specimen *s);
bool stateread_specimens(struct stateread *r, int host, int64_t from, int64_t to,
    stateread_specimen_fn *f, void *arg, struct err *e);

/* Mails that were in the queue for more than STATEREAD_WAITED_S. */
enum { STATEREAD_WAITED_S = 900 };
#define STATEREAD_WAITS ((int64_t)1 << 40)	/* the column until of one that is there still */
struct stateread_waiting {
	int host;
	char id[64];		/* from the log: to be cleaned before it is shown */
	int64_t since;
};

/* Those that were in the queue at that time and came before the time before, the oldest first, at
 * most max; *n is how many there are, not with less than STATEREAD_WAITED_S between the two. */
size_t stateread_waiting(struct stateread *r, int host, int64_t at, int64_t before,
    struct stateread_waiting *w, size_t max, int64_t *n);

struct stateread_source {
	char name[1024];
	uint64_t offset, lines, size;
	int64_t newest;			/* log time of its newest line */
	int64_t read_at;		/* clock when it was last read */
	int64_t behind_since;		/* since then something waits to be read; 0: nothing */
};
bool stateread_sources(struct stateread *r, const struct stateread_source **s, size_t *n,
    struct err *e);

/* The process that holds DIR/lock, 0 if nobody does or we may not know: the kernel tells
 * without our taking it. */
pid_t stateread_writer(const char *dir);

/* What mxgauged says of itself, table run; times by the clock. 0: never. */
struct stateread_run {
	int64_t started_at;
	int64_t beat_at;		/* its last commit; it makes one each 30 s at least */
	int64_t rrd_written_at;		/* when the RRDs were last brought up to date */
	int64_t rrd_failed_since;	/* 0: they were, the last time */
	char version[32];
	char graph_url[1000];		/* where the graphs are, see setting.def; empty: not said */
	int64_t log_unread_since;	/* 0: no log is there that cannot be read; else which, and why: */
	char log_unread[512];
	int64_t queue_wanted;		/* is there a sensor of queues? */
	int64_t queue_counted_at;	/* when it last counted all of them */
	int64_t queue_failed_since;	/* 0: it could, the last time; else why not: */
	int64_t clock_sure;		/* when our own clock was right for sure; 0: nobody knows */
	int64_t clock_jumped;		/* what it said after a jump that is not sure yet; 0: it is right */
	int64_t clock_jump_s;		/* how far it jumped, where the daemon saw it; else 0 */
	char queue_said[300];		/* and where it could, which queues those are */
};
bool stateread_run(struct stateread *r, struct stateread_run *run, struct err *e);

/* The limits by name. l is the reader's own, until the next call. */
struct stateread_limit {
	char name[32];
	int64_t used, cap;		/* cap 0: it is no number of things */
	int64_t hits, hit_at;		/* how often it bit, and when it did last */
};
bool stateread_limits(struct stateread *r, const struct stateread_limit **l, size_t *n,
    struct err *e);

#endif
