/* state_db.h - what the files of the state share; nobody else includes it. */
#ifndef MX_STATE_DB_H
#define MX_STATE_DB_H

#include <sqlite3.h>

#include "flow/join.h"
#include "flow/tally.h"
#include "flow/top.h"
#include "flow/track.h"
#include "store/state.h"
#include "store/whereabouts.h"

enum { STATE_VERSION = 9 };

/* What an entry of mail_log is: a mail, the hash of one that went to a block, or a hash
 * and what that mail has more than the log said so far. */
enum { ENTRY_MAIL = 1, ENTRY_GONE = 2, ENTRY_MORE = 3 };

/* What the collector says of itself. */
struct fact_said {
	const char *key, *text;		/* text NULL: it is a number */
	int64_t value;
	bool changed;
};

/* A limit: how full, and how often it bit. */
struct capacity {
	char name[32];
	int64_t used, cap, hits, hit_at;
	bool changed, bit;
};

enum { FACTS_MAX = 20, LIMITS_MAX = 32 };

enum { KEPT_REPUTATION, KEPT_MISUSE, KEPT_N };

/* Our own clock (state_clock.c). */
struct own_clock {
	int64_t sure;		/* it was right when it said this; 0: nobody knows */
	int64_t jumped;		/* what it said after a jump that is not sure; 0: it is */
	int64_t jump_s;		/* how far, where this program or the one before saw it; else 0 */
	int64_t last;		/* what it said when it was looked at last */
	bool looked;		/* by this program */
};

struct state {
	sqlite3 *db;
	char *dir;
	uint64_t dev, ino;		/* its file's, if placed */
	bool placed, replaced;
	int lock_fd;
	struct hash_key key;
	struct track *track;		/* where fetched mails go */
	/* hosts */
	char *host_name[HOSTS_MAX];
	uint16_t host_slot[HOSTS_MAX * 2];	/* by hash of the name, open addressing: number + 1 */
	int64_t host_first[HOSTS_MAX], host_newest[HOSTS_MAX], host_undrawn[HOSTS_MAX];
	int64_t host_drawing[HOSTS_MAX];	/* what the RRDs are just being brought up to */
	int64_t host_stored[HOSTS_MAX];	/* newest minute of which the database has something */
	int64_t host_skew[HOSTS_MAX];	/* seconds that its clock is ahead of ours */
	int64_t host_sampled[HOSTS_MAX];	/* when its queues were last counted */
	int64_t host_kept[HOSTS_MAX];	/* behind the newest minute that was dropped; 0: none was */
	int64_t host_expired[HOSTS_MAX];	/* what was kept was counted back from then, by this program */
	bool host_changed[HOSTS_MAX];
	bool old_left;			/* by the last commit */
	size_t hosts;
	size_t words_stored, programs_stored;
	/* the state's number of each metric */
	uint32_t metric_number[METRIC_N];
	bool metrics_same;		/* it is the enum's */
	/* sources: stable pointers */
	struct state_source **source;
	size_t sources;
	uint32_t next_source;
	int64_t sources_swept;		/* the day when old ones were dropped last */
	/* mails that were put away */
	struct whereabouts where;
	int64_t gone[HOSTS_MAX];	/* what state_gone() says */
	int64_t *fetched;		/* blocks whose mails are in the table again */
	size_t n_fetched, cap_fetched;
	bool unread_block;		/* a block that was wanted cannot be read */
	int64_t log_bytes;		/* of table mail_log */
	int64_t log_bytes_before;	/* the commit that is under way */
	struct own_clock clock;
	bool disowns;			/* with the next commit all of later than disown_after goes */
	bool disown_due;		/* hosts and mails do not know it yet: the state could not be read */
	int64_t disown_after, disown_now;	/* what it was, and the time when we saw that */
	double kept_due[KEPT_N];	/* an answer is not made ready again before that, by clock_now() */
	struct fact_said said[FACTS_MAX];
	size_t n_said;
	struct capacity limit[LIMITS_MAX];
	size_t limits;
	/* prepared once */
	sqlite3_stmt *get_cell, *put_cell, *get_hour, *put_hour, *get_seen, *put_seen;
	sqlite3_stmt *get_block, *put_block, *put_log, *get_top, *put_top;
};

/* When something was last counted of it. */
static inline int64_t
host_last(const struct state *s, size_t h)
{
	return s->host_sampled[h] > s->host_newest[h] ? s->host_sampled[h] : s->host_newest[h];
}

/* What is known of the file and its name (state_place.c). Before anything is read: a backup that was put in
 * place loses the log of the state before. False and *e if it cannot be removed. */
bool place_take(struct state *s, struct err *e);
/* When it is open, and good. */
void place_remember(struct state *s);
/* Is it there still? False and *e: see state_replaced(). */
bool place_kept(struct state *s, struct err *e);
/* Before it is closed. */
void place_leave(struct state *s);

/* *e from the database's own words, with the file's name. Always false. */
bool db_fail(struct state *s, const char *doing, struct err *e);
bool db_run(struct state *s, const char *sql, struct err *e);
sqlite3_stmt *db_prepare(struct state *s, const char *sql, struct err *e);
/* Run a statement that gives no rows, and make it ready for the next time. */
bool db_step(struct state *s, sqlite3_stmt *st, const char *doing, struct err *e);
/* One that changes rows, once: its ?1 is the number, ?2, where it has that, clock_sure(). */
bool db_write(struct state *s, const char *sql, int64_t number, struct err *e);
/* Is there a row? If so st stands on it, and is to be reset. False and *e: it cannot be
 * read, which is not the same as no row. */
bool db_find(struct state *s, sqlite3_stmt *st, bool *found, struct err *e);
/* After the last sqlite3_step(), which gave rc: was it the end? Finalizes st. */
bool db_end(struct state *s, sqlite3_stmt *st, int rc, struct err *e);
static inline struct slice
db_blob(sqlite3_stmt *st, int column)
{
	const void *p = sqlite3_column_blob(st, column);

	return (struct slice){ p != NULL ? p : "", (size_t)sqlite3_column_bytes(st, column) };
}

/* state_hosts.c */
bool hosts_load(struct state *s, struct err *e);

/* state_sources.c */
bool sources_load(struct state *s, struct err *e);
/* Once a day drop those that are kept no longer. */
bool sources_expire(struct state *s, const struct commit *c, struct err *e);

/* state_facts.c */
bool limits_load(struct state *s, struct err *e);
/* all: also how full tables are; else only of those that bit. */
bool facts_store(struct state *s, bool all, struct err *e);
void facts_committed(struct state *s, bool all);

/* state_mails.c */
/* Take a row of mail_log into the table. False if it is damaged. */
bool mails_replay(struct track *t, struct slice row);
bool mails_load(struct state *s, struct err *e);
bool mails_store(struct state *s, const struct commit *c, struct err *e);
/* The commit was made, or was not. */
void mails_committed(struct state *s, bool done);
void mails_free(struct state *s);
/* Drop the blocks of mails last spoken of so many minutes before their host's newest. */
bool mails_expire(struct state *s, int64_t keep, struct err *e);
/* All mails forget what lines of after that time said. The next commit must be made with it. */
bool mails_disown(struct state *s, int64_t after, struct err *e);

/* state_clock.c */
bool clock_load(struct state *s, struct err *e);
/* What is kept is counted back from no later time than this; INT64_MAX: from the newest lines. */
int64_t clock_sure(const struct state *s);
/* Before a commit: what state_disown() could not do. */
bool disown_due(struct state *s, struct err *e);
/* In a commit, when all cells are written: how many lines disowned_drop() will take, by host. */
bool disowned_lines(struct state *s, int64_t lines[HOSTS_MAX], struct err *e);
/* In a commit: the rows that state_disown() told of. */
bool disowned_drop(struct state *s, struct err *e);
/* The commit was made. */
void disowned_committed(struct state *s);

/* state_accounts.c */
/* slow: also bring table account up to date. */
struct accounts;
bool accounts_store(struct state *s, struct accounts *a, bool slow, struct err *e);

/* state_lost.c */
struct lost;
bool lost_store(struct state *s, const struct lost *l, struct err *e);
/* Drop samples that many minutes older than their host's newest line. */
bool lost_expire(struct state *s, int64_t keep, struct err *e);

/* state_waiting.c */
/* Note which mails in memory wait: before some of them are put away. */
bool waiting_store(struct state *s, struct track *t, struct err *e);
bool waiting_expire(struct state *s, int64_t keep, struct err *e);

/* state_specimens.c */
bool specimens_store(struct state *s, struct specimens *some, struct err *e);

/* state_tops.c: whole: into the tables, with all that is in the log; else into that. They are to be cleared when the
 * commit has come to its end. */
bool tops_store(struct state *s, struct tops *tops, struct origins *origins, bool whole, struct err *e);

/* state_kept.c: those that are due; slow: the top tables were written */
bool kept_store(struct state *s, bool slow, struct err *e);

#endif
