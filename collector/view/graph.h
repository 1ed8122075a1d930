/* graph.h - pictures of the RRDs, by librrd: PNG or SVG. */
#ifndef MX_GRAPH_H
#define MX_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "cell.h"
#include "err.h"
#include "store/rrdlists.h"
#include "store/template.h"

struct graph_span {
	const char *name;	/* "day" */
	int64_t s;
	int64_t step_s;		/* one point of the curve */
	int64_t row_s;		/* made of rows of this length, which reach back so far */
};

enum { GRAPH_SPANS = 4 };
enum { GRAPH_LISTS = 8 };	/* block lists in one picture */
extern const struct graph_span graph_spans[GRAPH_SPANS];	/* day week month year */

/* One picture: which, and where to. */
struct graph {
	const char *rrd;		/* folder of the RRDs of all hosts */
	const char *out;		/* folder of the pictures of all hosts */
	const char *host;		/* any text, or HOST_FARM */
	const struct template *template;
	const struct template_graph *graph;
	const struct rrd_list *list;	/* of a template of block lists: those to draw */
	size_t lists;			/* at most GRAPH_LISTS */
	const struct graph_span *span;
	int64_t end;			/* time at the right edge: graph_end() */
	const struct cell *sum;		/* of the span, for the totals; NULL: none are shown */
	bool svg;
};

/* Its file, below the folder of pictures: "mx1.example.org/flow-in-day.png". Fills out. */
enum { GRAPH_FILE_BYTES = 512 };
void graph_file(const struct graph *g, char out[GRAPH_FILE_BYTES]);

/* Are there RRDs to draw it from? */
bool graph_has_data(const struct graph *g);
/* The RRD of a host; list: NULL, or of which block list. */
void graph_rrd(const struct graph *g, const struct rrd_list *list, struct buf *path);

struct graph_size {
	int width, height;	/* in pixels */
};

/* Draw it; an older picture stays until the new one is complete. Fills the size. */
bool graph_draw(const struct graph *g, struct graph_size *size, struct err *e);

/* How much of the height a mark at the upper edge takes, that of the second list twice that. */
#define GRAPH_MARK 0.025
/* The colour of the i-th block list: "0072B2". */
const char *graph_list_colour(size_t i);

/* The right edge: now, or the end of the newest minute when that is older than
 * six hours, as in an archive; then up to the end of the point it falls into. */
int64_t graph_end(int64_t newest, int64_t now, const struct graph_span *span);

#endif
