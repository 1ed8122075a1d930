/* quantity.h - numbers with units, as administrators write and read them.
 *
 * A measurement has one of these units: "" (a count), "%", "s", "B" (bytes), "c"
 * (a counter), "/min" (a rate). What is typed may carry a finer or coarser one of the same
 * sort: 500ms, 5m, 2h, 8d for "s"; KB MB GB TB (powers of 1000) and KiB MiB GiB TiB
 * (powers of 1024) for "B"; 50/min, 2/s for "/min"; a plain number is in the unit itself. */
#ifndef MX_QUANTITY_H
#define MX_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "slice.h"

/* Stands for every unit: to look at the form of a number before it is known
 * what will be measured with it. */
extern const char quantity_any[];

/* The whole of s as a number in unit: sign, digits, point, exponent, suffix.
 * False and *e for anything else, and for what is beyond 1e15. */
bool quantity_parse(struct slice s, const char *unit, double *v, struct err *e);

/* For machines: point, no exponent, no superfluous zeros, at least the given number of
 * significant digits. v is finite. */
void quantity_plain(struct buf *b, double v, int digits);

/* For people: "12,345", "93.4%", "341 ms", "15 min", "1.5 MB". */
void quantity_people(struct buf *b, double v, const char *unit);

/* "12,345" */
void quantity_count(struct buf *b, int64_t n);

#endif
