/* columns.h - minute cells laid out as the data sources of all RRDs of a host want them.
 *
 * One row a minute, one column a data source, for a bounded stretch of time: so
 * that the cells are read once for all RRDs of a host. */
#ifndef MX_COLUMNS_H
#define MX_COLUMNS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "stateread.h"
#include "store/template.h"

enum { COLUMNS_MINUTES = 1440 };

/* What a run of check_dnsbl found holds so long unless another comes: an hour between two, and some
 * to spare. */
enum { COLUMNS_HOLD = 90 };

/* Gives f each minute from <= minute < to that has a cell, as stateread_minutes does. */
typedef bool columns_source_fn(void *arg, int64_t from, int64_t to, stateread_minute_fn *f,
    void *f_arg, struct err *e);

struct columns_file {
	const struct template *t;
	uint32_t word;		/* of a template of block lists: which */
	bool found;		/* check_dnsbl told of it: there may be something to hold */
};

/* Where a value comes from, and where it goes. */
struct column {
	uint32_t key;		/* DS_COUNT: in the cell */
	uint32_t word;		/* of its file */
	size_t at;		/* in a row */
	const struct template_ds *ds;
};

struct columns {
	struct columns_file *file;
	size_t n;		/* files */
	size_t width;		/* of a row: data sources of all files */
	struct column *column;	/* all: first the n_counts that are DS_COUNT, by key */
	size_t n_counts;
	size_t *first;		/* the first column of each file */
	size_t width_cap, n_cap;
	int64_t from, to;	/* the minutes that are loaded */
	double *value;		/* NAN: unknown; not filled for a silent day */
	bool holds;		/* some columns are DS_SHARE: */
	double *last;		/* what is known of each column, */
	int64_t *last_at;	/* and of which minute */
	uint32_t cells;		/* how many of the minutes have one */
	bool has_cell[COLUMNS_MINUTES];	/* which, where cells > 0 */
	bool watched;		/* one of them has more than lines that were too late */
	bool silent;		/* a whole day of UTC without one: nobody watched */
};

/* From here on columns of these files. Begin with a struct of zeros. */
void columns_shape(struct columns *c, const struct columns_file *file, size_t n);
void columns_free(struct columns *c);

/* Where the stretch that begins at from ends: at midnight UTC, or at to. */
static inline int64_t
columns_end(int64_t from, int64_t to)
{
	int64_t midnight = (from / COLUMNS_MINUTES + 1) * COLUMNS_MINUTES;

	return midnight < to ? midnight : to;
}

/* Load from <= minute < to, at most COLUMNS_MINUTES. Counts without a cell are 0, gauges
 * and quantiles unknown; the source is also asked for the minutes before that shares hold from. On a day
 * of UTC without any cell, or with those alone of lines that were too late, minutes without one are
 * unknown: so a stray line of long ago costs no years of zeros. watched: it had one, though the source has it no more. */
bool columns_load(struct columns *c, int64_t from, int64_t to, bool watched, columns_source_fn *source,
    void *arg, struct err *e);

/* Column k of a file. */
static inline double
columns_value(const struct columns *c, size_t file, int64_t minute, size_t k)
{
	return c->silent ? NAN :
	    c->value[(size_t)(minute - c->from) * c->width + c->first[file] + k];
}

#endif
