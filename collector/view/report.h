/* report.h - what happened in a period, for people and for scripts. */
#ifndef MX_REPORT_H
#define MX_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "cell.h"
#include "err.h"
#include "stateread.h"

struct report_host {
	const struct stateread_host *host;
	struct cell sum;
};

struct report {
	struct stateread *state;	/* not the report's own */
	int host;			/* id, or STATEREAD_FARM */
	int64_t from, to;		/* epoch, whole minutes; to is not in it */
	int64_t begin;			/* nothing is known of the time before */
	struct cell sum;
	struct report_host *hosts;	/* those it is about, by name */
	size_t nhosts;
};

enum { REPORT_WHOLE = INT32_MIN };	/* for from or to: from the first line that is kept, to the last one */

/* Add up a period of one host (its name or first label; NULL or HOST_FARM: the farm). Where
 * counts are kept by the hour only, from and to widen to whole hours. False and
 * *e if there is no such host or the state cannot be read. */
bool report_make(struct report *r, struct stateread *state, const char *host, int64_t from,
    int64_t to, struct err *e);
void report_free(struct report *r);

/* The report as one JSON object (DESIGN 5), or as a text of at most 78 columns. */
void report_json(const struct report *r, struct buf *out);
void report_text(const struct report *r, struct buf *out);

/* The recipients that one host handed on to another: both have them, the farm once. */
int64_t report_hops(const struct report *r);
/* The recipients that are still under way by the books. */
int64_t report_open(const struct cell *sum);

/* `mxgauge report`: print it to stdout. */
bool report_run(const char *dir, const char *host, int64_t from, int64_t to, bool json,
    struct err *e);

#endif
