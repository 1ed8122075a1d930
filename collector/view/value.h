/* value.h - `mxgauge cacti-value`: the figures of an RRD template as Cacti's poller takes them.
 *
 * One line, "NAME:VALUE NAME:VALUE". A count is the total since the first of the month (UTC), which
 * only grows: Cacti takes the difference between two answers (DERIVE), so a run of its poller that is
 * left out loses nothing, and a late line counts when it comes. When a month begins the total is
 * smaller than before, and Cacti has one unknown value. It is U of a time before the first line, or that was
 * dropped (keep_minutes, keep_hours), and lacks the month's hours that were. Gauges are the mean of the last five
 * closed minutes, delays are those of the deliveries in them; U is unknown. */
#ifndef MX_VALUE_H
#define MX_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

enum { VALUE_NOW = -1 };

struct value {
	const char *state;	/* folder */
	const char *templates;	/* folder; NULL: the installed ones */
	const char *template;	/* name of one */
	const char *names;	/* "conn,lost"; NULL: all data sources of it */
	const char *host;	/* or "_farm" */
	const char *list;	/* of a template of block lists: which; else NULL */
	int64_t at;		/* as of then; VALUE_NOW: the clock, and a collector that stands still
				 * has no values */
};

/* Print the line. False and *e: one with U for each name was printed, or, where the names are not
 * known, none. */
bool value_run(const struct value *v, struct err *e);

#endif
