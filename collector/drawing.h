/* drawing.h - the RRDs, kept up to date on the daemon's event loop: each rrd_interval a round of
 * draw.h, in short bouts, between which reading, commits and signs of life go on. Redrawing
 * the past of many hosts takes minutes. */
#ifndef MX_DRAWING_H
#define MX_DRAWING_H

#include <stdbool.h>

#include "err.h"
#include "ingest.h"
#include "store/config.h"

struct drawing;
struct event_base;

/* What it asks of the daemon. */
struct drawing_hooks {
	bool (*commit)(void *arg);	/* also what is otherwise written once a minute */
	void (*alive)(void *arg);	/* the last round, which nothing interrupts, goes on */
	void *arg;
};

struct drawing *drawing_new(struct event_base *base, const struct drawing_hooks *hooks);
void drawing_free(struct drawing *g);

/* By configuration c, from the state of in, which must live until drawing_close(). A round
 * that is under way then goes on with the first round after the next drawing_open(). */
bool drawing_open(struct drawing *g, const struct config *c, struct ingest *in, struct err *e);
void drawing_close(struct drawing *g);

/* There is something new to draw. */
void drawing_committed(struct drawing *g);
/* The last round and a commit, at once. For half a minute at most: the next start makes up
 * for the rest. */
void drawing_last(struct drawing *g);
/* The last round failed. */
bool drawing_fails(const struct drawing *g);

#endif
