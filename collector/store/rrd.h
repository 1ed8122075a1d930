/* rrd.h - the picture of the counts: RRDs, one file a host and template, of
 * some templates one a host and block list.
 *
 * The state is what counts; RRDs are a view of it and can be made anew from its
 * cells. A minute m = [60m, 60m + 60) is the row that ends at 60(m + 1): rate times
 * 60 is the count. Late lines rewrite the past. Any call may be cut short at any
 * point: the next run of the program compares the files with the cells and
 * mends what differs. One process at a time. */
#ifndef MX_RRD_STORE_H
#define MX_RRD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "stateread.h"
#include "store/columns.h"
#include "store/rrdlists.h"
#include "store/template.h"

struct rrd_options {
	const char *dir;			/* files are DIR/HOST/TEMPLATE[-ZONE].rrd */
	const struct templates *templates;	/* must outlive the store */
	const char *cached;			/* rrdcached's address (cached.h), or NULL */
	int cached_wait_ms;			/* wait for it so long in an update; 0: no limit */
	int rewrite_every_s;			/* a host's past at most so often; 0: at once */
	/* Told what was done to a file that could not be used; NULL: standard error. */
	void (*note)(void *arg, const char *sentence);
	void *note_arg;
};

struct rrd_store;

/* Makes dir. NULL and *e if that fails. */
struct rrd_store *rrd_store_open(const struct rrd_options *o, struct err *e);
void rrd_store_close(struct rrd_store *s);

/* Counts of this minute of this host changed since the last update, and perhaps of later
 * ones. STATEREAD_FARM need not be named: it changes with each host. */
struct rrd_changed {
	int host;
	int64_t minute;
	bool drawn;	/* set by rrd_store_end: all of it is in the files, of the farm too */
};

/* A round brings all RRDs of all hosts and of the farm up to the last commit: begin, step until
 * it says that nothing is left, end. Call it after a commit: after an import (and before
 * cells that were not drawn yet are dropped), in the daemon each minute.
 * changed names the hosts of which cells of minutes that may have been written already
 * were touched since the round before began; a host that the store sees for the first time is
 * compared as a whole. It must live until the end. */
bool rrd_store_begin(struct rrd_store *s, struct stateread *r, struct rrd_changed *changed,
    size_t n_changed, struct err *e);
/* One host, as r sees it (open it for this: there may be commits between steps). now is the
 * clock: a host's newest minute is closed by a later line, or two minutes after its newest
 * line. False: none was left. */
bool rrd_store_step(struct rrd_store *s, struct stateread *r, int64_t now);
/* With rrdcached, in a file means that it wrote it: it was told to, and the file was looked at.
 * False and *e: the first fault, or hosts had no step; the other files were
 * written, nothing is lost, the next round makes up for it. */
bool rrd_store_end(struct rrd_store *s, struct err *e);

/* The minutes of one host, for rrd_store_write. */
struct rrd_minutes {
	const char *name;		/* of the host: any text */
	int64_t kept;			/* cells are kept from this minute on */
	bool dropped;			/* the last cell before went, that of the minute before; else it is the first of all */
	int64_t end;			/* minutes before this one are closed */
	int64_t limit;			/* after the minute of the newest line */
	int64_t changed;		/* the oldest that changed, or one of RRD_... */
	int64_t undrawn;		/* with RRD_COMPARE: the oldest that changed for all that is known; 0: none */
	bool unsure;			/* rrdcached may have rows that it did not write */
	bool clock_unsure;		/* our own clock jumped: what is written may have to be taken back */
	int64_t clock_sure;		/* it was right when it said that, in seconds; 0: nobody knows */
	bool sampled;			/* it has gauges: templates of nothing else are for it, too */
	const struct rrd_list *list;	/* the block lists it has files of */
	size_t lists;
	columns_source_fn *source;	/* where the cells come from */
	void *arg;
};

#define RRD_NOTHING_CHANGED INT64_MAX
#define RRD_COMPARE INT64_MIN		/* nobody knows: compare all with the files */

/* The most block lists that a host had files of, and how many more it would have had. */
void rrd_store_lists(const struct rrd_store *s, size_t *most, size_t *left_out);

/* Write one host. Minutes in [kept, end) without a cell are zero, others unknown or as
 * the file has them. As the steps are built on this, few need it. */
bool rrd_store_write(struct rrd_store *s, const struct rrd_minutes *m, struct err *e);

/* Which minutes of a host (or the farm) are closed at the time now: fills end and limit of
 * m from the hosts' newest lines and samples. Hosts that were silent for two minutes do not hold
 * the farm back. */
void rrd_closed(const struct stateread_host *hosts, size_t n, int host, int64_t now,
    struct rrd_minutes *m);

/* The folder of a host: letters, digits, dot, dash and underscore stay, all else, and
 * a dot or underscore in front, becomes %XX, so that no two hosts share one and none has
 * that of HOST_FARM, "_farm". Longer than 200 bytes: cut, and a hash. Fills out. */
enum { RRD_FOLDER_BYTES = 256 };
void rrd_folder(const char *host, char out[RRD_FOLDER_BYTES]);

#endif
