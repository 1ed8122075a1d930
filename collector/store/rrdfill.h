/* rrdfill.h - a new RRD, filled in place: for store/rrdmake.c alone.
 *
 * librrd makes the head of the file. Its rows are put here: librrd sets each number of a new
 * file to unknown by itself, and reads each value as text, which took longer than all else
 * that RRDs cost. What is in the file is what librrd would have made of the same minutes, the
 * preparation areas included, so that it can go on with it. */
#ifndef MX_RRDFILL_H
#define MX_RRDFILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "store/rrdfile.h"
#include "store/template.h"

/* Open a file that librrd just made for the template with one row in each RRA, and give
 * it all its rows: unknown. It must end at a midnight UTC, where rows of all RRAs do. */
bool rrdfill_open(struct rrdfile *f, const char *path, const struct template *t, struct err *e);

/* The minute after the last: a value for each data source, NAN where it is unknown. What is
 * in v afterwards is of no use. */
void rrdfill_minute(struct rrdfile *f, double *v);
/* All minutes before this one are unknown. */
void rrdfill_unknown(struct rrdfile *f, int64_t to);
/* Where the last value of a data source stands, as text of at most 29 bytes and a zero. */
char *rrdfill_last(struct rrdfile *f, size_t ds);

#endif
