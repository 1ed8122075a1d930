/* cactigraph.h - a graph of ours as a graph template of Cacti's. */
#ifndef MX_CACTIGRAPH_H
#define MX_CACTIGRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "mem.h"
#include "store/template.h"
#include "view/cactixml.h"

enum { CACTI_CDEFS_MAX = 2000 };

/* A file that is being written. */
struct cacti_writer {
	struct buf xml;
	bool polled;		/* Cacti's own RRDs, else the collector's */
	const char *family;	/* part of all names that are hashed */
	const char *program;	/* what Cacti's poller calls */
	const char *rpn[CACTI_CDEFS_MAX];	/* the CDEFs that graphs use: to be written too */
	size_t n_rpn;
	const char *too_wide;	/* a graph with more data sources than Cacti has names for; or NULL */
	struct arena memory;
};

/* Write one. */
void cacti_graph(struct cacti_writer *w, const struct template *t, const struct template_graph *g);

struct cacti_hash cacti_graph_hash(const struct cacti_writer *w, const struct template *t,
    const struct template_graph *g);
/* A data source: of an RRD of the collector, or, when it is polled, of a graph. */
struct cacti_hash cacti_ds_hash(const struct cacti_writer *w, const struct template *t,
    const struct template_graph *g, const struct template_ds *ds);
struct cacti_hash cacti_gprint_hash(int digits);	/* behind the point; 0: the numbers of an axis */
struct cacti_hash cacti_cdef_hash(const char *rpn);

/* How names that people see begin. */
const char *cacti_whose(const struct cacti_writer *w);

#endif
