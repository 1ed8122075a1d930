/* stateread_priv.h - what the files that read the state share; nobody else includes it. */
#ifndef MX_STATEREAD_PRIV_H
#define MX_STATEREAD_PRIV_H

#include <sqlite3.h>

#include "mem.h"
#include "stateread.h"
#include "toplist.h"

enum { LIMITS_MAX = 64, PROGRAMS_MAX = 256, KEPT_MAX = 8 };

struct stateread {
	sqlite3 *db;
	bool borrowed;			/* it is somebody else's */
	char *dir;
	struct stateread_host *host;
	size_t hosts;
	bool hosts_read;
	struct stateread_source *source;
	struct stateread_limit limit[LIMITS_MAX];
	struct slice *word;
	size_t words;
	struct slice program[PROGRAMS_MAX];
	size_t programs;
	bool words_read;		/* word and program */
	bool metrics_known;		/* their numbers are the enum's; else: */
	enum metric *metric;		/* by the state's number; METRIC_N: no longer known */
	size_t metrics_n;
	bool only_metrics;
	bool renumbered;		/* some number is not the enum's */
	struct toplist top;
	struct {			/* statements that may be asked again */
		const char *sql;
		sqlite3_stmt *st;
	} kept[KEPT_MAX];
	struct arena text;
};

sqlite3_stmt *stateread_prepare(struct stateread *r, const char *sql, struct err *e);
/* The same of a text that stays where it is, for stateread_give_back(): to prepare a statement takes longer than
 * to read some rows, and most are asked several times. */
sqlite3_stmt *stateread_borrow(struct stateread *r, const char *sql, struct err *e);
void stateread_give_back(struct stateread *r, const char *sql, sqlite3_stmt *st);

/* Rows whose key at is (minute or hour) * 65536 + host, from <= at / 65536 < to, in their order: of one host, or of all
 * (below 0). sql stays where it is, its first column is at, and it is bounded by ?1 <= at < ?2. */
struct stateread_rows {
	struct stateread *r;
	const char *sql;
	sqlite3_stmt *st;	/* at the row */
	int host;
	bool frozen;		/* by these rows */
	bool many;		/* of other hosts lay between two of this one */
	int64_t next;		/* place to be looked up first, or 0 */
};
bool stateread_rows_begin(struct stateread_rows *w, struct stateread *r, const char *sql, int host, int64_t from,
    int64_t to, struct err *e);
/* SQLITE_ROW, or what ended them. */
int stateread_rows_next(struct stateread_rows *w, int64_t *at);
void stateread_rows_end(struct stateread_rows *w);
/* The statement for one host or, where host < 0, for all, and a span of time: its parameters
 * 1, 2 and, for one host, 4. */
sqlite3_stmt *stateread_prepare_span(struct stateread *r, const char *of_host, const char *of_all, int host,
    int64_t from, int64_t to);

static inline struct slice
stateread_blob(sqlite3_stmt *st, int column)
{
	const void *p = sqlite3_column_blob(st, column);

	return (struct slice){ p != NULL ? p : "", (size_t)sqlite3_column_bytes(st, column) };
}

#endif
