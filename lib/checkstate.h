/* checkstate.h - what the checks share that answer from the collector's state: whose numbers,
 * of which time, and whether there is something to answer from.
 *
 * A check sets its defaults, names CHECKSTATE_OPTS in its rows, and calls checkstate_open(); one
 * that has an answer also when the collector stands still CHECKSTATE_OPTS_WHICH and
 * checkstate_begin(). */
#ifndef MX_CHECKSTATE_H
#define MX_CHECKSTATE_H

#include <stdint.h>

#include "check.h"
#include "hold.h"
#include "past.h"
#include "stateread.h"

/* Of what the counts of a window are made: tables by the hour; whole hours and the minutes beside them;
 * minutes, which are dropped sooner. */
enum checkstate_reads { CHECKSTATE_TABLES, CHECKSTATE_PARTS, CHECKSTATE_MINUTES };

struct checkstate {
	enum checkstate_reads reads;
	/* options */
	const char *state, *host, *graph_url;
	double window_s, stale_s, hold_s;
	int64_t at;
	/* what came of them */
	struct stateread *r;
	const struct stateread_host *hosts;
	size_t n;
	int id;				/* of the host, or STATEREAD_FARM: host is NULL then */
	int64_t now, as_of;		/* clock; time of the answer */
	int64_t from, to;		/* minutes: from <= minute < to */
	int64_t kept;			/* of minutes before this one there are hours alone; 0: of none */
};

#define CHECKSTATE_DEFAULT .state = "/var/lib/mxgauge", .stale_s = 600

/* Which numbers. */
#define CHECKSTATE_OPTS_WHICH(set) \
	{ 's', "state", OPT_STRING, &(set).state, "DIR", "the collector's state" }, \
	{ 'H', "host", OPT_STRING, &(set).host, "HOST", \
	    "one mail server instead of the whole farm" }, \
	{ 0, "window", OPT_DURATION, &(set).window_s, "TIME", "how far to look back", \
	    .min = 60, .max = 8 * 86400 }, \
	{ 0, "at", OPT_TIME, &(set).at, "TIME", \
	    "answer as of then: \"2026-11-20 03:00\", \"yesterday 03:00\", \"-2h\", \"@EPOCH\"" }, \
	{ 0, "graph-url", OPT_STRING, &(set).graph_url, "URL", \
	    "where the graph is, in place of graph_url of mxgauged's configuration, and with the same %h, %t, %g" }

/* And when not to answer. */
#define CHECKSTATE_OPTS(set) \
	CHECKSTATE_OPTS_WHICH(set), \
	{ 0, "stale", OPT_DURATION, &(set).stale_s, "TIME", \
	    "UNKNOWN if the newest log line is older", .min = 60, .max = 8 * 86400 }, \
	{ 0, "hold", OPT_DURATION, &(set).hold_s, "TIME", \
	    "an alarm that stood for two minutes ends when there was none for so long: asked of the state, " \
	    "which nobody needs to remember", .min = 60, .max = HOLD_MAX_S }

/* Open the state, see one commit of it only, and fill the rest. Ends the check as UNKNOWN where
 * there is no state or no such host. */
void checkstate_begin(struct checkstate *s);
/* The same, and UNKNOWN also where there is nothing to answer from: a collector or log that
 * stands still, no line in the window, minutes that were dropped already. */
void checkstate_open(struct checkstate *s);

/* Behind the last minute of which all lines should be there: of short stretches the running one would be
 * missed, and what a log that lags has not brought yet. */
int64_t checkstate_complete(const struct checkstate *s);

/* Since when something is known of whose numbers are asked for. */
int64_t checkstate_first(const struct checkstate *s);

/* The weeks before of whose numbers and window are asked for; a detail says so where the state does
 * not know enough of them. past_free() gives *p back. */
void checkstate_past(const struct checkstate *s, struct past *p);

/* The host's name, from log lines: to be cleaned; "?" where the state does not know that id. */
const char *checkstate_name(const struct checkstate *s, int id);
/* "mx1", or "the farm". */
const char *checkstate_whose(const struct checkstate *s);

/* Of the farm: a detail for each host that was silent for longer than stale_s. */
void checkstate_tell_silent(const struct checkstate *s);
/* The most frequent of each kind in the hours that the window touches, as details, and as "top"
 * for --json. */
void checkstate_tell_tops(const struct checkstate *s, const enum top_kind *kinds, size_t n);
/* "window":{"from":,"to":} for --json, and with -v the same for people. */
void checkstate_tell_window(const struct checkstate *s);

/* A time for a sentence; it lives until the second call after this one. */
const char *checkstate_time(int64_t t);

#endif
