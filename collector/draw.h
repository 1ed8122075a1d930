/* draw.h - bring the RRDs up to the last commit: the state's news to the RRD store. */
#ifndef MX_DRAW_H
#define MX_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "ingest.h"

struct draw;

/* What a store of RRDs needs; the strings are copied but note_arg. */
struct draw_options {
	const char *state;	/* folder of the state */
	const char *rrd;	/* folder of the RRDs; NULL: STATE/rrd */
	const char *templates;	/* folder; NULL: the installed ones */
	const char *cached;	/* rrdcached's address; NULL: write ourselves */
	int cached_wait_ms;	/* wait for it so long in an update; 0: no limit */
	int rewrite_every_s;	/* a host's past at most so often; 0: at once */
	void (*note)(void *arg, const char *sentence);	/* NULL: standard error */
	void *note_arg;
};

/* For the daemon, which draws each minute. NULL and *e: templates or folder are no good. */
struct draw *draw_open(const struct draw_options *o, struct err *e);
void draw_close(struct draw *d);

/* A round, after a commit: all hosts and the farm, one a step. Between steps there may be
 * commits: what they change is for this round or the next. draw_begin() false and *e: there is
 * no round. */
bool draw_begin(struct draw *d, struct ingest *in, struct err *e);
/* One host. now: the clock. False: none was left. */
bool draw_step(struct draw *d, int64_t now);
/* Also before the last step: what is left is for the next round. False and *e: something is
 * not drawn; nothing is lost, the next round makes up for it. */
bool draw_end(struct draw *d, struct ingest *in, struct err *e);
bool draw_under_way(const struct draw *d);

/* Write all RRDs of the state once. */
bool draw_all(struct ingest *in, const struct draw_options *o, struct err *e);

#endif
