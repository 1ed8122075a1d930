/* nextstep.h - what an administrator does next when a check of the state rings: look at lines of
 * that sort, ask for them with "mxgauge trace", open the graph.
 *
 * Told only when something was found, or with -v. What comes from log lines is cleaned, and only
 * what a shell takes as it stands comes into the command. */
#ifndef MX_NEXTSTEP_H
#define MX_NEXTSTEP_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "checkstate.h"
#include "slice.h"

/* Up to five lines that the state keeps of these kinds (specimen.h), of the window and of that
 * host or STATEREAD_FARM, and the command that shows them. "rej" stands for all that begin with
 * "rej_". As "samples" for --json. */
void nextstep_samples(const struct checkstate *s, int host, const char *const *kinds, size_t n);

/* A command for ids, addresses or names that a check knows itself: begin it, add to it, tell it.
 * nextstep_add() leaves out what is not plain, and what is there already. */
struct nextstep {
	struct buf command;
	size_t n;
};
void nextstep_begin(struct nextstep *w, const struct checkstate *s);
bool nextstep_add(struct nextstep *w, struct slice what);
void nextstep_tell(struct nextstep *w);

/* The graph of a host (NULL: of the farm) as graph_url says where it is, by the names of
 * rrd-templates. As "graph" for --json. */
void nextstep_graph(const struct checkstate *s, const char *host, const char *template,
    const char *graph);
/* The same for that which shows a metric. */
void nextstep_graph_of(const struct checkstate *s, const char *host, const char *metric);

#endif
