/* ingest.h - lines in, counts out: the rooms of the collector wired together.
 *
 * Import and daemon both drive this: open, feed lines of any number of sources in
 * any order, commit. What is committed is on disk together with the positions of
 * the sources; what is not is not counted anywhere. */
#ifndef MX_INGEST_H
#define MX_INGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "flow/siteword.h"
#include "input/reader.h"
#include "metric.h"
#include "slice.h"
#include "store/state.h"

struct ingest_settings {
	int64_t horizon_s;		/* older lines than that are too_late */
	int64_t future_s;		/* lines further ahead of the clock, and of when their file
					 * was written, too; 0: no limit */
	int64_t keep_minutes, keep_hours, keep_mails, keep_accounts, keep_sources;	/* in minutes */
	size_t max_mails;		/* in memory */
	bool draws;			/* RRDs are written: keep minutes until they were */
	const char *const (*alias)[2];	/* host names, whole or short, that mean another host;
					 * ends with NULLs */
	struct sitewords *words;	/* the site's own rules, NULL: none */
	bool hash_addresses;		/* keep pseudonyms in their place; the key lies beside the state */
};

/* 8 days of minutes and mails, 400 of hours, 8 days horizon, a day ahead, 500,000 mails. */
extern const struct ingest_settings ingest_defaults;

struct ingest;

/* NULL and *e as state_open(). The settings are copied, the aliases and rules are not. */
struct ingest *ingest_open(const char *dir, const struct ingest_settings *set, struct err *e);
/* What was not committed is dropped. */
void ingest_close(struct ingest *in);
struct state *ingest_state(struct ingest *in);

/* A stream of lines: a source with its own zone and year (header.h), host for lines
 * that name none. NULL and *e if the zone is unknown. now: the clock, or when the file was
 * written. */
struct feed;
struct feed *feed_open(struct ingest *in, struct state_source *src, const char *zone, int year,
    const char *host, int64_t now, struct err *e);
void feed_close(struct feed *f);
/* What it brings was just written, and its clock is ingest_clock()'s from now on. arrives: it
 * does not lie in a file, so that none of it can be a year old. */
void feed_live(struct feed *f, bool arrives);
/* Of which year its first line is, if the clock alone does not tell (newyears.h): before any line. */
void feed_began_in(struct feed *f, int year);
/* Are its lines of more years than stamps without one can tell? */
bool feed_years_torn(const struct feed *f);
/* What it brings comes for so long that the clock went on since feed_open(). */
void feed_clock(struct feed *f, int64_t now);
struct state_source *feed_source(struct feed *f);
/* Whoever brings the lines may bring some again, at any time: those whose stamps have
 * microseconds count once. */
void feed_resends(struct feed *f);
/* Put what the feed remembers beside the position into its source: before a commit. */
void feed_remember(struct feed *f);

/* Take one line in. cut: it was longer than LINE_MAX_BYTES. False: the state could not
 * be read (*e). */
bool ingest_line(struct ingest *in, struct feed *f, struct slice raw, bool cut, struct err *e);
/* The same of n lines that lie one behind the other, the last of which may be cut: faster. */
bool ingest_lines(struct ingest *in, struct feed *f, const struct slice *raw, size_t n, bool cut,
    struct err *e);
void ingest_clock(struct ingest *in, int64_t now);

/* Count n of m now, at that host: what befell not a line, but us. Committed with the next lines, or
 * whenever the next commit is. With a sample's count (metric_samples()) the host has gauges. */
void ingest_count(struct ingest *in, const char *host, enum metric m, int64_t n);

/* No more lines will come for now: lines that may lack a piece are taken as they are. */
void ingest_end(struct ingest *in);

/* Should the caller commit now lest memory grow? */
bool ingest_full(const struct ingest *in);
/* Anything to commit that others wait for? And how many lines? */
bool ingest_dirty(const struct ingest *in);
uint64_t ingest_uncommitted(const struct ingest *in);
/* Commit. last: at the end of the work: everything is written that is otherwise
 * written once a minute. After false the same can be tried again later. */
bool ingest_commit(struct ingest *in, bool last, struct err *e);

struct ingest_totals {
	uint64_t lines, events, known, foreign, unknown, copies, too_late, cut;
	uint64_t waiting;	/* after ingest_end(): pieces whose line lacks another one */
};
const struct ingest_totals *ingest_totals(const struct ingest *in);

#endif
