/* template.h - which metrics make which RRD, and how it is drawn.
 *
 * Read at run time from DIR/NAME.conf (rrd-templates/ in the source tree): one
 * template is one RRD file a host, or (each = "dnsbl") one a host and block list. libconfuse
 * is seen by template.c alone. */
#ifndef MX_TEMPLATE_H
#define MX_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cell.h"
#include "err.h"
#include "mem.h"
#include "metric.h"

enum ds_source {
	DS_COUNT,	/* summed per minute: ABSOLUTE */
	DS_GAUGE,	/* a metric's mean in the minute: GAUGE, unknown without a sample */
	DS_SHARE,	/* of a block list, one fact of another: GAUGE, that of the last run of
			 * check_dnsbl until the next, for COLUMNS_HOLD minutes at most */
	DS_QUANTILE	/* of a histogram: GAUGE, unknown in minutes without an entry */
};

struct template_ds {
	char name[20];		/* as rrdtool knows it */
	enum ds_source source;
	uint32_t key;		/* DS_COUNT: of the cell; of block lists that of word 0 */
	enum cell_fact of, by;	/* DS_SHARE: times scale */
	double scale;
	enum metric metric;	/* DS_GAUGE */
	uint32_t hist;		/* DS_QUANTILE: CELL_DELAY or CELL_DELAY_TOTAL */
	double q;		/* 0..1; 1 is the maximum */
};

struct template_rra {
	bool max;		/* MAX, else AVERAGE */
	unsigned step_s;	/* divides a day, so that each begins with one */
	unsigned rows;
	double xff;		/* share that may be unknown */
};

/* DRAW_MARK: no curve, but a mark at the upper edge wherever it is above 0. */
enum draw_as { DRAW_AREA, DRAW_STACK, DRAW_LINE, DRAW_MARK };

struct template_draw {
	enum draw_as as;
	char colour[7];		/* "0072B2" */
	const char *legend;
	bool right;		/* by the axis on the right: lines alone */
	unsigned width;		/* of a line, in pixels */
	const unsigned *ds;	/* what is added up: places in template.ds */
	size_t n;
};

struct template_graph {
	const char *name;	/* part of the picture's file name */
	const char *title;
	const char *unit;	/* of the axis: "recipients/min" */
	const char *right;	/* what the axis on the right is of; "": it has none of its own */
	unsigned per_s;		/* counts are drawn per so many seconds, */
	unsigned divide;	/* and divided by this: bytes as kB */
	bool log_scale;
	const struct template_draw *draw;
	size_t n;
};

struct template {
	const char *name;	/* of the file, less .conf */
	const char *title;
	long order;		/* on the page */
	const struct template_ds *ds;
	const struct template_rra *rra;
	const struct template_graph *graph;
	size_t n_ds, n_rra, n_graph;
	bool sampled;		/* all of it is gauges: only for hosts that have any */
	bool lists;		/* a file for each block list: NAME-ZONE.rrd */
};

/* By order, then by name. */
struct templates {
	struct template *t;
	size_t n;
	struct arena memory;
};

/* Where the templates are: given, if it is not NULL; else beside the program, where they
 * were installed or built. Fills dir. False and *e if there are none. */
bool templates_find(const char *given, char *dir, size_t size, struct err *e);

/* Read all of dir. False and "FILE:LINE: what is wrong" if one does not make sense;
 * *t is then empty. */
bool templates_load(const char *dir, struct templates *t, struct err *e);
void templates_free(struct templates *t);

#endif
