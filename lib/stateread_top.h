/* stateread_top.h - the state's top tables one by one, each with its error: for sums that
 * stateread_top() cannot make. */
#ifndef MX_STATEREAD_TOP_H
#define MX_STATEREAD_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "stateread.h"
#include "toplist.h"

/* Call f for each table of those kinds (bits: 1 << kind) in hours from <= hour < to, in order of hour,
 * of one host or of all (STATEREAD_FARM), until it says false. A table that is damaged is left out.
 * False and *e: the state cannot be read. */
typedef bool stateread_table_fn(void *arg, int host, int64_t hour, enum top_kind kind,
    struct toplist_reader *table);
bool stateread_tables(struct stateread *r, int host, int64_t from, int64_t to, unsigned kinds,
    stateread_table_fn *f, void *arg, struct err *e);

/* Append to b what is kept of the farm under that kind. False: nothing is. */
bool stateread_kept(struct stateread *r, enum top_kind kind, struct buf *b);

#endif
